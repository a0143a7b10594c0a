//! Drops of a store, the shoppers who crowd them, and what becomes of their claims.

use super::{Asks, Made, MadeOrder, amount, anyone, caller, euros, item_ids, service};
use crate::sim::{
    checker::evidence::{DROPS, Event, list, text},
    random::Random,
    swarm::Swarm,
};
use schemas::{
    Caller, ClaimId, Command, DropId, Effect, ItemId, LineId, Metadata, OrderId, Quantity, Role, StoreId, Timestamp,
    drop::{
        CancelDrop, ChangeDrop, ClaimUnits, DropCommand, DropItem, DropTerms, JoinQueue, PauseDrop, ResumeDrop,
        ScheduleDrop,
    },
    order::{CancelOrder, LineQuantity, OrderCommand, SubmitMode},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A drop that was asked for.
#[derive(Debug, Clone)]
pub struct MadeDrop {
    id: DropId,
    items: Vec<ItemId>,
    ends_at: i64,
    /// Whether there is a waiting room.
    room: bool,
}

impl MadeDrop {
    pub fn id(&self) -> String {
        self.id.to_string()
    }
}

/// What the crowd has read of the log: of each drop its status, and who may claim.
#[derive(Debug, Default)]
pub struct Crowd {
    read: usize,
    status: BTreeMap<String, String>,
    admitted: BTreeMap<String, BTreeSet<String>>,
    /// Orders of claims, and whose they are; and those that are confirmed.
    orders: BTreeMap<String, Value>,
    bought: Vec<String>,
}

impl Crowd {
    /// Reads on.
    pub fn read(&mut self, events: &[Event]) {
        for event in &events[self.read..] {
            if !event.value["drop"].is_null() && event.name == "order-placed" {
                self.orders.insert(event.subject.clone(), event.value["owner"]["placedBy"].clone());
            }
            if event.name == "order-confirmed" && self.orders.contains_key(&event.subject) {
                self.bought.push(event.subject.clone());
            }
            if event.topic != DROPS {
                continue;
            }
            let admitted = self.admitted.entry(event.subject.clone()).or_default();
            let shoppers = list(&event.value, "shoppers").iter().filter_map(Value::as_str);
            match event.name.as_str() {
                "shoppers-admitted" => admitted.extend(shoppers.map(str::to_owned)),
                "admissions-expired" => shoppers.for_each(|shopper| _ = admitted.remove(shopper)),
                "claim-granted" => _ = admitted.remove(text(&event.value, "shopper")),
                "drop-scheduled" | "drop-ended" | "drop-cancelled" | "drop-rejected" => {
                    let status = event.name["drop-".len()..].to_owned();
                    self.status.insert(event.subject.clone(), status);
                }
                _ => {}
            }
            if let Some(status) = event.value["status"].as_str() {
                self.status.insert(event.subject.clone(), status.to_owned());
            }
        }
        self.read = events.len();
    }

    /// What is known of a drop.
    fn status(&self, drop: &MadeDrop) -> &str {
        self.status.get(drop.id.as_str()).map_or("", String::as_str)
    }
}

fn seller() -> Caller {
    caller(Role::Store, "seller-a", Some("store-a"))
}

/// One of the crowd.
fn fan(random: &mut Random, swarm: &Swarm) -> Caller {
    caller(Role::Shopper, &format!("fan-{}", random.below(swarm.crowd)), None)
}

/// Something of a drop: a new one where there are few, else something of one of the newest.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let of = |statuses: &[&str]| -> Vec<MadeDrop> {
        made.drops.iter().filter(|drop| statuses.contains(&made.crowd.status(drop))).cloned().collect()
    };
    let (live, soon) = (of(&["live", "all_held", "sold_out"]), of(&["queueing", "paused"]));
    let ahead = made.drops.iter().filter(|drop| drop.ends_at > made.now && made.crowd.status(drop).is_empty()).count();
    let scheduled = of(&["scheduled"]);
    let known = [&live, &soon, &scheduled].into_iter().find(|some| !some.is_empty() && random.chance(85));
    let none = ahead == 0 && live.is_empty() && soon.is_empty() && scheduled.is_empty();
    if none && random.chance(90) || random.chance(3) {
        return schedule(made, random, swarm);
    }
    // Of what is not there yet, or will never be, little is asked.
    if known.is_none() && random.chance(85) {
        return Asks::new();
    }
    let recent = made.drops.len().saturating_sub(2);
    let drop = random.pick(known.map_or(&made.drops[recent..], Vec::as_slice)).cloned();
    let Some(drop) = drop else { return schedule(made, random, swarm) };
    // Before it opens there is little to do but to come.
    let comes = made.crowd.status(&drop) == "queueing" && random.chance(80);
    if made.crowd.status(&drop) == "scheduled" && random.chance(75) {
        return Asks::new();
    }
    let (who, command) = match random.below(100) {
        0..34 if drop.room || random.chance(20) => return crowd(made, &drop, random, swarm),
        _ if comes => return crowd(made, &drop, random, swarm),
        0..80 => return claim(made, &drop, random, swarm),
        80..88 => return cancel(made, random),
        88..91 => {
            (owner(random), DropCommand::Pause(PauseDrop { effect: made.effect("pause"), reason: reason(random) }))
        }
        91..96 => (owner(random), DropCommand::Resume(ResumeDrop { effect: made.effect("resume") })),
        96 => {
            (owner(random), DropCommand::Cancel(CancelDrop { effect: made.effect("call-off"), reason: reason(random) }))
        }
        _ => (owner(random), change(made, random)),
    };
    vec![(who, Command::Drop { drop: drop.id, command })]
}

