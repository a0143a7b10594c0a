//! The inbox of a shard whose commands come in memory: bounded for clients, not for internal commands.

use crate::{CommandSource, Polled, Received, SubmitError};
use schemas::CommandEnvelope;
use std::{collections::VecDeque, sync::Arc};

/// What happens to internal commands that reach the inbox.
#[derive(Debug)]
enum Delivery {
    /// Nobody consumes: they stand in the log.
    Idle,
    /// The older ones are being read from the log: these wait for them.
    Loading(VecDeque<Received>),
    /// They are taken by the owner.
    Open,
}

/// The commands that wait for a shard. No lock and no waiting: those are around it.
#[derive(Debug)]
pub(crate) struct Inbox {
    owner: u64,
    queue: VecDeque<Received>,
    clients: usize,
    capacity: usize,
    delivery: Delivery,
    closing: bool,
}

impl Inbox {
    /// An inbox for at most `capacity` commands of clients.
    pub(crate) const fn new(capacity: usize) -> Self {
        let queue = VecDeque::new();
        Self { owner: 0, queue, clients: 0, capacity, delivery: Delivery::Idle, closing: false }
    }

    /// Takes a client's command, unless the inbox is full.
    pub(crate) fn submit(&mut self, envelope: CommandEnvelope) -> Result<(), SubmitError> {
        if self.closing {
            return Err(SubmitError::Unavailable);
        }
        if self.clients >= self.capacity && !planted::bug!("unbounded-inbox") {
            return Err(SubmitError::Full);
        }
        self.clients += 1;
        self.queue.push_back(Received { source: CommandSource::Memory, envelope: Arc::new(envelope) });
        Ok(())
    }

    /// Takes internal commands, the first of them at offset `first`.
    pub(crate) fn deliver(&mut self, first: u64, commands: impl IntoIterator<Item = CommandEnvelope>) {
        let into = match &mut self.delivery {
            Delivery::Idle => return,
            Delivery::Loading(waiting) => waiting,
            Delivery::Open => &mut self.queue,
        };
        let at = |(i, envelope)| Received { source: CommandSource::Internal(first + i), envelope: Arc::new(envelope) };
        into.extend((0..).zip(commands).map(at));
    }

    /// Gives the inbox to the lease with epoch `owner`. What clients sent stays.
    pub(crate) fn hand_to(&mut self, owner: u64) {
        self.owner = owner;
        self.stop();
    }

    /// The owner `owner` is gone.
    pub(crate) fn give_up(&mut self, owner: u64) {
        if self.owner == owner {
            self.owner = 0;
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.delivery = Delivery::Idle;
        self.queue.retain(|received| received.source == CommandSource::Memory);
    }

    /// From now on internal commands are kept until [`Self::open`] brings the older ones.
    pub(crate) fn begin_loading(&mut self) {
        self.stop();
        self.delivery = Delivery::Loading(VecDeque::new());
    }

    /// Delivers `older` ones, then those that came meanwhile at `from` or later, then everything as it comes.
    pub(crate) fn open(&mut self, from: u64, older: impl IntoIterator<Item = Received>) {
        let newer = match std::mem::replace(&mut self.delivery, Delivery::Open) {
            Delivery::Loading(waiting) => waiting,
            Delivery::Idle | Delivery::Open => VecDeque::new(),
        };
        let wanted = |received: &Received| match received.source {
            CommandSource::Internal(offset) => offset >= from,
            CommandSource::Memory | CommandSource::Commands(_) => true,
        };
        let clients = std::mem::take(&mut self.queue);
        self.queue = older.into_iter().chain(newer.into_iter().filter(wanted)).chain(clients).collect();
    }

    /// Whether `owner` no longer has the inbox.
    pub(crate) const fn is_lost_to(&self, owner: u64) -> bool {
        self.owner != owner
    }

    /// Refuses clients; polls end once nothing is left.
    pub(crate) const fn close(&mut self) {
        self.closing = true;
    }

    /// Whether a poll of `owner` has anything to say.
    pub(crate) fn is_ready(&self, owner: u64) -> bool {
        self.is_lost_to(owner) || self.closing || (matches!(self.delivery, Delivery::Open) && !self.queue.is_empty())
    }

    /// Takes at most `max` commands for `owner`.
    pub(crate) fn take(&mut self, owner: u64, max: usize) -> Polled {
        if self.is_lost_to(owner) {
            return Polled { closed: true, ..Polled::default() };
        }
        if !matches!(self.delivery, Delivery::Open) {
            return Polled { closed: self.closing, ..Polled::default() };
        }
        let commands: Vec<_> = self.queue.drain(..max.min(self.queue.len())).collect();
        self.clients -= commands.iter().filter(|received| received.source == CommandSource::Memory).count();
        let drained = self.queue.is_empty() || planted::bug!("clock-before-drained");
        let closed = self.closing && drained && commands.is_empty();
        Polled { commands, drained, is_carried: false, closed }
    }
}
