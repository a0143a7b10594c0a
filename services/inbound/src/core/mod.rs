//! What becomes of each record, and the table of what is under way. Sans-IO: time is an argument, effects are data.

mod work;

use crate::letter;
use event_log::{NewRecord, ReadFrom, Record};
use intake::feed::{self, Message, SourcePseudonyms, Statement};
use read_model::{Checkpoint, Checkpoints, backoff::delay_ms, frontier::Frontier};
use schemas::{
    Command, CommandEnvelope, CorrelationId, ItemId, PositionToken, Rejection, ReplyAddress, Timestamp, Topic,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use work::{Job, State};

/// How long a reply may take before the command is sent again.
const REPLY_TIMEOUT_MS: u64 = 10_000;
/// Delays between tries to submit.
const SUBMIT_BACKOFF_MS: (u64, u64) = (20, 2_000);
/// Delays between tries to write a letter.
const LETTER_BACKOFF_MS: (u64, u64) = (100, 10_000);
/// Records under way at once; beyond that reading pauses.
const MOST_OPEN: usize = 4_096;
/// The same by the bytes of them.
const MOST_BYTES: usize = 16 << 20;

/// What the runner must perform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Submit a command; [`Core::submit_failed`] takes an error, [`Core::replied`] the reply.
    Submit { job: u64, command: Box<CommandEnvelope> },
    /// Publish a dead letter; [`Core::kept`] and [`Core::not_kept`] take what came of it.
    Keep { job: u64, letter: Box<NewRecord> },
}

/// How a record was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The item took it, or knew it.
    Taken,
    /// It is in the dead letters.
    DeadLettered,
}

/// The table of what is under way.
pub(crate) struct Core {
    node: u32,
    sources: SourcePseudonyms,
    partitions: BTreeMap<u32, Frontier>,
    jobs: HashMap<u64, Job>,
    /// Statements about one item are asked one after the other, in the order of their records.
    queues: HashMap<ItemId, VecDeque<u64>>,
    timers: BTreeSet<(u64, u64)>,
    effects: Vec<Effect>,
    next_job: u64,
    bytes: usize,
}

impl Core {
    /// Goes on after `checkpoints`; answers come to `node`.
    pub fn new(
        node: u32,
        sources: SourcePseudonyms,
        partitions: impl Iterator<Item = u32>,
        checkpoints: &Checkpoints,
    ) -> Self {
        let frontier = |partition| {
            let read = checkpoints.get(&(Topic::SupplierItems, partition)).copied().unwrap_or_default();
            (partition, Frontier::new(partition, read))
        };
        Self {
            node,
            sources,
            partitions: partitions.map(frontier).collect(),
            jobs: HashMap::new(),
            queues: HashMap::new(),
            timers: BTreeSet::new(),
            effects: Vec::new(),
            next_job: 1,
            bytes: 0,
        }
    }

    /// How many records are under way.
    pub fn open(&self) -> usize {
        self.jobs.len()
    }

    /// Whether as much is under way as may be.
    pub fn is_full(&self) -> bool {
        self.jobs.len() >= MOST_OPEN || self.bytes >= MOST_BYTES
    }

    /// What is to be performed now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// By partition, the checkpoint before which every record is done.
    pub fn done(&self) -> impl Iterator<Item = (u32, Checkpoint)> {
        self.partitions.iter().map(|(partition, frontier)| (*partition, frontier.checkpoint()))
    }

    /// Takes a record; `now` is the engine's time.
    pub fn take(&mut self, record: Record, now_ms: u64, now: Timestamp) {
        let frontier = self.partitions.entry(record.partition);
        let frontier = frontier.or_insert_with_key(|partition| Frontier::new(*partition, Checkpoint::default()));
        let Some(before) = frontier.reach(record.offset + 1) else { return };
        let id = self.next_job;
        self.next_job += 1;
        frontier.open(id, before);
        let key = Some(record.key.as_str()).filter(|key| !key.is_empty());
        let read = feed::read(&Message::of_record(&record.headers, record.value.as_deref()), key);
        let job = Job::new(record);
        self.bytes += job.bytes;
        match read {
            Ok(event) => {
                let statement = event.into_statement(&self.sources);
                let queue = self.queues.entry(statement.item.clone()).or_default();
                queue.push_back(id);
                let is_first = queue.len() == 1 || planted::bug!("feed-out-of-order");
                self.jobs.insert(id, Job { state: State::Queued(Box::new(statement)), ..job });
                if is_first {
                    self.ask(id, now_ms);
                }
            }
            Err(error) => {
                let letter = letter::unreadable(&job.record, &error, now);
                self.jobs.insert(id, job);
                self.bury(id, letter);
            }
        }
    }

    /// Takes the news that nothing stands before this place that was not given: what was there is gone, or was no record.
    pub fn reached(&mut self, place: ReadFrom) {
        if let Some(frontier) = self.partitions.get_mut(&place.partition) {
            frontier.reach(place.offset);
        }
    }

    /// Takes the news that a command was not taken.
    pub fn submit_failed(&mut self, id: u64, now_ms: u64) {
        self.again(id, now_ms, SUBMIT_BACKOFF_MS);
    }

