//! Performs what the core says: a thread that reads, a task that submits, keeps letters and the checkpoint.

use crate::{
    CONSUMER,
    core::{Core, Effect, Outcome},
};
use consumer::{CHECKPOINT_EVERY, Done, Polled, Progress, StartError, read_with_places, replies, sleep_until};
use event_log::{EventLog, LogError, NewRecord};
use intake::feed::SourcePseudonyms;
use parking_lot::Mutex;
use read_model::{ViewStore, keeper::CheckpointKeeper};
use schemas::{Clock, Reply, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, timeout},
};

/// How often it is looked where the topic ends.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The most letters that are published at once: each may be 3 MiB.
const MOST_LETTERS: usize = 32;
/// How long a stop waits for letters that are being published.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What the runner works with.
pub struct InboundOptions {
    /// Read for suppliers' records, sent the commands, and given the dead letters.
    pub log: Arc<dyn EventLog>,
    /// Keeps the checkpoints.
    pub views: Arc<dyn ViewStore>,
    /// Dates commands and letters.
    pub clock: Arc<dyn Clock>,
    /// Who a source is as a caller.
    pub sources: SourcePseudonyms,
}

/// How far a partition of the topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedStatus {
    /// The partition.
    pub partition: u32,
    /// The offset before which every record is done.
    pub done: u64,
    /// Where it ended when it was looked at last.
    pub end: u64,
}

impl FeedStatus {
    /// Records that are not done.
    #[must_use]
    pub const fn lag(&self) -> u64 {
        self.end.saturating_sub(self.done)
    }
}

type Ends = Arc<Mutex<BTreeMap<u32, u64>>>;

/// The running feeds. Dropping it stops them without waiting; [`Self::stop`] waits.
pub struct InboundRunner {
    progress: Arc<Progress>,
    ends: Ends,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl InboundRunner {
    /// Starts to take what suppliers say, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: InboundOptions) -> Result<Self, StartError> {
        let checkpoints = options.views.checkpoints(CONSUMER).await?;
        let (node, replies) = replies(&*options.log);
        let partitions = options.log.shards().all().map(|shard| shard.0);
        let core = Core::new(node, options.sources.clone(), partitions, &checkpoints);
        let progress = Arc::new(Progress::new(CONSUMER));
        let polled = read_with_places("inbound-reader", &*options.log, done(&core), &progress)?;
        let (stop, stopped) = watch::channel(false);
        let ends = Ends::default();
        let task = Task {
            keeper: CheckpointKeeper::new(Arc::clone(&options.views), CONSUMER, checkpoints),
            options,
            core,
            progress: Arc::clone(&progress),
            ends: Arc::clone(&ends),
            letters: Vec::new(),
            publishing: JoinSet::new(),
            looking: JoinSet::new(),
            started: Instant::now(),
        };
        let task = tokio::spawn(task.run(polled, replies, stopped));
        Ok(Self { progress, ends, stop, task: Some(task) })
    }

    /// By topic and partition, the offset before which every record is done.
    #[must_use]
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.progress.done()
    }

    /// How far each partition is, in order.
    #[must_use]
    pub fn status(&self) -> Vec<FeedStatus> {
        let ends = self.ends.lock();
        let status = |((_, partition), done)| {
            let end = ends.get(&partition).copied().unwrap_or_default();
            FeedStatus { partition, done, end }
        };
        self.progress.done().into_iter().map(status).collect()
    }

    /// Why it stopped by itself, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.progress.failure()
    }

    /// Stops: what is under way is left to the next start, the checkpoint is written.
    pub async fn stop(mut self) {
        self.progress.stop();
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the suppliers' feeds ended badly");
        }
    }
}

impl Drop for InboundRunner {
    fn drop(&mut self) {
        self.progress.stop();
        self.stop.send_replace(true);
    }
}

/// Which letters were published, and what came of it.
type Published = (Vec<u64>, Result<(), LogError>);

/// The task that owns the core.
struct Task {
    options: InboundOptions,
    core: Core,
    progress: Arc<Progress>,
    ends: Ends,
    /// Not being published yet.
    letters: Vec<(u64, NewRecord)>,
    publishing: JoinSet<Published>,
    looking: JoinSet<()>,
    keeper: CheckpointKeeper,
    started: Instant,
}

