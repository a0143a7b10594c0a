//! Keys in a SQLite file of their own, beside the log and the views.

use crate::{KeyError, KeyFuture, KeyState, KeyStore, Secret, SubjectKey, secrets::create_private};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension as _, params};
use schemas::SubjectId;
use std::{collections::HashMap, io, path::Path, sync::Arc};
use uuid::Uuid;

/// The number of the file's layout; a higher one was written by a newer version.
const LAYOUT: i64 = 1;

/// Subjects whose newest key is remembered; beyond that memory is given back and they are read again.
const REMEMBERED: usize = 100_000;

const TABLES: &str = "
    CREATE TABLE subject_keys (
        number  INTEGER PRIMARY KEY,
        subject TEXT NOT NULL,
        key_id  BLOB NOT NULL,
        secret  BLOB,              -- NULL once destroyed: that it existed is kept, so that a reader learns why
        UNIQUE (subject, key_id)
    ) STRICT;
";

/// A key store in a SQLite file of its own.
#[derive(Clone)]
pub struct SqliteKeyStore {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    /// The newest key by subject. Changed only while `connection` is locked, so that it never holds a destroyed key.
    newest: RwLock<HashMap<SubjectId, SubjectKey>>,
}

impl SqliteKeyStore {
    /// The name of the file in the data directory.
    pub const FILE: &'static str = "keys.sqlite";

    /// Opens the file at `path`, or makes it, readable by its owner only.
    ///
    /// [`KeyError::Corrupt`] where a newer version wrote it, [`KeyError::Unavailable`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        match create_private(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(KeyError::Unavailable(format!("{}: {error}", path.display()))),
        }
        let mut connection = Connection::open(path).map_err(key_error)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(key_error)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
            .map_err(key_error)?;
        let begun =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(key_error)?;
        let layout: i64 = begun.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(key_error)?;
        match layout {
            0 => {
                begun.execute_batch(TABLES).map_err(key_error)?;
                begun.pragma_update(None, "user_version", LAYOUT).map_err(key_error)?;
            }
            LAYOUT => {}
            newer => {
                return Err(KeyError::Corrupt(format!("layout {newer} is newer than {LAYOUT}; upgrade Stockfold")));
            }
        }
        begun.commit().map_err(key_error)?;
        // A power failure may have brought back what a destruction had cut off.
        empty_log(&connection)?;
        let inner = Inner { connection: Mutex::new(connection), newest: RwLock::new(HashMap::new()) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(error) => Err(KeyError::Unavailable(error.to_string())),
        }
    }
}

