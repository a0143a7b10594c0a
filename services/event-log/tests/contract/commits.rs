//! Batches: whole, in order, durable before they are answered.

use crate::world::{Sink, World, command, event, events, item_of, lease, read, reply, seqs};
use event_log::{Batch, CommitOutcome, NewDeadLetter, NewSnapshot};
use schemas::Topic;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

super::on_every_log!(
    events_come_back_as_they_were_written,
    batches_stand_in_the_order_of_their_commits,
    what_is_handed_over_is_written_in_order_and_then_answered,
    a_batch_takes_effect_in_all_its_topics,
    replies_arrive_in_order_after_their_batches,
    a_batch_of_replies_alone_writes_nothing,
    replies_to_other_nodes_are_not_ours,
    an_event_out_of_sequence_is_a_bug_that_panics,
    an_event_of_another_epoch_is_a_bug_that_panics,
    nothing_is_lost_when_the_log_is_closed,
);

fn events_come_back_as_they_were_written(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    let written = events(&*lease, 1..=3);
    assert_eq!(lease.commit(written.clone()), CommitOutcome::Committed);
    world.settle();
    let read = read(&*log, Topic::InventoryEvents, 1);
    assert_eq!(read.len(), 3);
    for (event, record) in written.events.iter().zip(&read) {
        assert_eq!(record.envelope.as_ref(), Some(&event.envelope));
        assert_eq!(record.value.as_ref(), Some(&event.value));
        assert_eq!((record.topic, record.partition), (Topic::InventoryEvents, 1));
        assert_eq!(record.key, item_of(1).as_str());
    }
}

fn batches_stand_in_the_order_of_their_commits(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    for first in [1, 4, 7] {
        let batch = events(&*lease, first..first + 3);
        assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    let records = read(&*log, Topic::InventoryEvents, 1);
    assert_eq!(seqs(&records), (1..=9).collect::<Vec<_>>());
    assert!(records.is_sorted_by(|a, b| a.offset < b.offset));
    let end = log.end(Topic::InventoryEvents, 1).unwrap();
    assert!(end > records[8].offset);
}

fn what_is_handed_over_is_written_in_order_and_then_answered(world: &mut dyn World) {
    let log = world.open();
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut owner = lease(&*log, 1);
    for seq in 1..=200 {
        let batch = Batch { replies: vec![reply(node, seq)], ..events(&*owner, [seq]) };
        assert_eq!(owner.hand_over(batch), CommitOutcome::Committed);
    }
    // A snapshot is asked for after all that was handed over.
    let snapshots = vec![NewSnapshot { key: "item/a".to_owned(), value: Some(vec![7]) }];
    assert_eq!(owner.hand_over(Batch { snapshots, ..Batch::default() }), CommitOutcome::Committed);
    assert_eq!(owner.snapshot("item/a").unwrap(), Some(vec![7]));
    world.settle();
    assert!(owner.is_durable());
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), (1..=200).collect::<Vec<_>>());
    assert_eq!(sink.requests(), (1..=200).collect::<Vec<_>>());
    // What waits when the lease ends is written all the same.
    assert_eq!(owner.hand_over(events(&*owner, [201])), CommitOutcome::Committed);
    drop(owner);
    world.settle();
    assert_eq!(read(&*log, Topic::InventoryEvents, 1).len(), 201);
}

fn a_batch_takes_effect_in_all_its_topics(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    let mut batch = events(&*lease, [1]);
    batch.events.push(event(&*lease, Topic::OrdersEvents, 1));
    batch.internal = vec![command(2, 1), command(3, 2), command(2, 3)];
    batch.dead_letters.push(NewDeadLetter { key: "sku-9".to_owned(), value: b"{}".to_vec() });
    assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    world.settle();
    let count = |topic, partition| read(&*log, topic, partition).len();
    assert_eq!(count(Topic::InventoryEvents, 1), 1);
    assert_eq!(count(Topic::OrdersEvents, 1), 1);
    assert_eq!(count(Topic::InternalCommands, 2), 2);
    assert_eq!(count(Topic::InternalCommands, 3), 1);
    let letters = read(&*log, Topic::DeadLetters, 1);
    assert_eq!((letters[0].key.as_str(), letters[0].value.as_deref()), ("sku-9", Some(b"{}".as_slice())));
}

fn replies_arrive_in_order_after_their_batches(world: &mut dyn World) {
    let log = world.open();
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut lease = lease(&*log, 1);
    for n in 1..=20 {
        let replies = vec![reply(node, n * 2), reply(node, n * 2 + 1)];
        let batch = Batch { replies, ..events(&*lease, [n]) };
        assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    assert_eq!(sink.requests(), (2..=41).collect::<Vec<_>>());
}

fn a_batch_of_replies_alone_writes_nothing(world: &mut dyn World) {
    let log = world.open();
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut lease = lease(&*log, 1);
    let batch = Batch { replies: vec![reply(node, 5)], consumed: lease.consumed(), ..Batch::default() };
    assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    world.settle();
    assert_eq!(sink.requests(), [5]);
    assert_eq!(log.end(Topic::InventoryEvents, 1).unwrap(), 0);
}

fn replies_to_other_nodes_are_not_ours(world: &mut dyn World) {
    let log = world.open();
    let (first, second) = (Arc::new(Sink::default()), Arc::new(Sink::default()));
    let nodes = [log.register(first.clone()), log.register(second.clone())];
    let mut lease = lease(&*log, 1);
    let replies = vec![reply(nodes[1], 1), reply(u32::MAX, 2), reply(nodes[0], 3)];
    let batch = Batch { replies, ..events(&*lease, [1]) };
    assert_eq!(lease.commit(batch), CommitOutcome::Committed);
    world.settle();
    assert_eq!(first.requests(), [3]);
    assert_eq!(second.requests(), [1]);
}

fn an_event_out_of_sequence_is_a_bug_that_panics(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    for seqs in [vec![2], vec![1, 3], vec![1, 1]] {
        let batch = events(&*lease, seqs.clone());
        assert!(catch_unwind(AssertUnwindSafe(|| lease.commit(batch))).is_err(), "{seqs:?}");
    }
}

fn an_event_of_another_epoch_is_a_bug_that_panics(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    let mut batch = events(&*lease, [1]);
    batch.events[0].envelope.epoch += 1;
    assert!(catch_unwind(AssertUnwindSafe(|| lease.commit(batch))).is_err());
}

fn nothing_is_lost_when_the_log_is_closed(world: &mut dyn World) {
    {
        let log = world.open();
        for shard in 0..4 {
            let mut lease = lease(&*log, shard);
            for seq in 1..=10 {
                let batch = events(&*lease, [seq]);
                assert_eq!(lease.commit(batch), CommitOutcome::Committed);
            }
        }
    }
    world.close();
    let log = world.open();
    for shard in 0..4 {
        assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, shard)), (1..=10).collect::<Vec<_>>());
    }
}
