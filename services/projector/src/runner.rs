//! Runs the fold core: one thread reads all partitions, folds and writes, in whatever batches have gathered.

use crate::{
    status::{PartitionState, PartitionStatus, ProjectorStatus},
    worker::Worker,
};
use event_log::{EventLog, LogError, ReadFrom};
use read_model::{Checkpoints, StoreError, ViewStore, views::parked::Parked};
use schemas::Topic;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};
use thiserror::Error;
use tokio::runtime::Handle;

/// Bytes of records that are read and folded at once, about: a page of the store that many of them touch is written once.
pub(crate) const BATCH_BYTES: usize = 16 << 20;

/// What a projector works on.
pub struct ProjectorOptions {
    /// Where events come from.
    pub log: Arc<dyn EventLog>,
    /// Where rows go.
    pub views: Arc<dyn ViewStore>,
    /// Drives the store's futures.
    pub runtime: Handle,
}

/// Why a projector cannot run.
#[derive(Debug, Error)]
pub enum ProjectorError {
    /// The views have seen more than there is: they were made from another log.
    #[error(
        "the views are ahead of the log ({topic}/{partition}: folded to offset {folded}, the log ends at {end}); they \
         were made from another log: delete the views and start again"
    )]
    AheadOfLog {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: u32,
        /// The next offset by the checkpoint.
        folded: u64,
        /// The next offset of the log.
        end: u64,
    },
    /// The log failed.
    #[error("the log: {0}")]
    Log(#[from] LogError),
    /// The store failed.
    #[error("the views: {0}")]
    Store(#[from] StoreError),
    /// The thread could not be started, or ended unexpectedly.
    #[error("the projector's thread: {0}")]
    Thread(String),
}

/// What the thread tells.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) folded: Checkpoints,
    pub(crate) stopped: BTreeMap<(Topic, u32), String>,
    pub(crate) parked: Vec<Parked>,
    pub(crate) ignored: u64,
    pub(crate) trouble: Option<String>,
    running: bool,
}

pub(crate) struct Shared {
    pub(crate) log: Arc<dyn EventLog>,
    stop: AtomicBool,
    progress: Mutex<Progress>,
}

impl Shared {
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        // Only plain values are set under it: they are whole even after a panic.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A running projector. Dropping it stops it.
pub struct Projector {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Projector {
    /// Starts to fold where the views are. Blocks until it has begun, or cannot.
    pub fn start(options: ProjectorOptions) -> Result<Self, ProjectorError> {
        let ProjectorOptions { log, views, runtime } = options;
        let progress = Mutex::new(Progress { running: true, ..Progress::default() });
        let shared = Arc::new(Shared { log, stop: AtomicBool::new(false), progress });
        let (begun, begin) = mpsc::sync_channel(1);
        let work = {
            let shared = Arc::clone(&shared);
            move || match Worker::begin(&shared, views, runtime) {
                Ok(worker) => {
                    stand_back();
                    _ = begun.send(Ok(()));
                    worker.run();
                }
                Err(error) => _ = begun.send(Err(error)),
            }
        };
        let named = std::thread::Builder::new().name("projector".to_owned());
        let thread = named.spawn(work).map_err(|e| ProjectorError::Thread(e.to_string()))?;
        begin.recv().map_err(|_| ProjectorError::Thread("it ended before it began".to_owned()))??;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> ProjectorStatus {
        let progress = self.shared.progress();
        let shards = self.shared.log.shards();
        let keys = Topic::EVENTS.into_iter().flat_map(|topic| shards.all().map(move |shard| (topic, shard.0)));
        let status = |key: (Topic, u32)| {
            let folded = progress.folded.get(&key).copied().unwrap_or_default();
            let stopped = progress.stopped.get(&key).cloned();
            PartitionStatus {
                topic: key.0,
                partition: key.1,
                seq: folded.seq,
                offset: folded.offset,
                end: self.shared.log.end(key.0, key.1).ok(),
                state: stopped.map_or(PartitionState::Running, PartitionState::Stopped),
            }
        };
        ProjectorStatus {
            running: progress.running,
            trouble: progress.trouble.clone(),
            ignored: progress.ignored,
            parked: progress.parked.clone(),
            partitions: keys.map(status).collect(),
        }
    }

    /// Ends after the batch at hand. What is not folded is folded after the next start.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread is in its status already.
            _ = thread.join();
        }
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets the threads that decide and write go first: under full load the views are a little later, and the disk and the
/// processors are not taken from who waits for an answer. On Linux this is of the calling thread alone.
pub(crate) fn stand_back() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "the projector keeps its priority");
    }
}

/// Which of these places are damaged, and how, when each is read alone.
pub(crate) fn damaged(log: &dyn EventLog, places: Vec<ReadFrom>) -> Vec<(ReadFrom, String)> {
    let damage = |from: ReadFrom| {
        let read = log.reader(&[from]).and_then(|mut reader| reader.poll(BATCH_BYTES, Duration::ZERO));
        if let Err(LogError::Corrupt(why)) = read { Some((from, why)) } else { None }
    };
    places.into_iter().filter_map(damage).collect()
}

/// Says that the thread has ended, however it ends.
pub(crate) struct Ending(pub(crate) Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.running = false;
        if std::thread::panicking() {
            progress.trouble = Some("the projector panicked".to_owned());
        }
    }
}