/// Shoppers come in crowds. A script that asks again and again gets one place.
fn crowd(made: &mut Made, drop: &MadeDrop, random: &mut Random, swarm: &Swarm) -> Asks {
    let script = random.chance(10).then(|| fan(random, swarm));
    let count = random.between(1, 4);
    let mut join = |random: &mut Random| {
        let who = script.clone().unwrap_or_else(|| fan(random, swarm));
        let command = DropCommand::Join(JoinQueue { effect: made.effect("join") });
        (who, Command::Drop { drop: drop.id.clone(), command })
    };
    (0..count).map(|_| join(random)).collect()
}

/// What was bought is given up again, as a whole or in part.
fn cancel(made: &mut Made, random: &mut Random) -> Asks {
    let recent = made.crowd.bought.len().saturating_sub(6);
    let Some(order) = random.pick(&made.crowd.bought[recent..]).cloned() else { return Asks::new() };
    let Ok(who) = serde_json::from_value(made.crowd.orders[&order].clone()) else { return Asks::new() };
    let line_id = LineId::parse("1").expect("an id");
    let lines = random.chance(50).then(|| vec![LineQuantity { line_id, quantity: units(1) }]);
    let command = OrderCommand::Cancel(CancelOrder { effect: made.effect("cancel"), lines, reason: None });
    let order = OrderId::parse(&order).expect("an id of the log");
    vec![(who, Command::Order { order, command })]
}

fn reason(random: &mut Random) -> Option<String> {
    random.chance(50).then(|| "rain".to_owned())
}

/// Mostly the store that offers it.
fn owner(random: &mut Random) -> Caller {
    if random.chance(12) { anyone(random) } else { seller() }
}

fn seconds(made: &Made, seconds: u32) -> Timestamp {
    Timestamp::from_millis(made.now).plus_seconds(seconds)
}

fn schedule(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let effect = made.effect("drop");
    let id = DropId::parse(effect.id.as_str()).expect("an id");
    let ids = item_ids(swarm);
    let own: Vec<_> = ids.iter().filter(|id| matches!(id.as_str(), "sku-1" | "sku-3")).cloned().collect();
    let mut items = if random.chance(6) { vec![random.pick(&ids).expect("there is one").clone()] } else { Vec::new() };
    for item in own {
        if items.is_empty() || random.chance(45) {
            items.push(item);
        }
    }
    let starts = random.between(1, 20);
    let room = random.chance(70);
    let ends = starts + if random.chance(30) { random.between(5, 60) } else { random.between(100, 1_200) };
    let terms = DropTerms {
        title: random.chance(30).then(|| "tonight".to_owned()),
        items: items.iter().map(|item| offer(item, random)).collect(),
        starts_at: seconds(made, starts),
        ends_at: seconds(made, if random.per_mille(15) { starts } else { ends }),
        limit_per_shopper: units(random.between(1, 3)),
        queue_opens_at: room
            .then(|| seconds(made, if random.per_mille(20) { starts + 1 } else { random.between(0, starts) })),
        admit_at_once: (room && random.chance(30) || random.per_mille(15)).then(|| random.between(1, 3)),
    };
    made.drops.push(MadeDrop { id: id.clone(), items, ends_at: terms.ends_at.millis(), room });
    let store = StoreId::parse("store-a").expect("an id");
    let metadata = Metadata::default();
    let command = DropCommand::Schedule(ScheduleDrop { effect, store, terms, metadata });
    let who = if random.chance(6) { anyone(random) } else { seller() };
    vec![(who, Command::Drop { drop: id, command })]
}

