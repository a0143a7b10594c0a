//! The owner of one shard, as the runner of the processor is one, but a step at a time, and mortal at each.

use super::{Tally, bump, doom::Doom, random::Random, swarm::Swarm};
use domain::Policy;
use event_log::{
    Batch, CommandSource, CommitOutcome, EventLog, Lease, ReadFrom, Received, Record,
    simulated::{Profile, SimulatedLog},
};
use processor::{Effects, Input, Recovery, Replay, Shard, ShardOptions};
use schemas::{AggregateKey, ShardId, Timestamp, Topic};
use std::time::Duration;

/// A shard under its lease.
pub struct Owner {
    lease: Box<dyn Lease>,
    pub shard: Shard,
    /// How far its clock runs ahead, in milliseconds.
    skew: i64,
    /// What it has decided and not committed: it sleeps.
    pending: Option<Batch>,
}

/// Whether an owner goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    /// It has found work, or not.
    Serves { busy: bool },
    /// It stands before a commit, and sleeps.
    Sleeps,
    /// It died or lost its shard: the next owner recovers.
    Gone,
}

/// What a start reads of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshots {
    All,
    /// The first so many records of the topic, as they stood at some time.
    Oldest(usize),
}

/// What may happen to an owner in a round.
pub struct Weather<'a> {
    pub now: Timestamp,
    pub swarm: &'a Swarm,
    pub calm: bool,
    pub doom: &'a Doom,
}

fn options(log: &SimulatedLog, shard: ShardId, every: u64) -> ShardOptions {
    let return_seconds = u32::try_from(super::model::order::RETURNS_MS / 1_000).expect("some minutes");
    let policy = Policy { return_seconds, ..Policy::default() };
    let mut options = ShardOptions::new(shard, log.shards(), policy);
    options.snapshot_every_events = every;
    options
}

fn read(log: &SimulatedLog, from: ReadFrom) -> Vec<Record> {
    let mut reader = log.reader(&[from]).expect("a partition that exists");
    reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read")
}

/// Everything up to consuming.
pub fn replay(log: &SimulatedLog, shard: ShardId, epoch: u64, every: u64, snapshots: Snapshots) -> Replay {
    let mut recovery = Recovery::new(options(log, shard, every), epoch);
    let most = if let Snapshots::Oldest(most) = snapshots { most } else { usize::MAX };
    let records = read(log, ReadFrom { topic: Topic::Snapshots, partition: shard.0, offset: 0 });
    records.into_iter().take(most).for_each(|record| recovery.snapshot(record));
    let mut replay = recovery.replay();
    for from in replay.from() {
        for record in read(log, from) {
            replay.event(&record).expect("the log replays");
        }
    }
    replay
}

impl Owner {
    pub fn recover(
        log: &SimulatedLog,
        shard: ShardId,
        weather: &Weather<'_>,
        random: &mut Random,
        tally: &mut Tally,
    ) -> Self {
        let mut lease = log.acquire(shard).expect("a shard can be taken");
        let faults = &weather.swarm.faults;
        let snapshots = if !weather.calm && random.per_mille(faults.old_snapshot) {
            bump(tally, "fault: old snapshot");
            let all = read(log, ReadFrom { topic: Topic::Snapshots, partition: shard.0, offset: 0 }).len();
            // Where old values vanish at once only all of them or none stood there at any time.
            let some = usize::try_from(random.below(all as u64 + 1)).expect("a few");
            let embedded = weather.swarm.profile == Profile::Embedded;
            Snapshots::Oldest(if embedded || random.chance(40) { 0 } else { some })
        } else {
            Snapshots::All
        };
        let replay = replay(log, shard, lease.epoch(), weather.swarm.snapshot_every, snapshots);
        bump(tally, "recovered");
        if replay.from().iter().any(|from| from.offset > 0) {
            bump(tally, "recovered from snapshots");
        }
        let shard = replay.finish(lease.consumed()).expect("the log is whole");
        lease.consume_from(shard.consumed()).expect("the shard is ours");
        let skew = if faults.skew_ms > 0 && !weather.calm { random.below(faults.skew_ms.unsigned_abs()) } else { 0 };
        if skew > 0 {
            bump(tally, "fault: clock ahead");
        }
        Self { lease, shard, skew: skew.cast_signed(), pending: None }
    }

