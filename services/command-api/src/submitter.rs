//! The way of a command: submit it, wait for the answer, tell it or the problem.

use crate::waiters::{Ticket, Waiters};
use axum::http::StatusCode;
use edge::{POSITION, Problem};
use event_log::{EventLog, SubmitError};
use metrics::{Counter, counter, gauge};
use schemas::{
    Caller, Clock, Command, CommandEnvelope, CommandId, CorrelationId, PositionToken, ReplyAddress, ReplyBody,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How often waits are looked over for deadlines.
const SWEEP: Duration = Duration::from_millis(50);

/// The request that a command belongs to.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What ties its commands and events together.
    pub correlation: CorrelationId,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// How long to wait for the answer.
    pub wait: Duration,
}

/// Submits commands and hands their answers to whoever asked.
pub struct Submitter {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    waiters: Arc<Waiters>,
    node: u32,
    /// Makes command ids of this process unlike those of every other.
    prefix: String,
    next: AtomicU64,
    started: Instant,
    counters: Counters,
}

struct Counters {
    done: Counter,
    refused: Counter,
    unknown: Counter,
    unavailable: Counter,
}

impl Counters {
    fn new() -> Self {
        let of = |outcome| counter!("stockfold_commands_total", "outcome" => outcome);
        Self { done: of("done"), refused: of("refused"), unknown: of("unknown"), unavailable: of("unavailable") }
    }
}

impl Submitter {
    /// Registers with the log for answers. Needs a tokio runtime, for the deadlines.
    pub fn start(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let waiters = Arc::new(Waiters::default());
        let sink: Arc<dyn event_log::ReplySink> = Arc::<Waiters>::clone(&waiters);
        let node = log.register(sink);
        let started = Instant::now();
        let swept = Arc::downgrade(&waiters);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP);
            loop {
                ticks.tick().await;
                let Some(waiters) = swept.upgrade() else { return };
                waiters.expire(millis(started));
                let (waiting, late) = waiters.counts();
                gauge!("stockfold_commands_waiting").set(waiting as f64);
                gauge!("stockfold_replies_late").set(late as f64);
            }
        });
        let prefix = format!("{:016x}", Uuid::new_v4().as_u64_pair().1);
        let counters = Counters::new();
        Arc::new(Self { log, clock, waiters, node, prefix, next: AtomicU64::new(0), started, counters })
    }

    /// Submits a command and waits for its answer: how far views must be to show it comes with it.
    ///
    /// A refusal is its problem; 503 `outcome_unknown` when no answer came in time, other 503 when nothing happened.
    pub async fn ask(
        &self,
        caller: Caller,
        command: Command,
        origin: Origin,
    ) -> Result<(ReplyBody, PositionToken), Problem> {
        let pending = self.begin(caller, command, origin).map_err(|error| self.not_taken(error))?;
        self.answer(pending).await
    }

    /// Submits a command; its answer is had with [`Self::answer`]. Commands of one item or order are decided in the
    /// order in which they were begun.
    pub fn begin(&self, caller: Caller, command: Command, origin: Origin) -> Result<Pending, SubmitError> {
        let wait_ms = u64::try_from(origin.wait.as_millis()).unwrap_or(u64::MAX);
        let ticket = self.waiters.wait(millis(self.started).saturating_add(wait_ms));
        let reply_to = ReplyAddress { node: self.node, request: ticket.request() };
        self.log.submit(self.envelope(caller, command, origin, Some(reply_to)))?;
        Ok(Pending(ticket))
    }

    /// Waits for the answer of a command that was begun.
    pub async fn answer(&self, pending: Pending) -> Result<(ReplyBody, PositionToken), Problem> {
        let Some(reply) = pending.0.answer().await else {
            self.counters.unknown.increment(1);
            return Err(Problem::outcome_unknown());
        };
        match reply.outcome {
            Ok(body) => {
                self.counters.done.increment(1);
                Ok((body, reply.positions))
            }
            Err(rejection) => {
                self.counters.refused.increment(1);
                let problem = Problem::from(rejection);
                // A refusal that was recorded (a rejected order) can be looked up. What the caller may not know of has no
                // place in the log for them: it would tell that it is there, and when it changed.
                let is_hidden = problem.status() == StatusCode::NOT_FOUND;
                Err(match edge::position::position_header(&reply.positions).filter(|_| !is_hidden) {
                    Some(value) => problem.header(POSITION, value),
                    None => problem,
                })
            }
        }
    }

    /// Submits a command for whose answer nobody waits.
    pub fn send(&self, caller: Caller, command: Command, origin: Origin) -> Result<(), Problem> {
        let envelope = self.envelope(caller, command, origin, None);
        self.log.submit(envelope).map_err(|error| self.not_taken(error))
    }

    /// The log that it submits to.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    fn envelope(
        &self,
        caller: Caller,
        command: Command,
        origin: Origin,
        reply_to: Option<ReplyAddress>,
    ) -> CommandEnvelope {
        let id = format!("{}-{:x}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed));
        CommandEnvelope {
            id: CommandId::parse(&id).expect("hexadecimal digits and a hyphen, below 64"),
            caller,
            correlation: origin.correlation,
            reply_to,
            positions: PositionToken::default(),
            sent_at: self.clock.now(),
            traceparent: origin.traceparent,
            command,
        }
    }

    /// The problem of a command that was not taken: nothing happened, and trying again can help.
    pub fn not_taken(&self, error: SubmitError) -> Problem {
        self.counters.unavailable.increment(1);
        let code = match error {
            SubmitError::Full => "too_many_commands",
            SubmitError::DiskReserve => "disk_reserve",
            SubmitError::Unavailable => "log_unavailable",
        };
        Problem::unavailable(code, error.to_string())
    }
}

/// A command that was submitted and not answered yet. Dropping it ends the wait, not the command.
pub struct Pending(Ticket);

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
