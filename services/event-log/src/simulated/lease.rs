//! The right to write a shard of a simulated log.

use super::world::World;
use crate::{Batch, CommitOutcome, Consumed, Lease, LogError, Polled};
use parking_lot::Mutex;
use schemas::{CommandEnvelope, ShardId, Topic};
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
    /// What came in memory since a batch was handed over.
    given: Vec<Arc<CommandEnvelope>>,
    /// What came in memory and was surely not written.
    unwritten: Vec<Arc<CommandEnvelope>>,
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
        Self { world, shard, epoch, life, consumed, next: None, given: Vec::new(), unwritten: Vec::new(), late: None }
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
        } else {
            world.begin_shortcut(self.shard, self.epoch);
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
        let rest = |topic, from| world.read_commands(topic, self.shard, from, 1);
        let is_log_taken = rest(Topic::Commands, next.commands)?.is_empty();
        let is_internal_taken = rest(Topic::InternalCommands, next.internal)?.is_empty();
        let drained = world.take_shortcut(self.shard, self.epoch, is_log_taken, max, &mut commands)
            && is_log_taken
            && is_internal_taken;
        self.given.extend(crate::shortcut::from_memory(&commands));
        let closed = world.is_closing() && drained && commands.is_empty();
        Ok(Polled { commands, drained, is_carried: false, closed })
    }

    fn commit(&mut self, batch: Batch) -> CommitOutcome {
        let mut given = std::mem::take(&mut self.given);
        let mut world = self.world.lock();
        let is_owner = world.is_owner(self.shard, self.epoch, self.life);
        if let Some(refused) = self.late.or((!is_owner).then_some(CommitOutcome::Fenced)) {
            self.unwritten.append(&mut given);
            return refused;
        }
        let outcome = world.commit(self.shard, self.epoch, batch);
        if outcome == CommitOutcome::Aborted {
            self.unwritten.append(&mut given);
        }
        outcome
    }

    /// Where a commit is a transaction, that it failed is told with the next call.
    fn hand_over(&mut self, batch: Batch) -> CommitOutcome {
        if self.late.is_some() {
            return self.commit(batch);
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
        if world.life == self.life {
            let mut left = std::mem::take(&mut self.unwritten);
            left.append(&mut self.given);
            if !world.is_owner(self.shard, self.epoch, self.life) {
                left.clear();
            }
            world.end_shortcut(self.shard, self.epoch, left);
        }
        if world.is_owner(self.shard, self.epoch, self.life) {
            world.release(self.shard, self.epoch);
        }
    }
}
