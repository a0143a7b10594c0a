//! Connections to the views file.

use super::error;
use crate::store::StoreError;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Bytes of a page.
const PAGE: u32 = 4_096;
/// Pages of the WAL after which SQLite copies them into the file: 128 MiB, so that a burst syncs seldom, and a page that
/// many batches touch is copied once.
const WAL_PAGES: u32 = 32_768;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 64;

/// Connections for reading. One is opened when all are in use: there are never more than threads that read.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// Reads on a connection of its own.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let result = read(&reader).map_err(|e| error(&e));
        self.idle.lock().push(reader);
        result
    }
}

/// Opens the writer's connection, and makes the file where there is none. Changes nothing in one that is there.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
}

/// Sets how the writer writes.
pub(super) fn configure(writer: &Connection) -> rusqlite::Result<()> {
    // Before WAL: it is fixed then. Twice the default halves the system calls of a commit.
    writer.pragma_update(None, "page_size", PAGE)?;
    writer.pragma_update(None, "journal_mode", "wal")?;
    writer.pragma_update(None, "synchronous", "normal")?;
    writer.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    writer.pragma_update(None, "journal_size_limit", 160 << 20)?;
    // KiB, negative by convention: 64 MiB, so that the tops of all B-trees stay in memory.
    writer.pragma_update(None, "cache_size", -65_536)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let failed = |e: rusqlite::Error| match error(&e) {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!("{}: {why}", path.display())),
        StoreError::Corrupt(why) => StoreError::Corrupt(format!("{}: {why}", path.display())),
    };
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
    Ok(connection)
}
