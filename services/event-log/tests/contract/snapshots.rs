//! The compacted topic: the newest value of a key counts, a tombstone ends it.

use crate::world::{World, lease, read};
use event_log::{Batch, CommitOutcome, EventLog, Lease, NewSnapshot};
use schemas::Topic;
use std::collections::BTreeMap;

super::on_every_log!(
    the_newest_value_of_a_key_counts,
    a_tombstone_ends_a_key,
    offsets_rise_over_tombstones_and_restarts,
    an_owner_reads_what_it_wrote,
    keys_of_shards_are_apart,
);

fn save(lease: &mut dyn Lease, values: &[(&str, Option<u8>)]) {
    let snapshot =
        |(key, value): &(&str, Option<u8>)| NewSnapshot { key: (*key).to_owned(), value: value.map(|v| vec![v]) };
    let batch =
        Batch { snapshots: values.iter().map(snapshot).collect(), consumed: lease.consumed(), ..Batch::default() };
    assert_eq!(lease.commit(batch), CommitOutcome::Committed);
}

/// What stands after reading the whole topic, as a recovery does.
fn state(log: &dyn EventLog, partition: u32) -> BTreeMap<String, Vec<u8>> {
    let mut state = BTreeMap::new();
    for record in read(log, Topic::Snapshots, partition) {
        match record.value {
            Some(value) => state.insert(record.key, value),
            None => state.remove(&record.key),
        };
    }
    state
}

fn the_newest_value_of_a_key_counts(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    save(&mut *lease, &[("a", Some(1)), ("b", Some(2)), ("a", Some(3))]);
    save(&mut *lease, &[("b", Some(4))]);
    world.settle();
    assert_eq!(state(&*log, 1), BTreeMap::from([("a".to_owned(), vec![3]), ("b".to_owned(), vec![4])]));
}

fn a_tombstone_ends_a_key(world: &mut dyn World) {
    let log = world.open();
    let mut lease = lease(&*log, 1);
    save(&mut *lease, &[("a", Some(1)), ("b", Some(2))]);
    save(&mut *lease, &[("a", None), ("never", None)]);
    world.settle();
    assert_eq!(state(&*log, 1), BTreeMap::from([("b".to_owned(), vec![2])]));
    assert_eq!(lease.snapshot("a").unwrap(), None);
}

fn offsets_rise_over_tombstones_and_restarts(world: &mut dyn World) {
    let end = {
        let log = world.open();
        let mut lease = lease(&*log, 1);
        save(&mut *lease, &[("a", Some(1))]);
        save(&mut *lease, &[("a", None)]);
        world.settle();
        log.end(Topic::Snapshots, 1).unwrap()
    };
    world.close();
    let log = world.open();
    assert_eq!(log.end(Topic::Snapshots, 1).unwrap(), end);
    let mut lease = lease(&*log, 1);
    save(&mut *lease, &[("a", Some(2))]);
    world.settle();
    assert!(read(&*log, Topic::Snapshots, 1).last().unwrap().offset >= end);
}

fn an_owner_reads_what_it_wrote(world: &mut dyn World) {
    let log = world.open();
    let mut first = lease(&*log, 1);
    assert_eq!(first.snapshot("a").unwrap(), None);
    save(&mut *first, &[("a", Some(1))]);
    save(&mut *first, &[("a", Some(2))]);
    assert_eq!(first.snapshot("a").unwrap(), Some(vec![2]));
    let mut next = lease(&*log, 1);
    assert_eq!(next.snapshot("a").unwrap(), Some(vec![2]));
}

fn keys_of_shards_are_apart(world: &mut dyn World) {
    let log = world.open();
    let (mut one, mut two) = (lease(&*log, 1), lease(&*log, 2));
    save(&mut *one, &[("a", Some(1))]);
    save(&mut *two, &[("a", Some(2))]);
    assert_eq!(one.snapshot("a").unwrap(), Some(vec![1]));
    assert_eq!(two.snapshot("a").unwrap(), Some(vec![2]));
}
