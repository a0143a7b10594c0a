//! The group's coordinator dies while positions are being committed: librdkafka's call never returns (librdkafka#5456).
//!
//! On its mock brokers, which can be told which of them coordinates what. The same on real ones: `e2e::cluster::broker`.

use super::{
    KafkaConfig, Security, client,
    client::{Ear, Health, Topics},
    ends::Ends,
    gates::Gates,
    owned::Owned,
    producer::{Limits, Transactor},
    publisher::Publisher,
    records::Outgoing,
    sender::Sender,
    shared::Shared,
    shelf::Shelf,
    writer::{Work, Writer},
};
use crate::{CommitOutcome, Consumed};
use parking_lot::{Mutex, RwLock};
use rdkafka::{
    mocking::{MockCluster, MockCoordinator},
    producer::DefaultProducerContext,
};
use schemas::{ShardCount, ShardId, Topic};
use std::{sync::Arc, time::Duration};

const SHARD: ShardId = ShardId(0);
const STEP: Duration = Duration::from_secs(1);

type Brokers = MockCluster<'static, DefaultProducerContext>;

fn shared(brokers: &Brokers) -> Arc<Shared> {
    let config = KafkaConfig {
        brokers: brokers.bootstrap_servers(),
        namespace: "stuck".to_owned(),
        security: Security::default(),
        instance: None,
        allow_unsafe: true,
    };
    let topics = Arc::new(Topics::new(&config, ShardCount::new(1).expect("a count"), 1));
    for topic in Topic::ALL {
        brokers.create_topic(&config.topic(topic), 1, 3).expect("a topic");
    }
    let health = Health::reachable();
    let ear = || Ear { health: Arc::clone(&health) };
    Arc::new(Shared {
        limits: Limits { begin: Duration::from_secs(30), step: STEP, transaction: Duration::from_secs(30) },
        source: schemas::cloud_event::source(&config.namespace),
        ends: Ends::start(&config, &topics, &health).expect("who asks"),
        sender: Sender::start(config.client(), ear(), Duration::ZERO).expect("a sender"),
        publisher: Publisher::new(config.client(), ear()),
        gates: Gates::new(topics.shards, 8),
        config,
        topics,
        health,
        owners: Mutex::default(),
        fenced: Mutex::default(),
        sinks: RwLock::default(),
        closing: false.into(),
    })
}

fn letter(commands: u64) -> Work {
    let record = Outgoing::plain(Topic::DeadLetters, SHARD.0, "key".to_owned(), Some(b"{}".to_vec()));
    Work { records: vec![record], consumed: Some(Consumed { commands, internal: 0 }), ..Work::default() }
}

#[test]
fn a_transaction_whose_call_does_not_return_is_given_up_and_keeps_nobody() {
    let brokers = Brokers::new(3).expect("brokers");
    let shared = shared(&brokers);
    let group = client::processors(&shared.config);
    brokers.coordinator(MockCoordinator::Group(group), 1).expect("a coordinator");
    brokers.coordinator(MockCoordinator::Transaction("stuck.shard-0".to_owned()), 2).expect("a coordinator");
    brokers.partition_leader(&shared.config.topic(Topic::DeadLetters), 0, Some(3)).expect("a leader");
    let transactor = Transactor::start(&shared.config, &shared.health, &shared.topics, SHARD, shared.limits);
    let owned = Arc::new(Owned::take(&shared, SHARD));
    let group = shared.ends.group().expect("a group");
    let transactor = transactor.expect("the shard is free");
    let writer = Writer::start(&owned, transactor, group, Shelf::default()).expect("a thread");
    writer.hand_over(letter(1));
    assert_eq!(writer.settle(), CommitOutcome::Committed, "as long as all brokers live");

    brokers.broker_down(1).expect("it dies");
    writer.hand_over(letter(2));
    assert_eq!(writer.settle(), CommitOutcome::Indefinite);
    assert_eq!(writer.hand_over(letter(3)), CommitOutcome::Indefinite, "nothing more is written");
    assert!(!owned.is_lost(), "the lease is told that the log is out of reach, not that another owner has the shard");
    drop(writer);
    assert!(owned.is_lost());
    assert!(shared.owners.lock().is_empty(), "what its thread still has says nothing of the shard any more");
}