impl Inner {
    fn newest_or_new(&self, subject: &SubjectId) -> Result<SubjectKey, KeyError> {
        let connection = self.connection.lock();
        // Another caller may have made it while this one waited.
        if let Some(key) = self.newest.read().get(subject) {
            return Ok(key.clone());
        }
        let stored = connection
            .prepare_cached(
                "SELECT key_id, secret FROM subject_keys
                 WHERE subject = ?1 AND secret IS NOT NULL ORDER BY number DESC LIMIT 1",
            )
            .and_then(|mut query| query.query_row([subject.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(key_error)?;
        let key = match stored {
            Some((id, secret)) => read_key(id, secret)?,
            None => {
                let secret = Secret::random().map_err(|error| KeyError::Unavailable(error.to_string()))?;
                let key = SubjectKey::new(Uuid::new_v4(), secret.clone());
                connection
                    .prepare_cached("INSERT INTO subject_keys (subject, key_id, secret) VALUES (?1, ?2, ?3)")
                    .and_then(|mut insert| {
                        insert.execute(params![subject.as_str(), key.id().as_bytes(), secret.expose()])
                    })
                    .map_err(key_error)?;
                key
            }
        };
        let mut newest = self.newest.write();
        if newest.len() >= REMEMBERED {
            newest.clear();
        }
        newest.insert(subject.clone(), key.clone());
        Ok(key)
    }

    fn by_id(&self, subject: &SubjectId, key_id: Uuid) -> Result<SubjectKey, KeyError> {
        let connection = self.connection.lock();
        let secret: Option<Option<Vec<u8>>> = connection
            .prepare_cached("SELECT secret FROM subject_keys WHERE subject = ?1 AND key_id = ?2")
            .and_then(|mut query| {
                query.query_row(params![subject.as_str(), key_id.as_bytes()], |row| row.get(0)).optional()
            })
            .map_err(key_error)?;
        match secret {
            None => Err(KeyError::Unknown),
            Some(None) => Err(KeyError::Destroyed),
            Some(Some(secret)) => read_key(*key_id.as_bytes(), secret),
        }
    }

    fn list(&self, subject: &SubjectId) -> Result<Vec<KeyState>, KeyError> {
        let connection = self.connection.lock();
        let mut select = connection
            .prepare_cached("SELECT key_id, secret IS NULL FROM subject_keys WHERE subject = ?1 ORDER BY key_id")
            .map_err(key_error)?;
        let state =
            |row: &rusqlite::Row<'_>| Ok(KeyState { id: Uuid::from_bytes(row.get(0)?), is_destroyed: row.get(1)? });
        let states = select.query_map([subject.as_str()], state).and_then(Iterator::collect);
        states.map_err(key_error)
    }

    fn destroy(&self, subject: &SubjectId) -> Result<(), KeyError> {
        if planted::bug!("destroyed-key-opens") {
            return Ok(());
        }
        let connection = self.connection.lock();
        self.newest.write().remove(subject);
        connection
            .execute("UPDATE subject_keys SET secret = NULL WHERE subject = ?1", [subject.as_str()])
            .map_err(key_error)?;
        // The key's old bytes may still stand in the write-ahead log.
        if empty_log(&connection)? {
            Ok(())
        } else {
            Err(KeyError::Unavailable("the file is in use; try again".to_owned()))
        }
    }
}

/// Empties the write-ahead log into the file, where what was destroyed is wiped; false where another process reads it.
fn empty_log(connection: &Connection) -> Result<bool, KeyError> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(key_error)?;
    Ok(busy == 0)
}

impl KeyStore for SqliteKeyStore {
    fn key_for<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, SubjectKey> {
        if let Some(key) = self.inner.newest.read().get(subject) {
            let key = key.clone();
            return Box::pin(async { Ok(key) });
        }
        let subject = subject.clone();
        Box::pin(self.blocking(move |inner| inner.newest_or_new(&subject)))
    }

    fn key<'a>(&'a self, subject: &'a SubjectId, key_id: Uuid) -> KeyFuture<'a, SubjectKey> {
        let subject = subject.clone();
        Box::pin(self.blocking(move |inner| inner.by_id(&subject, key_id)))
    }

    fn list<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, Vec<KeyState>> {
        let subject = subject.clone();
        Box::pin(self.blocking(move |inner| inner.list(&subject)))
    }

    fn destroy<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, ()> {
        let subject = subject.clone();
        Box::pin(self.blocking(move |inner| inner.destroy(&subject)))
    }
}

fn read_key(id: [u8; 16], secret: Vec<u8>) -> Result<SubjectKey, KeyError> {
    let secret = zeroize::Zeroizing::new(secret);
    let secret = Secret::from_slice(&secret).ok_or_else(|| KeyError::Corrupt("a key of another length".to_owned()))?;
    Ok(SubjectKey::new(Uuid::from_bytes(id), secret))
}

fn key_error(error: rusqlite::Error) -> KeyError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => KeyError::Corrupt(error.to_string()),
        _ => KeyError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    fn subject() -> SubjectId {
        SubjectId::parse("somebody").expect("an id")
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(SqliteKeyStore::FILE);
        contract::all(&|| Box::new(SqliteKeyStore::open(&path).expect("opened"))).await;
    }

    #[tokio::test]
    async fn a_destroyed_key_leaves_no_bytes_in_the_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = SqliteKeyStore::open(&dir.path().join(SqliteKeyStore::FILE)).expect("opened");
        store.key_for(&subject()).await.expect("made");
        let bytes: Vec<u8> = store
            .inner
            .connection
            .lock()
            .query_row("SELECT secret FROM subject_keys", [], |row| row.get(0))
            .expect("stored");
        let found = || {
            std::fs::read_dir(dir.path()).expect("listed").any(|entry| {
                let content = std::fs::read(entry.expect("an entry").path()).expect("read");
                content.windows(bytes.len()).any(|window| window == bytes)
            })
        };
        assert!(found());
        store.destroy(&subject()).await.expect("destroyed");
        assert!(!found());
    }

    #[tokio::test]
    async fn a_destroyed_key_does_not_come_back_with_a_log_that_a_power_failure_restored() {
        let (before, after) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let store = SqliteKeyStore::open(&before.path().join(SqliteKeyStore::FILE)).expect("opened");
        store.key_for(&subject()).await.expect("made");
        let bytes: Vec<u8> = {
            let connection = store.inner.connection.lock();
            let bytes = connection.query_row("SELECT secret FROM subject_keys", [], |row| row.get(0)).expect("stored");
            // The first half of a destruction: its second half, the log's truncation, is not synced by SQLite.
            connection.execute("UPDATE subject_keys SET secret = NULL", []).expect("destroyed");
            bytes
        };
        for name in [SqliteKeyStore::FILE.to_owned(), format!("{}-wal", SqliteKeyStore::FILE)] {
            std::fs::copy(before.path().join(&name), after.path().join(&name)).expect("copied");
        }
        let found = || {
            std::fs::read_dir(after.path()).expect("listed").any(|entry| {
                let content = std::fs::read(entry.expect("an entry").path()).expect("read");
                content.windows(bytes.len()).any(|window| window == bytes)
            })
        };
        assert!(found());
        let _restored = SqliteKeyStore::open(&after.path().join(SqliteKeyStore::FILE)).expect("opened");
        assert!(!found());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let store = SqliteKeyStore::open(&dir.path().join(SqliteKeyStore::FILE)).expect("opened");
        store.key_for(&subject()).await.expect("made");
        for entry in std::fs::read_dir(dir.path()).expect("listed") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("there").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", entry.path().display());
        }
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(SqliteKeyStore::FILE);
        drop(SqliteKeyStore::open(&path).expect("made"));
        Connection::open(&path).expect("opened").pragma_update(None, "user_version", 99).expect("set");
        assert!(matches!(SqliteKeyStore::open(&path), Err(KeyError::Corrupt(_))));
    }
}
