//! Brokers that stop, freeze and come back.

use super::Kafka;
use crate::world::{LONG, Sink, World, command, events, lease, read, reply, seqs, take_all};
use engines::KafkaCluster;
use event_log::{Batch, CommitOutcome, EventLog, Lease, LogError, ReadFrom, SubmitError};
use schemas::{ShardId, Topic};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Brokers of a test's own, that it may freeze.
pub(super) fn alone() -> (KafkaCluster, Kafka) {
    let cluster = KafkaCluster::start(1);
    let mut world = Kafka::on(&cluster.bootstrap());
    world.options.step = Duration::from_secs(1);
    (cluster, world)
}

/// Takes the shard as soon as that can be done.
fn take_again(log: &dyn EventLog, shard: u32) -> Box<dyn Lease> {
    let until = Instant::now() + LONG * 3;
    loop {
        match log.acquire(ShardId(shard)) {
            Ok(lease) => return lease,
            Err(LogError::Unavailable(why)) => assert!(Instant::now() < until, "{why}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn whatever_became_of_an_indefinite_commit_the_next_owner_finds_it() {
    let (cluster, mut world) = alone();
    let log = world.open();
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut owner = lease(&*log, 1);
    let (mut next, mut indefinite) = (1, 0);
    for micros in [0, 1_000, 2_000, 3_000, 4_000, 6_000] {
        let batch = Batch { replies: vec![reply(node, next)], ..events(&*owner, [next, next + 1]) };
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(micros));
                cluster.pause(0);
            });
            owner.commit(batch)
        });
        if outcome == CommitOutcome::Indefinite {
            indefinite += 1;
            let again = owner.commit(events(&*owner, [next + 2]));
            assert_eq!(again, CommitOutcome::Indefinite, "that producer is not used again");
        }
        cluster.resume(0);
        drop(owner);
        owner = take_again(&*log, 1);
        let found = seqs(&read(&*log, Topic::InventoryEvents, 1));
        assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>());
        let committed = found.len() as u64 == next + 1;
        assert!(committed || found.len() as u64 == next - 1, "half of a batch: {found:?} after {next}");
        match outcome {
            CommitOutcome::Committed => assert!(committed, "{micros}: it was committed, and is not there"),
            CommitOutcome::Aborted => assert!(!committed, "{micros}: it was aborted, and is there"),
            CommitOutcome::Indefinite => {}
            CommitOutcome::Fenced => panic!("nobody else had the shard"),
        }
        if committed {
            next += 2;
        }
    }
    assert!(indefinite > 0, "every commit knew its end");
}

#[test]
fn what_was_handed_over_and_not_written_is_told_and_nothing_follows_it() {
    let (cluster, mut world) = alone();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    owner.consume_from(owner.consumed()).unwrap();
    assert_eq!(owner.hand_over(events(&*owner, [1])), CommitOutcome::Committed);
    assert_eq!(owner.commit(Batch::default()), CommitOutcome::Committed);
    cluster.pause(0);
    for seq in 2..=4 {
        assert_eq!(owner.hand_over(events(&*owner, [seq])), CommitOutcome::Committed, "nobody can know yet");
    }
    assert!(!owner.is_durable());
    let until = Instant::now() + LONG * 3;
    while owner.poll(10, Duration::from_millis(50)).is_ok() {
        assert!(Instant::now() < until, "it is never told");
    }
    assert_ne!(owner.hand_over(events(&*owner, [5])), CommitOutcome::Committed);
    cluster.resume(0);
    drop(owner);
    let mut next = take_again(&*log, 1);
    let found = seqs(&read(&*log, Topic::InventoryEvents, 1));
    assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>());
    assert!(found.len() <= 4, "{found:?}");
    let first = found.len() as u64 + 1;
    assert_eq!(next.commit(events(&*next, [first])), CommitOutcome::Committed);
}

#[test]
fn clients_are_refused_while_no_broker_answers() {
    let (cluster, mut world) = alone();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let wait = |expected: Result<(), SubmitError>| {
        let until = Instant::now() + LONG;
        while log.writable() != expected {
            assert!(Instant::now() < until, "still not {expected:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    cluster.pause(0);
    wait(Err(SubmitError::Unavailable));
    assert_eq!(log.submit(command(1, 1)), Err(SubmitError::Unavailable));
    // Who consumes waits: nothing is known, so nothing is drained.
    let polled = owner.poll(10, Duration::ZERO).unwrap();
    assert!(polled.commands.is_empty() && !polled.drained && !polled.closed, "{polled:?}");
    cluster.resume(0);
    wait(Ok(()));
    log.submit(command(1, 2)).unwrap();
    world.settle();
    assert_eq!(take_all(&mut *owner), [2]);
}

#[test]
fn a_broker_that_restarts_is_found_again() {
    let (cluster, mut world) = alone();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let mut reader = log.reader(&[ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset: 0 }]).unwrap();
    assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Committed);
    assert_eq!(seqs(&reader.poll(1, LONG).unwrap()), [1]);
    cluster.kill(0);
    cluster.restart(0);
    let mut outcome = owner.commit(events(&*owner, [2]));
    if outcome != CommitOutcome::Committed {
        assert!(read(&*log, Topic::InventoryEvents, 1).len() < 2 || outcome == CommitOutcome::Indefinite);
        owner = take_again(&*log, 1);
        if read(&*log, Topic::InventoryEvents, 1).len() < 2 {
            outcome = owner.commit(events(&*owner, [2]));
            assert_eq!(outcome, CommitOutcome::Committed);
        }
    }
    let mut more = Vec::new();
    let until = Instant::now() + LONG;
    while more.is_empty() && Instant::now() < until {
        match reader.poll(1, LONG) {
            Ok(records) => more = records,
            Err(LogError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(seqs(&more), [2]);
}
