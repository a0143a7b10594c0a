//! The store of views in ScyllaDB (or Apache Cassandra), for any number of projectors and readers.
//!
//! | what | how it is kept |
//! |---|---|
//! | a row | one CQL row; `v` and `b` are always written together, under the version as write timestamp |
//! | a lower version | loses, whenever and by whomever it is written: the higher timestamp wins each cell |
//! | the same version twice | is the same content, as folds are; of two contents (two builds that fold differently under one table name) the bytewise larger one would stay, on all replicas alike |
//! | a deleted row | a row with an empty body and its version, for good: there are no CQL tombstones |
//! | a checkpoint | its seq is its timestamp too, so the one of a projector that lags never replaces a newer one |
//!
//! Reads and writes are acknowledged by `LOCAL_QUORUM`: what is acknowledged is read from then on, in the same data
//! centre. In another one rows and checkpoints arrive in any order: readers who wait for positions belong where the
//! projector is.
//!
//! Rows hold their write timestamps for good. Whatever copies them must keep these (a backup of files does, a copy by
//! CQL does not): a row that carries the wall clock in place of its version would refuse every later write.

mod plan;
mod progress;
mod schema;
mod statements;

use crate::store::{Checkpoint, Checkpoints, Row, RowKey, RowWrite, Scan, StoreError, StoreFuture, Table, ViewStore};
use cql::{Consistency, Cql, CqlError};
use futures_util::{
    TryStreamExt as _,
    stream::{FuturesOrdered, FuturesUnordered},
};
use plan::{Request, bind, partition, requests};
use progress::Progress;
use schemas::Topic;
use statements::{CheckpointStatements, Statements};
use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};
use tokio::{sync::Mutex, task::JoinHandle, time::Instant};

pub use cql::{Applied, CqlConfig, Credentials, Keyspace, Replication, Tls};
pub use schema::migrate;

/// Writes that are under way at once.
const WRITES: usize = 128;
/// Reads by key that are under way at once.
const READS: usize = 64;
/// The most rows that are read at once in a scan, and the fewest once it has met deleted rows.
const PAGE: (usize, usize) = (1_000, 50);
/// Checkpoints in one request.
const CHECKPOINTS: usize = 128;

/// Views in a keyspace of ScyllaDB or Cassandra.
///
/// It lives on the runtime that it was opened on; its futures may be awaited on any with a clock.
pub struct ScyllaViews {
    inner: Arc<Inner>,
    watching: JoinHandle<()>,
}

struct Inner {
    cql: Cql,
    tables: HashMap<Table, Statements>,
    checkpoints: CheckpointStatements,
    progress: Progress,
    /// One look at the checkpoints at a time.
    looking: Mutex<()>,
}

impl ScyllaViews {
    /// Opens the keyspace, which [`migrate`] has brought to where these tables are.
    ///
    /// [`StoreError::Corrupt`] where it is not there yet (the error says what is to be run), keeps fewer than three
    /// copies without `allow_unsafe`, or where a newer version was there before.
    pub async fn open(config: &CqlConfig, tables: &[Table]) -> Result<Self, StoreError> {
        let cql = Cql::connect(config, Consistency::LocalQuorum).await?;
        schema::verify(&cql, config, tables).await?;
        let mut statements = HashMap::new();
        for &table in tables {
            statements.insert(table, Statements::of(&cql, table).await?);
        }
        let checkpoints = CheckpointStatements::new(&cql).await?;
        let (progress, looking) = (Progress::new(), Mutex::new(()));
        let inner = Arc::new(Inner { cql, tables: statements, checkpoints, progress, looking });
        let watched = Arc::clone(&inner);
        let look = move || {
            let inner = Arc::clone(&watched);
            async move { inner.look().await }
        };
        let watching = {
            let inner = Arc::clone(&inner);
            tokio::spawn(async move { inner.progress.watch(look).await })
        };
        Ok(Self { inner, watching })
    }
}

impl Drop for ScyllaViews {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Inner {
    fn statements(&self, table: Table) -> Result<&Statements, StoreError> {
        let unknown = || StoreError::Corrupt(format!("the store was opened without the table {}", table.name));
        self.tables.get(&table).ok_or_else(unknown)
    }

    async fn write_all(&self, consumer: &str, rows: &[RowWrite], new: &Checkpoints) -> Result<(), StoreError> {
        let mut requests = requests(rows).into_iter();
        let first = requests.by_ref().take(WRITES);
        let mut writes: FuturesUnordered<_> = first.map(|request| self.write_request(request)).collect();
        while writes.try_next().await?.is_some() {
            writes.extend(requests.next().map(|request| self.write_request(request)));
        }
        // Only now: every row has been acknowledged.
        let bound: Vec<_> = new
            .iter()
            .map(|(&(topic, shard), at)| {
                let (seq, offset, epoch) = (at.seq.cast_signed(), at.offset.cast_signed(), at.epoch.cast_signed());
                (consumer, topic.name(), shard.cast_signed(), seq, offset, epoch, seq)
            })
            .collect();
        for checkpoints in bound.chunks(CHECKPOINTS) {
            self.cql.write_partition(&self.checkpoints.put, checkpoints).await?;
        }
        self.progress.wrote(consumer, new);
        Ok(())
    }

