//! Which lease of a shard is the newest in this process.

use super::shared::Shared;
use schemas::ShardId;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// That a lease is the newest of its shard in this process. Ends with it.
#[derive(Debug)]
pub(super) struct Owned {
    shared: Arc<Shared>,
    shard: ShardId,
    lost: Arc<AtomicBool>,
}

impl Owned {
    /// The newest from now on.
    pub(super) fn take(shared: &Arc<Shared>, shard: ShardId) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let mut owners = shared.owners.lock();
        shared.ends.forget(shard);
        if let Some(earlier) = owners.insert(shard, Arc::clone(&lost)) {
            earlier.store(true, Ordering::Release);
        }
        Self { shared: Arc::clone(shared), shard, lost }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) const fn shard(&self) -> ShardId {
        self.shard
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// It is not the newest any more, whoever still has this.
    pub(super) fn give_up(&self) {
        self.lost.store(true, Ordering::Release);
        let mut owners = self.shared.owners.lock();
        if owners.get(&self.shard).is_some_and(|newest| Arc::ptr_eq(newest, &self.lost)) {
            owners.remove(&self.shard);
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.give_up();
    }
}
