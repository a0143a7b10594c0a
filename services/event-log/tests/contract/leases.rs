//! Leases: one owner a shard, epochs that rise.

use crate::world::{World, command, events, lease, read, seqs, take_all};
use event_log::{Batch, CommitOutcome, LogError, NewSnapshot};
use schemas::{ShardId, Topic};
use std::time::Duration;

super::on_every_log!(
    epochs_rise_with_every_lease,
    epochs_rise_over_restarts,
    a_second_lease_fences_the_first,
    a_fenced_batch_leaves_nothing,
    a_new_owner_reads_all_that_the_old_one_committed,
    shards_are_independent,
    there_is_no_shard_beyond_the_last,
);

fn epochs_rise_with_every_lease(world: &mut dyn World) {
    let log = world.open();
    let epochs: Vec<_> = (0..4).map(|_| lease(&*log, 1).epoch()).collect();
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    assert!(epochs[0] >= 1);
}

fn epochs_rise_over_restarts(world: &mut dyn World) {
    let mut last = 0;
    for seq in 1..=4 {
        {
            let log = world.open();
            let mut owner = lease(&*log, 1);
            assert!(owner.epoch() > last);
            last = owner.epoch();
            let batch = events(&*owner, [seq]);
            assert_eq!(owner.commit(batch), CommitOutcome::Committed);
            world.settle();
        }
        world.close();
    }
    let log = world.open();
    let records = read(&*log, Topic::InventoryEvents, 1);
    let epochs: Vec<_> = records.iter().map(|record| record.envelope.as_ref().unwrap().epoch).collect();
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
}

fn a_second_lease_fences_the_first(world: &mut dyn World) {
    let log = world.open();
    let mut zombie = lease(&*log, 1);
    let mut owner = lease(&*log, 1);
    log.submit(command(1, 1)).unwrap();
    world.settle();
    let polled = zombie.poll(100, Duration::from_secs(1)).unwrap();
    assert!(polled.closed);
    assert!(polled.commands.is_empty());
    assert_eq!(zombie.commit(events(&*zombie, [1])), CommitOutcome::Fenced);
    assert!(matches!(zombie.consume_from(zombie.consumed()), Err(LogError::Fenced)));
    assert!(matches!(zombie.snapshot("item/a"), Err(LogError::Fenced)));
    // That the zombie goes does not take the shard from its owner.
    drop(zombie);
    assert_eq!(take_all(&mut *owner), [1]);
    assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Committed);
}

fn a_fenced_batch_leaves_nothing(world: &mut dyn World) {
    let log = world.open();
    let mut zombie = lease(&*log, 1);
    let mut receiver = lease(&*log, 2);
    let _owner = lease(&*log, 1);
    let snapshots = vec![NewSnapshot { key: "item/a".to_owned(), value: Some(vec![1]) }];
    let batch = Batch { internal: vec![command(2, 1)], snapshots, ..events(&*zombie, [1]) };
    assert_eq!(zombie.commit(batch), CommitOutcome::Fenced);
    world.settle();
    assert!(take_all(&mut *receiver).is_empty());
    assert!(read(&*log, Topic::InventoryEvents, 1).is_empty());
    assert!(read(&*log, Topic::InternalCommands, 2).is_empty());
    assert!(read(&*log, Topic::Snapshots, 1).is_empty());
}

fn a_new_owner_reads_all_that_the_old_one_committed(world: &mut dyn World) {
    let log = world.open();
    let mut old = lease(&*log, 1);
    for seq in 1..=50 {
        let batch = events(&*old, [seq]);
        assert_eq!(old.commit(batch), CommitOutcome::Committed);
    }
    let _new = log.acquire(ShardId(1)).unwrap();
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), (1..=50).collect::<Vec<_>>());
}

fn shards_are_independent(world: &mut dyn World) {
    let log = world.open();
    let mut leases: Vec<_> = (0..4).map(|shard| lease(&*log, shard)).collect();
    for lease in &mut leases {
        let batch = events(&**lease, 1..=2);
        assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    for shard in 0..4 {
        assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, shard)), [1, 2]);
    }
}

fn there_is_no_shard_beyond_the_last(world: &mut dyn World) {
    let log = world.open();
    assert!(matches!(log.acquire(ShardId(4)), Err(LogError::Mismatch(_))));
    assert!(matches!(log.end(Topic::InventoryEvents, 4), Err(LogError::Mismatch(_))));
}
