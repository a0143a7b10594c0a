//! What leases, readers and the appender share.

use super::{SqliteOptions, committed::Committed, disk::Disk, handover::Core, schema::StoredShard};
use crate::{Polled, ReplySink, SubmitError, inbox::Inbox};
use parking_lot::{Condvar, Mutex, RwLock};
use schemas::{CommandEnvelope, Reply, ShardCount};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// An inbox, and its owner who waits at it.
#[derive(Debug)]
pub(super) struct WaitingInbox {
    pub(super) inbox: Mutex<Inbox>,
    arrived: Condvar,
}

impl WaitingInbox {
    fn new(capacity: usize) -> Self {
        Self { inbox: Mutex::new(Inbox::new(capacity)), arrived: Condvar::new() }
    }

    /// Takes a client's command.
    pub(super) fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        let taken = self.inbox.lock().submit(command);
        // Costs nothing while the owner is awake.
        self.arrived.notify_one();
        taken
    }

    /// Takes internal commands.
    pub(super) fn deliver(&self, first: u64, commands: Vec<CommandEnvelope>) {
        self.inbox.lock().deliver(first, commands);
        self.arrived.notify_one();
    }

    /// Changes the inbox, and wakes whoever waits at it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Inbox) -> T) -> T {
        let result = change(&mut self.inbox.lock());
        self.arrived.notify_all();
        result
    }

    /// Waits for commands.
    pub(super) fn poll(&self, owner: u64, max: usize, wait: Duration) -> Polled {
        let mut inbox = self.inbox.lock();
        if !wait.is_zero() && !inbox.is_ready(owner) {
            let deadline = Instant::now() + wait;
            while !inbox.is_ready(owner) && !self.arrived.wait_until(&mut inbox, deadline).timed_out() {}
        }
        inbox.take(owner, max)
    }
}

/// See the module.
pub(super) struct Shared {
    pub(super) file: PathBuf,
    pub(super) namespace: String,
    pub(super) shards: ShardCount,
    pub(super) queue_bytes: usize,
    /// What numbers of sinks begin with: another one at every start, or an internal command of an earlier life of the
    /// process would answer a stranger's request.
    pub(super) first_node: u32,
    pub(super) core: Mutex<Core>,
    /// The appender waits here for batches.
    pub(super) work: Condvar,
    /// Leases wait here for room in the queue.
    pub(super) space: Condvar,
    pub(super) inboxes: Vec<WaitingInbox>,
    pub(super) committed: Committed,
    pub(super) sinks: RwLock<Vec<Arc<dyn ReplySink>>>,
    pub(super) disk: Disk,
    pub(super) closing: AtomicBool,
}

/// How many sinks one life of the process may register.
const NODES_PER_START: u32 = 64;

impl Shared {
    /// As it stands when the log is opened.
    pub(super) fn new(options: &SqliteOptions, file: PathBuf, starts: u32, stored: &[StoredShard]) -> Self {
        let ends = stored.iter().map(|shard| shard.ends).collect();
        Self {
            file,
            namespace: options.namespace.clone(),
            shards: options.shards,
            queue_bytes: options.queue_bytes,
            first_node: starts.wrapping_mul(NODES_PER_START),
            core: Mutex::new(Core::new(stored)),
            work: Condvar::new(),
            space: Condvar::new(),
            inboxes: stored.iter().map(|_| WaitingInbox::new(options.inbox_capacity)).collect(),
            committed: Committed::new(ends, options.tail_bytes),
            sinks: RwLock::default(),
            disk: Disk::of(&options.dir, options.disk_reserve_bytes),
            closing: AtomicBool::new(false),
        }
    }

    /// Takes no more commands of clients, and ends polls.
    pub(super) fn refuse_all(&self) {
        self.closing.store(true, Ordering::Relaxed);
        for inbox in &self.inboxes {
            inbox.change(Inbox::close);
        }
        self.space.notify_all();
    }

    /// Nothing that was handed over will be written.
    pub(super) fn fail(&self) {
        {
            let mut core = self.core.lock();
            core.failed = true;
            core.queue.clear();
        }
        self.refuse_all();
    }

    /// Registers a sink and gives it its number.
    pub(super) fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        let mut sinks = self.sinks.write();
        assert!(sinks.len() < NODES_PER_START as usize, "a process registers a few sinks, once");
        sinks.push(sink);
        self.first_node.wrapping_add(sinks.len() as u32 - 1)
    }

    /// Sends durable answers, one delivery per sink.
    pub(super) fn answer(&self, replies: impl Iterator<Item = Reply>) {
        let sinks = self.sinks.read();
        let mut by_sink: Vec<Vec<Reply>> = sinks.iter().map(|_| Vec::new()).collect();
        for reply in replies {
            let sink = reply.to.node.wrapping_sub(self.first_node) as usize;
            // Who waited in an earlier life of the process waits no more.
            if let Some(replies) = by_sink.get_mut(sink) {
                replies.push(reply);
            }
        }
        for (sink, replies) in sinks.iter().zip(by_sink) {
            if !replies.is_empty() {
                sink.deliver(replies);
            }
        }
    }
}
