//! What to do for which event, and the table of what is under way. Sans-IO: time is an argument, effects are data.
//!
//! A job is an event that somebody must hear of; a tell is one of them being told. The followers of a store are a job of many
//! chunks: a chunk is told whole before its end is noted and the next one is read. A job that was begun before a crash
//! begins again with the chunk that was not noted.

mod fan_out;
mod tell;

use crate::{
    hear::{Heading, Heard, News, hear},
    look::Floor,
    pace::Pace,
};
use event_log::Record;
use fan_out::FanOut;
use read_model::{
    Checkpoint, Checkpoints,
    frontier::{Frontier, FrontierError},
    views::fan_outs::Cursor,
};
use schemas::{
    CommandEnvelope, CorrelationId, EventReadError, OrderId, Position, ShardCount, StoreId, SubjectId, Timestamp,
    Topic, shopper::TOLD_SECONDS,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use tell::Tell;
use thiserror::Error;

/// The topics that are read.
const TOPICS: [Topic; 2] = [Topic::DropsEvents, Topic::OrdersEvents];

/// Why the core cannot go on. An event that people must hear of is never skipped.
#[derive(Debug, Error)]
pub(crate) enum CoreError {
    #[error("{0}")]
    Frontier(#[from] FrontierError),
    #[error("event {position} cannot be read: {source}")]
    Unreadable { position: Position, source: EventReadError },
    #[error("record {partition}@{offset} of {topic} is no event")]
    NoEvent { topic: Topic, partition: u32, offset: u64 },
}

/// What the runner must perform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read followers of a store; [`Core::paged`] takes them. Without a place it is read where the job goes on, on views that
    /// are past all follows that the log has.
    Page { job: u64, event: Position, store: StoreId, from: Option<Cursor> },
    /// Note where the job goes on, or that it has ended.
    Keep { event: Position, cursor: Cursor },
    /// Look up the shoppers of orders, on views that are past the floor; [`Core::found`] takes them.
    Buyers { floor: Floor, wanted: Vec<(u64, OrderId)> },
    /// Submit a command; [`Core::submit_failed`] takes an error, [`Core::replied`] the reply.
    Submit { tell: u64, command: Box<CommandEnvelope> },
}

/// Followers of a store, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub followers: Vec<SubjectId>,
    /// None behind the last one.
    pub next: Option<Cursor>,
}

/// What does not change while it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// Where answers come to.
    pub node: u32,
    pub shards: ShardCount,
    /// Followers told a second.
    pub per_second: u32,
}

/// An event that somebody must hear of.
#[derive(Debug)]
struct Job {
    /// Where its record stands; it holds the checkpoint before.
    place: (Topic, u32),
    event: Position,
    correlation: CorrelationId,
    traceparent: Option<String>,
    news: News,
    /// Who is being told.
    open: usize,
    /// Of news for all followers of a store.
    fan_out: Option<FanOut>,
}

/// The table of what is under way.
pub(crate) struct Core {
    setup: Setup,
    partitions: BTreeMap<(Topic, u32), Frontier>,
    jobs: HashMap<u64, Job>,
    tells: HashMap<u64, Tell>,
    /// Jobs for followers that have not begun.
    idle: VecDeque<u64>,
    /// Tells of followers that wait for their turn.
    paced: VecDeque<u64>,
    pace: Pace,
    timers: BTreeSet<(u64, u64)>,
    /// Orders whose shoppers are to be looked up, and how far the views must be for it.
    buyers: Vec<(u64, OrderId)>,
    floor: Floor,
    effects: Vec<Effect>,
    next_id: u64,
}

impl Core {
    /// Goes on after `checkpoints`.
    pub fn new(setup: Setup, checkpoints: &Checkpoints) -> Self {
        let places = TOPICS.into_iter().flat_map(|topic| setup.shards.all().map(move |shard| (topic, shard.0)));
        let frontier =
            |place: (Topic, u32)| (place, Frontier::new(place.1, checkpoints.get(&place).copied().unwrap_or_default()));
        Self {
            setup,
            partitions: places.map(frontier).collect(),
            jobs: HashMap::new(),
            tells: HashMap::new(),
            idle: VecDeque::new(),
            paced: VecDeque::new(),
            pace: Pace::new(setup.per_second),
            timers: BTreeSet::new(),
            buyers: Vec::new(),
            floor: Floor::default(),
            effects: Vec::new(),
            next_id: 1,
        }
    }

