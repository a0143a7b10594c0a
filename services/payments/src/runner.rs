//! Performs what the core says: a thread that reads, a task that calls, submits and keeps the checkpoint.

use crate::{
    CONSUMER,
    ask::ask,
    call::Said,
    core::{Core, Effect},
    provider::{Provider, ProviderError},
};
use event_log::{EventLog, LogError, ReadFrom, Reader, Record, ReplySink};
use parking_lot::Mutex;
use read_model::{Checkpoint, StoreError, ViewStore, keeper::CheckpointKeeper};
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

/// Jobs under way at once; beyond that reading pauses.
const MAX_OPEN: usize = 4_096;
/// Bytes of records that one poll takes.
const POLL_BYTES: usize = 256 * 1_024;
/// How long a poll waits for records, and so how long a stop may take.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// How often the checkpoint is written, if it moved.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before reading again after an error.
const READ_RETRY: Duration = Duration::from_millis(500);

/// What the runner works with.
pub struct PaymentsOptions {
    /// Read for orders' events, and sent the commands.
    pub log: Arc<dyn EventLog>,
    /// Keeps the checkpoints.
    pub views: Arc<dyn ViewStore>,
    /// Who moves the money.
    pub provider: Arc<dyn Provider>,
    /// Dates the commands.
    pub clock: Arc<dyn Clock>,
}

/// Why payments cannot start.
#[derive(Debug, Error)]
pub enum PaymentsError {
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
    done: Mutex<BTreeMap<u32, u64>>,
    failure: Mutex<Option<String>>,
}

/// The running payments. Dropping it stops them without waiting; [`Self::stop`] waits.
pub struct PaymentsRunner {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl PaymentsRunner {
    /// Starts to do what orders say is due, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: PaymentsOptions) -> Result<Self, PaymentsError> {
        let checkpoints = options.views.checkpoints(CONSUMER).await?;
        let partitions: Vec<u32> = options.log.shards().all().map(|shard| shard.0).collect();
        let (reply_sender, replies) = mpsc::unbounded_channel();
        let node = options.log.register(Arc::new(Sink(reply_sender)));
        let core = Core::new(node, partitions.iter().copied(), &checkpoints);
        let from: Vec<ReadFrom> = core
            .done()
            .map(|(partition, checkpoint)| ReadFrom {
                topic: Topic::OrdersEvents,
                partition,
                offset: checkpoint.offset,
            })
            .collect();
        let reader = options.log.reader(&from)?;
        let shared = Arc::new(Shared::default());
        let (record_sender, records) = mpsc::channel(4);
        let reading = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("payments-reader".to_owned())
            .spawn(move || read(reader, &record_sender, &reading))?;
        let (stop, stopped) = watch::channel(false);
        let keeper = CheckpointKeeper::new(Arc::clone(&options.views), CONSUMER, checkpoints);
        let task =
            Task { options, core, shared: Arc::clone(&shared), calls: JoinSet::new(), keeper, started: Instant::now() };
        let task = tokio::spawn(task.run(records, replies, stopped));
        Ok(Self { shared, stop, task: Some(task) })
    }

    /// By partition of the orders topic, the offset before which all is done.
    ///
    /// Where it equals the log's end everywhere, nothing is under way.
    #[must_use]
    pub fn done(&self) -> BTreeMap<u32, u64> {
        self.shared.done.lock().clone()
    }

    /// Why it stopped by itself, if it did: an event that cannot be read, or a history that does not fit.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.lock().clone()
    }

    /// Stops: calls that are under way are left to the next start, the checkpoint is written.
    pub async fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "payments ended badly");
        }
    }
}

impl Drop for PaymentsRunner {
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
                tracing::warn!(reason, "orders cannot be read; trying again");
                std::thread::sleep(READ_RETRY);
            }
            Err(error) => {
                shared.failure.lock().replace(error.to_string());
                tracing::error!(%error, "payments stopped: orders cannot be read");
                return;
            }
        }
    }
}

/// The task that owns the core.
struct Task {
    options: PaymentsOptions,
    core: Core,
    shared: Arc<Shared>,
    calls: JoinSet<(u64, Result<Said, ProviderError>)>,
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
            tokio::select! {
                batch = records.recv(), if self.core.open() < MAX_OPEN => match batch {
                    Some(batch) => {
                        if let Err(error) = batch.iter().try_for_each(|record| self.core.take(record)) {
                            tracing::error!(%error, "payments stopped");
                            self.shared.failure.lock().replace(error.to_string());
                            break;
                        }
                        self.publish();
                    }
                    None => break,
                },
                Some(batch) = replies.recv() => {
                    batch.into_iter().for_each(|reply| self.answered(reply));
                    self.publish();
                }
                Some(call) = self.calls.join_next() => match call {
                    Ok((job, answer)) => {
                        if let Err(error) = &answer {
                            tracing::warn!(%error, "the provider gave no answer; trying again");
                        }
                        self.core.said(job, answer, self.now_ms());
                    }
                    Err(error) => {
                        tracing::error!(%error, "payments stopped: the provider's code panicked");
                        self.shared.failure.lock().replace(error.to_string());
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoint_tick.tick() => {
                    metrics::gauge!("stockfold_payments_open").set(self.core.open() as f64);
                    self.keeper.keep(Self::done(&self.core)).await;
                }
                _ = stopped.changed() => break,
            }
        }
        self.shared.stopping.store(true, Ordering::Release);
        self.keeper.finish(Self::done(&self.core)).await;
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn perform(&mut self) {
        for effect in self.core.take_effects() {
            match effect {
                Effect::Call { job, call } => {
                    let provider = Arc::clone(&self.options.provider);
                    self.calls.spawn(async move { (job, ask(&*provider, call).await) });
                }
                Effect::Submit { job, mut command } => {
                    command.sent_at = self.options.clock.now();
                    if let Err(error) = self.options.log.submit(*command) {
                        tracing::debug!(%error, "a payment's result was not taken; trying again");
                        self.core.submit_failed(job, self.now_ms());
                    }
                }
            }
        }
    }

    fn answered(&mut self, reply: Reply) {
        if let Err(rejection) = &reply.outcome {
            // Nothing more can be done here: the order has its reasons, and an operator sees them.
            tracing::warn!(%rejection, "an order did not take a payment's result");
        }
        if self.core.replied(reply.to.request) {
            metrics::counter!("stockfold_payment_results_total").increment(1);
        }
    }

    /// Shows how far it is.
    fn publish(&self) {
        let mut done = self.shared.done.lock();
        for (partition, checkpoint) in self.core.done() {
            done.insert(partition, checkpoint.offset);
        }
    }

    fn done(core: &Core) -> impl Iterator<Item = ((Topic, u32), Checkpoint)> {
        core.done().map(|(partition, checkpoint)| ((Topic::OrdersEvents, partition), checkpoint))
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
