//! Units that an item lends to drops: each is lent, ordered, or given back.

use super::{
    Hold, Item, Phase,
    decide::refuse,
    hold_key,
    ordered::{Facts, makes},
};
use crate::sim::{
    checker::evidence::{Event, number, text},
    model::{Verdict, Violations},
};
use serde_json::{Value, json};

/// Units that are lent to a drop.
#[derive(Debug, Clone, Default)]
pub struct Allotment {
    pub drop: String,
    /// Lent now.
    pub units: i64,
    /// In all: given back, ordered, and lent again after they were ordered.
    pub returned: i64,
    pub ordered: i64,
    pub into: i64,
}

impl Item {
    pub fn allotted(&self) -> i64 {
        self.allotments.values().map(|allotment| allotment.units).sum()
    }

    /// What a drop asks.
    pub fn of_drop(&self, c: &Value) -> Result<Verdict, Value> {
        let known = self.allotments.get(text(c, "allotment"));
        match text(c, "op") {
            "allot" => makes(self.lends(c, known)),
            "return_allotment" => self.takes_back(c, known),
            _ => self.orders(c, known),
        }
    }

    fn lends(&self, c: &Value, known: Option<&Allotment>) -> Facts {
        if known.is_some() || !self.answer_drop(c).is_null() {
            return Vec::new();
        }
        vec![("units-allotted", json!({"allotment": c["allotment"], "drop": c["drop"], "quantity": c["quantity"]}))]
    }

    fn takes_back(&self, c: &Value, known: Option<&Allotment>) -> Result<Verdict, Value> {
        if self.effects.contains_key(&format!("return/{}", c["effect"]["id"])) {
            return makes(Vec::new());
        }
        let Some(known) = known else {
            let voided = ("allotment-voided", json!({"allotment": c["allotment"]}));
            return makes(if self.voided.contains(&c["allotment"]) { Vec::new() } else { vec![voided] });
        };
        if known.units < number(c, "quantity") {
            return Err(json!({"code": "allotment_too_small", "available": known.units}));
        }
        let event = json!({"effect": c["effect"], "allotment": c["allotment"], "quantity": c["quantity"]});
        makes(vec![("allotment-returned", event)])
    }

    fn orders(&self, c: &Value, known: Option<&Allotment>) -> Result<Verdict, Value> {
        if self.holds.contains_key(&hold_key(&c["hold"])) {
            return makes(Vec::new());
        }
        let known = known.ok_or_else(|| refuse("allotment_not_found"))?;
        if known.units < number(c, "quantity") {
            return Err(json!({"code": "allotment_too_small", "available": known.units}));
        }
        let event = json!({
            "allotment": c["allotment"], "hold": c["hold"], "quantity": c["quantity"], "orderId": c["orderId"],
        });
        makes(vec![("allotted-committed", event)])
    }

    /// What a drop is told of its request for units: null where they are lent, or why not.
    pub fn answer_drop(&self, c: &Value) -> Value {
        let because = |reason: &str| json!({"reason": reason});
        if self.allotments.contains_key(text(c, "allotment")) {
            return Value::Null;
        }
        if self.voided.contains(&c["allotment"]) {
            return because("unanswered");
        }
        let Some(catalog) = self.catalog.as_ref().filter(|_| self.listed && self.must_be_stocked().is_ok()) else {
            return because("item_unavailable");
        };
        if catalog["store"] != c["store"] {
            return because("item_of_another_store");
        }
        let currency = self.price.as_ref().map_or(&Value::Null, |price| &price["currency"]);
        if *currency != c["currency"] {
            return json!({"reason": "wrong_currency", "currency": currency});
        }
        let (asked, available) = (number(c, "quantity"), self.available().max(0));
        if asked > available {
            return json!({"reason": "insufficient_stock", "asked": asked, "available": available});
        }
        Value::Null
    }

    /// Units are lent, come back unsold, or are ordered under a hold of their own.
    pub fn lend(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity, id) = (&event.value, number(&event.value, "quantity"), self.id.clone());
        let key = text(value, "allotment").to_owned();
        if event.name == "units-allotted" {
            let drop = text(value, "drop").to_owned();
            let lent = Allotment { drop, units: quantity, ..Allotment::default() };
            let before = self.allotments.insert(key, lent);
            found.must(before.is_none(), "one-decision-per-id", || format!("{id}: lent twice: {value}"));
            let available = self.available();
            found.must(available >= 0, "never-oversold", || format!("{id}: {available} are left: {value}"));
            return;
        }
        let Some(lent) = self.allotments.get_mut(&key) else {
            found.must(false, "conservation", || format!("{id}: was never lent: {value}"));
            return;
        };
        lent.units -= quantity;
        found.must(lent.units >= 0, "conservation", || format!("{id}: more than was lent: {value}"));
        if event.name == "allotment-returned" {
            lent.returned += quantity;
            return;
        }
        lent.ordered += quantity;
        self.committed += quantity;
        let hold = Hold {
            phase: Phase::Committed,
            granted: quantity,
            committed: quantity,
            ..Hold::tombstone(value, event.seq)
        };
        let before = self.holds.insert(hold_key(&value["hold"]), hold);
        found.must(before.is_none(), "one-decision-per-id", || format!("{id}: ordered twice: {value}"));
    }

    /// Ordered units that are given back to the drop.
    pub fn lend_again(&mut self, event: &Event, units: i64, found: &mut Violations) {
        let Some(into) = event.value["into"].as_str() else { return };
        let lent = self.allotments.get_mut(into);
        found.must(lent.is_some(), "conservation", || format!("{}: was never lent: {}", self.id, event.value));
        if let Some(lent) = self.allotments.get_mut(into) {
            (lent.units, lent.into) = (lent.units + units, lent.into + units);
        }
    }

    /// What a drop has given up before it was asked for.
    pub fn void(&mut self, event: &Event, found: &mut Violations) {
        let allotment = event.value["allotment"].clone();
        let known = self.voided.contains(&allotment) || self.allotments.contains_key(text(&event.value, "allotment"));
        found.must(!known, "one-decision-per-id", || format!("{}: {allotment} is known", self.id));
        self.voided.push(allotment);
    }
}