    /// How many events, and how many people of them, are under way.
    pub fn open(&self) -> (usize, usize) {
        (self.jobs.len(), self.tells.len())
    }

    /// What is to be performed now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        if !self.buyers.is_empty() {
            let (floor, wanted) = (std::mem::take(&mut self.floor), std::mem::take(&mut self.buyers));
            self.effects.push(Effect::Buyers { floor, wanted });
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<u64> {
        let timer = self.timers.first().map(|(due, _)| *due);
        let paced = (!self.paced.is_empty()).then(|| self.pace.due_ms());
        timer.into_iter().chain(paced).min()
    }

    /// By topic and partition, the checkpoint before which everything is done.
    pub fn done(&self) -> impl Iterator<Item = ((Topic, u32), Checkpoint)> {
        self.partitions.iter().map(|(place, frontier)| (*place, frontier.checkpoint()))
    }

    /// Takes a record of one of the topics; `now` is the engine's time.
    pub fn take(&mut self, record: &Record, now: Timestamp, now_ms: u64) -> Result<(), CoreError> {
        let (topic, partition, offset) = (record.topic, record.partition, record.offset);
        let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else {
            return Err(CoreError::NoEvent { topic, partition, offset });
        };
        let frontier = self.partitions.entry((topic, partition));
        let frontier = frontier.or_insert_with(|| Frontier::new(partition, Checkpoint::default()));
        let Some(before) = frontier.read(offset, envelope.seq, envelope.epoch)? else { return Ok(()) };
        // Whoever reads the log anew need not ask a million people about what they would not be told.
        if envelope.time.plus_seconds(TOLD_SECONDS) <= now {
            return Ok(());
        }
        let event = Position { topic, partition, seq: envelope.seq };
        let at = Heading { subject: &envelope.subject, time: envelope.time, seq: envelope.seq };
        let heard = hear(&envelope.event_type, value, at);
        let heard = heard.map_err(|source| CoreError::Unreadable { position: event, source })?;
        let Some(heard) = heard else { return Ok(()) };
        let id = self.new_id();
        if let Some(frontier) = self.partitions.get_mut(&(topic, partition)) {
            frontier.open(id, before);
        }
        let job = |news, fan_out| Job {
            place: (topic, partition),
            event,
            correlation: envelope.correlation.clone(),
            traceparent: envelope.traceparent.clone(),
            news,
            open: 0,
            fan_out,
        };
        match heard {
            Heard::Followers(store, news) => {
                self.jobs.insert(id, job(news, Some(FanOut::of(store))));
                self.idle.push_back(id);
                self.begin_fan_outs();
            }
            Heard::Shoppers(shoppers, news) => {
                self.jobs.insert(id, job(news, None));
                self.tell_at_once(id, shoppers, now_ms);
            }
            Heard::Buyer(order, news) => {
                self.jobs.insert(id, job(news, None));
                // Views that show this event show who placed the order.
                self.floor.raise(topic, partition, offset + 1);
                self.buyers.push((id, order));
            }
        }
        Ok(())
    }

    /// Takes who placed the orders, of those who want to hear of theirs.
    pub fn found(&mut self, found: Vec<(u64, Option<SubjectId>)>, now_ms: u64) {
        for (job, shopper) in found {
            self.tell_at_once(job, shopper.into_iter().collect(), now_ms);
        }
    }

    /// Lets time pass: tells those whose turn has come, submits again.
    pub fn tick(&mut self, now_ms: u64) {
        while let Some(&(due, tell)) = self.timers.first() {
            if due > now_ms {
                break;
            }
            self.timers.remove(&(due, tell));
            self.submit(tell, now_ms);
        }
        self.release(now_ms);
    }

    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The job is done.
    fn close(&mut self, id: u64) {
        let Some(job) = self.jobs.remove(&id) else { return };
        if let Some(frontier) = self.partitions.get_mut(&job.place) {
            frontier.close(id);
        }
        if job.fan_out.is_some() {
            self.begin_fan_outs();
        }
    }
}
