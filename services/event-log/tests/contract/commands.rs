//! Commands: bounded for clients, never lost or doubled between shards.

use crate::world::{World, command, events, lease, numbers, read, take, take_all};
use event_log::{Batch, CommandSource, CommitOutcome, Consumed, SubmitError};
use schemas::{ShardId, Topic};
use std::time::Duration;

super::on_every_log!(
    clients_commands_reach_their_shard_in_order,
    a_poll_takes_no_more_than_it_asks_for,
    an_inbox_is_bounded_for_clients_and_not_for_shards,
    internal_commands_reach_their_shard_in_order,
    internal_commands_before_the_owner_consumes_are_delivered_once,
    what_was_not_consumed_is_delivered_to_the_next_owner,
    consumed_internal_commands_do_not_come_back,
    a_lease_may_start_over,
    commands_before_and_after_a_lease_keep_their_order,
    what_a_lease_did_not_take_is_for_the_next,
    a_closing_log_refuses_clients_and_ends_polls,
    a_restart_delivers_what_was_not_consumed,
);

fn clients_commands_reach_their_shard_in_order(world: &mut dyn World) {
    let log = world.open();
    for n in 1..=5 {
        log.submit(command(1 + n % 2, n)).unwrap();
    }
    world.settle();
    let taken = take(&mut *lease(&*log, 2), 100);
    assert_eq!(numbers(&taken.commands), [1, 3, 5]);
    assert!(taken.drained);
    assert!(!taken.closed);
    assert_eq!(take_all(&mut *lease(&*log, 1)), [2, 4]);
}

fn a_poll_takes_no_more_than_it_asks_for(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    for n in 1..=5 {
        log.submit(command(1, n)).unwrap();
    }
    world.settle();
    for (expected, drained) in [(vec![1, 2], false), (vec![3, 4], false), (vec![5], true), (vec![], true)] {
        let taken = take(&mut *lease, 2);
        assert_eq!((numbers(&taken.commands), taken.drained), (expected, drained));
    }
}

