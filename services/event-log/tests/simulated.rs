//! What the simulated log does at its driver's word.

use crate::world::{Simulated, Sink, World, command, events, lease, numbers, read, reply, seqs};
use event_log::{
    Batch, CommitOutcome, EventLog, NewRecord, SubmitError,
    simulated::{Fate, Profile, Publishing},
};
use schemas::{ShardId, Topic};
use std::{sync::Arc, time::Duration};

#[test]
fn a_crash_loses_what_was_not_durable_and_its_replies() {
    let log = Simulated::new(Profile::Embedded).log;
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut owner = lease(&*log, 1);
    for seq in 1..=5 {
        let batch = Batch { replies: vec![reply(node, seq)], ..events(&*owner, [seq]) };
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    assert_eq!(log.handed_over(), 5);
    log.make_durable(2);
    assert_eq!(sink.requests(), [1, 2]);
    log.crash();
    assert_eq!(owner.commit(events(&*owner, [6])), CommitOutcome::Fenced);
    assert!(owner.poll(1, Duration::ZERO).unwrap().closed);
    log.make_durable(usize::MAX);
    assert_eq!(sink.requests(), [1, 2]);
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), [1, 2]);
    let mut next = lease(&*log, 1);
    assert_eq!(next.commit(events(&*next, [3])), CommitOutcome::Committed);
}

#[test]
fn a_crash_takes_the_commands_in_memory_and_leaves_those_in_the_log() {
    let log = Simulated::new(Profile::Embedded).log;
    let (mut sender, _receiver) = (lease(&*log, 1), lease(&*log, 2));
    for n in 1..=2 {
        let batch = Batch { internal: vec![command(2, n)], ..events(&*sender, [n.into()]) };
        assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    }
    log.submit(command(2, 3)).unwrap();
    log.make_durable(1);
    log.crash();
    assert_eq!(numbers(&lease(&*log, 2).poll(10, Duration::ZERO).unwrap().commands), [1]);
}

#[test]
fn nodes_of_an_earlier_life_are_not_given_again() {
    let log = Simulated::new(Profile::Embedded).log;
    let before = log.register(Arc::new(Sink::default()));
    log.crash();
    assert_ne!(log.register(Arc::new(Sink::default())), before);
}

#[test]
fn on_a_cluster_client_commands_outlive_a_crash() {
    let log = Simulated::new(Profile::Cluster).log;
    log.submit(command(1, 1)).unwrap();
    log.crash();
    assert_eq!(numbers(&lease(&*log, 1).poll(10, Duration::ZERO).unwrap().commands), [1]);
}

#[test]
fn an_aborted_batch_leaves_nothing_and_may_be_tried_again() {
    let log = Simulated::new(Profile::Cluster).log;
    let mut fates = [Fate::Aborted, Fate::Committed].into_iter();
    log.on_commit(Box::new(move |_| fates.next().unwrap()));
    let mut owner = lease(&*log, 1);
    let batch = events(&*owner, 1..=2);
    assert_eq!(owner.commit(batch.clone()), CommitOutcome::Aborted);
    assert!(read(&*log, Topic::InventoryEvents, 1).is_empty());
    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    let records = read(&*log, Topic::InventoryEvents, 1);
    assert_eq!(seqs(&records), [1, 2]);
    assert!(records[0].offset > 0, "the aborted records used up offsets");
}

#[test]
fn that_a_batch_was_aborted_which_was_handed_over_is_told_with_the_next_call() {
    for asks in [true, false] {
        let log = Simulated::new(Profile::Cluster).log;
        let mut fates = [Fate::Committed, Fate::Aborted, Fate::Committed].into_iter();
        log.on_commit(Box::new(move |_| fates.next().unwrap()));
        let mut owner = lease(&*log, 1);
        assert_eq!(owner.hand_over(events(&*owner, [1])), CommitOutcome::Committed);
        assert_eq!(owner.hand_over(events(&*owner, [2])), CommitOutcome::Committed);
        if asks {
            assert!(owner.poll(1, Duration::ZERO).is_err());
        }
        // What was decided on top of it is not written.
        assert_eq!(owner.hand_over(events(&*owner, [3])), CommitOutcome::Aborted);
        assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), [1]);
    }
}

