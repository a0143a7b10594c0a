//! The file: its tables, what it was created with, and what stands in it when it is opened.

use super::{
    SqliteOptions,
    key::{ByTopic, code, index, offset, partition_range},
};
use crate::{Consumed, LogError};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use schemas::{ShardCount, Topic};
use std::{path::Path, time::Duration};

/// The number of the file's format.
const FORMAT: i64 = 1;

/// The tables. `id` is [`super::key::row_id`]: a rowid table keeps long values out of the inner pages of its tree.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE shards (
    shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, commands INTEGER NOT NULL, internal INTEGER NOT NULL,
    snapshots_end INTEGER NOT NULL
) STRICT;
CREATE TABLE batches (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (partition, key)
) STRICT;
";

/// What later versions added to it.
///
/// The newest record of each key of the topics of states; `place` is the part of `id` that says which partition.
const ADDED: &str = "
CREATE TABLE IF NOT EXISTS states (
    id INTEGER PRIMARY KEY, place INTEGER NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, UNIQUE (place, key)
) STRICT;
";

/// A view with the names of topics, for people with a SQLite shell.
fn record_batches() -> String {
    let stored = Topic::ALL.into_iter().filter(|topic| !Topic::STATES.contains(topic));
    let names: String = stored.map(|topic| format!(" WHEN {} THEN '{topic}'", code(topic))).collect();
    format!(
        "CREATE VIEW record_batches AS SELECT CASE id >> 59{names} END AS topic, (id >> 47) & 4095 AS partition, \
         id & 140737488355327 AS first_offset, count, data FROM batches"
    )
}

/// Adds what a directory that an earlier version made does not have.
fn extend(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(ADDED)?;
    let (sql, wanted) = ("SELECT sql FROM sqlite_schema WHERE name = 'record_batches'", record_batches());
    let known: Option<String> = transaction.query_row(sql, (), |row| row.get(0)).optional()?;
    if known.as_ref() != Some(&wanted) {
        transaction.execute_batch(&format!("DROP VIEW IF EXISTS record_batches; {wanted};"))?;
    }
    Ok(())
}

/// What a shard's next owner must know.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoredShard {
    /// The highest in the log.
    pub(super) epoch: u64,
    /// How far its commands have been consumed.
    pub(super) consumed: Consumed,
    /// The next offset of each topic.
    pub(super) ends: ByTopic,
}

/// What stands in an opened file.
pub(super) struct Opened {
    /// For the appender.
    pub(super) connection: Connection,
    /// How often the directory has been opened, this time too.
    pub(super) starts: u32,
    /// By shard.
    pub(super) shards: Vec<StoredShard>,
}

/// Opens or creates the log in `file`.
pub(super) fn open(file: &Path, options: &SqliteOptions) -> Result<Opened, LogError> {
    let mut connection = Connection::open(file).map_err(|error| failed(&error))?;
    prepare(&mut connection, options).map_err(|error| failed(&error))?;
    check(&connection, options)?;
    load(connection, options.shards).map_err(|error| failed(&error))
}

/// A connection that only reads.
pub(super) fn open_reader(file: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| failed(&error))?;
    let set = connection
        .busy_timeout(Duration::from_secs(10))
        .and_then(|()| connection.pragma_update(None, "query_only", true));
    set.map_err(|error| failed(&error))?;
    Ok(connection)
}

/// What an error of SQLite means to the caller.
pub(super) fn failed(error: &rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LogError::Corrupt(format!("the log is damaged: {error}"))
        }
        _ => LogError::Unavailable(format!("the log cannot be read or written: {error}")),
    }
}

fn prepare(connection: &mut Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "page_size", 4_096)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The appender chooses when: see `appender.rs`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    // What SQLite notes to undo a statement may not need another disk, which may be full.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(TABLES)?;
        let settings = [
            ("format", FORMAT.to_string()),
            ("shards", options.shards.get().to_string()),
            ("namespace", options.namespace.clone()),
            ("test_clock", options.test_clock.to_string()),
            ("starts", "0".to_owned()),
        ];
        for (key, value) in settings {
            transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
        }
    }
    extend(&transaction)?;
    transaction.commit()
}