fn an_inbox_is_bounded_for_clients_and_not_for_shards(world: &mut dyn World) {
    if !world.is_embedded() {
        return;
    }
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let mut receiver = lease(&*log, 2);
    for n in 1..=8 {
        log.submit(command(2, n)).unwrap();
    }
    assert_eq!(log.submit(command(2, 9)), Err(SubmitError::Full));
    assert_eq!(log.submit(command(3, 9)), Ok(()));
    let batch = Batch { internal: (10..30).map(|n| command(2, n)).collect(), ..events(&*sender, [1]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    assert_eq!(receiver.poll(100, Duration::ZERO).unwrap().commands.len(), 28);
    assert_eq!(log.submit(command(2, 9)), Ok(()));
}

fn internal_commands_reach_their_shard_in_order(world: &mut dyn World) {
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let mut receiver = lease(&*log, 2);
    for n in [1_u32, 3] {
        let batch =
            Batch { internal: vec![command(2, n), command(2, n + 1)], ..events(&*sender, [n.div_ceil(2).into()]) };
        assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    }
    let taken = take(&mut *receiver, 100);
    assert_eq!(numbers(&taken.commands), [1, 2, 3, 4]);
    assert_eq!(*taken.commands[3].envelope, command(2, 4));
    let is_internal = |source| matches!(source, CommandSource::Internal(_));
    assert!(taken.commands.iter().all(|received| is_internal(received.source)));
}

fn internal_commands_before_the_owner_consumes_are_delivered_once(world: &mut dyn World) {
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let mut send = |n: u32| {
        let batch = Batch { internal: vec![command(2, n)], ..events(&*sender, [n.into()]) };
        assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    };
    send(1);
    let mut receiver = log.acquire(ShardId(2)).unwrap();
    send(2);
    assert!(receiver.poll(100, Duration::ZERO).unwrap().commands.is_empty());
    receiver.consume_from(receiver.consumed()).unwrap();
    send(3);
    assert_eq!(take_all(&mut *receiver), [1, 2, 3]);
}

/// Sends ten commands to shard 2, whose owner consumes the first four.
fn consume_four_of_ten(world: &mut dyn World) {
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let batch = Batch { internal: (1..=10).map(|n| command(2, n)).collect(), ..events(&*sender, [1]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    let mut receiver = lease(&*log, 2);
    let taken = take(&mut *receiver, 4);
    assert_eq!(numbers(&taken.commands), [1, 2, 3, 4]);
    let mut consumed = receiver.consumed();
    taken.commands.iter().for_each(|received| consumed.pass(received.source));
    let batch = Batch { consumed, ..Batch::default() };
    assert_eq!(receiver.commit(batch), CommitOutcome::Committed);
    world.settle();
}

fn what_was_not_consumed_is_delivered_to_the_next_owner(world: &mut dyn World) {
    consume_four_of_ten(world);
    let log = world.open_again();
    let mut next = lease(&*log, 2);
    let taken = take(&mut *next, 100);
    assert_eq!(numbers(&taken.commands), [5, 6, 7, 8, 9, 10]);
    assert_eq!(taken.commands[0].source, CommandSource::Internal(next.consumed().internal));
}

fn consumed_internal_commands_do_not_come_back(world: &mut dyn World) {
    consume_four_of_ten(world);
    let log = world.open_again();
    let mut owner = lease(&*log, 2);
    let mut consumed = owner.consumed();
    for received in take(&mut *owner, 100).commands {
        consumed.pass(received.source);
    }
    assert_eq!(owner.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
    let mut next = lease(&*log, 2);
    assert_eq!(next.consumed(), consumed);
    assert!(take_all(&mut *next).is_empty());
}

fn a_lease_may_start_over(world: &mut dyn World) {
    consume_four_of_ten(world);
    let log = world.open_again();
    let mut owner = lease(&*log, 2);
    assert_eq!(take(&mut *owner, 2).commands.len(), 2);
    owner.consume_from(owner.consumed()).unwrap();
    assert_eq!(take_all(&mut *owner), [5, 6, 7, 8, 9, 10]);
    owner.consume_from(Consumed { internal: owner.consumed().internal + 3, ..owner.consumed() }).unwrap();
    assert_eq!(take_all(&mut *owner), [8, 9, 10]);
}

fn commands_before_and_after_a_lease_keep_their_order(world: &mut dyn World) {
    let log = world.open();
    for n in 1..=3 {
        log.submit(command(1, n)).unwrap();
    }
    let mut owner = lease(&*log, 1);
    for n in 4..=6 {
        log.submit(command(1, n)).unwrap();
    }
    world.settle();
    assert_eq!(take_all(&mut *owner), [1, 2, 3, 4, 5, 6]);
}

fn what_a_lease_did_not_take_is_for_the_next(world: &mut dyn World) {
    let log = world.open();
    let mut owner = lease(&*log, 1);
    assert!(take_all(&mut *owner).is_empty());
    for n in 1..=5 {
        log.submit(command(1, n)).unwrap();
    }
    world.settle();
    let taken = take(&mut *owner, 2);
    assert_eq!(numbers(&taken.commands), [1, 2]);
    let mut consumed = owner.consumed();
    taken.commands.iter().for_each(|received| consumed.pass(received.source));
    assert_eq!(owner.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
    // Once while the earlier one is still there, once after it.
    let mut next = lease(&*log, 1);
    drop(owner);
    assert_eq!(numbers(&take(&mut *next, 1).commands), [3]);
    let mut consumed = next.consumed();
    consumed.pass(CommandSource::Memory);
    assert_eq!(next.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
    drop(next);
    log.submit(command(1, 6)).unwrap();
    world.settle();
    assert_eq!(take_all(&mut *lease(&*log, 1)), [4, 5, 6]);
}

fn a_closing_log_refuses_clients_and_ends_polls(world: &mut dyn World) {
    let log = world.open();
    let mut owner = lease(&*log, 1);
    log.submit(command(1, 1)).unwrap();
    world.settle();
    log.close();
    assert_eq!(log.submit(command(1, 2)), Err(SubmitError::Unavailable));
    assert_eq!(log.writable(), Err(SubmitError::Unavailable));
    let taken = take(&mut *owner, 1);
    assert_eq!((numbers(&taken.commands), taken.closed), (vec![1], false));
    assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Committed);
    assert!(take(&mut *owner, 1).closed);
    world.settle();
    assert_eq!(read(&*log, Topic::InventoryEvents, 1).len(), 1);
}

fn a_restart_delivers_what_was_not_consumed(world: &mut dyn World) {
    consume_four_of_ten(world);
    world.close();
    let log = world.open();
    let mut sender = lease(&*log, 1);
    let mut next = log.acquire(ShardId(2)).unwrap();
    let batch = Batch { internal: vec![command(2, 11)], ..events(&*sender, [2]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    next.consume_from(next.consumed()).unwrap();
    assert_eq!(take_all(&mut *next), [5, 6, 7, 8, 9, 10, 11]);
}
