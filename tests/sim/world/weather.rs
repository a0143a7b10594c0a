//! What goes wrong, and time.

use super::{BEGINNING, LONGEST_MS, World};
use crate::sim::{
    Tally, bump,
    checker::evidence::Read,
    generators,
    random::Random,
    swarm::{Faults, Rate},
};
use event_log::{
    EventLog, SubmitError,
    simulated::{Fate, OnCommit},
};
use schemas::{CommandEnvelope, ShardId, Topic, item::HoldId};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// How commits end.
pub fn fates(faults: &Faults, mut random: Random, calm: Arc<AtomicBool>, count: Arc<Mutex<Tally>>) -> OnCommit {
    let (aborted, fenced, indefinite) = (faults.aborted, faults.fenced, faults.indefinite);
    Box::new(move |_| {
        let draw = random.below(1_000);
        let committed = random.chance(50);
        let (fate, name) = match draw {
            _ if calm.load(Ordering::Relaxed) => return Fate::Committed,
            n if n < aborted => (Fate::Aborted, "fault: commit aborted"),
            n if n < aborted + fenced => (Fate::Fenced, "fault: commit fenced"),
            n if n < aborted + fenced + indefinite && committed => {
                (Fate::Indefinite { committed }, "fault: commit indefinite, in the log")
            }
            n if n < aborted + fenced + indefinite => {
                (Fate::Indefinite { committed }, "fault: commit indefinite, not in the log")
            }
            _ => return Fate::Committed,
        };
        bump(&mut count.lock().expect("no panic holds it"), name);
        fate
    })
}

impl World {
    fn strikes(&mut self, rate: Rate, name: &str) -> bool {
        let strikes = self.random.per_mille(rate);
        if strikes {
            bump(&mut self.tally, name);
        }
        strikes
    }

    /// What comes over the world as a whole.
    pub fn weather(&mut self) {
        let faults = self.swarm.faults.clone();
        if self.strikes(faults.fenced / 4, "fault: owner fenced") {
            let shard = self.random.below(self.owners.len() as u64);
            self.log.fence(ShardId(u32::try_from(shard).expect("a few")));
        }
        if self.strikes(faults.crash, "fault: crash") {
            self.crash();
        }
        if self.strikes(faults.disk_full, "fault: disk full") {
            self.log.refuse_clients(Some(SubmitError::DiskReserve));
        } else if self.random.chance(20) {
            self.log.refuse_clients(None);
        }
        if self.strikes(faults.clock_jump, "fault: clock jump") {
            let by = i64::from(self.random.between(1_000, 3_600_000));
            let forward = self.random.chance(50);
            self.move_clock(if forward { by } else { -by / 8 });
        }
        self.wake_sleepers();
    }

    /// The process ends at once: what was not durable is gone, and so is everybody who waits.
    pub fn crash(&mut self) {
        self.owners.iter_mut().for_each(|owner| *owner = None);
        self.log.crash();
        self.clients.hang_up();
        self.clients.node = self.log.register(self.clients.inbox.clone());
    }

    /// Who slept before a commit finds it still has its shard, or that it is a zombie.
    pub fn wake_sleepers(&mut self) {
        let step = if self.is_calm() { u64::MAX } else { self.step };
        let (awake, asleep) = std::mem::take(&mut self.sleepers).into_iter().partition(|(until, ..)| *until <= step);
        self.sleepers = asleep;
        let awake: Vec<_> = awake;
        for (_, shard, mut owner) in awake {
            let kept = owner.wake();
            if kept && self.owners[shard].is_some() {
                panic!("one-writer-per-key: shard {shard} has two owners that commit");
            }
            bump(&mut self.tally, if kept { "woke in time" } else { "fault: zombie woke" });
            if kept {
                self.owners[shard] = Some(owner);
            }
        }
    }