#[test]
fn after_an_indefinite_commit_only_the_log_knows() {
    for committed in [true, false] {
        let log = Simulated::new(Profile::Cluster).log;
        let sink = Arc::new(Sink::default());
        let node = log.register(sink.clone());
        log.on_commit(Box::new(move |_| Fate::Indefinite { committed }));
        let mut owner = lease(&*log, 1);
        let batch = Batch { replies: vec![reply(node, 1)], ..events(&*owner, [1]) };
        assert_eq!(owner.commit(batch), CommitOutcome::Indefinite);
        assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Fenced);
        assert_eq!(log.replies_under_way(), 0);
        assert_eq!(read(&*log, Topic::InventoryEvents, 1).len(), usize::from(committed));
    }
}

#[test]
fn a_fenced_commit_ends_the_lease() {
    let mut world = Simulated::new(Profile::Cluster);
    let log = world.open();
    world.log.on_commit(Box::new(|_| Fate::Fenced));
    let mut owner = lease(&*log, 1);
    assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Fenced);
    assert!(owner.poll(1, Duration::ZERO).unwrap().closed);
    assert!(lease(&*log, 1).epoch() > owner.epoch() + 1);
}

#[test]
fn replies_of_a_cluster_may_be_lost() {
    let log = Simulated::new(Profile::Cluster).log;
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut owner = lease(&*log, 1);
    let batch = Batch { replies: (1..=3).map(|n| reply(node, n)).collect(), ..events(&*owner, [1]) };
    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    log.lose_replies(1);
    log.deliver_replies(1);
    assert_eq!(sink.requests(), [2]);
    assert_eq!(log.replies_under_way(), 1);
}

#[test]
fn a_zombie_does_not_know_that_it_is_one() {
    let log = Simulated::new(Profile::Embedded).log;
    let mut zombie = lease(&*log, 1);
    log.fence(ShardId(1));
    assert_eq!(zombie.commit(events(&*zombie, [1])), CommitOutcome::Fenced);
}

#[test]
fn clients_are_refused_as_the_driver_says() {
    let log = Simulated::new(Profile::Embedded).log;
    log.refuse_clients(Some(SubmitError::DiskReserve));
    assert_eq!(log.submit(command(1, 1)), Err(SubmitError::DiskReserve));
    log.refuse_clients(None);
    assert_eq!(log.submit(command(1, 1)), Ok(()));
}

#[test]
fn what_becomes_of_a_publish_the_driver_says() {
    let log = Simulated::new(Profile::Cluster).log;
    let mut fates =
        [Publishing::Failed { written: 0 }, Publishing::Failed { written: 1 }, Publishing::Written].into_iter();
    log.on_publish(Box::new(move |_| fates.next().unwrap()));
    let record = |key: &str| NewRecord {
        topic: Topic::SupplierItems,
        key: key.to_owned(),
        headers: Vec::new(),
        value: Some(b"{}".to_vec()),
    };
    let written = || (0..4).map(|shard| read(&*log, Topic::SupplierItems, shard).len()).sum::<usize>();
    for (told, count) in [(false, 0), (false, 1), (true, 3)] {
        assert_eq!(log.publish(vec![record("a"), record("b")]).is_ok(), told);
        assert_eq!(written(), count);
    }
}

#[test]
fn what_was_published_outlives_a_crash() {
    let log = Simulated::new(Profile::Embedded).log;
    let value = Some(b"{}".to_vec());
    log.publish(vec![NewRecord { topic: Topic::ItemsState, key: "a".to_owned(), headers: Vec::new(), value }]).unwrap();
    log.crash();
    assert_eq!((0..4).map(|shard| read(&*log, Topic::ItemsState, shard).len()).sum::<usize>(), 1);
}
