//! What of a confirmed order has no sub-order: each unit is somewhere, once.

use super::{Order, Phase};
use crate::sim::{
    checker::evidence::{Event, list, number, text},
    model::Violations,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds in a row with a refusal, after which an order waits for stock.
const MOST_REFUSALS: i64 = 3;

impl Order {
    /// By line: units that are neither cancelled nor shipped nor in a sub-order or between two.
    pub fn free(&self) -> Vec<i64> {
        let mut free: Vec<i64> = self.lines.iter().map(Self::open).collect();
        for part in self.shipping.sub_orders.iter().flat_map(|sub_order| &sub_order.parts) {
            free[part.line] -= part.planned + part.allocated;
        }
        for part in self.shipping.shipments.iter().flat_map(|shipment| &shipment.parts) {
            free[part.0] -= part.2;
        }
        free
    }

    /// Units by line as commands and events name them; lines without any are left out.
    pub fn quantities(&self, units: impl IntoIterator<Item = (usize, i64)>) -> Vec<Value> {
        let named = units.into_iter().filter(|(_, units)| *units > 0);
        named.map(|(line, units)| json!({"lineId": self.lines[line].id, "quantity": units})).collect()
    }

    fn items(&self, units: &[i64]) -> BTreeSet<&str> {
        self.lines.iter().zip(units).filter(|(_, units)| **units > 0).map(|(line, _)| line.item.as_str()).collect()
    }

    /// The whole set is said anew: what there is to plan, or what waits for stock.
    pub fn say_due(&mut self, event: &Event, found: &mut Violations) {
        let (value, waits) = (&event.value, event.name == "shipments-backordered");
        let lent = self.awaits_units();
        found.must(!lent, "units-add-up", || format!("{}: planned before its units are ordered: {value}", self.id));
        let (said, free, shipping) = (&self.shipping.due, self.free(), &self.shipping);
        // While items have not answered, what others refused waits for the last of them.
        let now: Vec<i64> = match shipping.is_allocating() {
            _ if shipping.planned => said.clone(),
            true => free.iter().zip(said).map(|(free, said)| *free.min(said)).collect(),
            false => free,
        };
        let told: Vec<_> = list(value, "lines")
            .iter()
            .map(|line| (text(line, "lineId"), text(line, "itemId"), number(line, "quantity")))
            .collect();
        let ours = self.lines.iter().zip(&now).filter(|(_, units)| **units > 0);
        let ours: Vec<_> = ours.map(|(line, units)| (line.id.as_str(), line.item.as_str(), *units)).collect();
        found.must(told == ours, "units-add-up", || format!("{}: {ours:?} has no sub-order: {value}", self.id));
        let more = now.iter().zip(said).any(|(now, said)| now > said);
        let refusals = shipping.refusals + i64::from(more && shipping.setback);
        let must_wait = shipping.planned
            || now.iter().all(|units| *units == 0)
            || if more { refusals >= MOST_REFUSALS } else { shipping.backordered };
        let news = shipping.planned || now != *said;
        let revision = shipping.revision + 1;
        let fits = waits == must_wait && news && number(value, "revision") == revision;
        let counted = waits || number(value, "refusals") == refusals;
        found.must(fits && counted && self.phase == Phase::Confirmed, "events-equal-model", || {
            format!("{}: revision {revision}, {refusals} refusals, waits: {must_wait}: {} {value}", self.id, event.name)
        });
        let gone: Vec<_> = self.items(&shipping.due_before).difference(&self.items(&now)).copied().collect();
        let told: Vec<_> = list(value, "gone").iter().filter_map(Value::as_str).collect();
        found.must(told == gone, "events-equal-model", || format!("{}: {gone:?} is gone: {value}", self.id));
        let allocating = shipping.is_allocating();
        let shown = self.quantities(now.iter().copied().enumerate());
        let shipping = &mut self.shipping;
        (shipping.shown_waiting, shipping.shown_due) = (waits && !shown.is_empty(), shown);
        (shipping.revision, shipping.backordered, shipping.due, shipping.planned) = (revision, waits, now, false);
        shipping.refusals = match waits {
            true if allocating => shipping.refusals,
            true => 0,
            false => refusals,
        };
        if !allocating {
            shipping.setback = false;
        }
    }

    /// Cancelled units: first those without a sub-order, then those of the newest one that has any.
    pub fn leave_sub_orders(&mut self, value: &Value, found: &mut Violations) {
        let mut left: BTreeMap<usize, i64> = BTreeMap::new();
        for cancelled in list(value, "lines") {
            let Some(line) = self.line(text(cancelled, "lineId")) else { continue };
            *left.entry(line).or_default() += number(cancelled, "quantity");
        }
        let free = self.free();
        left.iter_mut().for_each(|(line, units)| *units -= free[*line].clamp(0, *units));
        let mut taken: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut take = |of: &str, line: usize, units: &mut i64| {
            let Some(left) = left.get_mut(&line) else { return };
            let n = (*left).min(*units);
            *units -= n;
            *left -= n;
            if n > 0 {
                *taken.entry((of.to_owned(), self.lines[line].id.clone())).or_default() += n;
            }
        };
        for sub_order in self.shipping.sub_orders.iter_mut().rev() {
            for part in &mut sub_order.parts {
                take(&sub_order.id, part.line, &mut part.allocated);
                take(&sub_order.id, part.line, &mut part.planned);
            }
        }
        // Then what has left for another warehouse and has not come there, the newest first.
        for shipment in self.shipping.shipments.iter_mut().rev() {
            shipment.parts.iter_mut().for_each(|part| take(&shipment.sub_order, part.0, &mut part.2));
        }
        let mut told = BTreeMap::new();
        for part in list(value, "subOrders") {
            let key = (text(part, "subOrder").to_owned(), text(part, "lineId").to_owned());
            *told.entry(key).or_default() += number(part, "quantity");
        }
        found.must(told == taken, "events-equal-model", || {
            format!("{}: {taken:?} had to leave sub-orders: {value}", self.id)
        });
    }

    /// After a decision each unit is in one place, and what has no sub-order was said.
    pub fn check_units(&self, found: &mut Violations) {
        if self.phase != Phase::Confirmed {
            return;
        }
        let (free, due) = (self.free(), &self.shipping.due);
        let there = free.iter().zip(due).all(|(free, due)| free >= due && *due >= 0);
        found.must(there, "units-add-up", || format!("{}: {free:?} without a sub-order, {due:?} due", self.id));
        let said = self.shipping.is_allocating() || self.awaits_units() || free == *due;
        found.must(said, "nothing-is-forgotten", || format!("{}: {free:?} has no sub-order, {due:?} is due", self.id));
        let rest = !self.shipping.planned || due.iter().all(|units| *units == 0);
        found.must(rest, "nothing-is-forgotten", || format!("{}: {due:?} is left over by a plan", self.id));
    }

    /// After a quiet time everything is planned, or waits for stock.
    pub fn check_rest(&self, found: &mut Violations) {
        if self.phase != Phase::Confirmed {
            return;
        }
        let shipping = &self.shipping;
        let lent = self.awaits_units();
        found.must(!lent, "claims-have-orders", || format!("{}: its units are never ordered", self.id));
        let planned = shipping.backordered || shipping.due.iter().all(|units| *units == 0);
        found.must(planned, "due-is-planned", || format!("{}: {:?} is never planned", self.id, shipping.due));
        found.must(!shipping.is_allocating(), "due-is-planned", || format!("{}: {shipping:?}", self.id));
    }
}
