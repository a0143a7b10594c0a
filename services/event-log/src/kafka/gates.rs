//! Where clients' commands come in: in memory to a lease of this process, or to the log ([`Shortcut`]).

use super::sender::Count;
use crate::{Received, SubmitError, shortcut::Shortcut};
use parking_lot::{Condvar, Mutex};
use schemas::{CommandEnvelope, ShardCount, ShardId};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

#[derive(Debug)]
struct Inside {
    shortcut: Shortcut,
    /// Whether something has come by the log since its owner looked.
    has_rung: bool,
    /// Commands of this process that are on their way to the shard by the log.
    sent: Count,
}

/// The commands of one shard come in here.
#[derive(Debug)]
pub(super) struct Gate {
    inside: Mutex<Inside>,
    arrived: Condvar,
}

impl Gate {
    fn new(capacity: usize) -> Self {
        let inside = Inside { shortcut: Shortcut::new(capacity), has_rung: false, sent: Count::default() };
        Self { inside: Mutex::new(inside), arrived: Condvar::new() }
    }

    /// Takes a command, or gives it back with where it is counted: it is to be sent to the log, and is on its way already.
    pub(super) fn submit(
        &self,
        command: Arc<CommandEnvelope>,
    ) -> Result<Option<(Arc<CommandEnvelope>, Count)>, SubmitError> {
        let mut inside = self.inside.lock();
        let Some(command) = inside.shortcut.submit(command)? else {
            drop(inside);
            // Costs nothing while the owner is awake.
            self.arrived.notify_one();
            return Ok(None);
        };
        // Before the lock is given up: a lease that begins now waits for it.
        inside.sent.fetch_add(1, Ordering::AcqRel);
        Ok(Some((command, Arc::clone(&inside.sent))))
    }

    /// See [`Shortcut::begin`].
    pub(super) fn begin(&self, owner: u64) {
        self.inside.lock().shortcut.begin(owner);
    }

    /// Whether all that went by the log has reached it, or never will.
    pub(super) fn is_settled(&self) -> bool {
        self.inside.lock().sent.load(Ordering::Acquire) == 0
    }

    /// Counts so many more as on their way.
    pub(super) fn count(&self, more: usize) -> Count {
        let inside = self.inside.lock();
        inside.sent.fetch_add(more, Ordering::AcqRel);
        Arc::clone(&inside.sent)
    }

    /// What is on its way will not be told of any more: counts anew.
    pub(super) fn forget_sent(&self) {
        self.inside.lock().sent = Count::default();
    }

    /// See [`Shortcut::open`].
    pub(super) fn open(&self, owner: u64) {
        self.inside.lock().shortcut.open(owner);
    }

    /// See [`Shortcut::leave`]. What is given is counted as on its way.
    pub(super) fn leave(&self, owner: u64, max: usize) -> (Vec<Arc<CommandEnvelope>>, Count) {
        let mut inside = self.inside.lock();
        let left = inside.shortcut.leave(owner, max);
        inside.sent.fetch_add(left.len(), Ordering::AcqRel);
        (left, Arc::clone(&inside.sent))
    }

    /// See [`Shortcut::is_held`].
    pub(super) fn is_held(&self, owner: u64) -> bool {
        self.inside.lock().shortcut.is_held(owner)
    }

    /// Whether commands can be taken from memory.
    pub(super) fn is_ready(&self, owner: u64) -> bool {
        self.inside.lock().shortcut.is_ready(owner)
    }

    /// Takes commands from memory until there are `max`.
    pub(super) fn take(&self, owner: u64, commands: &mut Vec<Received>, max: usize) {
        commands.extend(self.inside.lock().shortcut.take(owner, max.saturating_sub(commands.len())));
    }

    /// See [`Shortcut::come`].
    pub(super) fn come(&self) -> u64 {
        self.inside.lock().shortcut.come()
    }

    /// See [`Shortcut::has_taken`].
    pub(super) fn has_taken(&self, come: u64) -> bool {
        self.inside.lock().shortcut.has_taken(come)
    }

    /// Something has come by the log. Called with librdkafka's queue locked: nobody takes from that with this one locked.
    pub(super) fn ring(&self) {
        self.inside.lock().has_rung = true;
        self.arrived.notify_one();
    }

    /// Waits until something has come either way.
    pub(super) fn wait(&self, owner: u64, until: Instant) {
        let mut inside = self.inside.lock();
        while !inside.has_rung && !inside.shortcut.is_ready(owner) {
            if self.arrived.wait_until(&mut inside, until).timed_out() {
                break;
            }
        }
        inside.has_rung = false;
    }
}

/// The gates of all shards.
pub(super) struct Gates(Vec<Arc<Gate>>);

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gates").finish_non_exhaustive()
    }
}

impl Gates {
    /// At most `capacity` commands may wait in memory at each.
    pub(super) fn new(shards: ShardCount, capacity: usize) -> Self {
        Self(shards.all().map(|_| Arc::new(Gate::new(capacity))).collect())
    }

    pub(super) fn of(&self, shard: ShardId) -> &Arc<Gate> {
        &self.0[shard.0 as usize]
    }
}
