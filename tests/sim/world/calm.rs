//! The phase without faults, in which everything must end.

use super::World;
use crate::sim::{
    bump, generators,
    owner::{Owner, Snapshots, replay},
};
use event_log::{
    EventLog,
    simulated::{Profile, SimulatedLog},
};
use schemas::ShardId;
use std::sync::atomic::Ordering;

impl World {
    /// Nothing fails any more: who was not answered asks once more, the provider answers all, every deadline passes.
    pub fn calm_down(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        self.log.refuse_clients(None);
        self.step = u64::MAX / 2;
        self.wake_sleepers();
        self.arrive();
        self.settle();
        for wish in self.clients.unanswered() {
            bump(&mut self.tally, "asked again");
            self.submit_wish(wish);
        }
        self.settle();
        // In good weather to ask once is enough.
        for _ in 0..8 {
            self.ask();
        }
        self.settle();
        let open = self.clients.unanswered();
        assert!(open.is_empty(), "answered-is-in-log: never answered: {:?}", self.clients.wished(open[0]));
        for _ in 0..4 {
            self.now = self.latest.plus_seconds(700);
            self.latest = self.now;
            self.settle();
            self.finish_floor();
        }
        // Long enough for what may still come back to be told.
        self.now = self.latest.plus_seconds(4_100);
        self.latest = self.now;
        self.settle();
        if self.swarm.shop && self.swarm.seed.is_multiple_of(2) {
            self.a_day_later();
        }
        if self.swarm.drops && self.swarm.seed.is_multiple_of(2) {
            self.forget_drops();
        }
        let open = self.clients.unanswered();
        assert!(open.is_empty(), "answered-is-in-log: never answered: {:?}", self.clients.wished(open[0]));
        self.check_owners();
    }

    /// A day after its end a drop is closed, and may leave memory.
    fn forget_drops(&mut self) {
        self.now = self.latest.plus_seconds(25 * 3_600);
        self.latest = self.now;
        self.settle();
        let of = |name: &str| self.tail.events.iter().filter(|event| event.name == name).count();
        let (over, closed) = (of("drop-ended") + of("drop-cancelled"), of("drop-closed"));
        assert_eq!(over, closed, "drops-end: a drop that is over is kept for more than a day");
    }

    /// Until neither a shard nor the provider has anything to do.
    pub fn settle(&mut self) {
        self.run_dry();
        for round in 0.. {
            assert!(round < 1_000, "money-adds-up: the provider is never done");
            self.tail.read(&self.log);
            self.provider.read(&self.tail.events);
            if self.provider.owes() == 0 {
                break;
            }
            for _ in 0..6 {
                self.provider_answers();
            }
            self.run_dry();
        }
    }

    /// The planner and the warehouses do what is left to do.
    pub fn finish_floor(&mut self) {
        for round in 0.. {
            assert!(round < 200, "due-is-planned: the planner is never done");
            self.tail.read(&self.log);
            self.made.floor.read(&self.tail.events, &mut self.random);
            let ships = self.swarm.seed.is_multiple_of(3);
            let asks = generators::floor::finish(&mut self.made, &mut self.random, ships);
            if asks.is_empty() {
                break;
            }
            for (caller, command) in asks {
                self.wish(0, caller, command);
            }
            self.settle();
        }
    }

    /// All shards work until none has anything to do.
    fn run_dry(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "every-order-ends: the shards never come to rest");
            self.step += 1;
            let mut busy = false;
            for shard in 0..self.owners.len() {
                busy |= self.pass(shard);
            }
            self.log.make_durable(usize::MAX);
            self.log.deliver_replies(usize::MAX);
            self.listen();
            if !busy {
                break;
            }
        }
        // Slow clients look at last.
        self.step += 100;
        self.listen();
    }

    /// Nobody waits for ever, and what an owner knows is what any start would make of the log.
    pub fn check_owners(&mut self) {
        for (shard, owner) in self.log.shards().all().zip(&mut self.owners) {
            let owner = owner.as_mut().expect("it is calm");
            assert_eq!(owner.shard.waiting(), 0, "answered-is-in-log: somebody waits for ever");
            let records = self.log.records(schemas::Topic::Snapshots, shard.0).len() as u64;
            let some = usize::try_from(self.random.below(records + 1)).expect("a few");
            let old = match self.swarm.profile {
                Profile::Embedded => Snapshots::Oldest(0),
                Profile::Cluster => Snapshots::Oldest(some),
            };
            for snapshots in [Snapshots::Oldest(0), old, Snapshots::All] {
                check_state(&self.log, shard, owner, self.swarm.snapshot_every, snapshots);
            }
        }
    }
}

/// What the owner knows, also of what has left its memory, is what a replay makes, from those snapshots and the events
/// after them.
fn check_state(log: &SimulatedLog, shard: ShardId, owner: &mut Owner, every: u64, snapshots: Snapshots) {
    let replay = replay(log, shard, owner.shard.epoch() + 1, every, snapshots);
    let rebuilt = replay.finish(owner.shard.consumed()).expect("same-state-from-anywhere: the log is whole");
    for (key, seq, state) in rebuilt.live() {
        if owner.shard.aggregate(key).is_none() {
            owner.fetch(key.clone());
        }
        let known = owner.shard.aggregate(key);
        let json = |state| serde_json::to_value(state).expect("plain data");
        let (known, state) = (known.map(json), json(state));
        assert_eq!(known, Some(state), "same-state-from-anywhere: {key:?}@{seq}, from {snapshots:?}");
    }
    for (key, seq, state) in owner.shard.live() {
        let is_there = rebuilt.aggregate(key).is_some() || state.is_finished();
        assert!(is_there, "same-state-from-anywhere: {key:?}@{seq} is not rebuilt from {snapshots:?}");
    }
}
