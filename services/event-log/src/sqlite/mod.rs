//! The embedded log: one SQLite file in the data directory.
//!
//! Shards hand their batches over ([`handover`]) and run ahead; one thread writes all that waits in one transaction
//! ([`appender`]) and only then sends the replies. So what was handed over becomes durable in order, or dies with the process.

mod appender;
mod codec;
mod committed;
mod disk;
mod handover;
mod key;
mod lease;
mod publish;
mod reader;
mod schema;
mod shared;
mod write;

use crate::{Assignee, EventLog, Lease, LogError, Membership, NewRecord, ReadFrom, Reader, ReplySink, SubmitError};
use appender::Appender;
use parking_lot::Mutex;
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use shared::Shared;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

/// What happens when the log can no longer be written; the text says why. Unless told otherwise the process ends.
pub type OnFailure = Arc<dyn Fn(&str) + Send + Sync>;

/// The exit code of a process whose log can no longer be written (`EX_IOERR` of sysexits.h).
pub const EXIT_LOG_FAILED: i32 = 74;

/// Settings of the embedded log.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The data directory; made where it is not there.
    pub dir: PathBuf,
    /// The prefix of topics, fixed when the log is created.
    pub namespace: String,
    /// How many shards, fixed when the log is created.
    pub shards: ShardCount,
    /// Whether the clock is moved by hand, fixed when the log is created.
    pub test_clock: bool,
    /// How many commands of clients may wait at one shard.
    pub inbox_capacity: usize,
    /// Below so much free disk clients are refused.
    pub disk_reserve_bytes: u64,
    /// How much may wait to be written before a commit blocks.
    pub queue_bytes: usize,
    /// How much of the newest events is kept in memory for readers.
    pub tail_bytes: usize,
    /// How much the write-ahead log may hold before its pages are copied into the file, after which it begins anew at its
    /// start: overwriting costs the file system less than growing.
    pub checkpoint_bytes: usize,
    /// Called once when a write has failed.
    pub on_failure: OnFailure,
}

impl SqliteOptions {
    /// The usual settings: 16 shards in the namespace `stockfold`.
    ///
    /// # Panics
    /// Never: 16 is a number of shards.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            namespace: "stockfold".to_owned(),
            shards: ShardCount::new(16).expect("a number of shards"),
            test_clock: false,
            inbox_capacity: 10_000,
            disk_reserve_bytes: 256 << 20,
            queue_bytes: 16 << 20,
            tail_bytes: 32 << 20,
            checkpoint_bytes: 4 << 20,
            on_failure: Arc::new(|_| std::process::exit(EXIT_LOG_FAILED)),
        }
    }
}

/// The embedded log.
pub struct SqliteLog {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteLog {
    /// Opens the log of a data directory, or creates it.
    ///
    /// [`LogError::Locked`] if another process has it, [`LogError::Mismatch`] if it was created with other settings.
    pub fn open(options: SqliteOptions) -> Result<Arc<Self>, LogError> {
        let dir = options.dir.display();
        make_dir(&options.dir).map_err(|error| LogError::Unavailable(format!("cannot make {dir}: {error}")))?;
        let lock = lock(&options.dir)?;
        let file = options.dir.join("log.sqlite");
        let opened = schema::open(&file, &options)?;
        let shared = Arc::new(Shared::new(&options, file, opened.starts, &opened.shards));
        let on_failure = Arc::clone(&options.on_failure);
        let appender = Appender {
            shared: Arc::clone(&shared),
            connection: opened.connection,
            checkpoint_bytes: options.checkpoint_bytes,
            on_failure,
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("log-appender".to_owned())
            .spawn(move || appender.run())
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Arc::new(Self { shared, thread: Mutex::new(Some(thread)) }))
    }

    /// Waits until all that was handed over before is durable.
    pub fn flush(&self) -> Result<(), LogError> {
        let ticket = self.shared.core.lock().tickets();
        self.shared.committed.wait_durable(ticket)
    }

    /// After [`EventLog::close`]: waits until the last lease is gone and the file is closed; false if that is not so in time.
    #[must_use]
    pub fn wait_closed(&self, wait: Duration) -> bool {
        let closed = self.shared.committed.wait_ended(wait);
        if closed && let Some(thread) = self.thread.lock().take() {
            // It has nothing left to do but to return.
            let _ = thread.join();
        }
        closed
    }
}

/// Makes the directory where it is not there, so that it survives a power failure: SQLite syncs only what is in it.
fn make_dir(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(dir)?;
    for above in dir.canonicalize()?.ancestors().skip(1) {
        // Above what this process may write there is nothing that it made.
        if File::open(above).and_then(|above| above.sync_all()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Takes the directory for this process.
fn lock(dir: &Path) -> Result<File, LogError> {
    let path = dir.join("log.lock");
    let unavailable = |error| LogError::Unavailable(format!("cannot lock {}: {error}", path.display()));
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked(format!(
            "another process runs on {}: stop it, or give another data directory",
            dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

impl EventLog for SqliteLog {
    fn shards(&self) -> ShardCount {
        self.shared.shards
    }

    fn namespace(&self) -> &str {
        &self.shared.namespace
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        Ok(Box::new(lease::SqliteLease::acquire(&self.shared, shard)?))
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        Ok(crate::join_alone(self.shared.shards, &*assignee))
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.writable()?;
        let shard = crate::shard_of_command(self.shared.shards, &command.command);
        self.shared.inboxes[shard.0 as usize].submit(command)
    }

    fn publish(&self, records: Vec<NewRecord>) -> Result<(), LogError> {
        self.shared.publish(&records)
    }

    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.shared.register(sink)
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(reader::SqliteReader::new(&self.shared, from)?))
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.shared.committed.end(topic, partition)
    }

    fn writable(&self) -> Result<(), SubmitError> {
        if self.shared.closing.load(Ordering::Relaxed) {
            return Err(SubmitError::Unavailable);
        }
        if self.shared.disk.is_low() { Err(SubmitError::DiskReserve) } else { Ok(()) }
    }

    fn close(&self) {
        self.shared.core.lock().closing = true;
        self.shared.refuse_all();
        self.shared.work.notify_one();
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        self.close();
        // With a lease still alive the thread ends with that.
        let has_owners = self.shared.core.lock().has_owners();
        if !has_owners && let Some(thread) = self.thread.get_mut().take() {
            let _ = thread.join();
        }
    }
}
