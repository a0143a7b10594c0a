//! How far commands have been consumed, and what stands in for that where it was forgotten.

use super::{Kafka, records::delete_before};
use crate::world::{LONG, World, command, events, lease, numbers, take, take_all};
use event_log::{Batch, CommitOutcome, Consumed, EventLog, NewSnapshot};
use schemas::{ShardId, Topic};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Makes the brokers forget the positions, as they do when nobody consumed for a week.
fn forget(world: &Kafka) {
    forget_some(world, &["--delete"]);
}

fn forget_some(world: &Kafka, which: &[&str]) {
    let group = format!("{}.processor", world.options.config.namespace);
    let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let brokers = &world.options.config.brokers;
    let arguments = [&["--bootstrap-server", brokers.as_str(), "--group", &group], which].concat();
    let told = engines::kafka_tool(class, &arguments);
    assert!(told.status.success(), "{told:?}");
}

#[test]
fn positions_of_both_topics_are_committed_with_the_batch() {
    let mut world = Kafka::new();
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let batch = Batch { internal: vec![command(2, 10), command(2, 11)], ..events(&*sender, [1]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    for n in 1..=3 {
        log.submit(command(2, n)).unwrap();
    }
    world.settle();
    let mut owner = lease(&*log, 2);
    assert_eq!(take(&mut *owner, 100).commands.len(), 5);
    let consumed = Consumed { commands: owner.consumed().commands + 2, internal: owner.consumed().internal + 1 };
    assert_eq!(owner.commit(Batch { consumed, ..events(&*owner, [1]) }), CommitOutcome::Committed);
    // A lower one changes nothing.
    assert_eq!(owner.commit(Batch { consumed: Consumed::default(), ..events(&*owner, [2]) }), CommitOutcome::Committed);
    let other = world.another();
    let mut next = lease(&*other, 2);
    assert_eq!(next.consumed(), consumed);
    let mut rest = take_all(&mut *next);
    rest.sort_unstable();
    assert_eq!(rest, [3, 11]);
}

#[test]
fn a_shard_that_was_never_owned_begins_with_the_oldest_commands() {
    let mut world = Kafka::new();
    let log = world.open();
    for n in 1..=3 {
        log.submit(command(1, n)).unwrap();
    }
    world.settle();
    // Its first owner takes none of them: that it was owned is known, and how far it came.
    drop(lease(&*log, 1));
    assert_eq!(take_all(&mut *lease(&*log, 1)), [1, 2, 3]);
}

#[test]
fn where_positions_are_forgotten_only_internal_commands_are_read_again() {
    let mut world = Kafka::new();
    {
        let log = world.open();
        let mut sender = lease(&*log, 1);
        let batch = Batch { internal: (10..13).map(|n| command(2, n)).collect(), ..events(&*sender, [1]) };
        assert_eq!(sender.commit(batch), CommitOutcome::Committed);
        log.submit(command(2, 1)).unwrap();
        world.settle();
        let mut owner = lease(&*log, 2);
        let taken = take(&mut *owner, 100);
        assert_eq!(taken.commands.len(), 4);
        let mut consumed = owner.consumed();
        taken.commands.iter().for_each(|received| consumed.pass(received.source));
        assert_eq!(owner.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
        // What this client asks will be refused to it as unknown, and may not be granted later.
        log.submit(command(2, 2)).unwrap();
        world.settle();
    }
    world.close();
    forget(&world);
    let log = world.open();
    let mut next = log.acquire(ShardId(2)).unwrap();
    assert_eq!(next.consumed(), Consumed { commands: 2, internal: 0 });
    next.consume_from(next.consumed()).unwrap();
    let other = world.another();
    other.submit(command(2, 3)).unwrap();
    assert!(other.flush(LONG));
    let mut taken = numbers(&take(&mut *next, 100).commands);
    taken.sort_unstable();
    assert_eq!(taken, [3, 10, 11, 12]);

    // A checkpoint may know better.
    next.consume_from(Consumed { commands: 2, internal: 3 }).unwrap();
    assert_eq!(take_all(&mut *next), [3]);
}

#[test]
fn where_only_that_of_internal_commands_is_forgotten_clients_commands_begin_with_the_oldest_left() {
    let mut world = Kafka::new();
    // Its first owner notes both.
    drop(lease(&*world.open(), 2));
    world.close();
    forget_some(&world, &["--delete-offsets", "--topic", &world.topic(Topic::InternalCommands)]);
    let log = world.open();
    for n in 1..=3 {
        log.submit(command(2, n)).unwrap();
    }
    world.settle();
    delete_before(&world, Topic::Commands, 2, 2);
    let mut next = lease(&*log, 2);
    assert_eq!(next.consumed(), Consumed { commands: 2, internal: 0 });
    assert_eq!(take_all(&mut *next), [3]);
}

#[test]
fn a_batch_with_snapshots_says_for_ever_how_far_internal_commands_were_consumed() {
    let mut world = Kafka::new();
    {
        let log = world.open();
        let mut sender = lease(&*log, 1);
        let batch = Batch { internal: (10..14).map(|n| command(2, n)).collect(), ..events(&*sender, [1]) };
        assert_eq!(sender.commit(batch), CommitOutcome::Committed);
        let mut owner = lease(&*log, 2);
        assert_eq!(take(&mut *owner, 3).commands.len(), 3);
        let consumed = Consumed { internal: owner.consumed().internal + 3, ..owner.consumed() };
        let snapshots = vec![NewSnapshot { key: "checkpoint".to_owned(), value: Some(vec![1]) }];
        assert_eq!(owner.commit(Batch { consumed, snapshots, ..Batch::default() }), CommitOutcome::Committed);
    }
    world.close();
    forget(&world);
    let log = world.open();
    assert_eq!(take_all(&mut *lease(&*log, 2)), [13]);
}

#[test]
fn a_shard_that_always_has_more_to_do_is_told_now_and_then_that_the_clock_may_go_on() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    // With one that keeps up, and with one that falls behind more and more; by the log, and in memory.
    let paces = [(1, 256, Duration::from_micros(500)), (2, 2, Duration::from_millis(2))];
    let senders: [&dyn EventLog; 2] = [&*other, &*log];
    for (sender, (shard, max, every)) in senders.into_iter().flat_map(|sender| paces.map(|pace| (sender, pace))) {
        let mut owner = lease(&*log, shard);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    sender.submit(command(shard, n)).unwrap();
                    std::thread::sleep(every);
                }
            });
            let (mut consumed, mut busy, until) = (owner.consumed(), 0, Instant::now() + LONG);
            while busy < 3 {
                let polled = owner.poll(max, Duration::from_millis(50)).unwrap();
                busy += u32::from(polled.drained && !polled.commands.is_empty());
                polled.commands.iter().for_each(|received| consumed.pass(received.source));
                assert_eq!(owner.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
                assert!(Instant::now() < until, "its clock stands still");
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
