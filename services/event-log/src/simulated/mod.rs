//! A log for the simulation: in memory, on one thread, and as unkind as its driver wants.
//!
//! [`Profile::Embedded`] behaves as the SQLite log: a batch that was handed over becomes durable in its order when the
//! driver says so ([`SimulatedLog::make_durable`]), or dies in a [`SimulatedLog::crash`]. [`Profile::Cluster`] behaves as
//! Kafka: commands of clients stand in the log, or wait in memory for a lease of the same process
//! ([`SimulatedOptions::has_shortcut`]), a commit ends in any of the four ways ([`SimulatedLog::on_commit`]), offsets have
//! holes, and replies may be lost. Nothing ever blocks: waits are ignored.

mod lease;
mod partitions;
mod reader;
mod world;

use crate::{
    Assignee, EventLog, Lease, LogError, Membership, NewRecord, ReadFrom, Reader, Record, ReplySink, SubmitError,
};
use parking_lot::Mutex;
use schemas::{CommandEnvelope, Reply, ShardCount, ShardId, Topic};
use std::sync::Arc;
use world::World;

/// Which log is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Commits in order that die with the process.
    Embedded,
    /// All four outcomes; commands and state outlive the process.
    Cluster,
}

/// How a commit of [`Profile::Cluster`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is in the log.
    Committed,
    /// It is not; its offsets are used up.
    Aborted,
    /// It is not, and the lease has ended.
    Fenced,
    /// The lease has ended, and its owner cannot know which it was.
    Indefinite {
        /// Whether it is in the log.
        committed: bool,
    },
}

/// How a call of [`EventLog::publish`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// All of it is in the log.
    Written,
    /// It says that it failed, and the first so many records are in the log.
    Failed {
        /// How many, at most all.
        written: usize,
    },
}

/// Decides how calls of [`EventLog::publish`] end.
pub type OnPublish = Box<dyn FnMut(&[NewRecord]) -> Publishing + Send>;

/// Decides how commits end.
pub type OnCommit = Box<dyn FnMut(ShardId) -> Fate + Send>;

/// Settings of a simulated log.
#[derive(Debug, Clone)]
pub struct SimulatedOptions {
    /// Which log is played.
    pub profile: Profile,
    /// How many shards.
    pub shards: ShardCount,
    /// The prefix of topics.
    pub namespace: String,
    /// How many commands of clients may wait in memory at one shard.
    pub inbox_capacity: usize,
    /// Whether commands go to a lease of the same process in memory (cluster).
    pub has_shortcut: bool,
}

impl SimulatedOptions {
    /// A log in the namespace `stockfold` with inboxes for 10,000 commands.
    #[must_use]
    pub fn new(profile: Profile, shards: ShardCount) -> Self {
        Self { profile, shards, namespace: "stockfold".to_owned(), inbox_capacity: 10_000, has_shortcut: true }
    }
}

/// The simulated log: the port, and what its driver does to it.
pub struct SimulatedLog {
    options: SimulatedOptions,
    world: Arc<Mutex<World>>,
}

impl SimulatedLog {
    /// An empty log.
    #[must_use]
    pub fn new(options: SimulatedOptions) -> Arc<Self> {
        let world = Arc::new(Mutex::new(World::new(&options)));
        Arc::new(Self { options, world })
    }

    /// How many batches were handed over and are not durable (embedded).
    #[must_use]
    pub fn handed_over(&self) -> usize {
        self.world.lock().handed_over()
    }

    /// The oldest `n` batches that were handed over become durable, and their replies go out (embedded).
    pub fn make_durable(&self, n: usize) {
        let replies = self.world.lock().make_durable(n);
        self.deliver(replies);
    }

    /// Decides from now on how commits end (cluster). At first all are committed.
    pub fn on_commit(&self, decide: OnCommit) {
        self.world.lock().on_commit = decide;
    }

    /// Decides from now on how records that are published by themselves end. At first all are written.
    pub fn on_publish(&self, decide: OnPublish) {
        self.world.lock().on_publish = decide;
    }

    /// How many replies of committed batches are under way (cluster).
    #[must_use]
    pub fn replies_under_way(&self) -> usize {
        self.world.lock().replies.len()
    }

    /// The oldest `n` replies arrive (cluster).
    pub fn deliver_replies(&self, n: usize) {
        let replies = self.world.lock().take_replies(n);
        self.deliver(replies);
    }

    /// The oldest `n` replies are lost (cluster): for a client that is *unknown*.
    pub fn lose_replies(&self, n: usize) {
        drop(self.world.lock().take_replies(n));
    }

    /// Refuses commands of clients with this, or takes them again: a full disk, a log out of reach.
    pub fn refuse_clients(&self, with: Option<SubmitError>) {
        self.world.lock().refuse = with;
    }

    /// The owner of a shard loses it without knowing: what it holds is a zombie's lease.
    pub fn fence(&self, shard: ShardId) {
        self.world.lock().fence(shard);
    }

    /// The process dies: leases, inboxes, sinks, replies under way and what was not durable are gone. The log stays.
    pub fn crash(&self) {
        self.world.lock().crash();
    }

    /// Every record of a partition that is committed and not compacted away.
    #[must_use]
    pub fn records(&self, topic: Topic, partition: u32) -> Vec<Record> {
        self.world.lock().log.read(topic, partition, 0).cloned().collect()
    }

    /// Sinks may call the log, so the lock is not held.
    fn deliver(&self, replies: Vec<Reply>) {
        let sinks = self.world.lock().sinks.clone();
        for (node, sink) in sinks {
            let of_sink: Vec<_> = replies.iter().filter(|reply| reply.to.node == node).cloned().collect();
            if !of_sink.is_empty() {
                sink.deliver(of_sink);
            }
        }
    }
}

impl EventLog for SimulatedLog {
    fn shards(&self) -> ShardCount {
        self.options.shards
    }

    fn namespace(&self) -> &str {
        &self.options.namespace
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        if shard.0 >= self.options.shards.get() {
            return Err(LogError::Mismatch(format!("there is no shard {}", shard.0)));
        }
        // Whatever the earlier owner handed over is durable before the new one reads: as with SQLite.
        self.make_durable(usize::MAX);
        let (epoch, life, consumed) = self.world.lock().take(shard)?;
        Ok(Box::new(lease::SimulatedLease::new(Arc::clone(&self.world), shard, epoch, life, consumed)))
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        Ok(crate::join_alone(self.options.shards, &*assignee))
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.world.lock().submit(command)
    }

    /// What it has written is durable at once.
    fn publish(&self, records: Vec<NewRecord>) -> Result<(), LogError> {
        self.world.lock().publish(records)
    }

    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.world.lock().register(sink)
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        for place in from {
            self.end(place.topic, place.partition)?;
        }
        Ok(Box::new(reader::SimulatedReader::new(Arc::clone(&self.world), from)))
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        if partition >= self.options.shards.get() {
            return Err(LogError::Mismatch(format!("there is no {topic}/{partition}")));
        }
        Ok(self.world.lock().log.end(topic, partition))
    }

    fn writable(&self) -> Result<(), SubmitError> {
        self.world.lock().writable()
    }

    fn close(&self) {
        self.make_durable(usize::MAX);
        self.deliver_replies(usize::MAX);
        self.world.lock().close();
    }
}
