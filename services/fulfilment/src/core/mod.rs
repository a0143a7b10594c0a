//! What to do for which event, and the table of what is under way. Sans-IO: time is an argument, effects are data.
//!
//! Orders are planned in rounds, one at a time: what one of them takes, the next one does not count on. An item of which units
//! come free is woken: those who wait for it are read from the view of backorders and planned, page by page, until the units
//! are gone. Nobody is missed between the two: a backorder that is heard of is looked at once more, on views that are past all
//! stock that was heard of before, and a wake reads a list that is past all backorders that were heard of before. Whichever
//! comes second sees the other.

mod round;
mod send;
mod wake;

use crate::{
    hear::{Heard, hear},
    job::{Job, State, Ticket, Wake},
    look::Floor,
};
use event_log::Record;
use read_model::{
    Checkpoint, Checkpoints,
    frontier::{Frontier, FrontierError},
    views::backorders::{BackorderRow, Waiting},
};
use schemas::{CommandEnvelope, EventReadError, ItemId, OrderId, Position, ShardCount, Topic};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use thiserror::Error;

/// Orders that one round plans, and those that a wake reads at once.
pub(crate) const PAGE: usize = 256;
/// The topics that are read.
const TOPICS: [Topic; 2] = [Topic::OrdersEvents, Topic::InventoryEvents];

/// Why the core cannot go on. An event about shipments or stock is never skipped.
#[derive(Debug, Error)]
pub(crate) enum CoreError {
    #[error("{0}")]
    Frontier(#[from] FrontierError),
    #[error("event {position} cannot be read: {source}")]
    Unreadable { position: Position, source: EventReadError },
    #[error("record {topic}/{partition}@{offset} is no event of an order or item")]
    Foreign { topic: Topic, partition: u32, offset: u64 },
}

/// What the runner must perform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read what a round is made from; [`Core::looked`] takes it.
    Look { floor: Floor, items: Vec<ItemId>, orders: Vec<OrderId> },
    /// Read who waits for items, each from its place on; [`Core::listed`] takes it.
    List { floor: Floor, wanted: Vec<(ItemId, Option<Waiting>)> },
    /// Submit a command; [`Core::submit_failed`] takes an error, [`Core::replied`] the reply.
    Submit { job: u64, command: Box<CommandEnvelope> },
}

/// A page of those who wait for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// What they miss.
    pub rows: Vec<BackorderRow>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Waiting>,
}

/// How the core is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// Where answers come to.
    pub node: u32,
    /// Of the log.
    pub shards: ShardCount,
    /// Whether several parcels of an order are joined at one warehouse.
    pub consolidate: bool,
}

/// The table of what is under way.
pub(crate) struct Core {
    setup: Setup,
    frontiers: BTreeMap<(Topic, u32), Frontier>,
    jobs: HashMap<u64, Job>,
    by_order: HashMap<OrderId, u64>,
    ready: VecDeque<u64>,
    /// The jobs of the round that is under way.
    round: Option<Vec<u64>>,
    wakes: HashMap<u64, Wake>,
    by_item: HashMap<ItemId, u64>,
    pending: VecDeque<u64>,
    /// The wakes whose lists are being read.
    listing: Option<Vec<u64>>,
    timers: BTreeSet<(u64, u64)>,
    effects: Vec<Effect>,
    lines: usize,
    next: u64,
}

impl Core {
    /// Goes on after `checkpoints`.
    pub fn new(setup: Setup, checkpoints: &Checkpoints) -> Self {
        let places = TOPICS.iter().flat_map(|&topic| setup.shards.all().map(move |shard| (topic, shard.0)));
        let frontier =
            |place: (Topic, u32)| (place, Frontier::new(place.1, checkpoints.get(&place).copied().unwrap_or_default()));
        Self {
            setup,
            frontiers: places.map(frontier).collect(),
            jobs: HashMap::new(),
            by_order: HashMap::new(),
            ready: VecDeque::new(),
            round: None,
            wakes: HashMap::new(),
            by_item: HashMap::new(),
            pending: VecDeque::new(),
            listing: None,
            timers: BTreeSet::new(),
            effects: Vec::new(),
            lines: 0,
            next: 1,
        }
    }

