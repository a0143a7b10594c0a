//! The embedded store of views: one SQLite file, which can be deleted and built again from the log.

mod pool;
mod schema;

use crate::store::{Checkpoint, Checkpoints, Row, RowKey, RowWrite, Scan, StoreError, StoreFuture, Table, ViewStore};
use parking_lot::Mutex;
use pool::Pool;
use rusqlite::{Connection, OptionalExtension, params};
use schemas::Topic;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    path::Path,
    pin::Pin,
};
use tokio::sync::watch;

/// Views in a SQLite file, with one writer and as many readers as ask at the same time.
///
/// The futures of the port never wait: SQLite runs on the caller's thread. A read takes 5 to 100 µs where the pages are
/// in memory, less than handing it to another thread and back costs on two cores, and WAL readers wait for no writer.
/// `synchronous` is NORMAL: after a power failure the newest writes may be gone, rows and checkpoints together, and are
/// folded again from the log, which is durable.
pub struct SqliteViews {
    writer: Mutex<Connection>,
    readers: Pool,
    statements: HashMap<Table, Statements>,
    checkpoints: Mutex<BTreeMap<String, Checkpoints>>,
    written: watch::Sender<u64>,
}

/// The SQL of a table, made once.
struct Statements {
    upsert: String,
    get: String,
    scan_up: String,
    scan_down: String,
}

impl Statements {
    fn of(table: Table) -> Self {
        let name = table.name;
        let newer = if planted::bug!("older-row-wins") { "true" } else { "excluded.v > v" };
        Self {
            upsert: format!(
                "INSERT INTO \"{name}\" (p, c, v, b) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (p, c) \
                 DO UPDATE SET v = excluded.v, b = excluded.b WHERE {newer}"
            ),
            get: format!("SELECT v, b FROM \"{name}\" WHERE p = ?1 AND c = ?2 AND b IS NOT NULL"),
            scan_up: format!(
                "SELECT c, v, b FROM \"{name}\" WHERE p = ?1 AND (?2 IS NULL OR c > ?2) AND b IS NOT NULL \
                 ORDER BY c LIMIT ?3"
            ),
            scan_down: format!(
                "SELECT c, v, b FROM \"{name}\" WHERE p = ?1 AND (?2 IS NULL OR c < ?2) AND b IS NOT NULL \
                 ORDER BY c DESC LIMIT ?3"
            ),
        }
    }
}

impl SqliteViews {
    /// Opens the file, or makes it, with these tables.
    ///
    /// A file with other tables or of an older format is deleted: views are built again from the log. A file of a newer
    /// format, or one that is not of views, is [`StoreError::Corrupt`]; nothing in it is touched.
    pub fn open(path: &Path, tables: &[Table]) -> Result<Self, StoreError> {
        let writer = schema::open(path, tables)?;
        let checkpoints = read_checkpoints(&writer).map_err(|e| error(&e))?;
        Ok(Self {
            writer: Mutex::new(writer),
            readers: Pool::new(path),
            statements: tables.iter().map(|&table| (table, Statements::of(table))).collect(),
            checkpoints: Mutex::new(checkpoints),
            written: watch::channel(0).0,
        })
    }

    fn statements(&self, table: Table) -> Result<&Statements, StoreError> {
        let unknown = || StoreError::Corrupt(format!("the store was opened without the table {}", table.name));
        self.statements.get(&table).ok_or_else(unknown)
    }

    fn write_all(&self, consumer: &str, rows: &[RowWrite], new: &Checkpoints) -> Result<(), StoreError> {
        // In the order of the B-trees, so that a page is touched once; of one row the versions stay in order.
        if planted::bug!("checkpoint-before-rows") && !rows.is_empty() {
            self.write_all(consumer, &[], new)?;
        }
        let mut rows: Vec<&RowWrite> = rows.iter().collect();
        rows.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        let mut writer = self.writer.lock();
        let transaction = writer.transaction().map_err(|e| error(&e))?;
        for rows in rows.chunk_by(|a, b| a.table == b.table) {
            let upsert = &self.statements(rows[0].table)?.upsert;
            let mut upsert = transaction.prepare_cached(upsert).map_err(|e| error(&e))?;
            for row in rows {
                let key = &row.key;
                upsert
                    .execute(params![key.partition, key.clustering, row.version.cast_signed(), row.body])
                    .map_err(|e| error(&e))?;
            }
        }
        write_checkpoints(&transaction, consumer, new).map_err(|e| error(&e))?;
        transaction.commit().map_err(|e| error(&e))?;
        // Told under the writer's lock, so that it never goes back.
        self.checkpoints.lock().entry(consumer.to_owned()).or_default().extend(new);
        self.written.send_modify(|count| *count += 1);
        Ok(())
    }

