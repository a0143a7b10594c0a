//! The port to the log, and what implements it: [`sqlite`] embedded, [`kafka`] on a cluster, [`simulated`] for the
//! simulation.
//!
//! No error of a library leaves its file. What a batch holds takes effect as a whole or not at all.

pub mod dead_letter;
mod inbox;
pub mod kafka;
mod published;
pub mod redrive;
mod shortcut;
pub mod simulated;
pub mod sqlite;

pub use dead_letter::{DeadLetter, LetterKind};
pub use kafka::MAX_RECORD_BYTES;
pub use published::is_published;

use schemas::{AggregateKey, Command, CommandEnvelope, Envelope, Reply, ShardCount, ShardId, Topic};
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// A record to append to an events topic. Its partition is the shard's; its `seq` is stamped by the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Which events topic.
    pub topic: Topic,
    /// The attributes; `seq` is dense per topic and shard, `epoch` is the lease's.
    pub envelope: Envelope,
    /// Plain JSON.
    pub value: Vec<u8>,
}

/// A record to append to the compacted snapshots topic of the shard; `value: None` is a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// The compaction key, such as `item/sku-1/0`.
    pub key: String,
    /// Bytes, at most 256 KiB.
    pub value: Option<Vec<u8>>,
}

/// A record that could not be used, with why. See [`NewDeadLetter::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// The key that it had.
    pub key: String,
    /// JSON: the reason and the original.
    pub value: Vec<u8>,
}

/// A record to append by itself, outside of any shard's transaction: see [`EventLog::publish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// One that is not written in transactions: suppliers' items, states, dead letters.
    pub topic: Topic,
    /// Decides the partition, as every key does: the shard of it.
    pub key: String,
    /// Names and values, in order.
    pub headers: Headers,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// The headers of a record, in order. Values need not be text.
pub type Headers = Vec<(String, Vec<u8>)>;

/// How far the commands of a shard have been consumed: the next offset to read, per topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Of the clients' commands, where they are read from a log.
    pub commands: u64,
    /// Of the internal commands.
    pub internal: u64,
}

impl Consumed {
    /// The later position of each topic.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self { commands: self.commands.max(other.commands), internal: self.internal.max(other.internal) }
    }

    /// Moves past a command.
    pub fn pass(&mut self, source: CommandSource) {
        match source {
            CommandSource::Memory => {}
            CommandSource::Commands(offset) => self.commands = self.commands.max(offset + 1),
            CommandSource::Internal(offset) => self.internal = self.internal.max(offset + 1),
        }
    }
}

/// What one transaction holds.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What happened.
    pub events: Vec<NewEvent>,
    /// The outbox: routed by key to the shards of other aggregates.
    pub internal: Vec<CommandEnvelope>,
    /// Changed state.
    pub snapshots: Vec<NewSnapshot>,
    /// What could not be decided.
    pub dead_letters: Vec<NewDeadLetter>,
    /// The positions after it; one that is lower than what is known changes nothing.
    pub consumed: Consumed,
    /// Outside the transaction: sent once it is committed, dropped otherwise.
    pub replies: Vec<Reply>,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is in the log, or (embedded) will be, in order, or die with the process; its replies go out when it is durable.
    Committed,
    /// It is not in the log: rewind and try again.
    Aborted,
    /// Another owner has the shard: stop.
    Fenced,
    /// Nobody knows: take a new lease, replay, learn what happened.
    Indefinite,
}

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: u32,
    /// Its place in the partition; not dense, and not the seq.
    pub offset: u64,
    /// Its key.
    pub key: String,
    /// The attributes; only events have them.
    pub envelope: Option<Envelope>,
    /// The headers of a record that was published by itself; the others' are in the envelope.
    pub headers: Headers,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A command that reached its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it stood: how far [`Consumed`] moves once it is decided.
    pub source: CommandSource,
    /// The command. Shared: a log may keep it until it is decided for good.
    pub envelope: Arc<CommandEnvelope>,
}

/// Where a command stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandSource {
    /// In memory, from a client of this process.
    Memory,
    /// In the clients' command topic, at this offset.
    Commands(u64),
    /// In the internal command topic, at this offset.
    Internal(u64),
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// The commands, in order.
    pub commands: Vec<Received>,
    /// Whether all that stood there when the poll began has been given, by it or before: the clock may be fed that time.
    pub drained: bool,
    /// `drained` speaks of an earlier poll: of the last one that said false here. So a clock that never finds the topics
    /// empty goes on all the same.
    pub is_carried: bool,
    /// Whether the lease has ended or the log is closing: no further poll brings anything.
    pub closed: bool,
}