    /// How many orders and items are under way, and how many lines those orders have.
    pub fn open(&self) -> (usize, usize) {
        (self.jobs.len() + self.wakes.len(), self.lines)
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// By partition, the checkpoint before which everything is done.
    pub fn done(&self) -> impl Iterator<Item = ((Topic, u32), Checkpoint)> {
        self.frontiers.iter().map(|(place, frontier)| (*place, frontier.checkpoint()))
    }

    /// What is to be performed now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.begin_round();
        self.begin_listing();
        std::mem::take(&mut self.effects)
    }

    /// Takes a record of one of the [`TOPICS`].
    pub fn take(&mut self, record: &Record, now_ms: u64) -> Result<(), CoreError> {
        let (topic, partition) = (record.topic, record.partition);
        let foreign = || CoreError::Foreign { topic, partition, offset: record.offset };
        let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else { return Err(foreign()) };
        let frontier = self.frontiers.get_mut(&(topic, partition)).ok_or_else(foreign)?;
        let Some(before) = frontier.read(record.offset, envelope.seq, envelope.epoch)? else { return Ok(()) };
        let position = Position { topic, partition, seq: envelope.seq };
        let heard = hear(&envelope.event_type, value).map_err(|source| CoreError::Unreadable { position, source })?;
        let Some(heard) = heard else { return Ok(()) };
        let order = || OrderId::parse(&envelope.subject).map_err(|_| foreign());
        match heard {
            Heard::Freed => {
                let item = ItemId::parse(&envelope.subject).map_err(|_| foreign())?;
                if let Some(id) = self.stir(item, (topic, partition)) {
                    self.open_at(id, (topic, partition), before);
                }
            }
            Heard::Planned { revision } => self.leave(&order()?, revision),
            Heard::Ended => self.leave(&order()?, u32::MAX),
            Heard::Missing(missing) => {
                let order = order()?;
                self.leave(&order, u32::MAX);
                if !missing.lines.is_empty() {
                    let job = Job {
                        order,
                        missing,
                        position,
                        correlation: envelope.correlation.clone(),
                        traceparent: envelope.traceparent.clone(),
                        ticket: Some((topic, partition)),
                        wakes: Vec::new(),
                        state: State::Ready,
                        attempts: 0,
                        due_ms: None,
                    };
                    let id = self.begin(job, now_ms);
                    self.open_at(id, (topic, partition), before);
                }
            }
        }
        Ok(())
    }

    fn open_at(&mut self, id: u64, place: Ticket, before: Checkpoint) {
        if let Some(frontier) = self.frontiers.get_mut(&place) {
            frontier.open(id, before);
        }
    }

    /// How far a partition was read.
    fn reached(&self, place: Ticket) -> u64 {
        self.frontiers.get(&place).map_or(0, |frontier| frontier.reached().offset)
    }

    fn close_at(&mut self, id: u64, place: Ticket) {
        if let Some(frontier) = self.frontiers.get_mut(&place) {
            frontier.close(id);
        }
    }

    fn begin(&mut self, job: Job, now_ms: u64) -> u64 {
        let id = self.next;
        self.next += 1;
        let rest_ms = job.rest_ms();
        self.lines += job.missing.lines.len();
        self.by_order.insert(job.order.clone(), id);
        self.jobs.insert(id, job);
        if rest_ms == 0 {
            self.ready.push_back(id);
        } else {
            self.set_state(id, State::Resting);
            self.set_timer(id, now_ms + rest_ms);
        }
        id
    }

    /// An order wants no plan any more of that revision or an earlier one.
    fn leave(&mut self, order: &OrderId, revision: u32) {
        let Some(&id) = self.by_order.get(order) else { return };
        if self.jobs.get(&id).is_some_and(|job| job.missing.revision <= revision) {
            self.close(id, false);
        }
    }

    /// Ends a job. `is_empty`: there was nothing for it.
    fn close(&mut self, id: u64, is_empty: bool) -> bool {
        let Some(job) = self.jobs.remove(&id) else { return false };
        if let Some(due) = job.due_ms {
            self.timers.remove(&(due, id));
        }
        self.lines -= job.missing.lines.len();
        if self.by_order.get(&job.order) == Some(&id) {
            self.by_order.remove(&job.order);
        }
        if let Some(place) = job.ticket {
            self.close_at(id, place);
        }
        for wake in job.wakes {
            if let Some(open) = self.wakes.get_mut(&wake) {
                open.waiting -= 1;
                open.is_last |= is_empty;
            }
            self.turn_page(wake);
        }
        true
    }
}
