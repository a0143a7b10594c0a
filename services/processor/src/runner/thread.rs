//! The thread of one shard: poll, step, commit, and again.

use super::{
    ShardState, Shared,
    metrics::Meter,
    recover::{Recovered, recover},
};
use crate::{Effects, Input, RecoveryError, Shard};
use event_log::{CommandSource, CommitOutcome, Lease, LogError, Received};
use schemas::{AggregateKey, ShardId, Timestamp, Topic};
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// At most so many commands are decided in one batch; a log may give fewer at a time.
const MOST_COMMANDS: usize = 4_096;
/// A recovery that failed for want of the log is tried again after this, twice as long each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);
/// So long a stopping shard goes on with what stands in its topics.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Why a shard stops that was told to.
const GIVEN_UP: &str = "the shard was given up";

/// Why a shard ceases to serve.
pub(super) enum Halt {
    /// Its state may be wrong: rebuild it from the log, at once.
    Rebuild,
    /// The log is out of reach: rebuild it after a while.
    Retry(String),
    /// For good.
    Stop(String),
    /// It was asked to, and has finished.
    Finished,
}

impl From<LogError> for Halt {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(why) => Self::Retry(why),
            LogError::Fenced | LogError::Mismatch(_) | LogError::Locked(_) | LogError::Corrupt(_) => {
                Self::Stop(error.to_string())
            }
        }
    }
}

impl From<RecoveryError> for Halt {
    fn from(error: RecoveryError) -> Self {
        Self::Stop(error.to_string())
    }
}

/// Owns a shard until it is told to stop.
pub(super) struct Owner {
    pub shared: Arc<Shared>,
    pub shard: ShardId,
    /// Set when the shard is to be given up, before the thread is woken.
    pub stop: Arc<AtomicBool>,
}

impl Owner {
    /// Until it is told to, or cannot go on.
    pub fn run(self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.own()));
        let reason = outcome.unwrap_or_else(|_| "its thread panicked".to_owned());
        if !self.is_stopping() {
            tracing::error!(shard = self.shard.0, reason, "the shard has stopped");
        }
        self.shared.turn(self.shard, ShardState::Stopped(reason));
    }

    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping() || self.stop.load(Ordering::Acquire)
    }

    fn own(&self) -> String {
        let (shared, id) = (&*self.shared, self.shard);
        let mut careful = HashSet::new();
        let mut left = Vec::new();
        let mut meter = Meter::new(id);
        let mut pause = FIRST_RETRY;
        loop {
            shared.turn(id, ShardState::Recovering);
            let begun = Instant::now();
            let halt = match recover(self, &careful) {
                Ok(recovered) => {
                    pause = FIRST_RETRY;
                    let runner = announce(self, recovered, begun.elapsed(), &mut meter);
                    runner.serve(std::mem::take(&mut left), &mut careful, &mut left)
                }
                Err(halt) => halt,
            };
            match halt {
                Halt::Rebuild => tracing::warn!(shard = id.0, "rebuilding the shard from the log"),
                Halt::Retry(why) => {
                    tracing::warn!(shard = id.0, why, "the log is out of reach");
                    if !self.is_stopping() {
                        std::thread::park_timeout(pause);
                    }
                    pause = (pause * 2).min(LAST_RETRY);
                }
                Halt::Stop(reason) => return reason,
                Halt::Finished => return GIVEN_UP.to_owned(),
            }
            if self.is_stopping() {
                return GIVEN_UP.to_owned();
            }
        }
    }
}

fn announce<'a>(owner: &'a Owner, recovered: Recovered, took: Duration, meter: &'a mut Meter) -> Runner<'a> {
    let shared = &*owner.shared;
    let Recovered { lease, shard, replayed } = recovered;
    meter.recovered(took.as_secs_f64(), replayed);
    let (live, finished) = shard.aggregates();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(shard = shard.id().0, epoch = shard.epoch(), live, finished, replayed, took_ms, "shard recovered");
    shared.update(shard.id(), |tracked| {
        tracked.show(&shard);
        tracked.status.recovered_in_ms = took_ms;
        tracked.status.events_replayed = replayed;
    });
    shared.turn(shard.id(), ShardState::Serving);
    let asked = shared.options.clock.now();
    Runner { owner, shared, lease, shard, meter, asked, sends: false }
}

struct Runner<'a> {
    owner: &'a Owner,
    shared: &'a Shared,
    lease: Box<dyn Lease>,
    shard: Shard,
    meter: &'a mut Meter,
    /// The time of the last poll of which a later one may say that all that stood there has been given.
    asked: Timestamp,
    /// Whether internal commands were handed over that may not stand in the log yet.
    sends: bool,
}