    async fn write_request(&self, request: Request<'_>) -> Result<(), StoreError> {
        let [first, ..] = request.as_slice() else { return Ok(()) };
        let put = &self.statements(first.table)?.put;
        let bound = request.iter().map(|row| bind(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.cql.write_partition(put, &bound).await?)
    }

    async fn read_row(&self, statements: &Statements, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let values = (partition(&key.partition), key.clustering.as_str());
        let found: Vec<(i64, Vec<u8>)> = self.cql.read(&statements.get, values).await?;
        let row = |(version, body): (i64, Vec<u8>)| row(key.clustering.clone(), version, body);
        Ok(found.into_iter().next().and_then(row))
    }

    async fn read_rows(&self, table: Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let statements = self.statements(table)?;
        let mut keys = keys.iter();
        let mut rows = Vec::with_capacity(keys.len());
        let first = keys.by_ref().take(READS);
        let mut reads: FuturesOrdered<_> = first.map(|key| self.read_row(statements, key)).collect();
        while let Some(row) = reads.try_next().await? {
            rows.push(row);
            reads.extend(keys.next().map(|key| self.read_row(statements, key)));
        }
        Ok(rows)
    }

    async fn scan_rows(&self, scan: &Scan<'_>) -> Result<Vec<Row>, StoreError> {
        let statements = self.statements(scan.table)?;
        let (mut rows, mut after) = (Vec::new(), scan.after.map(str::to_owned));
        let (most, mut fewest) = (PAGE.0, 1);
        while rows.len() < scan.limit {
            let limit = (scan.limit - rows.len()).clamp(fewest, most);
            let page = self.read_page(statements, scan, after.as_deref(), limit).await?;
            let ended = page.len() < limit;
            after = page.last().map(|(clustering, ..)| clustering.clone());
            rows.extend(page.into_iter().filter_map(|(clustering, version, body)| row(clustering, version, body)));
            if ended {
                break;
            }
            fewest = PAGE.1;
        }
        rows.truncate(scan.limit);
        Ok(rows)
    }

    /// The next rows of a scan, deleted ones too.
    async fn read_page(
        &self,
        statements: &Statements,
        scan: &Scan<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, i64, Vec<u8>)>, StoreError> {
        // No page is as long as an i32 goes.
        let (partition, limit) = (partition(scan.partition), i32::try_from(limit).unwrap_or(i32::MAX));
        let rows = match (after, scan.descending) {
            (None, false) => self.cql.read(&statements.up, (partition, limit)).await,
            (None, true) => self.cql.read(&statements.down, (partition, limit)).await,
            (Some(after), false) => self.cql.read(&statements.up_after, (partition, after, limit)).await,
            (Some(after), true) => self.cql.read(&statements.down_after, (partition, after, limit)).await,
        };
        Ok(rows?)
    }

    async fn read_checkpoints(&self, consumer: &str) -> Result<Checkpoints, StoreError> {
        // No look is for longer than it is fresh; whoever came while one was under way shares its answer.
        if let Some(known) = self.progress.fresh(consumer) {
            return Ok(known);
        }
        let _one_at_a_time = self.looking.lock().await;
        if let Some(known) = self.progress.fresh(consumer) {
            return Ok(known);
        }
        self.look_at(consumer).await?;
        Ok(self.progress.known(consumer))
    }

    /// Reads the checkpoints of a consumer; whether they have moved.
    async fn look_at(&self, consumer: &str) -> Result<bool, StoreError> {
        let begun = Instant::now();
        let found: Vec<(String, i32, i64, i64, i64)> = self.cql.read(&self.checkpoints.get, (consumer,)).await?;
        let mut checkpoints = Checkpoints::new();
        for (topic, shard, seq, offset, epoch) in found {
            // A topic that this build does not know is no topic that it folds.
            let Some(topic) = Topic::from_name(&topic) else { continue };
            let (seq, offset, epoch) = (seq.cast_unsigned(), offset.cast_unsigned(), epoch.cast_unsigned());
            checkpoints.insert((topic, shard.cast_unsigned()), Checkpoint { seq, offset, epoch });
        }
        Ok(self.progress.looked(consumer, &checkpoints, begun))
    }

    /// Looks at the checkpoints of everybody who was asked for; whether any has moved.
    async fn look(&self) -> Result<bool, StoreError> {
        let _one_at_a_time = self.looking.lock().await;
        let mut any = false;
        for consumer in self.progress.consumers() {
            any |= self.look_at(&consumer).await?;
        }
        Ok(any)
    }
}

/// A row as it was read; `None` for a deleted one.
fn row(clustering: String, version: i64, body: Vec<u8>) -> Option<Row> {
    (!body.is_empty()).then(|| Row { clustering, version: version.cast_unsigned(), body })
}

impl From<CqlError> for StoreError {
    fn from(error: CqlError) -> Self {
        match error {
            CqlError::Unavailable(why) => Self::Unavailable(why),
            CqlError::Unusable(why) => Self::Corrupt(why),
        }
    }
}

impl ViewStore for ScyllaViews {
    fn write<'a>(
        &'a self,
        consumer: &'a str,
        rows: &'a [RowWrite],
        checkpoints: &'a Checkpoints,
    ) -> StoreFuture<'a, ()> {
        Box::pin(self.inner.write_all(consumer, rows, checkpoints))
    }

    fn get<'a>(&'a self, table: Table, keys: &'a [RowKey]) -> StoreFuture<'a, Vec<Option<Row>>> {
        Box::pin(self.inner.read_rows(table, keys))
    }

    fn scan<'a>(&'a self, scan: Scan<'a>) -> StoreFuture<'a, Vec<Row>> {
        Box::pin(async move { self.inner.scan_rows(&scan).await })
    }

    fn checkpoints<'a>(&'a self, consumer: &'a str) -> StoreFuture<'a, Checkpoints> {
        Box::pin(self.inner.read_checkpoints(consumer))
    }

    fn changed<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let mut moved = self.inner.progress.wait();
        Box::pin(async move {
            // It fails only when the store is gone, and then there is nothing to wait for.
            _ = moved.changed().await;
        })
    }
}
