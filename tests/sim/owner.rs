//! The owner of one shard, as the runner of the processor is one, but a step at a time.

use super::{Tally, random::Random};
use domain::Policy;
use event_log::{CommitOutcome, EventLog, Lease, ReadFrom, simulated::SimulatedLog};
use processor::{Effects, Input, Recovery, Replay, Shard, ShardOptions};
use schemas::{ShardId, Timestamp, Topic};
use std::time::Duration;

/// A shard under its lease.
pub struct Owner {
    lease: Box<dyn Lease>,
    pub shard: Shard,
}

/// Whether an owner goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    /// It has found work, or not.
    Serves { busy: bool },
    /// It died or lost its shard: the next owner recovers.
    Gone,
}

/// Shards that save often, so that a short run recovers from snapshots.
fn options(log: &SimulatedLog, shard: ShardId) -> ShardOptions {
    let mut options = ShardOptions::new(shard, log.shards(), Policy::default());
    options.snapshot_every_events = 12;
    options
}

fn feed(log: &SimulatedLog, from: ReadFrom, mut take: impl FnMut(event_log::Record)) {
    let mut reader = log.reader(&[from]).expect("a partition that exists");
    loop {
        let records = reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read");
        if records.is_empty() {
            return;
        }
        records.into_iter().for_each(&mut take);
    }
}

/// Everything up to consuming; without snapshots where they are not wanted.
pub fn replay(log: &SimulatedLog, shard: ShardId, epoch: u64, with_snapshots: bool) -> Replay {
    let mut recovery = Recovery::new(options(log, shard), epoch);
    if with_snapshots {
        let from = ReadFrom { topic: Topic::Snapshots, partition: shard.0, offset: 0 };
        feed(log, from, |record| recovery.snapshot(record));
    }
    let mut replay = recovery.replay();
    for from in replay.from() {
        feed(log, from, |record| replay.event(&record).expect("the log replays"));
    }
    replay
}

impl Owner {
    pub fn recover(log: &SimulatedLog, shard: ShardId, tally: &mut Tally) -> Self {
        let mut lease = log.acquire(shard).expect("a shard can be taken");
        let replay = replay(log, shard, lease.epoch(), true);
        *tally.entry("recovered").or_default() += 1;
        if replay.from().iter().any(|from| from.offset > 0) {
            *tally.entry("recovered from snapshots").or_default() += 1;
        }
        let shard = replay.finish(lease.consumed()).expect("the log is whole");
        lease.consume_from(shard.consumed()).expect("the shard is ours");
        Self { lease, shard }
    }

    /// One round of the runner; `deadly` is the chance in percent of dying at each of its seams.
    pub fn pass(&mut self, log: &SimulatedLog, now: Timestamp, random: &mut Random, deadly: u64) -> After {
        let most = usize::try_from(random.between(1, 12)).expect("small");
        let Ok(polled) = self.lease.poll(most, Duration::ZERO) else { return After::Gone };
        if polled.closed || random.chance(deadly) {
            return After::Gone;
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
            if random.chance(deadly) || !self.perform(effects) {
                return After::Gone;
            }
        }
        if polled.drained {
            let effects = self.shard.step(Input::Clock(now));
            busy |= effects.batch.is_some();
            if random.chance(deadly) || !self.perform(effects) {
                return After::Gone;
            }
        }
        for topic in Topic::EVENTS {
            if self.shard.wants_mark(topic) || random.chance(30) {
                self.shard.mark(topic, log.end(topic, self.shard.id().0).expect("a partition that exists"));
            }
        }
        if self.shard.wants_snapshot(now) || random.chance(5) {
            let all = random.chance(20);
            let effects = self.shard.step(Input::Snapshot { all });
            if random.chance(deadly) || !self.perform(effects) {
                return After::Gone;
            }
        }
        After::Serves { busy: busy || !polled.drained }
    }

    /// Commits what the shard asks for; whether its state may be kept.
    fn perform(&mut self, effects: Effects) -> bool {
        assert!(effects.rebuild.is_none(), "evolving panicked: {:?}", effects.rebuild);
        let Some(batch) = effects.batch else { return true };
        assert!(batch.dead_letters.is_empty(), "{:?}", batch.dead_letters);
        let kept = self.lease.commit(batch) == CommitOutcome::Committed;
        if kept {
            self.shard.step(Input::Committed);
        }
        kept
    }
}