impl Task {
    async fn run(
        mut self,
        mut polled: mpsc::Receiver<Polled>,
        mut replies: mpsc::UnboundedReceiver<Vec<Reply>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let ticks = |every| {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut checkpoints, mut looks) = (ticks(CHECKPOINT_EVERY), ticks(LOOK_EVERY));
        self.progress.publish(done(&self.core));
        loop {
            self.perform();
            let due = self.core.next_due_ms().map(|due| self.started + Duration::from_millis(due));
            tokio::select! {
                batch = polled.recv(), if !self.core.is_full() => match batch {
                    Some(batch) => self.take(batch),
                    None => break,
                },
                Some(batch) = replies.recv() => batch.iter().for_each(|reply| self.replied(reply)),
                Some(published) = self.publishing.join_next() => match published {
                    Ok((jobs, outcome)) => if self.published(&jobs, outcome).is_err() { break },
                    Err(error) => {
                        self.progress.fail(&error);
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoints.tick() => self.keeper.keep(done(&self.core)).await,
                _ = looks.tick() => self.look(),
                Some(_) = self.looking.join_next() => {}
                _ = stopped.changed() => break,
            }
            self.progress.publish(done(&self.core));
        }
        self.progress.stop();
        // A letter that is durable and not noted would be written again by the next start.
        if let Ok(Some(Ok((jobs, outcome)))) = timeout(STOP_WAIT, self.publishing.join_next()).await {
            let _ = self.published(&jobs, outcome);
        }
        self.keeper.finish(done(&self.core)).await;
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, batch: Polled) {
        let (now_ms, now) = (self.now_ms(), self.options.clock.now());
        batch.records.into_iter().for_each(|record| self.core.take(record, now_ms, now));
        batch.places.into_iter().for_each(|place| self.core.reached(place));
    }

    fn perform(&mut self) {
        for effect in self.core.take_effects() {
            match effect {
                Effect::Submit { job, mut command } => {
                    command.sent_at = self.options.clock.now();
                    if let Err(error) = self.options.log.submit(*command) {
                        tracing::debug!(%error, "a supplier's statement was not taken; trying again");
                        self.core.submit_failed(job, self.now_ms());
                    }
                }
                Effect::Keep { job, letter } => self.letters.push((job, *letter)),
            }
        }
        if self.publishing.is_empty() && !self.letters.is_empty() {
            let some = self.letters.len().min(MOST_LETTERS);
            let (jobs, letters): (Vec<u64>, Vec<NewRecord>) = self.letters.drain(..some).unzip();
            let log = Arc::clone(&self.options.log);
            self.publishing.spawn_blocking(move || (jobs, log.publish(letters)));
        }
    }

    /// Notes what came of letters; an error where they can never be written.
    fn published(&mut self, jobs: &[u64], outcome: Result<(), LogError>) -> Result<(), ()> {
        match outcome {
            Ok(()) => {
                for job in jobs {
                    count(self.core.kept(*job));
                }
            }
            Err(LogError::Unavailable(reason)) => {
                tracing::warn!(reason, "dead letters of suppliers' records were not written; trying again");
                jobs.iter().for_each(|job| self.core.not_kept(*job, self.now_ms()));
            }
            Err(error) => {
                self.progress.fail(&error);
                return Err(());
            }
        }
        Ok(())
    }

    fn replied(&mut self, reply: &Reply) {
        let (now_ms, now) = (self.now_ms(), self.options.clock.now());
        if let Err(rejection) = &reply.outcome {
            tracing::debug!(%rejection, "an item refused a supplier's statement");
        }
        count(self.core.replied(reply.to.request, &reply.outcome, now_ms, now));
    }

    /// Looks where the topic ends, beside the work, and tells how far behind it is.
    fn look(&mut self) {
        metrics::gauge!("stockfold_inbound_open").set(self.core.open() as f64);
        if !self.looking.is_empty() {
            return;
        }
        let (log, ends) = (Arc::clone(&self.options.log), Arc::clone(&self.ends));
        let places: Vec<Done> = done(&self.core).collect();
        self.looking.spawn_blocking(move || {
            let mut lag = 0;
            for ((topic, partition), checkpoint) in places {
                let Ok(end) = log.end(topic, partition) else { return };
                ends.lock().insert(partition, end);
                lag += end.saturating_sub(checkpoint.offset);
            }
            metrics::gauge!("stockfold_inbound_lag").set(lag as f64);
        });
    }
}

fn count(outcome: Option<Outcome>) {
    let Some(outcome) = outcome else { return };
    let outcome = match outcome {
        Outcome::Taken => "taken",
        Outcome::DeadLettered => "dead_lettered",
    };
    metrics::counter!("stockfold_inbound_records_total", "outcome" => outcome).increment(1);
}

fn done(core: &Core) -> impl Iterator<Item = Done> {
    core.done().map(|(partition, checkpoint)| ((Topic::SupplierItems, partition), checkpoint))
}
