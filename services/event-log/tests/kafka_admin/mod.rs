//! The list of topics, and what makes a cluster agree with it.

mod apply;
mod check;
mod config;
mod list;
mod plan;
mod security;

use event_log::kafka::{
    KafkaConfig,
    admin::{Copies, Existing, Options, Wanted, topics, wanted},
};
use schemas::ShardCount;

/// What one broker can keep.
const ONE: Copies = Copies { replication: 1, min_isr: 1 };

fn shards(count: u32) -> ShardCount {
    ShardCount::new(count).expect("a number of shards")
}

fn options(count: u32, copies: Copies) -> Options {
    Options { shards: shards(count), copies, dry_run: false }
}

/// What the list wants of a cluster of four shards.
fn wanted_topics(config: &KafkaConfig) -> Vec<Wanted> {
    wanted(topics(), config, shards(4), Copies::default())
}

/// A cluster that has exactly that.
fn existing_topics(config: &KafkaConfig) -> Vec<Existing> {
    let existing = wanted_topics(config).into_iter().map(|topic| Existing {
        name: topic.name,
        partitions: topic.partitions,
        replication: topic.replication,
        settings: topic.settings,
    });
    existing.collect()
}

fn set(topic: &mut Existing, setting: &str, value: &str) {
    topic.settings.insert(setting.to_owned(), value.to_owned());
}