fn check(connection: &Connection, options: &SqliteOptions) -> Result<(), LogError> {
    let read = |key: &str| {
        let value = connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0));
        match value.optional() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(LogError::Corrupt(format!("the log does not say its {key}"))),
            Err(error) => Err(LogError::Corrupt(format!("this is not a log of Stockfold: {error}"))),
        }
    };
    let dir = options.dir.display();
    let format = read("format")?;
    if format != FORMAT.to_string() {
        let text =
            format!("{dir} was written in format {format} and this version reads {FORMAT}: run a newer Stockfold");
        return Err(LogError::Corrupt(text));
    }
    let (shards, namespace, test_clock) = (read("shards")?, read("namespace")?, read("test_clock")?);
    if shards != options.shards.get().to_string() {
        let wanted = options.shards.get();
        return Err(LogError::Mismatch(format!(
            "{dir} was created with {shards} shards, and that cannot change: start with {shards} shards instead of {wanted}, \
             or give another data directory"
        )));
    }
    if namespace != options.namespace {
        let wanted = &options.namespace;
        return Err(LogError::Mismatch(format!(
            "{dir} was created for the namespace `{namespace}`: start with it instead of `{wanted}`, or give another data directory"
        )));
    }
    match (test_clock.as_str(), options.test_clock) {
        ("true", false) => Err(LogError::Mismatch(format!(
            "{dir} was created with --test-clock, so the times in it are not real: start with --test-clock, or give another data directory"
        ))),
        ("false", true) => Err(LogError::Mismatch(format!(
            "{dir} was created without --test-clock, and its clock must not be moved by hand: start without it, or give another data directory"
        ))),
        _ => Ok(()),
    }
}

fn load(connection: Connection, shards: ShardCount) -> rusqlite::Result<Opened> {
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'starts'", ())?;
    let starts = "SELECT CAST(value AS INTEGER) & 4294967295 FROM meta WHERE key = 'starts'";
    let starts = connection.query_row(starts, (), |row| row.get(0))?;
    let mut stored = Vec::with_capacity(shards.get() as usize);
    for shard in shards.all() {
        stored.push(load_shard(&connection, shard.0)?);
    }
    Ok(Opened { connection, starts, shards: stored })
}

fn load_shard(connection: &Connection, shard: u32) -> rusqlite::Result<StoredShard> {
    let mut stored = StoredShard::default();
    let sql = "SELECT epoch, commands, internal, snapshots_end FROM shards WHERE shard = ?1";
    let row = connection.prepare_cached(sql)?.query_row([shard], |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok((number(0)?, Consumed { commands: number(1)?, internal: number(2)? }, number(3)?))
    });
    if let Some((epoch, consumed, snapshots_end)) = row.optional()? {
        stored.epoch = epoch;
        stored.consumed = consumed;
        stored.ends[index(Topic::Snapshots)] = snapshots_end;
        // Consumed commands are deleted: the newest may be gone.
        stored.ends[index(Topic::InternalCommands)] = consumed.internal;
    }
    for topic in Topic::ALL {
        let (lowest, highest) = partition_range(topic, shard);
        let sql = if Topic::STATES.contains(&topic) {
            "SELECT id, 1 FROM states WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1"
        } else {
            "SELECT id, count FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1"
        };
        let newest = connection
            .prepare_cached(sql)?
            .query_row((lowest, highest), |row| Ok(offset(row.get(0)?) + row.get::<_, u32>(1).map(u64::from)?));
        if let Some(end) = newest.optional()? {
            stored.ends[index(topic)] = end.max(stored.ends[index(topic)]);
        }
    }
    Ok(stored)
}
