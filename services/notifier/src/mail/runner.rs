//! Performs what the core of the mails says: a thread that reads, a task that composes, sends and keeps the checkpoint.

use super::{
    core::{Effect, MailCore, Outcome},
    letter::{About, Letter},
    post::{Post, Untaken},
};
use crate::CONSUMER;
use consumer::{CHECKPOINT_EVERY, Progress, StartError, read, sleep_until};
use event_log::{EventLog, Record};
use keys::{KeyError, KeyStore};
use read_model::{
    Checkpoints, StoreError, ViewStore,
    keeper::CheckpointKeeper,
    views::{drop, shoppers, stores},
};
use schemas::{Clock, shopper::Notification};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// Messages that are not sent yet; beyond that reading pauses.
const MOST_OPEN: usize = 4_096;

/// The running sender of mails. Dropping it stops it without waiting.
pub(crate) struct MailRunner {
    shared: Arc<Progress>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl MailRunner {
    /// Starts to send what shoppers were told by mail; without a `post` it reads on, and none is sent.
    pub fn start(
        log: Arc<dyn EventLog>,
        views: Arc<dyn ViewStore>,
        keys: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        post: Option<Post>,
        checkpoints: &Checkpoints,
    ) -> Result<Self, StartError> {
        let most_at_once = post.as_ref().map_or(0, |post| post.most_at_once);
        let core = MailCore::new(log.shards(), most_at_once, checkpoints);
        let shared = Arc::new(Progress::new("the sender of mails"));
        let records = read("notifier-mail", &*log, core.done(), &shared)?;
        let (stop, stopped) = watch::channel(false);
        let keeper = CheckpointKeeper::new(Arc::clone(&views), CONSUMER, checkpoints.clone());
        let desk = Desk { views, keys, post };
        let sends = JoinSet::new();
        let task = Task { desk, clock, core, shared: Arc::clone(&shared), sends, keeper, started: Instant::now() };
        Ok(Self { shared, stop, task: Some(tokio::spawn(task.run(records, stopped))) })
    }

    /// Why it stopped by itself.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Stops: messages that are under way are left to the next start, the checkpoint is written.
    pub async fn stop(&mut self) {
        self.shared.stop();
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the sender of mails ended badly");
        }
    }
}

impl Drop for MailRunner {
    fn drop(&mut self) {
        self.shared.stop();
        self.stop.send_replace(true);
    }
}

/// The task that owns the core.
struct Task {
    desk: Desk,
    clock: Arc<dyn Clock>,
    core: MailCore,
    shared: Arc<Progress>,
    sends: JoinSet<(u64, Outcome)>,
    keeper: CheckpointKeeper,
    started: Instant,
}

