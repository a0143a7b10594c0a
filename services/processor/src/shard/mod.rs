//! The shard: the state of its aggregates and what a batch of commands does to it.

mod clock;
mod decide;
mod outbox;
mod record;
mod save;
mod state;
mod waiters;

#[cfg(test)]
pub(crate) use outbox::internal_id;
pub(crate) use save::MARK_EVERY;
pub(crate) use state::{Entry, Mark, Saved, State};

use domain::Policy;
use event_log::{Batch, Consumed, Received};
use schemas::{AggregateKey, ShardCount, ShardId, Timestamp, Topic};
use std::collections::HashSet;
use waiters::Waiters;

/// What a shard is made with.
#[derive(Debug, Clone)]
pub struct ShardOptions {
    /// Which shard.
    pub shard: ShardId,
    /// Of how many.
    pub shards: ShardCount,
    /// The shop's times.
    pub policy: Policy,
    /// After how many events the changed aggregates are written to the snapshots topic.
    pub snapshot_every_events: u64,
    /// After how many milliseconds, if there was an event at all.
    pub snapshot_every_ms: i64,
    /// Aggregates whose `evolve` panicked before: they are evolved on a copy, so that a second panic does no harm.
    pub careful: HashSet<AggregateKey>,
}

impl ShardOptions {
    /// The usual intervals: what a kill leaves to replay is read in well under a second.
    #[must_use]
    pub fn new(shard: ShardId, shards: ShardCount, policy: Policy) -> Self {
        Self {
            shard,
            shards,
            policy,
            snapshot_every_events: 10_000,
            snapshot_every_ms: 30_000,
            careful: HashSet::new(),
        }
    }
}

/// What reaches a shard.
#[derive(Debug)]
pub enum Input {
    /// Commands, in the order of their topics, and the time at which they were taken.
    Commands {
        /// The engine's time.
        now: Timestamp,
        /// The commands. Aggregates that they name and [`Shard::missing`] lists must have been restored.
        commands: Vec<Received>,
    },
    /// The time; only after every command that stood in the topics at that time has been consumed.
    Clock(Timestamp),
    /// Write some of the changed aggregates to the snapshots topic, batch by batch; no batch = nothing is left that is
    /// worth it.
    Snapshot {
        /// The process ends: also those that cost somewhat more to write than to replay.
        all: bool,
    },
    /// The last batch is committed.
    Committed,
}

/// What the runner must do.
#[derive(Debug, Default)]
pub struct Effects {
    /// Commit this; on any outcome but `Committed` throw the shard away.
    pub batch: Option<Batch>,
    /// After that: throw the shard away, for an `evolve` panicked.
    pub rebuild: Option<Rebuild>,
}

/// Why a shard's state cannot be trusted any longer, and what it had not decided yet.
#[derive(Debug)]
pub struct Rebuild {
    /// Belongs into [`ShardOptions::careful`] of the shard that follows.
    pub careful: AggregateKey,
    /// The commands that were not decided, in order. Those that stand in a topic are read again from there; those from
    /// memory are the runner's to feed.
    pub rest: Vec<Received>,
}

/// What a shard has done since it was recovered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Commands decided.
    pub commands: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Events written.
    pub events: u64,
    /// Internal commands sent.
    pub sent: u64,
    /// Internal commands decided.
    pub received: u64,
    /// Commands that could not be decided.
    pub dead_letters: u64,
    /// Answers given.
    pub replies: u64,
}

/// The state of one shard, and its only writer.
#[derive(Debug)]
pub struct Shard {
    options: ShardOptions,
    epoch: u64,
    state: State,
    consumed: Consumed,
    waiters: Waiters,
    saving: save::Saving,
    stats: ShardStats,
}

impl Shard {
    /// `replayed` events are in no snapshot yet.
    pub(crate) fn new(options: ShardOptions, epoch: u64, state: State, consumed: Consumed, replayed: u64) -> Self {
        Self {
            options,
            epoch,
            state,
            consumed,
            waiters: Waiters::default(),
            saving: save::Saving::new(replayed),
            stats: ShardStats::default(),
        }
    }

    /// Takes an input; what it returns must be performed before the next.
    pub fn step(&mut self, input: Input) -> Effects {
        match input {
            Input::Commands { now, commands } => self.decide_all(now, commands),
            Input::Clock(time) => self.pass_time(time),
            Input::Snapshot { all } => Effects { batch: self.save(all), rebuild: None },
            Input::Committed => {
                self.evict();
                Effects::default()
            }
        }
    }

    /// Which shard it is.
    #[must_use]
    pub fn id(&self) -> ShardId {
        self.options.shard
    }

    /// The lease's epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The next offsets to consume.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        self.consumed
    }

    /// The newest seq of an events topic; 0 before the first event.
    ///
    /// # Panics
    /// If the topic carries no events.
    #[must_use]
    pub fn seq(&self, topic: Topic) -> u64 {
        self.state.topic(topic).seq
    }

    /// How many aggregates are in memory, and how many finished ones are only indexed.
    #[must_use]
    pub fn aggregates(&self) -> (usize, usize) {
        (self.state.live.len(), self.state.finished.len())
    }

    /// How many aggregates have a deadline, and the earliest.
    #[must_use]
    pub fn deadlines(&self) -> (usize, Option<Timestamp>) {
        (self.state.deadlines.len(), self.state.deadlines.first().map(|(due, _)| *due))
    }

    /// How many clients wait for an answer that comes transactions later.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// What it has done since it was recovered.
    #[must_use]
    pub fn stats(&self) -> ShardStats {
        self.stats
    }

    /// The state of an aggregate that is in memory.
    #[must_use]
    pub fn aggregate(&self, key: &AggregateKey) -> Option<&domain::Aggregate> {
        self.state.live.get(key).map(|entry| &entry.aggregate)
    }

    /// Every aggregate in memory with the seq of its last event, in no order.
    pub fn live(&self) -> impl Iterator<Item = (&AggregateKey, u64, &domain::Aggregate)> {
        self.state.live.iter().map(|(key, entry)| (key, entry.seq, &entry.aggregate))
    }

    /// `max(t, time of the last event)`: time does not go back, also not after a failover to a slower clock.
    fn now(&self, time: Timestamp) -> Timestamp {
        if planted::bug!("time-goes-back") { time } else { time.max(self.state.last_time) }
    }
}
