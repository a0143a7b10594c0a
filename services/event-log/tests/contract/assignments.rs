//! Who owns which shard.

use crate::world::{LONG, World, events, lease};
use event_log::{Assignee, CommitOutcome};
use parking_lot::{Condvar, Mutex};
use schemas::ShardId;
use std::{collections::BTreeSet, sync::Arc};

super::on_every_log!(who_is_alone_is_assigned_every_shard, what_is_assigned_can_be_taken);

/// Remembers what it owns.
#[derive(Default)]
pub struct Owner {
    shards: Mutex<BTreeSet<ShardId>>,
    changed: Condvar,
}

impl Owner {
    /// Waits until it owns so many shards; gives them.
    pub fn wait_for(&self, count: usize) -> Vec<u32> {
        let mut shards = self.shards.lock();
        while shards.len() != count {
            assert!(!self.changed.wait_for(&mut shards, LONG).timed_out(), "{count} shards, not {shards:?}");
        }
        shards.iter().map(|shard| shard.0).collect()
    }
}

impl Assignee for Owner {
    fn assigned(&self, shards: &[ShardId]) {
        self.shards.lock().extend(shards);
        self.changed.notify_all();
    }

    fn revoked(&self, shards: &[ShardId]) {
        self.shards.lock().retain(|shard| !shards.contains(shard));
        self.changed.notify_all();
    }
}

fn who_is_alone_is_assigned_every_shard(world: &mut dyn World) {
    let log = world.open();
    let owner = Arc::new(Owner::default());
    let _membership = log.join(owner.clone()).unwrap();
    assert_eq!(owner.wait_for(4), [0, 1, 2, 3]);
}

fn what_is_assigned_can_be_taken(world: &mut dyn World) {
    let log = world.open();
    let owner = Arc::new(Owner::default());
    let _membership = log.join(owner.clone()).unwrap();
    for shard in owner.wait_for(4) {
        let mut lease = lease(&*log, shard);
        assert_eq!(lease.commit(events(&*lease, [1])), CommitOutcome::Committed);
    }
}
