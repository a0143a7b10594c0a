//! The way of clients' commands to a shard that the same process owns, where others go by a log: in memory, as soon as all
//! that this process sent by the log before has been taken from there. So its commands are decided in the order in which
//! they were sent, also where the shard comes and goes.

use crate::{CommandSource, Received, SubmitError};
use schemas::CommandEnvelope;
use std::{collections::VecDeque, sync::Arc};

/// See the module. No lock and no waiting: those are around it.
#[derive(Debug)]
pub(crate) struct Shortcut {
    /// The epoch of the lease at its end; 0 = there is none, and commands go by the log.
    owner: u64,
    /// Whether the log has been taken as far as it must be.
    is_open: bool,
    queue: VecDeque<Arc<CommandEnvelope>>,
    capacity: usize,
    /// How many have been taken, ever.
    taken: u64,
}

impl Shortcut {
    /// One that leads nowhere, and holds at most `capacity` commands.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { owner: 0, is_open: false, queue: VecDeque::new(), capacity, taken: 0 }
    }

    /// Takes a command, or gives it back: it goes by the log.
    pub(crate) fn submit(
        &mut self,
        command: Arc<CommandEnvelope>,
    ) -> Result<Option<Arc<CommandEnvelope>>, SubmitError> {
        if self.owner == 0 {
            return Ok(Some(command));
        }
        if self.queue.len() >= self.capacity {
            return Err(SubmitError::Full);
        }
        self.queue.push_back(command);
        Ok(None)
    }

    /// From now on commands wait here for the lease with epoch `owner`, unless a newer one has begun.
    pub(crate) fn begin(&mut self, owner: u64) {
        if owner >= self.owner {
            (self.owner, self.is_open) = (owner, planted::bug!("shortcut-overtakes"));
        }
    }

    /// What this process had sent by the log before has been taken.
    pub(crate) const fn open(&mut self, owner: u64) {
        self.is_open |= self.owner == owner;
    }

    /// The lease is gone. Gives what it has not taken, at most `max`, until nothing is left: then commands go by the log again.
    #[must_use]
    pub(crate) fn leave(&mut self, owner: u64, max: usize) -> Vec<Arc<CommandEnvelope>> {
        if self.owner != owner {
            return Vec::new();
        }
        let left: Vec<_> = self.queue.drain(..max.min(self.queue.len())).collect();
        self.taken += left.len() as u64;
        (self.owner, self.is_open) = (if left.is_empty() { 0 } else { owner }, false);
        left
    }

    /// Whether something waits for a lease that may not take it yet.
    pub(crate) fn is_held(&self, owner: u64) -> bool {
        self.owner == owner && !self.is_open && !self.queue.is_empty()
    }

    /// Whether there is something to take.
    pub(crate) fn is_ready(&self, owner: u64) -> bool {
        self.owner == owner && self.is_open && !self.queue.is_empty()
    }

    /// Takes at most `max` commands.
    pub(crate) fn take(&mut self, owner: u64, max: usize) -> impl Iterator<Item = Received> {
        let count = if self.is_ready(owner) { max.min(self.queue.len()) } else { 0 };
        self.taken += count as u64;
        self.queue.drain(..count).map(|envelope| Received { source: CommandSource::Memory, envelope })
    }

    /// How many have come, ever.
    pub(crate) fn come(&self) -> u64 {
        self.taken + self.queue.len() as u64
    }

    /// Whether the first so many of all that ever came have been taken.
    pub(crate) const fn has_taken(&self, come: u64) -> bool {
        self.taken >= come
    }
}

