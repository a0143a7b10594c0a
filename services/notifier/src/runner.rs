//! Performs what the core says: a thread that reads, a task that looks, submits and keeps the checkpoint; beside it the
//! task that sends mail.

use crate::{
    CONSUMER,
    core::{Core, Effect, Page, Setup},
    look::Sources,
    mail::{MailRunner, Post},
};
use consumer::{CHECKPOINT_EVERY, Progress, StartError, read, replies, sleep_until, until_seen};
use event_log::{EventLog, Record};
use keys::KeyStore;
use read_model::{StoreError, ViewStore, keeper::CheckpointKeeper};
use schemas::{Clock, Reply, SubjectId, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// Events, and people who hear of them, under way at once; beyond that reading pauses.
const MOST_OPEN: (usize, usize) = (4_096, 10_000);

/// What the runner works with.
pub struct NotifierOptions {
    /// Read for the events of drops, orders and shoppers, and sent what they are told.
    pub log: Arc<dyn EventLog>,
    /// Read for followers, orders and shoppers; keeps the checkpoints.
    pub views: Arc<dyn ViewStore>,
    /// Opens the addresses of mails.
    pub keys: Arc<dyn KeyStore>,
    /// Dates the commands, and tells what is old.
    pub clock: Arc<dyn Clock>,
    /// Followers of stores that are told a second.
    pub per_second: u32,
    /// Sends the mails; without it people are told in the app only.
    pub post: Option<Post>,
}

/// The running notifier. Dropping it stops it without waiting; [`Self::stop`] waits.
pub struct NotifierRunner {
    shared: Arc<Progress>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    mail: MailRunner,
}

impl NotifierRunner {
    /// Starts to tell people what happens, from the checkpoint on. Needs a tokio runtime.
    pub async fn start(options: NotifierOptions) -> Result<Self, StartError> {
        let NotifierOptions { log, views, keys, clock, per_second, post } = options;
        if post.is_none() {
            tracing::info!("no SMTP server is set: people are told in the app only");
        }
        let checkpoints = views.checkpoints(CONSUMER).await?;
        let mail = MailRunner::start(log.clone(), views.clone(), keys, clock.clone(), post, &checkpoints)?;
        let (node, replies) = replies(&*log);
        let core = Core::new(Setup { node, shards: log.shards(), per_second }, &checkpoints);
        let shared = Arc::new(Progress::new("the notifier"));
        let records = read("notifier-read", &*log, core.done(), &shared)?;
        let (stop, stopped) = watch::channel(false);
        let keeper = CheckpointKeeper::new(views.clone(), CONSUMER, checkpoints);
        let task = Task {
            sources: Sources { log, views },
            clock,
            core,
            shared: Arc::clone(&shared),
            looks: JoinSet::new(),
            keeper,
            started: Instant::now(),
        };
        let task = tokio::spawn(task.run(records, replies, stopped));
        Ok(Self { shared, stop, task: Some(task), mail })
    }

    /// By partition of the topics of drops and orders, the offset before which everybody was told.
    ///
    /// Where it equals the log's end everywhere, nobody is being told. Mails may still be on their way.
    #[must_use]
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.shared.done()
    }

    /// Why it stopped by itself or does not get on: an event that cannot be read, or views that cannot. A mail server that is
    /// away is no reason: it is tried again, and measured.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure().or_else(|| self.mail.failure())
    }

    /// Stops: what is under way is left to the next start, the checkpoints are written.
    pub async fn stop(mut self) {
        self.shared.stop();
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the notifier ended badly");
        }
        self.mail.stop().await;
    }
}

impl Drop for NotifierRunner {
    fn drop(&mut self) {
        self.shared.stop();
        self.stop.send_replace(true);
    }
}

/// What came of a look at the views.
enum Seen {
    Paged(u64, Page),
    Found(Vec<(u64, Option<SubjectId>)>),
    Noted,
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
        loop {
            self.perform();
            self.shared.publish(self.core.done());
            let due = self.core.next_due_ms().map(|due| self.started + Duration::from_millis(due));
            let (jobs, tells) = self.core.open();
            let has_room = jobs < MOST_OPEN.0 && tells < MOST_OPEN.1;
            tokio::select! {
                batch = records.recv(), if has_room => {
                    let Some(batch) = batch else { break };
                    let (now, now_ms) = (self.clock.now(), self.now_ms());
                    if let Err(error) = batch.iter().try_for_each(|record| self.core.take(record, now, now_ms)) {
                        self.shared.fail(&error);
                        break;
                    }
                },
                Some(batch) = replies.recv() => batch.into_iter().for_each(|reply| self.answered(&reply)),
                Some(seen) = self.looks.join_next() => match seen {
                    Ok(Seen::Paged(job, page)) => self.core.paged(job, page, self.now_ms()),
                    Ok(Seen::Found(found)) => self.core.found(found, self.now_ms()),
                    Ok(Seen::Noted) => {}
                    Err(error) => {
                        self.shared.fail(&error);
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoint_tick.tick() => {
                    metrics::gauge!("stockfold_notifier_open").set(self.core.open().1 as f64);
                    self.keeper.keep(self.core.done()).await;
                }
                _ = stopped.changed() => break,
            }
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
                Effect::Page { job, event, store, from } => {
                    self.looks.spawn(async move {
                        Seen::Paged(job, until_seen(&shared, || sources.page(event, &store, from.clone())).await)
                    });
                }
                Effect::Buyers { floor, wanted } => {
                    self.looks.spawn(async move {
                        Seen::Found(until_seen(&shared, || sources.buyers(&floor, &wanted)).await)
                    });
                }
                Effect::Keep { event, cursor } => {
                    self.looks.spawn(async move { noted(sources.keep(event, &cursor).await) });
                }
                Effect::Submit { tell, mut command } => {
                    command.sent_at = self.clock.now();
                    if let Err(error) = self.sources.log.submit(*command) {
                        tracing::debug!(%error, "a message was not taken; trying again");
                        self.core.submit_failed(tell, self.now_ms());
                    }
                }
            }
        }
    }

    fn answered(&mut self, reply: &Reply) {
        if let Err(rejection) = &reply.outcome {
            // Nothing more can be done here, and nobody waits for it.
            tracing::warn!(%rejection, "a shopper was not told");
        }
        if self.core.replied(reply.to.request) {
            metrics::counter!("stockfold_notifications_asked_total").increment(1);
        }
    }
}

/// A note that was not written costs a repeated chunk at most.
fn noted(written: Result<(), StoreError>) -> Seen {
    if let Err(error) = written {
        tracing::warn!(%error, "how far followers were told was not noted");
    }
    Seen::Noted
}
