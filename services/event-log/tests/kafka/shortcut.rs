//! Commands to shards of the same process do not go by the log.

use super::Kafka;
use crate::world::{LONG, Sink, World, command, lease, numbers, read, reply, take, take_all};
use event_log::{Batch, CommandSource, CommitOutcome, EventLog, Lease, Received, SubmitError};
use rdkafka::producer::{BaseRecord, Producer};
use schemas::{ShardId, Topic};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A lease that takes commands in memory.
fn open(log: &dyn EventLog, shard: u32) -> Box<dyn Lease> {
    let mut owner = lease(log, shard);
    assert_eq!(take_all(&mut *owner), [0_u32; 0]);
    owner
}

/// How many commands of clients stand in the log.
fn stands(log: &dyn EventLog, shard: u32) -> usize {
    // Ends of topics that others write to are told a moment late.
    std::thread::sleep(Duration::from_millis(100));
    read(log, Topic::Commands, shard).len()
}

fn is_local(received: &Received) -> bool {
    received.source == CommandSource::Memory
}

/// Commits that these were taken.
fn pass(owner: &mut dyn Lease, taken: &[Received]) -> CommitOutcome {
    let mut consumed = owner.consumed();
    taken.iter().for_each(|received| consumed.pass(received.source));
    owner.commit(Batch { consumed, ..Batch::default() })
}

#[test]
fn a_command_to_a_shard_of_the_process_leaves_nothing_in_the_log() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = open(&*log, 1);
    log.submit(command(1, 1)).unwrap();
    other.submit(command(1, 2)).unwrap();
    assert!(other.flush(LONG));
    let mut taken = take(&mut *owner, 2).commands;
    taken.sort_by_key(is_local);
    assert_eq!(numbers(&taken), [2, 1]);
    assert_eq!(taken.iter().map(is_local).collect::<Vec<_>>(), [false, true]);
    assert_eq!(stands(&*log, 1), 1);
    // Where the shard is another process's, or nobody's, there is only the log.
    other.submit(command(1, 3)).unwrap();
    log.submit(command(2, 4)).unwrap();
    assert!(other.flush(LONG));
    world.settle();
    assert_eq!((stands(&*log, 1), stands(&*log, 2)), (2, 1));
}

#[test]
fn a_waiting_poll_is_woken_by_either_way() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = open(&*log, 1);
    let senders: [&dyn EventLog; 2] = [&*log, &*other];
    for (n, sender) in (1..=20).zip(senders.into_iter().cycle()) {
        let taken = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                sender.submit(command(1, n)).unwrap();
            });
            owner.poll(10, LONG).unwrap()
        });
        assert_eq!(numbers(&taken.commands), [n]);
    }
}

#[test]
fn neither_way_holds_up_the_other() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = open(&*log, 1);
    for n in 0..500 {
        other.submit(command(1, n)).unwrap();
        log.submit(command(1, n)).unwrap();
    }
    assert!(other.flush(LONG));
    let (mut local, mut by_log, until) = (0, 0, Instant::now() + LONG);
    while local + by_log < 1_000 {
        let taken = owner.poll(20, Duration::from_millis(50)).unwrap().commands;
        let count = taken.iter().filter(|received| is_local(received)).count();
        (local, by_log) = (local + count, by_log + taken.len() - count);
        // Once both are there, each has half of it.
        assert!(by_log == 0 || local.abs_diff(by_log) <= 500, "{local} in memory, {by_log} by the log");
        assert!(Instant::now() < until, "{local} in memory, {by_log} by the log");
    }
    assert_eq!((local, by_log), (500, 500));
}

#[test]
fn who_is_fenced_answers_nobody() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut zombie = open(&*log, 1);
    log.submit(command(1, 1)).unwrap();
    assert!(is_local(&take(&mut *zombie, 1).commands[0]));
    // It sleeps, and another process takes the shard. What it answers now may be wrong: of an old state, without an event.
    let owner = other.acquire(ShardId(1)).unwrap();
    let answer = Batch { replies: vec![reply(node, 1)], ..Batch::default() };
    assert_eq!(zombie.commit(answer.clone()), CommitOutcome::Fenced);
    assert_eq!(zombie.hand_over(answer), CommitOutcome::Fenced);
    drop(zombie);
    drop(owner);
    world.settle();
    assert_eq!(sink.requests(), [0_u64; 0]);
}

