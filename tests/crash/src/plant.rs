//! Faults that are put in on purpose, to see that the checks find them.

use event_log::{
    Assignee, Batch, CommitOutcome, Consumed, EventLog, Lease, LogError, Membership, Polled, ReadFrom, Reader,
    ReplySink, SubmitError,
};
use read_model::{Checkpoints, Row, RowKey, RowWrite, Scan, StoreFuture, Table, ViewStore};
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The write-ahead log of the log is not synced.
    LogUnsynced,
    /// The write-ahead log of the keys is not synced.
    KeysUnsynced,
    /// The checkpoint of the views is written before their rows, in a transaction of its own.
    CheckpointFirst,
    /// Events and the commands to other aggregates are committed one after the other.
    BatchInTwo,
}

impl Plant {
    /// Every fault.
    pub const ALL: [Self; 4] = [Self::LogUnsynced, Self::KeysUnsynced, Self::CheckpointFirst, Self::BatchInTwo];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogUnsynced => "log-unsynced",
            Self::KeysUnsynced => "keys-unsynced",
            Self::CheckpointFirst => "checkpoint-first",
            Self::BatchInTwo => "batch-in-two",
        }
    }

    /// The fault of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plant| plant.name() == name)
    }

    /// Whether a sync of the file of that name is lost.
    #[must_use]
    pub fn loses_sync(self, name: &str) -> bool {
        match self {
            Self::LogUnsynced => name == "log.sqlite-wal",
            Self::KeysUnsynced => name == "keys.sqlite-wal",
            Self::CheckpointFirst | Self::BatchInTwo => false,
        }
    }
}

/// See [`Plant::CheckpointFirst`].
#[must_use]
pub fn checkpoint_first(views: Arc<dyn ViewStore>) -> Arc<dyn ViewStore> {
    Arc::new(CheckpointFirst(views))
}

struct CheckpointFirst(Arc<dyn ViewStore>);

impl ViewStore for CheckpointFirst {
    fn write<'a>(&'a self, consumer: &'a str, rows: &'a [RowWrite], at: &'a Checkpoints) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.0.write(consumer, &[], at).await?;
            self.0.write(consumer, rows, &Checkpoints::new()).await
        })
    }

    fn get<'a>(&'a self, table: Table, keys: &'a [RowKey]) -> StoreFuture<'a, Vec<Option<Row>>> {
        self.0.get(table, keys)
    }

    fn scan<'a>(&'a self, scan: Scan<'a>) -> StoreFuture<'a, Vec<Row>> {
        self.0.scan(scan)
    }

    fn checkpoints<'a>(&'a self, consumer: &'a str) -> StoreFuture<'a, Checkpoints> {
        self.0.checkpoints(consumer)
    }

    fn changed<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.0.changed()
    }
}

/// See [`Plant::BatchInTwo`].
#[must_use]
pub fn batch_in_two(log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
    Arc::new(BatchInTwo(log))
}

struct BatchInTwo(Arc<dyn EventLog>);

impl EventLog for BatchInTwo {
    fn shards(&self) -> ShardCount {
        self.0.shards()
    }

    fn namespace(&self) -> &str {
        self.0.namespace()
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        Ok(Box::new(LeaseInTwo(self.0.acquire(shard)?)))
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        self.0.join(assignee)
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.0.submit(command)
    }

    fn publish(&self, records: Vec<event_log::NewRecord>) -> Result<(), LogError> {
        self.0.publish(records)
    }

    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.0.register(sink)
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        self.0.reader(from)
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.0.end(topic, partition)
    }

    fn writable(&self) -> Result<(), SubmitError> {
        self.0.writable()
    }

    fn close(&self) {
        self.0.close();
    }
}

struct LeaseInTwo(Box<dyn Lease>);

impl Lease for LeaseInTwo {
    fn shard(&self) -> ShardId {
        self.0.shard()
    }

    fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    fn consumed(&self) -> Consumed {
        self.0.consumed()
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        self.0.consume_from(consumed)
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError> {
        self.0.poll(max, wait)
    }

    fn commit(&mut self, mut batch: Batch) -> CommitOutcome {
        let internal = std::mem::take(&mut batch.internal);
        let outcome = self.0.commit(batch);
        if internal.is_empty() || outcome != CommitOutcome::Committed {
            return outcome;
        }
        // Or both would wait for the same sync.
        while !self.0.is_durable() {
            std::thread::yield_now();
        }
        self.0.commit(Batch { internal, ..Batch::default() })
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.0.snapshot(key)
    }

    fn is_durable(&self) -> bool {
        self.0.is_durable()
    }
}
