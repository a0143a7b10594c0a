//! Which ordered units an event takes out of a hold, and which allocations a location gives up.

use super::{Allocation, Hold, Item, Phase, hold_key, transfers};
use crate::sim::{
    checker::evidence::{Event, list, number, text},
    model::Violations,
};
use serde_json::{Value, json};

/// Ordered units that are taken out of a hold.
#[derive(Debug, Default)]
pub struct Taken {
    /// By sub-order.
    pub allocated: Vec<(String, i64)>,
    pub committed: i64,
    /// By shipment.
    pub forwarded: Vec<(String, i64)>,
}

/// Units of an id in such a list.
fn of(list: &[(String, i64)], id: &str) -> i64 {
    list.iter().filter(|(known, _)| known == id).map(|(_, units)| units).sum()
}

fn add(list: &mut Vec<(String, i64)>, id: &str, units: i64) {
    match list.iter_mut().find(|(known, _)| known == id) {
        Some((_, sum)) => *sum += units,
        None if units > 0 => list.push((id.to_owned(), units)),
        None => {}
    }
}

impl Taken {
    pub fn units(&self) -> i64 {
        let sum = |list: &[(String, i64)]| list.iter().map(|(_, units)| units).sum::<i64>();
        self.committed + sum(&self.allocated) + sum(&self.forwarded)
    }

    /// Writes it as events have it: empty lists are left out.
    pub fn write(&self, event: &mut Value) {
        event["committed"] = json!(self.committed);
        for (name, id, list) in [("allocated", "subOrder", &self.allocated), ("forwarded", "shipment", &self.forwarded)]
        {
            let list: Vec<_> = list.iter().map(|(key, units)| json!({id: key, "quantity": units})).collect();
            event[name] = if list.is_empty() { Value::Null } else { json!(list) };
        }
    }
}

impl Item {
    /// Takes units: what the named sub-orders have allocated, then what the named shipments have on the way; then what is
    /// bound to no location; then other allocations; then what else is on the way, the newest first.
    pub fn taking(&self, hold: &Hold, wanted: i64, named: &[(String, i64)], shipments: &[(String, i64)]) -> Taken {
        let (mut taken, mut left) = (Taken::default(), wanted.min(hold.open()));
        let allocation = |taken: &mut Taken, sub_order: &str, most: i64| {
            let open: i64 = hold.allocations.iter().filter(|a| a.sub_order == sub_order).map(|a| a.units).sum();
            let units = (open - of(&taken.allocated, sub_order)).min(most);
            add(&mut taken.allocated, sub_order, units);
            units
        };
        let on_the_way = |taken: &mut Taken, only: Option<&str>, most: i64| {
            let mut given = 0;
            for shipment in hold.forwards.iter().rev() {
                let Some(transfer) = self.transfers.get(&transfers::key(&hold.id, &json!(shipment))) else { continue };
                if only.is_some_and(|only| only != shipment) {
                    continue;
                }
                let units = (transfer.ordered - of(&taken.forwarded, shipment)).min(most - given);
                add(&mut taken.forwarded, shipment, units);
                given += units;
            }
            given
        };
        for (sub_order, units) in named {
            left -= allocation(&mut taken, sub_order, (*units).min(left));
        }
        for (shipment, units) in shipments {
            left -= on_the_way(&mut taken, Some(shipment), (*units).min(left));
        }
        taken.committed = hold.committed.min(left);
        left -= taken.committed;
        for known in hold.allocations.iter().rev() {
            left -= allocation(&mut taken, &known.sub_order, left);
        }
        on_the_way(&mut taken, None, left);
        taken
    }

    /// The allocations that a location with so many sellable units gives up, the newest first; `taken` is gone already.
    pub fn given_up(&self, location: &str, sellable: i64, taken: &Taken) -> Vec<(&'static str, Value)> {
        self.given_up_beside(location, sellable, (&Value::Null, taken))
    }

    /// The same, where `taken` was of that hold.
    pub fn given_up_beside(
        &self,
        location: &str,
        sellable: i64,
        (of_hold, taken): (&Value, &Taken),
    ) -> Vec<(&'static str, Value)> {
        let open = |hold: &Hold, a: &Allocation| {
            a.units - if hold.id == *of_hold { of(&taken.allocated, &a.sub_order) } else { 0 }
        };
        let here = self.holds.values().flat_map(|hold| hold.allocations.iter().map(move |a| (hold, a)));
        let mut here: Vec<_> = here.filter(|(_, a)| a.location == location).map(|(h, a)| (h, a, open(h, a))).collect();
        here.sort_by_key(|(_, allocation, _)| -allocation.number);
        let mut excess = here.iter().map(|(_, _, open)| open).sum::<i64>() - sellable;
        let mut events = Vec::new();
        for (hold, allocation, open) in here {
            let units = open.min(excess);
            if units > 0 {
                excess -= units;
                let event =
                    json!({"hold": hold.id, "subOrder": allocation.sub_order, "quantity": units, "at": location});
                events.push(("units-deallocated", event));
            }
        }
        events
    }

