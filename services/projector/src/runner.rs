//! Runs the fold core: one thread reads all partitions, folds and writes, in whatever batches have gathered.

use crate::{
    fold::{Fold, StopReason},
    status::{PartitionState, PartitionStatus, ProjectorStatus},
};
use event_log::{EventLog, LogError, Reader};
use read_model::{
    Checkpoints, RowWrite, StoreError, ViewStore,
    views::{self, CONSUMER},
};
use schemas::Topic;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::runtime::Handle;

/// Bytes of records that are folded at once, about: a page of the store that many of them touch is written once.
const BATCH_BYTES: usize = 16 << 20;
/// The longest rest between two batches.
const MAX_REST: Duration = Duration::from_millis(50);
/// How long a poll waits: how late a stop is noticed.
const POLL: Duration = Duration::from_millis(100);
/// Between two attempts at a log or store that is out of reach.
const PAUSE: Duration = Duration::from_millis(200);

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
struct Progress {
    folded: Checkpoints,
    stopped: BTreeMap<(Topic, u32), String>,
    ignored: u64,
    trouble: Option<String>,
    running: bool,
}

struct Shared {
    log: Arc<dyn EventLog>,
    stop: AtomicBool,
    progress: Mutex<Progress>,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Only plain values are set under it: they are whole even after a panic.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
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
fn stand_back() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "the projector keeps its priority");
    }
}

/// Says that the thread has ended, however it ends.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.running = false;
        if std::thread::panicking() {
            progress.trouble = Some("the projector panicked".to_owned());
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    views: Arc<dyn ViewStore>,
    runtime: Handle,
    fold: Fold,
    reader: Box<dyn Reader>,
    _ending: Ending,
}

impl Worker {
    fn begin(shared: &Arc<Shared>, views: Arc<dyn ViewStore>, runtime: Handle) -> Result<Self, ProjectorError> {
        let checkpoints = runtime.block_on(views.checkpoints(CONSUMER))?;
        for (&(topic, partition), at) in &checkpoints {
            let end = shared.log.end(topic, partition)?;
            if at.offset > end {
                return Err(ProjectorError::AheadOfLog { topic, partition, folded: at.offset, end });
            }
        }
        let fold = Fold::new(views::all(), shared.log.shards(), &checkpoints);
        let reader = shared.log.reader(&fold.read_from())?;
        shared.progress().folded = checkpoints;
        Ok(Self { shared: Arc::clone(shared), views, runtime, fold, reader, _ending: Ending(Arc::clone(shared)) })
    }

    fn run(mut self) {
        while !self.shared.stopping() {
            let start = Instant::now();
            match self.batch() {
                // A fifth of the time at most goes into views while they keep up, and what gathers meanwhile costs less
                // per event: a single one waits a millisecond. One that has fallen behind finds full batches: no rest.
                Ok(Some(bytes)) if bytes < BATCH_BYTES / 2 => std::thread::sleep((start.elapsed() * 4).min(MAX_REST)),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the projector has stopped; restart it once that is repaired");
                    self.shared.progress().trouble = Some(error.to_string());
                    return;
                }
            }
        }
    }

    /// Folds what has gathered; how many bytes it was, if anything. An error is for good.
    fn batch(&mut self) -> Result<Option<usize>, ProjectorError> {
        let records = match self.reader.poll(BATCH_BYTES, POLL) {
            Ok(records) => records,
            Err(error) => return self.log_failed(error).map(|()| None),
        };
        if records.is_empty() {
            return Ok(None);
        }
        let bytes = records.iter().map(|record| record.value.as_ref().map_or(0, Vec::len)).sum();
        let batch = self.fold.read(records);
        self.tell_stopped();
        if batch.is_empty() {
            return Ok(None);
        }
        let events = batch.len() as u64;
        for needed in self.fold.needs(&batch) {
            let read = |worker: &Self| worker.runtime.block_on(worker.views.get(needed.table, &needed.keys));
            let Some(rows) = self.insist(read)? else { return Ok(None) };
            self.fold.load(needed, rows)?;
        }
        let (rows, checkpoints) = self.fold.fold(batch)?;
        if self.insist(|worker| worker.write(&rows, &checkpoints))?.is_some() {
            metrics::counter!("stockfold_projector_events_total").increment(events);
            metrics::counter!("stockfold_projector_rows_total").increment(rows.len() as u64);
            self.shared.progress().folded.extend(checkpoints);
        }
        Ok(Some(bytes))
    }

    fn write(&self, rows: &[RowWrite], checkpoints: &Checkpoints) -> Result<(), StoreError> {
        self.runtime.block_on(self.views.write(CONSUMER, rows, checkpoints))
    }

    /// Tries until the store can be reached; `None` once the projector is to stop.
    fn insist<T>(&self, attempt: impl Fn(&Self) -> Result<T, StoreError>) -> Result<Option<T>, ProjectorError> {
        let mut failed = false;
        loop {
            match attempt(self) {
                Ok(value) => {
                    if failed {
                        self.shared.progress().trouble = None;
                    }
                    return Ok(Some(value));
                }
                Err(error @ StoreError::Corrupt(_)) => return Err(error.into()),
                Err(error @ StoreError::Unavailable(_)) => {
                    if !failed {
                        tracing::warn!(%error, "the projector tries again");
                    }
                    failed = true;
                    self.shared.progress().trouble = Some(error.to_string());
                }
            }
            if self.shared.stopping() {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Goes on with a new reader where the log may come back.
    fn log_failed(&mut self, error: LogError) -> Result<(), ProjectorError> {
        match error {
            LogError::Unavailable(_) | LogError::Fenced | LogError::Locked(_) => {}
            LogError::Corrupt(_) => return self.stop_damaged(error),
            LogError::Mismatch(_) => return Err(error.into()),
        }
        if self.shared.stopping() {
            return Ok(());
        }
        tracing::warn!(%error, "the projector tries again");
        self.shared.progress().trouble = Some(error.to_string());
        std::thread::sleep(PAUSE);
        if let Ok(reader) = self.shared.log.reader(&self.fold.read_from()) {
            self.reader = reader;
            self.shared.progress().trouble = None;
        }
        Ok(())
    }

    /// Stops the partitions that are damaged, so that the others go on; an error where it is none of them.
    fn stop_damaged(&mut self, error: LogError) -> Result<(), ProjectorError> {
        let mut found = false;
        for from in self.fold.read_from() {
            let alone = self.shared.log.reader(&[from]).and_then(|mut reader| reader.poll(BATCH_BYTES, Duration::ZERO));
            if let Err(LogError::Corrupt(why)) = alone {
                self.fold.stop(from, StopReason::Damaged(why));
                found = true;
            }
        }
        if !found {
            return Err(error.into());
        }
        self.tell_stopped();
        self.reader = self.shared.log.reader(&self.fold.read_from())?;
        Ok(())
    }

    /// Says which partitions have stopped, once and loudly.
    fn tell_stopped(&self) {
        let mut progress = self.shared.progress();
        progress.ignored = self.fold.ignored();
        for stopped in self.fold.stopped() {
            progress.stopped.entry((stopped.topic, stopped.partition)).or_insert_with(|| {
                tracing::error!(%stopped, "a partition cannot be folded any further; its views stand still");
                metrics::counter!("stockfold_projector_stopped_total").increment(1);
                stopped.to_string()
            });
        }
    }
}
