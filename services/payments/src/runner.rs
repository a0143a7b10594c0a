//! Performs what the core says: a thread that reads, a task that calls, submits and keeps the checkpoint.

use crate::{
    CONSUMER,
    ask::ask,
    call::Said,
    core::{Core, Effect},
    provider::{Provider, ProviderError},
};
use consumer::{CHECKPOINT_EVERY, Done, Progress, StartError, read, replies, sleep_until};
use event_log::{EventLog, Record};
use read_model::{ViewStore, keeper::CheckpointKeeper};
use schemas::{Clock, Reply, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// Jobs under way at once; beyond that reading pauses.
const MAX_OPEN: usize = 4_096;

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

/// The running payments. Dropping it stops them without waiting; [`Self::stop`] waits.
pub struct PaymentsRunner {
    shared: Arc<Progress>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl PaymentsRunner {
    /// Starts to do what orders say is due, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: PaymentsOptions) -> Result<Self, StartError> {
        let checkpoints = options.views.checkpoints(CONSUMER).await?;
        let partitions: Vec<u32> = options.log.shards().all().map(|shard| shard.0).collect();
        let (node, replies) = replies(&*options.log);
        let core = Core::new(node, partitions.iter().copied(), &checkpoints);
        let shared = Arc::new(Progress::new("payments"));
        let records = read("payments-reader", &*options.log, done(&core), &shared)?;
        let (stop, stopped) = watch::channel(false);
        let keeper = CheckpointKeeper::new(Arc::clone(&options.views), CONSUMER, checkpoints);
        let task =
            Task { options, core, shared: Arc::clone(&shared), calls: JoinSet::new(), keeper, started: Instant::now() };
        let task = tokio::spawn(task.run(records, replies, stopped));
        Ok(Self { shared, stop, task: Some(task) })
    }

    /// By partition of the topic of orders, the offset before which all is done.
    ///
    /// Where it equals the log's end everywhere, nothing is under way.
    #[must_use]
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.shared.done()
    }

    /// Why it stopped by itself, if it did: an event that cannot be read, or a history that does not fit.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Stops: calls that are under way are left to the next start, the checkpoint is written.
    pub async fn stop(mut self) {
        self.shared.stop();
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
        self.shared.stop();
        self.stop.send_replace(true);
    }
}

/// The task that owns the core.
struct Task {
    options: PaymentsOptions,
    core: Core,
    shared: Arc<Progress>,
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
        self.shared.publish(done(&self.core));
        loop {
            self.perform();
            let due = self.core.next_due_ms().map(|due| self.started + Duration::from_millis(due));
            tokio::select! {
                batch = records.recv(), if self.core.open() < MAX_OPEN => match batch {
                    Some(batch) => {
                        if let Err(error) = batch.iter().try_for_each(|record| self.core.take(record)) {
                            self.shared.fail(&error);
                            break;
                        }
                        self.shared.publish(done(&self.core));
                    }
                    None => break,
                },
                Some(batch) = replies.recv() => {
                    batch.into_iter().for_each(|reply| self.answered(reply));
                    self.shared.publish(done(&self.core));
                }
                Some(call) = self.calls.join_next() => match call {
                    Ok((job, answer)) => {
                        if let Err(error) = &answer {
                            tracing::warn!(%error, "the provider gave no answer; trying again");
                        }
                        self.core.said(job, answer, self.now_ms());
                    }
                    Err(error) => {
                        self.shared.fail(&error);
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoint_tick.tick() => {
                    metrics::gauge!("stockfold_payments_open").set(self.core.open() as f64);
                    self.keeper.keep(done(&self.core)).await;
                }
                _ = stopped.changed() => break,
            }
        }
        self.shared.stop();
        self.keeper.finish(done(&self.core)).await;
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
}

fn done(core: &Core) -> impl Iterator<Item = Done> {
    core.done().map(|(partition, checkpoint)| ((Topic::OrdersEvents, partition), checkpoint))
}
