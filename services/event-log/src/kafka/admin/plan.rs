//! What must change so that a cluster's topics are as they should be. Pure: nothing here talks to a cluster.

use super::list::{Partitions, TopicList};
use crate::kafka::KafkaConfig;
use schemas::ShardCount;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// How many brokers must have acknowledged a record, by Kafka's name.
pub(super) const MIN_ISR: &str = "min.insync.replicas";

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, with the namespace.
    pub name: String,
    /// How many partitions it needs.
    pub partitions: u32,
    /// Whether they are the shards: neither more nor fewer will do.
    pub per_shard: bool,
    /// How many copies of it there are.
    pub replication: u32,
    /// Its settings, by Kafka's names.
    pub settings: BTreeMap<String, String>,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Its name, with the namespace.
    pub name: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// The copies of the partition that has the fewest.
    pub replication: u32,
    /// What holds for it, by Kafka's names, wherever it was set.
    pub settings: BTreeMap<String, String>,
}

/// A step towards what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum Change {
    /// A new topic.
    Create {
        /// Its name.
        topic: String,
        /// How many partitions it gets.
        partitions: u32,
        /// How many copies.
        replication: u32,
        /// Its settings.
        settings: BTreeMap<String, String>,
    },
    /// More partitions: services that run learn of them when they are started again.
    Grow {
        /// The topic.
        topic: String,
        /// How many it has.
        from: u32,
        /// How many it gets.
        to: u32,
    },
    /// Another value of a setting.
    Set {
        /// The topic.
        topic: String,
        /// The setting, by Kafka's name.
        setting: String,
        /// What holds now; `None` where the brokers do not tell.
        from: Option<String>,
        /// What will.
        to: String,
    },
    /// What cannot be changed here: as long as one stands, nothing else is changed either.
    Refuse {
        /// The topic.
        topic: String,
        /// What is in the way, and what to do.
        reason: String,
    },
}

impl Change {
    /// The topic that it changes.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::Create { topic, .. }
            | Self::Grow { topic, .. }
            | Self::Set { topic, .. }
            | Self::Refuse { topic, .. } => topic,
        }
    }

    /// Whether it says that something cannot be changed.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refuse { .. })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { partitions, replication, .. } => {
                write!(f, "create: {partitions} partitions, replication {replication}")
            }
            Self::Grow { from, to, .. } => write!(f, "partitions: {from} -> {to}"),
            Self::Set { setting, from, to, .. } => write!(f, "{setting}: {} -> {to}", from.as_deref().unwrap_or("?")),
            Self::Refuse { reason, .. } => f.write_str(reason),
        }
    }
}

/// How topics are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies {
    /// How many copies there are of each partition.
    pub replication: u32,
    /// How many of them must have a record before it is acknowledged.
    pub min_isr: u32,
}

impl Default for Copies {
    /// Three, two of which acknowledge: one broker may fail and writing goes on, and nothing is lost.
    fn default() -> Self {
        Self { replication: 3, min_isr: 2 }
    }
}

/// The topics of a list, for a cluster.
#[must_use]
pub fn wanted(list: &TopicList, config: &KafkaConfig, shards: ShardCount, copies: Copies) -> Vec<Wanted> {
    let wanted = list.topics.iter().map(|entry| {
        let mut settings = list.settings(entry);
        settings.insert(MIN_ISR.to_owned(), copies.min_isr.to_string());
        Wanted {
            name: config.topic(entry.topic),
            partitions: entry.partitions.count(shards),
            per_shard: entry.partitions == Partitions::PerShard,
            replication: copies.replication,
            settings,
        }
    });
    wanted.collect()
}

/// What must change, by topic, in the order of `wanted`. Topics that nobody wants are left alone.
#[must_use]
pub fn plan(existing: &[Existing], wanted: &[Wanted]) -> Vec<Change> {
    let changes = wanted.iter().flat_map(|wanted| match existing.iter().find(|topic| topic.name == wanted.name) {
        Some(existing) => differences(existing, wanted),
        None => vec![Change::Create {
            topic: wanted.name.clone(),
            partitions: wanted.partitions,
            replication: wanted.replication,
            settings: wanted.settings.clone(),
        }],
    });
    changes.collect()
}

fn differences(existing: &Existing, wanted: &Wanted) -> Vec<Change> {
    let topic = || wanted.name.clone();
    let mut changes = Vec::new();
    let (has, needs) = (existing.partitions, wanted.partitions);
    if wanted.per_shard && has != needs {
        let reason =
            format!("has {has} partitions, needs {needs}: the number of shards is fixed when the cluster is created");
        changes.push(Change::Refuse { topic: topic(), reason });
    } else if has < needs {
        changes.push(Change::Grow { topic: topic(), from: has, to: needs });
    }
    // More copies than asked for are no harm.
    if existing.replication < wanted.replication {
        let (has, needs) = (existing.replication, wanted.replication);
        let reason = format!(
            "has replication {has}, needs {needs}: give it more copies with Kafka's kafka-reassign-partitions.sh"
        );
        changes.push(Change::Refuse { topic: topic(), reason });
    }
    for (setting, to) in &wanted.settings {
        let from = existing.settings.get(setting);
        if from != Some(to) {
            changes.push(Change::Set { topic: topic(), setting: setting.clone(), from: from.cloned(), to: to.clone() });
        }
    }
    changes
}
