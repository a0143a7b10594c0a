//! What to do for which event, and the table of what is under way. Sans-IO: time is an argument, effects are data.

use crate::{
    call::{Call, Said, call_for, concerns_money, fact},
    provider::ProviderError,
};
use event_log::Record;
use read_model::{
    Checkpoint, Checkpoints,
    backoff::delay_ms,
    frontier::{Frontier, FrontierError},
};
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, Event, EventReadError, OrderId, PaymentId, Position, PositionToken,
    ReplyAddress, Timestamp, Topic, order::OrderCommand,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use thiserror::Error;

/// How long a reply may take before the command is sent again.
const REPLY_TIMEOUT_MS: u64 = 10_000;
/// Delays between tries to submit.
const SUBMIT_BACKOFF_MS: (u64, u64) = (20, 2_000);
/// Delays between calls of a provider that is not available.
const CALL_BACKOFF_MS: (u64, u64) = (100, 30_000);

/// Why the core cannot go on. An event about money is never skipped.
#[derive(Debug, Error)]
pub(crate) enum CoreError {
    #[error("{0}")]
    Frontier(#[from] FrontierError),
    #[error("event {position} cannot be read: {source}")]
    Unreadable { position: Position, source: EventReadError },
    #[error("record {partition}@{offset} of the orders topic is no event of an order")]
    NotAnOrder { partition: u32, offset: u64 },
}

/// What the runner must perform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Ask the provider; [`Core::said`] takes the answer.
    Call { job: u64, call: Call },
    /// Submit a command; [`Core::submit_failed`] takes an error, [`Core::replied`] the reply.
    Submit { job: u64, command: Box<CommandEnvelope> },
}

#[derive(Debug)]
enum State {
    /// Behind another job of the same payment.
    Queued,
    /// The provider is being asked, or will be again.
    Calling,
    /// What it said is being recorded.
    Recording(Box<OrderCommand>),
}

#[derive(Debug)]
struct Job {
    partition: u32,
    position: Position,
    order: OrderId,
    payment: PaymentId,
    correlation: schemas::CorrelationId,
    traceparent: Option<String>,
    call: Call,
    state: State,
    attempts: u32,
    /// When to try again.
    due_ms: Option<u64>,
}

type Queue = (OrderId, PaymentId);

/// The table of what is under way.
pub(crate) struct Core {
    node: u32,
    partitions: BTreeMap<u32, Frontier>,
    jobs: HashMap<u64, Job>,
    /// Jobs of one payment are done one after the other: it is captured before it is refunded.
    queues: HashMap<Queue, VecDeque<u64>>,
    timers: BTreeSet<(u64, u64)>,
    effects: Vec<Effect>,
    next_job: u64,
}

impl Core {
    /// Goes on after `checkpoints`; answers come to `node`.
    pub fn new(node: u32, partitions: impl Iterator<Item = u32>, checkpoints: &Checkpoints) -> Self {
        let frontier = |partition| {
            let read = checkpoints.get(&(Topic::OrdersEvents, partition)).copied().unwrap_or_default();
            (partition, Frontier::new(partition, read))
        };
        Self {
            node,
            partitions: partitions.map(frontier).collect(),
            jobs: HashMap::new(),
            queues: HashMap::new(),
            timers: BTreeSet::new(),
            effects: Vec::new(),
            next_job: 1,
        }
    }

    /// How many jobs are open.
    pub fn open(&self) -> usize {
        self.jobs.len()
    }

    /// What is to be performed now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// By partition, the checkpoint before which everything is done.
    pub fn done(&self) -> impl Iterator<Item = (u32, Checkpoint)> {
        self.partitions.iter().map(|(partition, frontier)| (*partition, frontier.checkpoint()))
    }