    /// Takes ordered units out of a hold as an event tells it; how many.
    pub fn give_up(&mut self, hold: &Value, told: &Value, event: &Event, found: &mut Violations) -> i64 {
        let key = hold_key(hold);
        let Some(known) = self.holds.get_mut(&key).filter(|hold| hold.phase == Phase::Committed) else {
            found.must(false, "conservation", || {
                format!("{}: what was taken was not ordered: {}", self.id, event.value)
            });
            return 0;
        };
        let committed = number(told, "committed");
        let (mut units, mut fits) = (committed, known.committed >= committed);
        known.committed -= committed;
        known.seq = event.seq;
        self.committed -= committed;
        for part in list(told, "allocated") {
            let (sub_order, quantity) = (text(part, "subOrder"), number(part, "quantity"));
            units += quantity;
            let Some(allocation) = known.allocations.iter_mut().find(|a| a.sub_order == sub_order) else {
                fits = false;
                continue;
            };
            allocation.units -= quantity;
            fits &= allocation.units >= 0;
            self.places.entry(allocation.location.clone()).or_default().allocated -= quantity;
        }
        for part in list(told, "forwarded") {
            let quantity = number(part, "quantity");
            units += quantity;
            known.forwarded -= quantity;
            let Some(transfer) = self.transfers.get_mut(&transfers::key(hold, &part["shipment"])) else {
                fits = false;
                continue;
            };
            transfer.ordered -= quantity;
            fits &= transfer.ordered >= 0;
            self.places.entry(transfer.to.clone()).or_default().forwarded -= quantity;
        }
        found.must(fits, "conservation", || format!("{}: more was taken than there is: {}", self.id, event.value));
        if event.name == "units-uncommitted" {
            let key = format!("uncommit/{key}/{}", event.value["cancellation"]);
            let done = super::Done { digest: Value::Null, quantity: units, reply: Value::Null };
            let before = self.effects.insert(key, done);
            found.must(before.is_none(), "one-decision-per-id", || format!("{}: twice: {}", self.id, event.value));
        }
        units
    }

    /// Units are bound to a location, or no longer.
    pub fn bind(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let (sub_order, location) = (text(value, "subOrder"), text(&value["place"], "location"));
        let (quantity, number) = (number(value, "quantity"), self.numbers + 1);
        let id = self.id.clone();
        let wrong = || format!("{id}: {} does not fit: {value}", event.name);
        let Some(hold) = self.holds.get_mut(&hold_key(&value["hold"])) else {
            found.must(false, "conservation", wrong);
            return;
        };
        hold.seq = event.seq;
        let sign = if event.name == "units-allocated" { 1 } else { -1 };
        let asked = if value["shipment"].is_null() && sign > 0 { quantity } else { 0 };
        let known = hold.allocations.iter().position(|allocation| allocation.sub_order == sub_order);
        let at = known.unwrap_or_else(|| {
            let (sub_order, location) = (sub_order.to_owned(), location.to_owned());
            hold.allocations.push(Allocation { sub_order, location, number, asked: 0, units: 0 });
            self.numbers = number;
            hold.allocations.len() - 1
        });
        let allocation = &mut hold.allocations[at];
        let twice = asked > 0 && allocation.asked > 0;
        found.must(!twice, "one-decision-per-id", || format!("{id}: allocated twice: {value}"));
        allocation.asked += asked;
        allocation.units += sign * quantity;
        hold.committed -= sign * quantity;
        let fits = allocation.units >= 0 && hold.committed >= 0 && allocation.location == location;
        found.must(fits && (known.is_some() || sign > 0), "conservation", wrong);
        self.committed -= sign * quantity;
        let place = self.at(&value["place"]);
        place.allocated += sign * quantity;
        let covered = place.allocated <= place.sellable;
        found.must(covered || sign < 0, "never-oversold", || {
            format!("{id}: more is allocated than lies there: {value}")
        });
    }

    /// Units left for the customer.
    pub fn leave(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity) = (&event.value, number(&event.value, "quantity"));
        self.at(&value["places"][0]).sellable -= quantity;
        self.moved -= quantity;
        let units = self.give_up(&value["hold"], value, event, found);
        found.must(quantity == units, "conservation", || format!("{}: more left than was ordered: {value}", self.id));
        if let Some(hold) = self.holds.get_mut(&hold_key(&value["hold"])) {
            hold.shipped += quantity;
            found.must(hold.open() + hold.shipped <= hold.granted, "conservation", || format!("more left: {hold:?}"));
        }
    }

    /// What is with the buyer need not be remembered.
    pub fn close(&mut self, event: &Event, found: &mut Violations) {
        let hold = self.holds.get_mut(&hold_key(&event.value["hold"]));
        let fits = hold.is_some_and(|hold| {
            let was_closed = std::mem::replace(&mut hold.closed, true);
            let open = hold.open() > 0 && text(&hold.id, "kind") == "drop";
            (open || hold.is_with_the_buyer()) && !was_closed
        });
        found.must(fits, "conservation", || format!("{}: nothing is to be closed: {}", self.id, event.value));
    }

    /// Shipped units came back.
    pub fn come_back(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity) = (&event.value, number(&event.value, "quantity"));
        *self.at(&value["place"]).bucket(text(value, "condition")) += quantity;
        self.moved += quantity;
        let Some(hold) = self.holds.get_mut(&hold_key(&value["hold"])) else {
            found.must(false, "conservation", || format!("{}: of nobody's hold: {value}", self.id));
            return;
        };
        hold.returned += quantity;
        hold.seq = event.seq;
        found.must(hold.returned <= hold.shipped, "conservation", || format!("{}: {hold:?} came back", self.id));
    }
}