    pub fn time_passes(&mut self) {
        // In a shop it goes slowly, and in a drop: orders shall get somewhere.
        let millis = match self.random.below(if self.swarm.drops {
            50
        } else if self.swarm.shop {
            30
        } else {
            10
        }) {
            0..2 => self.random.between(60_000, 400_000),
            2..5 => self.random.between(5_000, 40_000),
            _ => self.random.between(1, 3_000),
        };
        self.move_clock(i64::from(millis));
    }

    pub fn move_clock(&mut self, millis: i64) {
        let to = self.now.plus_millis(millis);
        if (BEGINNING..BEGINNING + LONGEST_MS).contains(&to.millis()) {
            self.now = to;
            self.latest = self.latest.max(to);
        }
    }

    /// Sends a command: it may come late, twice, or after those that were sent later; its client may be gone by then.
    pub fn send(&mut self, envelope: CommandEnvelope) {
        if self.is_calm() {
            self.submit(envelope);
            return;
        }
        let faults = self.swarm.faults.clone();
        if envelope.reply_to.is_some() && self.strikes(faults.vanish, "fault: client vanished") {
            let for_good = self.random.chance(60);
            self.clients.vanish(&envelope, for_good);
        }
        if self.strikes(faults.duplicate, "fault: command doubled") {
            self.clients.doubled(&envelope);
            let at = self.step + self.random.below(40);
            self.network.push((at, envelope.clone()));
        }
        if self.strikes(faults.delay, "fault: command delayed") {
            let at = self.step + 1 + self.random.below(30);
            self.network.push((at, envelope));
        } else {
            self.submit(envelope);
        }
    }

    /// Commands that were under way arrive.
    pub fn arrive(&mut self) {
        let step = if self.is_calm() { u64::MAX } else { self.step };
        let (now, later) = std::mem::take(&mut self.network).into_iter().partition(|(at, _)| *at <= step);
        self.network = later;
        let now: Vec<_> = now;
        now.into_iter().for_each(|(_, envelope)| self.submit(envelope));
    }

    /// A client reads a row with its token, if the views are that far.
    pub fn read_views(&mut self) {
        let client = usize::try_from(self.random.below(self.swarm.clients as u64)).expect("a few");
        let items = generators::item_ids(&self.swarm);
        let item = self.random.pick(&items).expect("there is one").to_string();
        let orders: Vec<_> = self.made.orders().map(ToString::to_string).collect();
        let holds: Vec<_> = self.made.holds().map(|(item, hold)| (item.clone(), hold.clone())).collect();
        let carts: Vec<_> = self.made.carts().collect();
        let drops: Vec<_> = self.made.drops().collect();
        let (topic, subject, table, key) = match self.random.below(if self.swarm.drops { 7 } else { 5 }) {
            5.. => {
                let Some(drop) = self.random.pick(&drops).cloned() else { return };
                (Topic::DropsEvents, drop.clone(), "drop_v1", drop)
            }
            0 => (Topic::InventoryEvents, item.clone(), "item_v1", item),
            1 => (Topic::InventoryEvents, item.clone(), "stock_v1", item),
            2 => {
                let Some((item, HoldId::Free { caller, id })) = self.random.pick(&holds).cloned() else { return };
                (Topic::InventoryEvents, item.to_string(), "hold_v1", format!("{item}/{caller}/{id}"))
            }
            3 => {
                let Some(shopper) = self.random.pick(&carts).cloned() else { return };
                (Topic::CartsEvents, shopper.clone(), "cart_v1", shopper)
            }
            _ => {
                let Some(order) = self.random.pick(&orders).cloned() else { return };
                (Topic::OrdersEvents, order.clone(), "order_v1", order)
            }
        };
        let partition = self.log.shards().of_key(&subject).0;
        let place = format!("{topic}/{partition}");
        let token = self.clients.token(client, &place);
        if self.views.folded(topic, partition) < token {
            bump(&mut self.tally, "reads that must wait");
            return;
        }
        bump(&mut self.tally, "reads");
        let row = self.views.row(table, &key);
        let (table, aggregate) = (table.to_owned(), (topic.name(), subject));
        let read = Read { order: 0, client, table, key, aggregate, token, row: None };
        self.clients.read(read, &place, row);
    }
}