    fn read_rows(&self, table: Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        let sql = &self.statements(table)?.get;
        self.readers.with(|reader| {
            let mut get = reader.prepare_cached(sql)?;
            let read = |key: &RowKey| {
                get.query_row(params![key.partition, key.clustering], |row| {
                    let version: i64 = row.get(0)?;
                    Ok(Row { clustering: key.clustering.clone(), version: version.cast_unsigned(), body: row.get(1)? })
                })
                .optional()
            };
            keys.iter().map(read).collect()
        })
    }

    fn scan_rows(&self, scan: &Scan<'_>) -> Result<Vec<Row>, StoreError> {
        let statements = self.statements(scan.table)?;
        let sql = if scan.descending { &statements.scan_down } else { &statements.scan_up };
        // No page is as long as an i64 goes.
        let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
        self.readers.with(|reader| {
            let mut select = reader.prepare_cached(sql)?;
            let rows = select.query_map(params![scan.partition, scan.after, limit], |row| {
                let version: i64 = row.get(1)?;
                Ok(Row { clustering: row.get(0)?, version: version.cast_unsigned(), body: row.get(2)? })
            })?;
            rows.collect()
        })
    }
}

impl ViewStore for SqliteViews {
    fn write<'a>(
        &'a self,
        consumer: &'a str,
        rows: &'a [RowWrite],
        checkpoints: &'a Checkpoints,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.write_all(consumer, rows, checkpoints) })
    }

    fn get<'a>(&'a self, table: Table, keys: &'a [RowKey]) -> StoreFuture<'a, Vec<Option<Row>>> {
        Box::pin(async move { self.read_rows(table, keys) })
    }

    fn scan<'a>(&'a self, scan: Scan<'a>) -> StoreFuture<'a, Vec<Row>> {
        Box::pin(async move { self.scan_rows(&scan) })
    }

    fn checkpoints<'a>(&'a self, consumer: &'a str) -> StoreFuture<'a, Checkpoints> {
        Box::pin(async move { Ok(self.checkpoints.lock().get(consumer).cloned().unwrap_or_default()) })
    }

    fn changed<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        // Subscribed now, not at the first poll: a write between the two counts.
        let mut written = self.written.subscribe();
        Box::pin(async move {
            // It fails only when the store is gone, and then there is nothing to wait for.
            _ = written.changed().await;
        })
    }
}

fn write_checkpoints(connection: &Connection, consumer: &str, new: &Checkpoints) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO checkpoints (consumer, topic, partition, seq, offset, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (consumer, topic, partition) \
         DO UPDATE SET seq = excluded.seq, offset = excluded.offset, epoch = excluded.epoch",
    )?;
    for ((topic, partition), at) in new {
        let (seq, offset, epoch) = (at.seq.cast_signed(), at.offset.cast_signed(), at.epoch.cast_signed());
        upsert.execute(params![consumer, topic.name(), partition, seq, offset, epoch])?;
    }
    Ok(())
}

fn read_checkpoints(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Checkpoints>> {
    let mut all: BTreeMap<String, Checkpoints> = BTreeMap::new();
    let mut select = connection.prepare("SELECT consumer, topic, partition, seq, offset, epoch FROM checkpoints")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        // A topic that this build does not know is no topic that it folds.
        let Some(topic) = Topic::from_name(row.get_ref(1)?.as_str()?) else { continue };
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let checkpoint = Checkpoint { seq: number(3)?, offset: number(4)?, epoch: number(5)? };
        all.entry(row.get(0)?).or_default().insert((topic, row.get(2)?), checkpoint);
    }
    Ok(all)
}

/// What SQLite says, in the words of the port: damage is for good, anything else may pass.
fn error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            StoreError::Corrupt(format!("{error}; delete the views file and start again: it is built from the log"))
        }
        // `sqlite_error_code` is `None` for mistakes in our own SQL and types.
        None => StoreError::Corrupt(error.to_string()),
        Some(_) => StoreError::Unavailable(error.to_string()),
    }
}
