//! What an item must say to a command: the checks of the design, in the order in which it lists the refusals.

use super::{Item, allocations::Taken, holds::differs};
use crate::sim::{
    checker::evidence::{number, text},
    model::{Ask, Must, Said, Verdict},
};
use serde_json::{Map, Value, json};

/// The most units that lie at one location.
pub const MOST_AT_LOCATION: i64 = 1_000_000_000;

pub fn refuse(code: &str) -> Value {
    json!({ "code": code })
}

/// What a version of a source is to what is known of it.
#[derive(PartialEq, Eq)]
enum Newness {
    New,
    Known,
    Old,
}

impl Item {
    pub fn verdict(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        match text(ask.asked, "op") {
            "list" => self.list(ask),
            "patch" => self.patch(ask),
            "delist" => self.delist(ask),
            "receive" | "count" | "move" => self.of_stock(ask),
            "set_safety" => self.set_safety(ask),
            "supply" => self.supply(ask, now),
            "transfer" => self.transfer(ask),
            "receive_transfer" => self.receive_transfer(ask),
            _ => self.of_hold(ask, now),
        }
    }

    /// Whether the caller may change the stock.
    pub fn may_touch_stock(&self, caller: &Value) -> Result<(), Value> {
        match text(caller, "role") {
            "shopper" | "analyst" => Err(refuse("item_not_found")),
            "store" if self.catalog.as_ref().is_some_and(|catalog| catalog["store"] != caller["store"]) => {
                Err(refuse("item_of_another_store"))
            }
            _ => Ok(()),
        }
    }

    pub fn may_touch_catalog(&self, caller: &Value) -> Result<(), Value> {
        if text(caller, "role") == "warehouse" { Err(refuse("item_not_found")) } else { self.may_touch_stock(caller) }
    }

    pub fn must_be_stocked(&self) -> Result<(), Value> {
        match &self.catalog {
            None => Err(refuse("item_not_found")),
            Some(_) if self.is_digital() => Err(refuse("digital_has_no_stock")),
            Some(_) => Ok(()),
        }
    }

    fn newness(&self, source: &Value) -> Newness {
        if source.is_null() {
            return Newness::New;
        }
        match self.sources.get(text(source, "source")) {
            Some(known) if number(source, "version") == *known => Newness::Known,
            Some(known) if number(source, "version") < *known => Newness::Old,
            Some(_) | None => Newness::New,
        }
    }

    fn catalog_said(&self, version: i64, stale: bool) -> Said {
        let created = !stale && version == 1;
        Said::Done(json!({"kind": "catalog", "created": created, "catalogVersion": version, "stale": stale}))
    }

    fn list(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let c = ask.asked;
        self.may_touch_catalog(ask.caller)?;
        if text(ask.caller, "role") == "store" && c["catalog"]["store"] != ask.caller["store"] {
            return Err(refuse("item_of_another_store"));
        }
        let same =
            self.listed && self.catalog.as_ref() == Some(&c["catalog"]) && self.price.as_ref() == Some(&c["price"]);
        match self.newness(&c["source"]) {
            Newness::Old => return Ok(Verdict::already(self.catalog_said(self.version, true))),
            Newness::Known => return Ok(Verdict::already(self.catalog_said(self.version, !same))),
            Newness::New if same && c["source"].is_null() => {
                return Ok(Verdict::already(self.catalog_said(self.version, false)));
            }
            Newness::New => {}
        }
        if !same {
            self.check_version(c)?;
        }
        if !self.may_be(&c["catalog"]["kind"]) {
            return Err(refuse("kind_immutable"));
        }
        let (events, version) = self.changes(&c["catalog"], &c["price"], !c["source"].is_null());
        Ok(Verdict { fresh: true, events: Must::Be(events), said: self.catalog_said(version, false) })
    }

