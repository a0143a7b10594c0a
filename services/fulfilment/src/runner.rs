//! Performs what the core says: a thread that reads, a task that looks, submits and keeps the checkpoint.

use crate::{
    CONSUMER,
    core::{Core, Effect, Listed, PAGE, Setup},
    known::Known,
    look::{LookError, Sources},
};
use event_log::{EventLog, LogError, ReadFrom, Reader, Record, ReplySink};
use keys::KeyStore;
use parking_lot::Mutex;
use read_model::{StoreError, ViewStore, keeper::CheckpointKeeper};
use schemas::{Clock, Reply, Topic};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// Orders and items under way at once, and lines of those orders; beyond that reading pauses.
const MOST_OPEN: (usize, usize) = (4_096, 100_000);
/// Bytes of records that one poll takes.
const POLL_BYTES: usize = 256 * 1_024;
/// How long a poll waits for records, and so how long a stop may take.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// How often the checkpoint is written, if it moved.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before reading again after an error.
const READ_RETRY: Duration = Duration::from_millis(500);

/// What the runner works with.
pub struct FulfilmentOptions {
    /// Read for the events of orders and items, and sent the plans.
    pub log: Arc<dyn EventLog>,
    /// Read for stock, warehouses, addresses and backorders; keeps the checkpoints.
    pub views: Arc<dyn ViewStore>,
    /// Opens the addresses that orders go to.
    pub keys: Arc<dyn KeyStore>,
    /// Dates the commands and what is said of arrivals.
    pub clock: Arc<dyn Clock>,
    /// Whether several parcels of an order are joined at one warehouse, which ships on.
    pub consolidate: bool,
}

/// Why fulfilment cannot start.
#[derive(Debug, Error)]
pub enum FulfilmentError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The checkpoints cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading thread cannot be started.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// What can be seen from outside.
#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    done: Mutex<BTreeMap<(Topic, u32), u64>>,
    /// Why it stopped by itself.
    failure: Mutex<Option<String>>,
    /// Why it does not get on at the moment.
    trouble: Mutex<Option<String>>,
}

/// The running fulfilment. Dropping it stops it without waiting; [`Self::stop`] waits.
pub struct FulfilmentRunner {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl FulfilmentRunner {
    /// Starts to plan what orders say is due, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: FulfilmentOptions) -> Result<Self, FulfilmentError> {
        let FulfilmentOptions { log, views, keys, clock, consolidate } = options;
        let sources = Sources { log, views, keys };
        let checkpoints = sources.checkpoints().await?;
        let (reply_sender, replies) = mpsc::unbounded_channel();
        let node = sources.log.register(Arc::new(Sink(reply_sender)));
        let core = Core::new(Setup { node, shards: sources.log.shards(), consolidate }, &checkpoints);
        let from: Vec<ReadFrom> = core
            .done()
            .map(|((topic, partition), checkpoint)| ReadFrom { topic, partition, offset: checkpoint.offset })
            .collect();
        let reader = sources.log.reader(&from)?;
        let shared = Arc::new(Shared::default());
        let (record_sender, records) = mpsc::channel(4);
        let reading = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("fulfilment-read".to_owned())
            .spawn(move || read(reader, &record_sender, &reading))?;
        let (stop, stopped) = watch::channel(false);
        let keeper = CheckpointKeeper::new(Arc::clone(&sources.views), CONSUMER, checkpoints);
        let task = Task {
            sources,
            clock,
            core,
            shared: Arc::clone(&shared),
            looks: JoinSet::new(),
            keeper,
            started: Instant::now(),
        };
        let task = tokio::spawn(task.run(records, replies, stopped));
        Ok(Self { shared, stop, task: Some(task) })
    }

    /// By partition of the topics that it reads, the offset before which all is done.
    ///
    /// Where it equals the log's end everywhere, nothing is under way.
    #[must_use]
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.shared.done.lock().clone()
    }

    /// Why it stopped by itself or does not get on: an event that cannot be read, or views that cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let failure = self.shared.failure.lock().clone();
        failure.or_else(|| self.shared.trouble.lock().clone())
    }

    /// Stops: plans that are under way are left to the next start, the checkpoint is written.
    pub async fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "fulfilment ended badly");
        }
    }
}

impl Drop for FulfilmentRunner {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
    }
}

struct Sink(mpsc::UnboundedSender<Vec<Reply>>);

impl ReplySink for Sink {
    fn deliver(&self, replies: Vec<Reply>) {
        // After a stop nobody listens; the events will be read again.
        let _ = self.0.send(replies);
    }
}

