//! The port to the store of views.

use schemas::Topic;
use std::{collections::BTreeMap, future::Future, pin::Pin};
use thiserror::Error;

/// A future of the port: object-safe, so that the store is chosen when the process is composed.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A table of one version of a view. A new version fills its own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// Its name with the version, such as `stock_v1`.
    pub name: &'static str,
}

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Rows of one partition are read together and in order.
    pub partition: String,
    /// The order inside of the partition, bytewise; empty where there is one row only.
    pub clustering: String,
}

impl RowKey {
    /// The key of a row that is the only one of its partition.
    #[must_use]
    pub const fn single(partition: String) -> Self {
        Self { partition, clustering: String::new() }
    }
}

/// A row to write, whole, or (with `body: None`) to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWrite {
    /// Where.
    pub table: Table,
    /// Which.
    pub key: RowKey,
    /// The seq of the newest event in it, times 16, plus an ordinal: the write timestamp. A lower one changes nothing.
    pub version: u64,
    /// The whole row as JSON; `None` deletes and leaves a tombstone with the version.
    pub body: Option<Vec<u8>>,
}

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its clustering key.
    pub clustering: String,
    /// As in [`RowWrite::version`].
    pub version: u64,
    /// The whole row as JSON.
    pub body: Vec<u8>,
}

/// How far a consumer has folded a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The highest contiguous seq whose rows are acknowledged.
    pub seq: u64,
    /// The next offset to read.
    pub offset: u64,
    /// The epoch of the newest event.
    pub epoch: u64,
}

/// What a consumer has folded: by topic and partition.
pub type Checkpoints = BTreeMap<(Topic, u32), Checkpoint>;

/// Which rows of a partition are wanted.
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    /// The table.
    pub table: Table,
    /// The partition.
    pub partition: &'a str,
    /// Only rows after this clustering key, in the direction of the scan.
    pub after: Option<&'a str>,
    /// Newest (highest) first.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
}

/// What went wrong with the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time: try again.
    #[error("the view store is not available: {0}")]
    Unavailable(String),
    /// It is damaged, or of another version.
    #[error("the view store is not usable: {0}")]
    Corrupt(String),
}

/// A store of view rows. Writes are idempotent: the higher version of a row wins, in any order.
pub trait ViewStore: Send + Sync {
    /// Writes rows, then the checkpoints of `consumer`: never a checkpoint before its rows.
    ///
    /// After an error nobody knows which rows were written: write the same again, or fold again from the checkpoints.
    fn write<'a>(
        &'a self,
        consumer: &'a str,
        rows: &'a [RowWrite],
        checkpoints: &'a Checkpoints,
    ) -> StoreFuture<'a, ()>;
    /// Reads rows by key; absent ones and tombstones are `None`, in the order asked.
    fn get<'a>(&'a self, table: Table, keys: &'a [RowKey]) -> StoreFuture<'a, Vec<Option<Row>>>;
    /// Reads rows of one partition in order.
    fn scan<'a>(&'a self, scan: Scan<'a>) -> StoreFuture<'a, Vec<Row>>;
    /// The checkpoints of a consumer.
    fn checkpoints<'a>(&'a self, consumer: &'a str) -> StoreFuture<'a, Checkpoints>;
    /// Ends when a checkpoint may have moved since the call, or after a while: look again.
    fn changed<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
