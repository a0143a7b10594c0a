//! Performs what the core says: a thread that reads, a task that looks, submits and keeps the checkpoint.

use crate::{
    CONSUMER,
    core::{Core, Effect, Listed, PAGE, Setup},
    known::Known,
    look::Sources,
};
use consumer::{CHECKPOINT_EVERY, Progress, StartError, read, replies, sleep_until, until_seen};
use event_log::{EventLog, Record};
use keys::KeyStore;
use read_model::{ViewStore, keeper::CheckpointKeeper};
use schemas::{Clock, Reply, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// Orders and items under way at once, and lines of those orders; beyond that reading pauses.
const MOST_OPEN: (usize, usize) = (4_096, 100_000);

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

/// The running fulfilment. Dropping it stops it without waiting; [`Self::stop`] waits.
pub struct FulfilmentRunner {
    shared: Arc<Progress>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl FulfilmentRunner {
    /// Starts to plan what orders say is due, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: FulfilmentOptions) -> Result<Self, StartError> {
        let FulfilmentOptions { log, views, keys, clock, consolidate } = options;
        let sources = Sources { log, views, keys };
        let checkpoints = sources.checkpoints().await?;
        let (node, replies) = replies(&*sources.log);
        let core = Core::new(Setup { node, shards: sources.log.shards(), consolidate }, &checkpoints);
        let shared = Arc::new(Progress::new("fulfilment"));
        let records = read("fulfilment-read", &*sources.log, core.done(), &shared)?;
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
        self.shared.done()
    }

    /// Why it stopped by itself or does not get on: an event that cannot be read, or views that cannot.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Stops: plans that are under way are left to the next start, the checkpoint is written.
    pub async fn stop(mut self) {
        self.shared.stop();
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
        self.shared.stop();
        self.stop.send_replace(true);
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
    shared: Arc<Progress>,
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
        self.shared.publish(self.core.done());
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
                            self.shared.fail(&error);
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
                        self.shared.fail(&error);
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
            self.shared.publish(self.core.done());
        }
        self.shared.stop();
        self.looks.shutdown().await;
        self.keeper.finish(self.core.done()).await;
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
}