    /// Takes a record of the orders topic.
    pub fn take(&mut self, record: &Record) -> Result<(), CoreError> {
        let not_an_order = CoreError::NotAnOrder { partition: record.partition, offset: record.offset };
        let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else {
            return Err(not_an_order);
        };
        let frontier = self.partitions.entry(record.partition);
        let frontier = frontier.or_insert_with_key(|partition| Frontier::new(*partition, Checkpoint::default()));
        let Some(before) = frontier.read(record.offset, envelope.seq, envelope.epoch)? else {
            return Ok(());
        };
        let position = Position { topic: Topic::OrdersEvents, partition: record.partition, seq: envelope.seq };
        if !concerns_money(&envelope.event_type) {
            return Ok(());
        }
        let event =
            Event::read(&envelope.event_type, value).map_err(|source| CoreError::Unreadable { position, source })?;
        let (Event::Order(event), Ok(order)) = (event, OrderId::parse(&envelope.subject)) else {
            return Err(not_an_order);
        };
        let Some((payment, call)) = call_for(&order, event, position) else {
            return Ok(());
        };
        let job = self.next_job;
        self.next_job += 1;
        frontier.open(job, before);
        let queue = self.queues.entry((order.clone(), payment.clone())).or_default();
        queue.push_back(job);
        let is_first = queue.len() == 1 || planted::bug!("refund-before-capture");
        self.jobs.insert(
            job,
            Job {
                partition: record.partition,
                position,
                order,
                payment,
                correlation: envelope.correlation.clone(),
                traceparent: envelope.traceparent.clone(),
                call,
                state: State::Queued,
                attempts: 0,
                due_ms: None,
            },
        );
        if is_first {
            self.begin(job);
        }
        Ok(())
    }

    fn begin(&mut self, id: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.state = State::Calling;
            self.effects.push(Effect::Call { job: id, call: job.call.clone() });
        }
    }

    /// Takes what the provider said.
    pub fn said(&mut self, id: u64, answer: Result<Said, ProviderError>, now_ms: u64) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if !matches!(job.state, State::Calling) {
            return;
        }
        match answer {
            Ok(said) => {
                job.state = State::Recording(Box::new(fact(&job.call, said).into()));
                job.attempts = 0;
                self.submit(id, now_ms);
            }
            Err(ProviderError::Unavailable(_)) => {
                let delay = delay_ms(job.attempts, CALL_BACKOFF_MS.0, CALL_BACKOFF_MS.1);
                job.attempts = job.attempts.saturating_add(1);
                self.set_timer(id, now_ms + delay);
            }
        }
    }

    /// Takes the news that a command was not taken.
    pub fn submit_failed(&mut self, id: u64, now_ms: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            let delay = delay_ms(job.attempts, SUBMIT_BACKOFF_MS.0, SUBMIT_BACKOFF_MS.1);
            job.attempts = job.attempts.saturating_add(1);
            self.set_timer(id, now_ms + delay);
        }
    }

    /// Takes the news that a command was answered, done or refused; whether its job was open.
    pub fn replied(&mut self, id: u64) -> bool {
        let Some(job) = self.jobs.remove(&id) else { return false };
        if let Some(due) = job.due_ms {
            self.timers.remove(&(due, id));
        }
        if let Some(frontier) = self.partitions.get_mut(&job.partition) {
            frontier.close(id);
        }
        let key = (job.order, job.payment);
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.retain(|other| *other != id);
            match queue.front().copied() {
                Some(next) => self.begin(next),
                None => {
                    self.queues.remove(&key);
                }
            }
        }
        true
    }

    /// Lets time pass: calls again, submits again.
    pub fn tick(&mut self, now_ms: u64) {
        while let Some(&(due, id)) = self.timers.first() {
            if due > now_ms {
                break;
            }
            self.timers.remove(&(due, id));
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            job.due_ms = None;
            match job.state {
                State::Queued => {}
                State::Calling => self.begin(id),
                State::Recording(_) => self.submit(id, now_ms),
            }
        }
    }

    fn submit(&mut self, id: u64, now_ms: u64) {
        let Some(job) = self.jobs.get(&id) else { return };
        let State::Recording(command) = &job.state else { return };
        let command = command_envelope(job, (**command).clone(), ReplyAddress { node: self.node, request: id });
        self.effects.push(Effect::Submit { job: id, command: Box::new(command) });
        // Set before the runner submits: a lost reply cannot leave the job without a timer.
        self.set_timer(id, now_ms + REPLY_TIMEOUT_MS);
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

fn command_envelope(job: &Job, command: OrderCommand, reply_to: ReplyAddress) -> CommandEnvelope {
    let mut positions = PositionToken::default();
    positions.add(job.position);
    // The same each time that the event is read.
    let id = format!("payments:{}:{}", job.position.partition, job.position.seq);
    CommandEnvelope {
        id: CommandId::parse(&id).expect("letters, digits and colons, below 64"),
        caller: Caller::engine(),
        correlation: job.correlation.clone(),
        reply_to: Some(reply_to),
        positions,
        sent_at: Timestamp::default(),
        traceparent: job.traceparent.clone(),
        command: Command::Order { order: job.order.clone(), command },
    }
}