    /// Takes an answer; how that ends the record, if it does: a refusal is kept first.
    pub fn replied<T>(
        &mut self,
        id: u64,
        outcome: &Result<T, Rejection>,
        now_ms: u64,
        now: Timestamp,
    ) -> Option<Outcome> {
        let job = self.jobs.get(&id)?;
        let State::Asked(statement) = &job.state else { return None };
        let item = statement.item.clone();
        // Whose turn is next does not wait for a letter.
        let (ended, letter) = match outcome {
            Ok(_) => (Some(Outcome::Taken), None),
            // The item's shard has kept it already.
            Err(Rejection::Undecidable(_)) => (Some(Outcome::DeadLettered), None),
            Err(_) if planted::bug!("feed-refusal-lost") => (Some(Outcome::Taken), None),
            Err(rejection) => (None, Some(letter::refused(&job.record, rejection, now))),
        };
        if ended.is_some() {
            self.close(id);
        }
        if let Some(letter) = letter {
            self.bury(id, letter);
        }
        self.next_of(&item, id, now_ms);
        ended
    }

    /// Takes the news that a letter is durable; how that ends the record, if it was open.
    pub fn kept(&mut self, id: u64) -> Option<Outcome> {
        let is_open = matches!(self.jobs.get(&id)?.state, State::Burying(_));
        is_open.then(|| {
            self.close(id);
            Outcome::DeadLettered
        })
    }

    /// Takes the news that a letter may not have been written.
    pub fn not_kept(&mut self, id: u64, now_ms: u64) {
        self.again(id, now_ms, LETTER_BACKOFF_MS);
    }

    /// Lets time pass: submits again, writes again.
    pub fn tick(&mut self, now_ms: u64) {
        while let Some(&(due, id)) = self.timers.first() {
            if due > now_ms {
                break;
            }
            self.timers.remove(&(due, id));
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            job.due_ms = None;
            match &job.state {
                State::Read | State::Queued(_) => {}
                State::Asked(_) => self.ask(id, now_ms),
                State::Burying(letter) => self.effects.push(Effect::Keep { job: id, letter: letter.clone() }),
            }
        }
    }

    /// Asks the item, for the first time or again.
    fn ask(&mut self, id: u64, now_ms: u64) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let statement = match std::mem::replace(&mut job.state, State::Read) {
            State::Queued(statement) | State::Asked(statement) => statement,
            other @ (State::Read | State::Burying(_)) => {
                job.state = other;
                return;
            }
        };
        let command = envelope(&statement, ReplyAddress { node: self.node, request: id });
        job.state = State::Asked(statement);
        self.effects.push(Effect::Submit { job: id, command: Box::new(command) });
        // Set before the runner submits: a lost reply cannot leave the record without a timer.
        self.set_timer(id, now_ms + REPLY_TIMEOUT_MS);
    }

    fn bury(&mut self, id: u64, letter: NewRecord) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if let Some(old) = job.due_ms.take() {
            self.timers.remove(&(old, id));
        }
        job.attempts = 0;
        let letter = Box::new(letter);
        job.state = State::Burying(letter.clone());
        self.effects.push(Effect::Keep { job: id, letter });
        if planted::bug!("feed-letter-not-awaited") {
            self.close(id);
        }
    }

    fn next_of(&mut self, item: &ItemId, id: u64, now_ms: u64) {
        let Some(queue) = self.queues.get_mut(item) else { return };
        queue.retain(|other| *other != id);
        match queue.front().copied() {
            Some(next) => self.ask(next, now_ms),
            None => {
                self.queues.remove(item);
            }
        }
    }

    fn close(&mut self, id: u64) {
        let Some(job) = self.jobs.remove(&id) else { return };
        if let Some(due) = job.due_ms {
            self.timers.remove(&(due, id));
        }
        self.bytes -= job.bytes;
        if let Some(frontier) = self.partitions.get_mut(&job.record.partition) {
            frontier.close(id);
        }
    }

    fn again(&mut self, id: u64, now_ms: u64, (first_ms, most_ms): (u64, u64)) {
        if let Some(job) = self.jobs.get_mut(&id) {
            let delay = delay_ms(job.attempts, first_ms, most_ms);
            job.attempts = job.attempts.saturating_add(1);
            self.set_timer(id, now_ms + delay);
        }
    }

    fn set_timer(&mut self, id: u64, due_ms: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            if let Some(old) = job.due_ms.replace(due_ms) {
                self.timers.remove(&(old, id));
            }
            self.timers.insert((due_ms, id));
        }
    }
}

fn envelope(statement: &Statement, reply_to: ReplyAddress) -> CommandEnvelope {
    let Statement { id, caller, item, command, traceparent } = statement.clone();
    CommandEnvelope {
        correlation: CorrelationId::parse(id.as_str()).expect("all ids follow one rule"),
        id,
        caller,
        reply_to: Some(reply_to),
        positions: PositionToken::default(),
        sent_at: Timestamp::default(),
        traceparent,
        command: Command::Item { item, command },
    }
}