/// The commands among these that came in memory. Nothing but the lease knows of them.
pub(crate) fn from_memory(commands: &[Received]) -> impl Iterator<Item = Arc<CommandEnvelope>> {
    let is_local = |received: &&Received| received.source == CommandSource::Memory;
    commands.iter().filter(is_local).map(|received| Arc::clone(&received.envelope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{
        Caller, Command, CommandId, CorrelationId, ItemId, PositionToken, Timestamp,
        item::{ItemCommand, SetSafety},
    };

    fn command(n: u32) -> Arc<CommandEnvelope> {
        let item = ItemId::parse("tea").expect("an id");
        Arc::new(CommandEnvelope {
            id: CommandId::parse(&format!("c-{n}")).expect("an id"),
            caller: Caller::engine(),
            correlation: CorrelationId::parse("r").expect("an id"),
            reply_to: None,
            positions: PositionToken::default(),
            sent_at: Timestamp::from_millis(0),
            traceparent: None,
            command: Command::Item { item, command: ItemCommand::SetSafety(SetSafety { quantity: n }) },
        })
    }

    fn take(shortcut: &mut Shortcut, owner: u64, max: usize) -> Vec<Arc<CommandEnvelope>> {
        let taken: Vec<_> = shortcut.take(owner, max).collect();
        from_memory(&taken).collect()
    }

    #[test]
    fn without_an_owner_commands_go_by_the_log() {
        let mut shortcut = Shortcut::new(2);
        assert_eq!(shortcut.submit(command(1)), Ok(Some(command(1))));
        shortcut.begin(7);
        assert_eq!(shortcut.submit(command(2)), Ok(None));
        assert_eq!(shortcut.submit(command(3)), Ok(None));
        assert_eq!(shortcut.leave(7, 1), [command(2)]);
        assert_eq!(shortcut.submit(command(4)), Ok(None), "it may not overtake what is left");
        assert_eq!((shortcut.leave(7, 9), shortcut.leave(7, 9)), (vec![command(3), command(4)], vec![]));
        assert_eq!(shortcut.submit(command(5)), Ok(Some(command(5))));
    }

    #[test]
    fn nothing_is_taken_before_the_log_has_been() {
        let mut shortcut = Shortcut::new(9);
        for owner in [1, 2] {
            shortcut.begin(owner);
            assert_eq!(shortcut.submit(command(1)), Ok(None));
            assert_eq!(take(&mut shortcut, owner, 9), []);
            assert!(shortcut.is_held(owner));
            shortcut.open(owner + 1);
            assert!(!shortcut.is_ready(owner), "another lease has taken the log");
            shortcut.open(owner);
            assert_eq!(take(&mut shortcut, owner, 9), [command(1)]);
        }
    }

    #[test]
    fn it_is_bounded_and_told_how_far_it_was_taken() {
        let mut shortcut = Shortcut::new(3);
        shortcut.begin(1);
        shortcut.open(1);
        for n in 0..3 {
            assert_eq!(shortcut.submit(command(n)), Ok(None));
        }
        assert_eq!(shortcut.submit(command(3)), Err(SubmitError::Full));
        let come = shortcut.come();
        assert_eq!(take(&mut shortcut, 1, 2), [command(0), command(1)]);
        assert!(!shortcut.has_taken(come));
        assert_eq!(shortcut.submit(command(4)), Ok(None));
        assert_eq!(take(&mut shortcut, 1, 1), [command(2)]);
        assert!(shortcut.has_taken(come) && !shortcut.has_taken(shortcut.come()));
    }

    #[test]
    fn what_waits_passes_to_the_next_lease_of_the_process() {
        let mut shortcut = Shortcut::new(9);
        shortcut.begin(1);
        shortcut.open(1);
        assert_eq!(shortcut.submit(command(1)), Ok(None));
        shortcut.begin(2);
        assert_eq!((take(&mut shortcut, 1, 9), shortcut.leave(1, 9)), (vec![], vec![]), "it is a lease of the past");
        assert_eq!(take(&mut shortcut, 2, 9), [], "the new one has not taken the log");
        shortcut.open(2);
        shortcut.begin(1);
        assert_eq!(take(&mut shortcut, 2, 9), [command(1)]);
    }
}