    /// One round of the runner.
    pub fn pass(&mut self, log: &SimulatedLog, weather: &Weather<'_>, random: &mut Random, tally: &mut Tally) -> After {
        let now = weather.now.plus_millis(if weather.calm { 0 } else { self.skew });
        let most = usize::try_from(random.between(1, 12)).expect("small");
        let Ok(polled) = self.lease.poll(most, Duration::ZERO) else { return After::Gone };
        // Who dies with nothing in hand dies before.
        let place = (!polled.commands.is_empty()).then_some("has polled");
        if polled.closed || self.dies(place, weather, random, tally) {
            return After::Gone;
        }
        let is_local = |received: &Received| received.source == CommandSource::Memory;
        if weather.swarm.profile == Profile::Cluster && polled.commands.iter().any(is_local) {
            bump(tally, "taken in memory on a cluster");
        }
        let mut busy = false;
        if !polled.commands.is_empty() {
            busy = true;
            for key in self.shard.missing(&polled.commands) {
                let mut parts = Vec::new();
                for name in self.shard.snapshot_keys(&key) {
                    let Ok(part) = self.lease.snapshot(&name) else { return After::Gone };
                    parts.push(part.expect("an index names a snapshot that is there"));
                }
                self.shard.restore(key, parts).expect("a snapshot that can be read");
            }
            let effects = self.shard.step(Input::Commands { now, commands: polled.commands });
            if let Some(after) = self.perform(effects, weather, random, tally) {
                return after;
            }
        }
        if polled.drained {
            let effects = self.shard.step(Input::Clock(now));
            busy |= effects.batch.is_some();
            if let Some(after) = self.perform(effects, weather, random, tally) {
                return after;
            }
        }
        for topic in Topic::EVENTS {
            if self.shard.wants_mark(topic) || random.chance(30) {
                self.shard.mark(topic, log.end(topic, self.shard.id().0).expect("a partition that exists"));
            }
        }
        if self.shard.wants_snapshot(now) || random.chance(5) {
            let effects = self.shard.step(Input::Snapshot { all: random.chance(20) });
            if let Some(after) = self.perform(effects, weather, random, tally) {
                return after;
            }
        }
        After::Serves { busy: busy || !polled.drained }
    }

    /// Brings an aggregate back that has left memory, from its snapshot.
    pub fn fetch(&mut self, key: AggregateKey) {
        let names = self.shard.snapshot_keys(&key);
        let part = |name: &String| {
            self.lease.snapshot(name).expect("the shard is ours").expect("an index names what is there")
        };
        let parts = names.iter().map(part).collect();
        self.shard.restore(key, parts).expect("same-state-from-anywhere: a snapshot that can be read");
    }

    fn dies(&self, place: Option<&'static str>, weather: &Weather<'_>, random: &mut Random, tally: &mut Tally) -> bool {
        if place.is_some_and(|place| weather.doom.strikes(place)) {
            return true;
        }
        let dies = !weather.calm && random.per_mille(weather.swarm.faults.death);
        if dies {
            bump(tally, "fault: death");
        }
        dies
    }

    /// Commits what the shard asks for; how the owner ends, if it does.
    fn perform(
        &mut self,
        effects: Effects,
        weather: &Weather<'_>,
        random: &mut Random,
        tally: &mut Tally,
    ) -> Option<After> {
        assert!(effects.rebuild.is_none(), "engine-asserts: evolving panicked: {:?}", effects.rebuild);
        let batch = effects.batch?;
        assert!(batch.dead_letters.is_empty(), "engine-asserts: {:?}", batch.dead_letters);
        if self.dies(Some("has decided"), weather, random, tally) {
            return Some(After::Gone);
        }
        if !weather.calm && random.per_mille(weather.swarm.faults.zombie) {
            bump(tally, "fault: sleep before commit");
            self.pending = Some(batch);
            return Some(After::Sleeps);
        }
        if !self.commit(batch) || self.dies(Some("has committed"), weather, random, tally) {
            return Some(After::Gone);
        }
        None
    }

    fn commit(&mut self, batch: Batch) -> bool {
        let kept = self.lease.hand_over(batch) == CommitOutcome::Committed;
        if kept {
            self.shard.step(Input::Committed);
        }
        kept
    }

    /// It wakes and commits what it had decided; whether it may go on.
    pub fn wake(&mut self) -> bool {
        let batch = self.pending.take().expect("it sleeps before a commit");
        self.commit(batch)
    }
}
