//! The right to write a shard of a simulated log.

use super::world::World;
use crate::{Batch, CommitOutcome, Consumed, Lease, LogError, Polled};
use parking_lot::Mutex;
use schemas::{ShardId, Topic};
use std::{sync::Arc, time::Duration};

/// See the module.
pub(super) struct SimulatedLease {
    world: Arc<Mutex<World>>,
    shard: ShardId,
    epoch: u64,
    /// The life of the process that it belongs to.
    life: u32,
    consumed: Consumed,
    /// Where the next commands are read; nothing before [`Lease::consume_from`].
    next: Option<Consumed>,
    /// What became of a batch that was handed over, which nobody has been told.
    late: Option<CommitOutcome>,
}

impl SimulatedLease {
    /// The newest lease of a shard.
    pub(super) const fn new(
        world: Arc<Mutex<World>>,
        shard: ShardId,
        epoch: u64,
        life: u32,
        consumed: Consumed,
    ) -> Self {
        Self { world, shard, epoch, life, consumed, next: None, late: None }
    }
}

impl SimulatedLease {
    /// Fails where a batch was handed over and did not reach the log.
    fn told(&self) -> Result<(), LogError> {
        let late = |outcome| Err(LogError::Unavailable(format!("a batch that was handed over is {outcome:?}")));
        self.late.map_or(Ok(()), late)
    }
}

impl Lease for SimulatedLease {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn consumed(&self) -> Consumed {
        self.consumed
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        let mut world = self.world.lock();
        if !world.is_owner(self.shard, self.epoch, self.life) {
            return Err(LogError::Fenced);
        }
        if world.is_embedded() {
            world.open_inbox(self.shard, consumed.internal)?;
        }
        self.next = Some(consumed);
        Ok(())
    }

    fn poll(&mut self, max: usize, _wait: Duration) -> Result<Polled, LogError> {
        self.told()?;
        let mut world = self.world.lock();
        if !world.is_owner(self.shard, self.epoch, self.life) {
            return Ok(Polled { closed: true, ..Polled::default() });
        }
        if world.is_embedded() {
            return Ok(world.take_commands(self.shard, self.epoch, max));
        }
        let Some(next) = &mut self.next else {
            return Ok(Polled { closed: world.is_closing(), ..Polled::default() });
        };
        let mut commands = world.read_commands(Topic::InternalCommands, self.shard, next.internal, max)?;
        commands.extend(world.read_commands(Topic::Commands, self.shard, next.commands, max - commands.len())?);
        for received in &commands {
            next.pass(received.source);
        }
        let drained = world.read_commands(Topic::InternalCommands, self.shard, next.internal, 1)?.is_empty()
            && world.read_commands(Topic::Commands, self.shard, next.commands, 1)?.is_empty();
        let closed = world.is_closing() && drained && commands.is_empty();
        Ok(Polled { commands, drained, is_carried: false, closed })
    }

    fn commit(&mut self, batch: Batch) -> CommitOutcome {
        let mut world = self.world.lock();
        if !world.is_owner(self.shard, self.epoch, self.life) {
            return CommitOutcome::Fenced;
        }
        world.commit(self.shard, self.epoch, batch)
    }

    /// Where a commit is a transaction, that it failed is told with the next call.
    fn hand_over(&mut self, batch: Batch) -> CommitOutcome {
        if let Some(late) = self.late {
            return late;
        }
        match self.commit(batch) {
            CommitOutcome::Aborted if planted::bug!("aborted-kept") => CommitOutcome::Committed,
            CommitOutcome::Indefinite if planted::bug!("indefinite-as-committed") => CommitOutcome::Committed,
            late @ (CommitOutcome::Aborted | CommitOutcome::Indefinite) => {
                self.late = Some(late);
                CommitOutcome::Committed
            }
            known => known,
        }
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.told()?;
        let world = self.world.lock();
        if !world.is_owner(self.shard, self.epoch, self.life) {
            return Err(LogError::Fenced);
        }
        Ok(world.snapshot(self.shard, key))
    }

    fn is_durable(&self) -> bool {
        self.world.lock().handed_over() == 0
    }
}

impl Drop for SimulatedLease {
    fn drop(&mut self) {
        let mut world = self.world.lock();
        if world.is_owner(self.shard, self.epoch, self.life) {
            world.release(self.shard, self.epoch);
        }
    }
}