fn units(units: u32) -> Quantity {
    Quantity::new(units).expect("above zero")
}

fn offer(item: &ItemId, random: &mut Random) -> DropItem {
    let price = match random.below(60) {
        0 => amount(500, "GBP"),
        1..6 => euros(0),
        _ => euros(100 * i64::from(random.between(1, 5))),
    };
    DropItem { item_id: item.clone(), quantity: units(random.between(1, 6)), price }
}

fn change(made: &mut Made, random: &mut Random) -> DropCommand {
    let at = |made: &Made, random: &mut Random| seconds(made, random.between(1, 400));
    let patch = match random.below(7) {
        0 => json!({"title": "later"}),
        1 => json!({"title": null}),
        2 => json!({"limitPerShopper": random.between(1, 4)}),
        3 => json!({"startsAt": at(made, random)}),
        4 => json!({"endsAt": at(made, random)}),
        5 => json!({"queueOpensAt": at(made, random)}),
        _ => json!({"colour": "red"}),
    };
    let patch = patch.as_object().cloned().unwrap_or_default();
    DropCommand::Change(ChangeDrop { effect: made.effect("change"), patch })
}

/// Mostly by who may claim. What is granted is paid at once, later, or never.
fn claim(made: &mut Made, drop: &MadeDrop, random: &mut Random, swarm: &Swarm) -> Asks {
    let admitted: Vec<_> = made.crowd.admitted.get(drop.id.as_str()).into_iter().flatten().cloned().collect();
    let may = random.pick(&admitted).filter(|_| random.chance(75));
    let who = may.map_or_else(|| fan(random, swarm), |who| caller(Role::Shopper, who, None));
    let who = if random.per_mille(15) { service() } else { who };
    let effect = made.effect("claim");
    let used = made.orders.last().map(|order| order.id.clone()).filter(|_| random.per_mille(15));
    let order_id = used.unwrap_or_else(|| OrderId::parse(effect.id.as_str()).expect("an id"));
    let item = random.pick(&drop.items).cloned();
    let nowhere = || ItemId::parse("nowhere").ok();
    let claim = ClaimUnits {
        claim: ClaimId::parse(effect.id.as_str()).expect("an id"),
        effect,
        order_id: order_id.clone(),
        item_id: if random.per_mille(15) { nowhere() } else { item.filter(|_| random.chance(90)) },
        quantity: units(if random.chance(75) { 1 } else { random.between(1, 4) }),
        place: random.chance(8).then(|| 1 + random.below(6)),
        submit: if random.chance(50) { SubmitMode::Auto } else { SubmitMode::Explicit },
        metadata: Metadata::default(),
    };
    made.orders.push(MadeOrder { id: order_id, owner: who.clone(), lines: 1, of_cart: true });
    let command = Command::Drop { drop: drop.id.clone(), command: DropCommand::Claim(claim) };
    let times = if random.chance(5) { 2 } else { 1 };
    (0..times).map(|_| (who.clone(), command.clone())).collect()
}

/// Effects of a drop's commands, for who asks for something else under the same id.
pub fn effect_of(command: &mut DropCommand) -> Option<&mut Effect> {
    match command {
        DropCommand::Schedule(c) => Some(&mut c.effect),
        DropCommand::Change(c) => Some(&mut c.effect),
        DropCommand::Pause(c) => Some(&mut c.effect),
        DropCommand::Resume(c) => Some(&mut c.effect),
        DropCommand::Cancel(c) => Some(&mut c.effect),
        DropCommand::Join(c) => Some(&mut c.effect),
        DropCommand::Claim(c) => Some(&mut c.effect),
        DropCommand::AllotAnswered(_)
        | DropCommand::CommitClaim(_)
        | DropCommand::ReleaseClaim(_)
        | DropCommand::UncommitClaim(_) => None,
    }
}
