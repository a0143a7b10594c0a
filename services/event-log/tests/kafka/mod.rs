//! What only the log on Kafka promises.

mod faults;
mod fencing;
mod positions;
mod published;
mod records;
mod sharing;
mod shortcut;

use crate::world::{LONG, World, shards};
use event_log::{
    EventLog,
    kafka::{
        KafkaConfig, KafkaLog, KafkaOptions,
        admin::{self, Copies, Options},
    },
};
use rdkafka::producer::{DefaultProducerContext, ThreadedProducer};
use schemas::Topic;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A namespace of its own on the brokers that all tests share.
pub struct Kafka {
    pub options: KafkaOptions,
    log: Option<Arc<KafkaLog>>,
}

/// A namespace that nobody else has, on brokers that may lose what they acknowledged: there is one.
pub fn config(brokers: &str) -> KafkaConfig {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    KafkaConfig { namespace, allow_unsafe: true, ..KafkaConfig::new(brokers) }
}

impl Kafka {
    pub fn new() -> Self {
        Self::on(engines::kafka().bootstrap())
    }

    /// On these brokers.
    pub fn on(brokers: &str) -> Self {
        let config = config(brokers);
        let copies = Copies { replication: 1, min_isr: 1 };
        let applied = admin::apply(&config, Options { shards: shards(), copies, dry_run: false }).unwrap();
        assert!(applied.applied, "{applied:?}");
        Self { options: KafkaOptions::new(config), log: None }
    }

    /// The full name of a topic.
    pub fn topic(&self, topic: Topic) -> String {
        self.options.config.topic(topic)
    }

    /// A producer that is none of ours.
    pub fn stranger(&self, settings: &[(&str, &str)]) -> ThreadedProducer<DefaultProducerContext> {
        let mut client = self.options.config.client();
        for (key, value) in settings {
            client.set(*key, *value);
        }
        client.create().unwrap()
    }

    /// Another process on the same namespace.
    pub fn another(&self) -> Arc<KafkaLog> {
        KafkaLog::open(self.options.clone()).unwrap()
    }
}

impl World for Kafka {
    fn open(&mut self) -> Arc<dyn EventLog> {
        let log = self.another();
        self.log = Some(Arc::clone(&log));
        log
    }

    fn open_again(&mut self) -> Arc<dyn EventLog> {
        self.log.clone().unwrap()
    }

    fn settle(&self) {
        assert!(self.log.as_ref().unwrap().flush(LONG), "commands or answers are still on their way");
    }

    fn close(&mut self) {
        self.log.take().unwrap().close();
    }

    fn is_embedded(&self) -> bool {
        false
    }
}