    fn check_version(&self, c: &Value) -> Result<(), Value> {
        match c["expectedVersion"].as_i64() {
            Some(expected) if expected != self.version => {
                Err(json!({"code": "version_mismatch", "current": self.version}))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The events that bring it to these facts and this price, and the version after them.
    fn changes(&self, catalog: &Value, price: &Value, anyway: bool) -> (Vec<(&'static str, Value)>, i64) {
        let facts = !self.listed || self.catalog.as_ref() != Some(catalog);
        let priced = self.price.as_ref() != Some(price);
        let version = self.version + i64::from(facts || priced);
        let mut events = Vec::new();
        if facts || anyway {
            events.push(("item-listed", json!({"catalog": catalog, "catalogVersion": version})));
        }
        if priced {
            events.push(("price-changed", json!({"price": price, "catalogVersion": version})));
        }
        (events, version)
    }

    /// The patches of the simulation set name, category, kind or price, or a field that there is not.
    fn patch(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let c = ask.asked;
        self.may_touch_catalog(ask.caller)?;
        if let Some(done) = self.effects.get(&format!("patch/{}", c["effect"]["id"])) {
            if done.digest != c["effect"]["digest"] {
                return Err(differs(done.quantity, 0));
            }
            return Ok(Verdict::already(Said::Done(done.reply.clone())));
        }
        let (Some(catalog), Some(price)) = (&self.catalog, &self.price) else { return Err(refuse("item_not_found")) };
        let none = Map::new();
        let patch = c["patch"].as_object().unwrap_or(&none);
        self.check_version(c)?;
        if patch.get("kind").is_some_and(|kind| *kind != catalog["kind"]) {
            return Err(refuse("kind_immutable"));
        }
        if let Some(unknown) = patch.keys().find(|field| field.as_str() == "colour") {
            return Err(json!({"code": "invalid_patch", "reason": format!("unknown field `{unknown}`")}));
        }
        let (mut facts, mut cost) = (catalog.clone(), price.clone());
        for (field, value) in patch {
            match (field.as_str(), facts.as_object_mut()) {
                ("price", _) => cost = value.clone(),
                (_, Some(facts)) if value.is_null() => _ = facts.remove(field),
                (_, Some(facts)) => _ = facts.insert(field.clone(), value.clone()),
                (_, None) => {}
            }
        }
        if !self.listed {
            return Err(refuse("item_not_listed"));
        }
        if facts == *catalog && cost == *price {
            let reply = json!({"kind": "catalog", "created": false, "catalogVersion": self.version, "stale": false});
            return Ok(Verdict::already(Said::Done(reply)));
        }
        let (events, version) = self.changes(&facts, &cost, true);
        let reply = json!({"kind": "catalog", "created": false, "catalogVersion": version, "stale": false});
        Ok(Verdict { fresh: true, events: Must::Be(events), said: Said::Done(reply) })
    }

    fn delist(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        self.may_touch_catalog(ask.caller)?;
        if self.catalog.is_none() {
            return Err(refuse("item_not_found"));
        }
        let said = |version: i64, stale: bool| {
            Said::Done(json!({"kind": "catalog", "created": false, "catalogVersion": version, "stale": stale}))
        };
        let source = &ask.asked["source"];
        match self.newness(source) {
            Newness::Old => return Ok(Verdict::already(said(self.version, true))),
            Newness::Known => return Ok(Verdict::already(said(self.version, self.listed))),
            Newness::New if !self.listed && source.is_null() => return Ok(Verdict::already(said(self.version, false))),
            Newness::New => {}
        }
        let version = self.version + i64::from(self.listed);
        let event = ("item-delisted", json!({"catalogVersion": version}));
        Ok(Verdict { fresh: true, events: Must::Be(vec![event]), said: said(version, false) })
    }

    /// Receive, Count and Move: each changes a location once, by the id of its effect.
    fn of_stock(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, op) = (ask.asked, text(ask.asked, "op"));
        self.may_touch_stock(ask.caller)?;
        let quantity = if op == "count" { number(c, "counted") } else { number(c, "quantity") };
        if let Some(done) = self.effects.get(&format!("{op}/{}", c["effect"]["id"])) {
            if done.digest != c["effect"]["digest"] {
                return Err(differs(done.quantity, quantity));
            }
            return Ok(Verdict::already(Said::Done(done.reply.clone())));
        }
        self.must_be_stocked()?;
        let (at, place) = (&c["location"], self.place(text(c, "location")));
        let here = place.on_hand();
        // What the command adds to what can be sold, and to what is there.
        let (name, event, more, on_hand) = match op {
            "receive" => {
                if here + quantity > MOST_AT_LOCATION {
                    return Err(refuse("stock_too_large"));
                }
                ("stock-received", json!({"quantity": quantity, "at": at}), quantity, quantity)
            }
            "count" => {
                if c["expected"].as_i64().is_some_and(|expected| expected != place.sellable) {
                    return Err(json!({"code": "stale_count", "current": place.sellable}));
                }
                if quantity + here - place.sellable > MOST_AT_LOCATION {
                    return Err(refuse("stock_too_large"));
                }
                let delta = quantity - place.sellable;
                ("stock-counted", json!({"delta": delta, "at": at}), delta, delta)
            }
            _ => {
                let (mut place, from, to) = (place, text(c, "from"), text(c, "to"));
                let available = *place.bucket(from);
                if available < quantity {
                    return Err(json!({"code": "bucket_too_small", "asked": quantity, "available": available}));
                }
                if from == to {
                    return Err(refuse("same_bucket"));
                }
                let more = i64::from(to == "sellable") - i64::from(from == "sellable");
                ("stock-moved", json!({"quantity": quantity, "from": from, "to": to, "at": at}), more * quantity, 0)
            }
        };
        let available = self.available() + more;
        let mut events = vec![(name, event)];
        if op != "receive" {
            // The newest allocations that the location no longer covers are given up, and what is missing is on record.
            events.extend(self.given_up(text(c, "location"), place.sellable + more, &Taken::default()));
            events.extend(shortfall(available));
        }
        let reply = json!({"kind": "stock", "available": available, "onHand": self.on_hand() + on_hand});
        Ok(Verdict { fresh: true, events: Must::Be(events), said: Said::Done(reply) })
    }

    fn set_safety(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        self.may_touch_stock(ask.caller)?;
        self.must_be_stocked()?;
        let quantity = number(ask.asked, "quantity");
        let available = self.available() + self.safety - quantity;
        let mut events = Vec::new();
        if quantity != self.safety {
            events.push(("safety-set", json!({"quantity": quantity, "previous": self.safety})));
            events.extend(shortfall(available));
        }
        let reply = json!({"kind": "safety", "quantity": quantity, "available": available});
        Ok(Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Done(reply) })
    }
}

/// What is missing to sell.
pub fn shortfall(available: i64) -> Option<(&'static str, Value)> {
    (available < 0).then(|| ("shortfall-detected", json!({"missing": -available})))
}