#[test]
fn who_waits_at_a_shard_that_was_lost_is_heard_by_its_next_owner() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut zombie = open(&*log, 1);
    let mut owner = lease(&*other, 1);
    for n in 1..=3 {
        log.submit(command(1, n)).unwrap();
    }
    let taken = take(&mut *zombie, 1).commands;
    assert_eq!((numbers(&taken), taken.iter().all(is_local)), (vec![1], true));
    let answer = Batch { replies: vec![reply(9, 1)], ..Batch::default() };
    assert_eq!(zombie.commit(answer), CommitOutcome::Fenced);
    drop(zombie);
    log.submit(command(1, 4)).unwrap();
    world.settle();
    // Of what it had taken nobody knows; what waited comes before what came later.
    assert_eq!(take_all(&mut *owner), [2, 3, 4]);
}

#[test]
fn commands_keep_their_order_while_the_shard_comes_and_goes() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let done = AtomicBool::new(false);
    let mut found = Vec::new();
    let sent = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            for n in 1.. {
                if done.load(Ordering::Relaxed) {
                    return n - 1;
                }
                log.submit(command(1, n)).unwrap();
                std::thread::sleep(Duration::from_micros(300));
            }
            0
        });
        // Here, here again, and elsewhere.
        let homes: [&dyn EventLog; 2] = [&*log, &*other];
        for home in [0, 1, 0, 0, 1, 0] {
            let mut owner = lease(homes[home], 1);
            let begun = found.len();
            while found.len() < begun + 300 {
                let taken = owner.poll(40, Duration::from_millis(50)).unwrap().commands;
                assert_eq!(pass(&mut *owner, &taken), CommitOutcome::Committed);
                found.extend(numbers(&taken));
            }
        }
        done.store(true, Ordering::Relaxed);
        sending.join().unwrap()
    });
    world.settle();
    found.extend(take_all(&mut *lease(&*other, 1)));
    assert!(found.iter().copied().eq(1..=sent), "not in order, or not all of {sent}: {found:?}");
}

#[test]
fn a_transaction_that_another_shard_left_open_holds_up_no_client() {
    let mut world = Kafka::new();
    let log = world.open();
    let dead = world.stranger(&[("transactional.id", "another shard"), ("transaction.timeout.ms", "60000")]);
    dead.init_transactions(LONG).unwrap();
    dead.begin_transaction().unwrap();
    let topic = world.topic(Topic::InternalCommands);
    dead.send(BaseRecord::to(&topic).partition(1).key("k").payload("{}")).unwrap();
    dead.flush(LONG).unwrap();
    let mut owner = lease(&*log, 1);
    let until = Instant::now() + LONG;
    for n in 1..=3 {
        log.submit(command(1, n)).unwrap();
        let mut taken = Vec::new();
        while taken.is_empty() {
            let polled = owner.poll(10, Duration::from_millis(50)).unwrap();
            assert!(!polled.drained, "nobody knows what the transaction brings");
            taken = polled.commands;
            assert!(Instant::now() < until, "the client waits for it");
        }
        assert_eq!((numbers(&taken), is_local(&taken[0])), (vec![n], true));
    }
    dead.abort_transaction(LONG).unwrap();
}

#[test]
fn what_waits_is_bounded() {
    let mut world = Kafka::new();
    world.options.inbox_capacity = 8;
    let log = world.open();
    let mut owner = open(&*log, 1);
    for n in 1..=8 {
        assert_eq!(log.submit(command(1, n)), Ok(()));
    }
    assert_eq!(log.submit(command(1, 9)), Err(SubmitError::Full));
    assert_eq!(take(&mut *owner, 1).commands.len(), 1);
    assert_eq!(log.submit(command(1, 9)), Ok(()));
    assert_eq!(log.submit(command(2, 1)), Ok(()));
}