impl Task {
    async fn run(mut self, mut records: mpsc::Receiver<Vec<Record>>, mut stopped: watch::Receiver<bool>) {
        let mut checkpoint_tick = tokio::time::interval(CHECKPOINT_EVERY);
        checkpoint_tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            for Effect { job, shopper, notification } in self.core.take_effects() {
                let desk = self.desk.clone();
                self.sends.spawn(async move { (job, desk.send(&shopper, &notification).await) });
            }
            let due = self.core.next_due_ms().map(|due| self.started + Duration::from_millis(due));
            tokio::select! {
                batch = records.recv(), if self.core.open() < MOST_OPEN => {
                    let Some(batch) = batch else { break };
                    let now = self.clock.now();
                    if let Err(error) = batch.iter().try_for_each(|record| self.core.take(record, now)) {
                        self.shared.fail(&error);
                        break;
                    }
                },
                Some(sent) = self.sends.join_next() => match sent {
                    Ok((job, outcome)) => self.sent(job, outcome),
                    Err(error) => {
                        self.shared.fail(&error);
                        break;
                    }
                },
                () = sleep_until(due) => self.core.tick(self.now_ms()),
                _ = checkpoint_tick.tick() => {
                    metrics::gauge!("stockfold_mails_open").set(self.core.open() as f64);
                    self.keeper.keep(self.core.done()).await;
                }
                _ = stopped.changed() => break,
            }
        }
        self.shared.stop();
        self.sends.shutdown().await;
        self.keeper.finish(self.core.done()).await;
    }

    fn sent(&mut self, job: u64, outcome: Outcome) {
        let is_given_up = self.core.sent(job, outcome, self.clock.now(), self.now_ms());
        let outcome = match outcome {
            Outcome::Sent => "sent",
            Outcome::Refused => "refused",
            Outcome::NoAddress => "no_address",
            Outcome::Failed if is_given_up => "given_up",
            Outcome::Failed => "failed",
        };
        metrics::counter!("stockfold_mails_total", "outcome" => outcome).increment(1);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Composes messages, and gives them to the post.
#[derive(Clone)]
struct Desk {
    views: Arc<dyn ViewStore>,
    keys: Arc<dyn KeyStore>,
    post: Option<Post>,
}

impl Desk {
    async fn send(&self, shopper: &schemas::SubjectId, notification: &Notification) -> Outcome {
        let Some(post) = &self.post else { return Outcome::NoAddress };
        let (row, about) = match self.look(shopper, notification).await {
            Ok(Some(known)) => known,
            // The views are behind what the log says of the shopper, or of the drop.
            Ok(None) => return Outcome::Failed,
            Err(error) => {
                tracing::warn!(%error, "a mail cannot be written; trying again");
                return Outcome::Failed;
            }
        };
        let Some(sealed) = &row.facts.email else { return Outcome::NoAddress };
        let address = match keys::open(&*self.keys, sealed).await {
            Ok(address) => address,
            Err(KeyError::Unavailable(cause)) => {
                tracing::warn!(cause, "an address cannot be opened; trying again");
                return Outcome::Failed;
            }
            Err(KeyError::Destroyed | KeyError::Unknown) => return Outcome::NoAddress,
            Err(fault @ (KeyError::Damaged | KeyError::Shape | KeyError::Corrupt(_))) => {
                tracing::error!(%fault, "an address cannot be opened");
                return Outcome::NoAddress;
            }
        };
        let (locale, zone) = (row.facts.locale.as_deref(), row.facts.time_zone.as_deref());
        let letter = Letter::write(notification.kind, &about, notification.occurred_at, locale, zone);
        match post.send(&address, &notification.notification_id, letter).await {
            Ok(()) => Outcome::Sent,
            Err(Untaken::Refused(code)) => {
                tracing::warn!(code, id = %notification.notification_id, "a mail was refused, and is not sent again");
                Outcome::Refused
            }
            Err(Untaken::Failed(reason)) => {
                tracing::warn!(reason, "a mail was not taken; trying again");
                Outcome::Failed
            }
        }
    }

    /// What a message takes; nothing where the views do not show all of it yet.
    async fn look(
        &self,
        shopper: &schemas::SubjectId,
        notification: &Notification,
    ) -> Result<Option<(shoppers::ShopperRow, About)>, StoreError> {
        let views = &*self.views;
        let Some(row) = shoppers::get(views, shopper).await? else { return Ok(None) };
        let terms = match &notification.drop {
            Some(id) => match drop::get(views, id).await? {
                Some(row) => Some((row.store, row.terms)),
                None => return Ok(None),
            },
            None => None,
        };
        let named = notification.store.clone().or_else(|| terms.as_ref().map(|(store, _)| store.clone()));
        let store = match &named {
            Some(id) => stores::get(views, id).await?.map(|row| row.facts.name),
            None => None,
        };
        let about = About {
            store: store.or_else(|| named.map(|id| id.to_string())),
            title: terms.as_ref().and_then(|(_, terms)| terms.title.clone()),
            starts_at: terms.map(|(_, terms)| terms.starts_at),
            order: notification.order_id.clone(),
        };
        Ok(Some((row, about)))
    }
}
