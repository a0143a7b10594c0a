//! Which messages are sent when, and which are tried again. Sans-IO: time is an argument, effects are data.

use crate::core::CoreError;
use event_log::Record;
use read_model::backoff::delay_ms;
use read_model::{Checkpoint, Checkpoints, frontier::Frontier};
use schemas::{
    Event, Position, ShardCount, SubjectId, Timestamp, Topic,
    shopper::{Notification, ShopperEvent},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// How long after it happened a mail about a thing is still sent, in seconds: a day.
pub(crate) const MAIL_SECONDS: u32 = 24 * 3_600;
/// Delays between tries to send.
const BACKOFF_MS: (u64, u64) = (1_000, 300_000);

/// What the runner must perform: compose and send; [`MailCore::sent`] takes the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub job: u64,
    pub shopper: SubjectId,
    pub notification: Notification,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server has it.
    Sent,
    /// The server does not take it, now and later: there is no such address.
    Refused,
    /// There is no address any more: it was taken back, or the person was forgotten.
    NoAddress,
    /// It was not taken: try again.
    Failed,
}

#[derive(Debug)]
struct Job {
    partition: u32,
    shopper: SubjectId,
    notification: Notification,
    attempts: u32,
}

/// The table of what is to be sent.
pub(crate) struct MailCore {
    /// Messages that are sent at once; 0 = none is sent.
    most_at_once: usize,
    partitions: BTreeMap<u32, Frontier>,
    jobs: HashMap<u64, Job>,
    ready: VecDeque<u64>,
    sending: usize,
    timers: BTreeSet<(u64, u64)>,
    next_job: u64,
}

impl MailCore {
    /// Goes on after `checkpoints`; with 0 at once it reads on and sends nothing.
    pub fn new(shards: ShardCount, most_at_once: usize, checkpoints: &Checkpoints) -> Self {
        let frontier = |partition: u32| {
            let read = checkpoints.get(&(Topic::ShoppersEvents, partition)).copied().unwrap_or_default();
            (partition, Frontier::new(partition, read))
        };
        Self {
            most_at_once,
            partitions: shards.all().map(|shard| frontier(shard.0)).collect(),
            jobs: HashMap::new(),
            ready: VecDeque::new(),
            sending: 0,
            timers: BTreeSet::new(),
            next_job: 1,
        }
    }

    /// How many messages are not sent yet.
    pub fn open(&self) -> usize {
        self.jobs.len()
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// By partition, the checkpoint before which everything is sent.
    pub fn done(&self) -> impl Iterator<Item = ((Topic, u32), Checkpoint)> {
        self.partitions.iter().map(|(partition, frontier)| ((Topic::ShoppersEvents, *partition), frontier.checkpoint()))
    }

    /// Takes a record of the shoppers topic; `now` is the engine's time.
    pub fn take(&mut self, record: &Record, now: Timestamp) -> Result<(), CoreError> {
        let (topic, partition, offset) = (record.topic, record.partition, record.offset);
        let no_event = || CoreError::NoEvent { topic, partition, offset };
        let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else { return Err(no_event()) };
        let frontier = self.partitions.entry(partition);
        let frontier = frontier.or_insert_with(|| Frontier::new(partition, Checkpoint::default()));
        let Some(before) = frontier.read(offset, envelope.seq, envelope.epoch)? else { return Ok(()) };
        if self.most_at_once == 0 || envelope.event_type != "stockfold.shoppers.shopper-notified.v1" {
            return Ok(());
        }
        let position = Position { topic, partition, seq: envelope.seq };
        let event =
            Event::read(&envelope.event_type, value).map_err(|source| CoreError::Unreadable { position, source })?;
        let (Event::Shopper(ShopperEvent::ShopperNotified(event)), Ok(shopper)) =
            (event, SubjectId::parse(&envelope.subject))
        else {
            return Err(no_event());
        };
        if !event.channels.email || is_old(&event.notification, now) {
            return Ok(());
        }
        let job = self.next_job;
        self.next_job += 1;
        frontier.open(job, before);
        self.jobs.insert(job, Job { partition, shopper, notification: event.notification, attempts: 0 });
        self.ready.push_back(job);
        Ok(())
    }

    /// What is to be sent now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.sending < self.most_at_once {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(job) = self.jobs.get(&id) else { continue };
            self.sending += 1;
            effects.push(Effect { job: id, shopper: job.shopper.clone(), notification: job.notification.clone() });
        }
        effects
    }

    /// Takes how it went with one that was being sent; whether it is given up for its age.
    pub fn sent(&mut self, id: u64, outcome: Outcome, now: Timestamp, now_ms: u64) -> bool {
        self.sending = self.sending.saturating_sub(1);
        let Some(job) = self.jobs.get_mut(&id) else { return false };
        let is_given_up = outcome == Outcome::Failed && is_old(&job.notification, now);
        if outcome == Outcome::Failed && !is_given_up {
            let delay = delay_ms(job.attempts, BACKOFF_MS.0, BACKOFF_MS.1);
            job.attempts = job.attempts.saturating_add(1);
            self.timers.insert((now_ms + delay, id));
            return false;
        }
        let partition = job.partition;
        self.jobs.remove(&id);
        if let Some(frontier) = self.partitions.get_mut(&partition) {
            frontier.close(id);
        }
        is_given_up
    }

    /// Lets time pass: sends again.
    pub fn tick(&mut self, now_ms: u64) {
        while self.timers.first().is_some_and(|(due, _)| *due <= now_ms) {
            self.ready.extend(self.timers.pop_first().map(|(_, id)| id));
        }
    }
}

/// Whether it happened so long ago that a mail would be no news.
fn is_old(notification: &Notification, now: Timestamp) -> bool {
    notification.occurred_at.plus_seconds(MAIL_SECONDS) <= now
}
