//! One owner a shard, also among processes.

use super::Kafka;
use crate::world::{LONG, World, command, events, lease, read, seqs, take_all};
use event_log::{Batch, CommitOutcome, EventLog, LogError, NewSnapshot, kafka::KafkaLog};
use rdkafka::producer::{BaseRecord, Producer};
use schemas::{ShardId, Topic};

#[test]
fn a_second_process_fences_the_first_which_leaves_nothing() {
    let mut world = Kafka::new();
    let (first, second) = (world.open(), world.another());
    let mut zombie = lease(&*first, 1);
    assert_eq!(zombie.commit(events(&*zombie, [1])), CommitOutcome::Committed);
    let mut owner = lease(&*second, 1);
    assert!(owner.epoch() > zombie.epoch());

    let snapshots = vec![NewSnapshot { key: "item/a".to_owned(), value: Some(vec![1]) }];
    let batch = Batch { internal: vec![command(2, 1)], snapshots, ..events(&*zombie, [2]) };
    assert_eq!(zombie.commit(batch.clone()), CommitOutcome::Fenced);
    assert_eq!(zombie.commit(batch), CommitOutcome::Fenced);
    assert!(matches!(zombie.consume_from(zombie.consumed()), Err(LogError::Fenced)));
    assert_eq!(seqs(&read(&*second, Topic::InventoryEvents, 1)), [1]);
    assert!(read(&*second, Topic::Snapshots, 1).is_empty());
    assert!(take_all(&mut *lease(&*second, 2)).is_empty());

    drop(zombie);
    assert_eq!(owner.commit(events(&*owner, [2])), CommitOutcome::Committed);
    assert_eq!(seqs(&read(&*second, Topic::InventoryEvents, 1)), [1, 2]);
}

#[test]
fn what_a_dead_owner_left_open_is_ended_before_the_next_one_reads() {
    let mut world = Kafka::new();
    let log = world.open();
    let id = format!("{}.shard-1", world.options.config.namespace);
    let dead = world.stranger(&[("transactional.id", &id), ("transaction.timeout.ms", "60000")]);
    dead.init_transactions(LONG).unwrap();
    dead.begin_transaction().unwrap();
    let topic = world.topic(Topic::InventoryEvents);
    dead.send(BaseRecord::to(&topic).partition(1).key("sku-1").payload("{}")).unwrap();
    dead.flush(LONG).unwrap();

    let mut owner = lease(&*log, 1);
    assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Committed);
    let records = read(&*log, Topic::InventoryEvents, 1);
    assert_eq!(seqs(&records), [1]);
    assert!(records[0].offset > 1, "the dead owner's record and its end stand before");
    assert!(dead.commit_transaction(LONG).is_err());
}

#[test]
fn the_end_is_behind_the_newest_record_and_not_behind_the_markers() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = lease(&*log, 1);
    for seq in 1..=3 {
        assert_eq!(owner.commit(events(&*owner, [seq])), CommitOutcome::Committed);
    }
    let newest = read(&*log, Topic::InventoryEvents, 1)[2].offset;
    assert_eq!(log.end(Topic::InventoryEvents, 1).unwrap(), newest + 1);
    // By now it can be read, and so seen by all.
    assert_eq!(other.end(Topic::InventoryEvents, 1).unwrap(), newest + 1);
    // Leases and what they leave in the topic are none of its records.
    drop(lease(&*other, 2));
    assert_eq!(other.end(Topic::Snapshots, 2).unwrap(), 0);
}

#[test]
fn epochs_rise_among_processes_that_write_nothing() {
    let world = Kafka::new();
    let mut epochs = Vec::new();
    for _ in 0..3 {
        epochs.push(world.another().acquire(ShardId(3)).unwrap().epoch());
    }
    assert_eq!(epochs, [1, 2, 3]);
}

#[test]
fn a_cluster_of_the_test_clock_needs_the_test_clock() {
    let mut world = Kafka::new();
    world.options.test_clock = true;
    drop(world.another());
    drop(world.another());
    world.options.test_clock = false;
    let refusal = KafkaLog::open(world.options.clone()).err();
    assert!(
        matches!(&refusal, Some(LogError::Mismatch(text)) if text.contains("created with --test-clock")),
        "{refusal:?}"
    );
}