impl Runner<'_> {
    /// Serves until something is wrong or the shard is given up. `left` are commands from memory that a rebuild leaves.
    fn serve(mut self, first: Vec<Received>, careful: &mut HashSet<AggregateKey>, left: &mut Vec<Received>) -> Halt {
        let mut rebuild = |halt: Stop| match halt {
            Stop::Halt(halt) => halt,
            Stop::Broken(key, mut rest) => {
                tracing::error!(shard = key.topic().name(), key = key.as_str(), "evolving an aggregate panicked");
                careful.insert(key);
                // What stands in a topic is delivered again.
                rest.retain(|received| received.source == CommandSource::Memory);
                *left = rest;
                Halt::Rebuild
            }
        };
        if !first.is_empty()
            && let Err(stop) = self.take(first)
        {
            return rebuild(stop);
        }
        loop {
            let result = if self.owner.is_stopping() { self.finish() } else { self.pass() };
            if let Err(stop) = result {
                return rebuild(stop);
            }
        }
    }

    /// One round: commands, then, if nothing more of it stands there, the time at which it was asked what does.
    fn pass(&mut self) -> Result<(), Stop> {
        self.settle_traffic();
        let traffic = self.shared.traffic.load(Ordering::Acquire);
        let time = self.shared.options.clock.now();
        let wait = self.patience(time);
        let polled = self.lease.poll(MOST_COMMANDS, wait)?;
        if !polled.is_carried {
            self.asked = time;
        }
        let before = self.shard.stats();
        if !polled.commands.is_empty() {
            self.take(polled.commands)?;
        }
        let mut quiet = polled.drained && !polled.is_carried && self.shard.stats().received == before.received;
        if polled.drained {
            let effects = self.shard.step(Input::Clock(self.asked));
            quiet &= effects.batch.is_none();
            self.perform(effects)?;
        }
        self.save(time, false)?;
        self.shared.update(self.shard.id(), |tracked| {
            tracked.show(&self.shard);
            if polled.drained {
                tracked.status.clock_seen = Some(self.asked);
            }
            if quiet && self.shard.stats().sent == before.sent && self.lease.is_durable() {
                tracked.quiet_since = Some(time);
                tracked.quiet_at_traffic = traffic;
            }
        });
        if polled.closed { Err(Stop::Halt(Halt::Stop("the log is closing".to_owned()))) } else { Ok(()) }
    }

    /// Says that internal commands have reached the log, once they have: who looked for some before has not seen them.
    fn settle_traffic(&mut self) {
        if self.sends && self.lease.is_durable() {
            self.sends = false;
            self.shared.traffic.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How long to wait for commands: not past a deadline, and not at all while snapshots are being written.
    fn patience(&mut self, time: Timestamp) -> Duration {
        if self.shard.wants_snapshot(time) {
            return Duration::ZERO;
        }
        let tick = self.shared.options.tick;
        let (_, due) = self.shard.deadlines();
        let left = due.map_or(i64::MAX, |due| due.millis().saturating_sub(time.millis()).max(1));
        u64::try_from(left).map_or(tick, |left| tick.min(Duration::from_millis(left)))
    }

    fn take(&mut self, commands: Vec<Received>) -> Result<(), Stop> {
        for key in self.shard.missing(&commands) {
            let mut parts = Vec::new();
            for name in self.shard.snapshot_keys(&key) {
                let part = self.lease.snapshot(&name)?;
                parts.push(part.ok_or_else(|| Halt::from(RecoveryError::Snapshot(name)))?);
            }
            self.shard.restore(key, parts).map_err(Halt::from)?;
        }
        self.meter.batch(commands.len());
        let now = self.shared.options.clock.now();
        let effects = self.shard.step(Input::Commands { now, commands });
        self.perform(effects)
    }

    fn perform(&mut self, effects: Effects) -> Result<(), Stop> {
        let Effects { batch, rebuild } = effects;
        if let Some(batch) = batch {
            if !batch.internal.is_empty() {
                self.sends = true;
                self.shared.traffic.fetch_add(1, Ordering::AcqRel);
            }
            // Where the rest of the commands is kept, it must be known that these are decided for good: a log gives those of a
            // batch that was handed over and not written to the next owner.
            let outcome = if rebuild.is_some() { self.lease.commit(batch) } else { self.lease.hand_over(batch) };
            self.settle_traffic();
            match outcome {
                CommitOutcome::Committed => {}
                CommitOutcome::Aborted if planted::bug!("aborted-kept") => {}
                CommitOutcome::Indefinite if planted::bug!("indefinite-as-committed") => {}
                CommitOutcome::Aborted | CommitOutcome::Indefinite => return Err(Halt::Rebuild.into()),
                CommitOutcome::Fenced => return Err(Halt::Stop("another owner has the shard".to_owned()).into()),
            }
            self.shard.step(Input::Committed);
            self.meter.show(self.shard.stats());
        }
        rebuild.map_or(Ok(()), |rebuild| Err(Stop::Broken(rebuild.careful, rebuild.rest)))
    }

    /// Writes at most one batch of snapshots, so that commands do not wait for all of them; whether there was one.
    fn save(&mut self, time: Timestamp, all: bool) -> Result<bool, Stop> {
        for topic in Topic::EVENTS {
            if self.shard.wants_mark(topic) {
                self.shard.mark(topic, self.shared.options.log.end(topic, self.shard.id().0)?);
            }
        }
        if all || self.shard.wants_snapshot(time) {
            let effects = self.shard.step(Input::Snapshot { all });
            let has_more = effects.batch.is_some();
            self.perform(effects)?;
            return Ok(has_more);
        }
        Ok(false)
    }

    /// The last round: what this process has taken, or stands in the topics already, then all snapshots.
    fn finish(&mut self) -> Result<(), Stop> {
        let until = Instant::now() + LAST_WORDS;
        while Instant::now() < until {
            let polled = self.lease.poll(MOST_COMMANDS, Duration::ZERO)?;
            let mut commands = polled.commands;
            let count = commands.len();
            // What stands in the log of the clients is for the next owner, who waits.
            commands.retain(|received| !matches!(received.source, CommandSource::Commands(_)));
            let is_next_owners = commands.len() < count;
            if !commands.is_empty() {
                self.take(commands)?;
            }
            if is_next_owners || polled.drained || polled.closed {
                break;
            }
        }
        let time = self.shared.options.clock.now();
        while self.save(time, true)? {}
        Err(Halt::Finished.into())
    }
}

/// Why a round ends early.
enum Stop {
    Halt(Halt),
    /// The aggregate whose `evolve` panicked, and the commands that were not decided.
    Broken(AggregateKey, Vec<Received>),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Halt(error.into())
    }
}