fn read(mut reader: Box<dyn Reader>, records: &mpsc::Sender<Vec<Record>>, shared: &Shared) {
    while !shared.stopping.load(Ordering::Acquire) {
        match reader.poll(POLL_BYTES, POLL_WAIT) {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                if records.blocking_send(batch).is_err() {
                    return;
                }
            }
            Err(LogError::Unavailable(reason)) => {
                tracing::warn!(reason, "orders and stock cannot be read; trying again");
                std::thread::sleep(READ_RETRY);
            }
            Err(error) => {
                shared.failure.lock().replace(error.to_string());
                tracing::error!(%error, "fulfilment stopped: orders and stock cannot be read");
                return;
            }
        }
    }
}

/// What was read from the views.
enum Seen {
    Looked(Known),
    Listed(Vec<Listed>),
}

/// The task that owns the core.
struct Task {
    sources: Sources,
    clock: Arc<dyn Clock>,
    core: Core,
    shared: Arc<Shared>,
    looks: JoinSet<Seen>,
    keeper: CheckpointKeeper,
    started: Instant,
}

impl Task {
    async fn run(
        mut self,
        mut records: mpsc::Receiver<Vec<Record>>,
        mut replies: mpsc::UnboundedReceiver<Vec<Reply>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut checkpoint_tick = tokio::time::interval(CHECKPOINT_EVERY);
        checkpoint_tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.publish();
        loop {
            self.perform();
            let due = self.core.next_due_ms().map(|due| self.started + Duration::from_millis(due));
            let (open, lines) = self.core.open();
            let has_room = open < MOST_OPEN.0 && lines < MOST_OPEN.1;
            tokio::select! {
                batch = records.recv(), if has_room => match batch {
                    Some(batch) => {
                        let now_ms = self.now_ms();
                        if let Err(error) = batch.iter().try_for_each(|record| self.core.take(record, now_ms)) {
                            self.fail(&error);
                            break;
                        }
                    }
                    None => break,
                },
                Some(batch) = replies.recv() => batch.into_iter().for_each(|reply| self.answered(&reply)),
                Some(seen) = self.looks.join_next() => match seen {
                    Ok(Seen::Looked(known)) => self.core.looked(known, self.clock.now(), self.now_ms()),
                    Ok(Seen::Listed(pages)) => self.core.listed(pages, self.now_ms()),
                    Err(error) => {
                        self.fail(&error);
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoint_tick.tick() => {
                    metrics::gauge!("stockfold_fulfilment_open").set(self.core.open().0 as f64);
                    self.keeper.keep(self.core.done()).await;
                }
                _ = stopped.changed() => break,
            }
            self.publish();
        }
        self.shared.stopping.store(true, Ordering::Release);
        self.looks.shutdown().await;
        self.keeper.finish(self.core.done()).await;
    }

    fn fail(&self, error: &dyn std::fmt::Display) {
        tracing::error!(%error, "fulfilment stopped");
        self.shared.failure.lock().replace(error.to_string());
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn perform(&mut self) {
        for effect in self.core.take_effects() {
            let (sources, shared) = (self.sources.clone(), Arc::clone(&self.shared));
            match effect {
                Effect::Look { floor, items, orders } => {
                    _ = self.looks.spawn(async move {
                        Seen::Looked(until_seen(&shared, || sources.look(floor.clone(), &items, &orders)).await)
                    })
                }
                Effect::List { floor, wanted } => {
                    _ = self.looks.spawn(async move {
                        Seen::Listed(until_seen(&shared, || sources.list(floor.clone(), &wanted, PAGE)).await)
                    })
                }
                Effect::Submit { job, mut command } => {
                    command.sent_at = self.clock.now();
                    if let Err(error) = self.sources.log.submit(*command) {
                        tracing::debug!(%error, "a plan was not taken; trying again");
                        self.core.submit_failed(job, self.now_ms());
                    }
                }
            }
        }
    }

    fn answered(&mut self, reply: &Reply) {
        if let Err(rejection) = &reply.outcome {
            // Nothing more can be done here: what the order wants now it says by another event.
            tracing::warn!(%rejection, "an order did not take a plan");
        }
        if self.core.replied(reply.to.request) {
            metrics::counter!("stockfold_plans_total").increment(1);
        }
    }

    /// Shows how far it is.
    fn publish(&self) {
        let mut done = self.shared.done.lock();
        for (place, checkpoint) in self.core.done() {
            done.insert(place, checkpoint.offset);
        }
    }
}

/// Tries until it has been read, and says meanwhile why not.
async fn until_seen<T, F>(shared: &Shared, read: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, LookError>>,
{
    loop {
        match read().await {
            Ok(seen) => {
                shared.trouble.lock().take();
                return seen;
            }
            Err(error) => {
                tracing::warn!(%error, "fulfilment cannot see the views; trying again");
                shared.trouble.lock().replace(error.to_string());
                tokio::time::sleep(READ_RETRY).await;
            }
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
