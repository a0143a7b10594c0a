//! Processes share the shards.

use super::Kafka;
use crate::{
    contract::assignments::Owner,
    world::{LONG, World, events, lease},
};
use event_log::{Assignee, CommitOutcome, EventLog};
use parking_lot::{Condvar, Mutex};
use schemas::ShardId;
use std::sync::Arc;

#[test]
fn shards_move_between_processes_and_are_never_owned_twice() {
    let world = Kafka::new();
    let (first, second) = (world.another(), world.another());
    let (one, two) = (Arc::new(Owner::default()), Arc::new(Owner::default()));
    let first_member = first.join(one.clone()).unwrap();
    assert_eq!(one.wait_for(4), [0, 1, 2, 3]);

    let second_member = second.join(two.clone()).unwrap();
    let (left, right) = (one.wait_for(2), two.wait_for(2));
    assert!(left.iter().all(|shard| !right.contains(shard)), "{left:?} and {right:?}");

    drop(first_member);
    one.wait_for(0);
    assert_eq!(two.wait_for(4), [0, 1, 2, 3]);
    drop(second_member);
    two.wait_for(0);
}

#[test]
fn a_process_that_is_not_needed_is_told_so() {
    let world = Kafka::new();
    let logs: Vec<_> = (0..5).map(|_| world.another()).collect();
    let told: Vec<_> = logs.iter().map(|_| Arc::new(Told::default())).collect();
    let _members: Vec<_> = logs.iter().zip(&told).map(|(log, told)| log.join(told.clone()).unwrap()).collect();
    // Five share four shards.
    for told in &told {
        told.wait_for(1);
    }
}

/// Counts what it is told.
#[derive(Default)]
struct Told {
    assigned: Mutex<Vec<Vec<ShardId>>>,
    changed: Condvar,
}

impl Told {
    /// Waits for so many assignments.
    fn wait_for(&self, count: usize) -> Vec<ShardId> {
        let mut assigned = self.assigned.lock();
        while assigned.len() < count {
            assert!(!self.changed.wait_for(&mut assigned, LONG).timed_out(), "{assigned:?}");
        }
        assigned[count - 1].clone()
    }
}

impl Assignee for Told {
    fn assigned(&self, shards: &[ShardId]) {
        self.assigned.lock().push(shards.to_vec());
        self.changed.notify_all();
    }

    fn revoked(&self, _: &[ShardId]) {}
}

#[test]
fn a_shard_that_was_fenced_by_nobody_is_assigned_again() {
    let mut world = Kafka::new();
    let log = world.open();
    let told = Arc::new(Told::default());
    let _member = log.join(told.clone()).unwrap();
    assert_eq!(told.wait_for(1).len(), 4);
    let mut zombie = lease(&*log, 2);
    // It takes the shard without being assigned it.
    drop(world.another().acquire(ShardId(2)).unwrap());
    assert_eq!(zombie.commit(events(&*zombie, [1])), CommitOutcome::Fenced);
    assert_eq!(told.wait_for(2), [ShardId(2)]);
    let mut again = lease(&*log, 2);
    assert_eq!(again.commit(events(&*again, [1])), CommitOutcome::Committed);
}

#[test]
fn a_process_with_a_name_that_comes_back_soon_has_its_shards_again() {
    let mut world = Kafka::new();
    let named = |world: &mut Kafka, name: &str| {
        world.options.config.instance = Some(name.to_owned());
        world.another()
    };
    let (first, second) = (named(&mut world, "one"), named(&mut world, "two"));
    let (one, two) = (Arc::new(Owner::default()), Arc::new(Owner::default()));
    let first_member = first.join(one.clone()).unwrap();
    let _second_member = second.join(two.clone()).unwrap();
    let (left, right) = (one.wait_for(2), two.wait_for(2));

    drop(first_member);
    drop(first);
    let back = Arc::new(Owner::default());
    let first = named(&mut world, "one");
    let _first_member = first.join(back.clone()).unwrap();
    assert_eq!(back.wait_for(2), left);
    assert_eq!(two.wait_for(2), right, "nobody else was given them");
}