/// The right to write a shard. Dropping it gives the shard up.
pub trait Lease: Send {
    /// The shard.
    fn shard(&self) -> ShardId;
    /// Higher than that of every earlier lease of the shard.
    fn epoch(&self) -> u64;
    /// The next offset of each command topic as committed by earlier owners.
    fn consumed(&self) -> Consumed;
    /// Starts the delivery of commands from these offsets, once state is rebuilt. Called again, it starts over from there.
    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError>;
    /// Waits at most `wait` for commands and takes at most `max` of them.
    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError>;
    /// Commits a batch: all of it or nothing. May block while too much waits to be written.
    ///
    /// # Panics
    /// If the events are not dense after the shard's last ones, or carry another epoch than the lease's.
    fn commit(&mut self, batch: Batch) -> CommitOutcome;
    /// As [`Self::commit`], but it need not wait for the outcome, so that the next batch is decided while this one is
    /// written: [`CommitOutcome::Committed`] = it is written next after what was handed over before. Where that fails, nothing
    /// that was handed over later is written, and a later call says so: this one by its outcome, a poll by an error. Its
    /// answers are given once it is durable. What came in memory since the last batch counts as decided by this one.
    fn hand_over(&mut self, batch: Batch) -> CommitOutcome {
        self.commit(batch)
    }
    /// Reads the newest value of a key of the shard's snapshots topic; `None` where there is none, or a tombstone.
    ///
    /// Sees every batch that this lease has committed: where a commit only hands over, it waits until that is durable.
    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError>;
    /// Whether all that this lease has committed is durable: at once, unless a commit only hands over.
    fn is_durable(&self) -> bool;
}

/// Where a reader begins: the next offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadFrom {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The first offset wanted.
    pub offset: u64,
}

/// Reads committed records of some partitions, each in order, without end.
pub trait Reader: Send {
    /// Waits at most `wait` for records and takes about `max_bytes` of them at most (one record at least).
    fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError>;
    /// Where it stands: the next offset of each partition. It passes over what a topic kept for a while only and is gone.
    fn places(&self) -> &[ReadFrom];
}

/// Takes the answers that are addressed to this node.
pub trait ReplySink: Send + Sync {
    /// Takes answers of committed batches. Must not block.
    fn deliver(&self, replies: Vec<Reply>);
}

/// Is told which shards are this process's to own.
pub trait Assignee: Send + Sync {
    /// These are, beside those that were told before; what is known already may be told again. Must not block.
    fn assigned(&self, shards: &[ShardId]);
    /// These are no longer. Returns only once their leases are dropped: then another process may have them.
    fn revoked(&self, shards: &[ShardId]);
}

/// Being one of the processes that the shards are shared among. Dropping it gives up what is assigned and leaves; where the
/// log is this process's alone, nothing is revoked by that.
pub trait Membership: Send + Sync {}

/// Why a command was not taken. Nothing happened: the client may try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The shard's inbox is full.
    #[error("too many commands are waiting")]
    Full,
    /// Free disk is below the reserve.
    #[error("the disk is nearly full")]
    DiskReserve,
    /// The log is closing or out of reach.
    #[error("the log is not available")]
    Unavailable,
}

/// What went wrong with the log.
#[derive(Debug, Error)]
pub enum LogError {
    /// It was made with other settings.
    #[error("{0}")]
    Mismatch(String),
    /// Another process has it.
    #[error("{0}")]
    Locked(String),
    /// It is damaged, or a newer version wrote it.
    #[error("{0}")]
    Corrupt(String),
    /// It cannot be reached or read.
    #[error("{0}")]
    Unavailable(String),
    /// The lease has ended.
    #[error("another owner has the shard")]
    Fenced,
}

/// A membership where there is nobody to share with.
struct Alone;

impl Membership for Alone {}

/// Assigns all shards at once.
fn join_alone(shards: ShardCount, assignee: &dyn Assignee) -> Box<dyn Membership> {
    assignee.assigned(&shards.all().collect::<Vec<_>>());
    Box::new(Alone)
}

/// The log: commands in, events out, one writer per shard.
pub trait EventLog: Send + Sync {
    /// How many shards it was created with.
    fn shards(&self) -> ShardCount;
    /// The prefix of its topics, part of `ce_source`.
    fn namespace(&self) -> &str;
    /// Fences every earlier owner; the only way to a lease. Returns once all that they committed can be read.
    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError>;
    /// Joins the processes that the shards are shared among. Where the log is this process's alone, all shards are assigned
    /// before this returns, and nothing else is told.
    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError>;
    /// Sends a client's command to its shard; never blocks.
    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError>;
    /// Appends records by themselves: when it returns each is durable, and records of one key are in this order. Blocks.
    ///
    /// # Errors
    /// [`LogError::Mismatch`] where one of them can never be written, as one of over [`MAX_RECORD_BYTES`]: none was.
    /// Otherwise nobody knows which of them were written: publish them again, readers know a repeat by its content.
    fn publish(&self, records: Vec<NewRecord>) -> Result<(), LogError>;
    /// Registers who takes answers in this process; the number goes into [`schemas::ReplyAddress::node`].
    fn register(&self, sink: Arc<dyn ReplySink>) -> u32;
    /// Reads committed records from these places on.
    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError>;
    /// The offset after the newest committed record of a partition.
    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError>;
    /// Whether commands are taken, and why not.
    fn writable(&self) -> Result<(), SubmitError>;
    /// Takes no more commands from clients. Polls answer `closed` once their inbox is empty; what a lease commits before
    /// it is dropped is still written. Does not block.
    fn close(&self);
}

/// The shard that owns an aggregate.
#[must_use]
pub fn shard_of(shards: ShardCount, key: &AggregateKey) -> ShardId {
    shards.of_key(key.as_str())
}

/// The shard that decides a command.
#[must_use]
pub fn shard_of_command(shards: ShardCount, command: &Command) -> ShardId {
    shards.of_key(command.key())
}
