//! What a drop must say to a command: the checks of the design, in the order in which it lists the refusals.

use super::{ADMISSION_MS, Drop, Phase, Place, Sale, Stage, list, millis, number, queue, rfc3339, text};
use crate::sim::model::{Ask, Fact, Must, Said, Verdict, Wait};
use serde_json::{Value, json};

/// What terms may have.
const FIELDS: [&str; 7] = ["title", "items", "startsAt", "endsAt", "limitPerShopper", "queueOpensAt", "admitAtOnce"];

fn refuse(code: &str) -> Value {
    json!({ "code": code })
}

fn invalid(pointer: &str, detail: &str) -> Value {
    json!({"code": "terms_invalid", "pointer": pointer, "detail": detail})
}

fn starts_late() -> Value {
    invalid("/startsAt", "a drop starts in the future")
}

fn ends_late() -> Value {
    invalid("/endsAt", "a drop ends after it starts, and in the future")
}

/// Whether terms fit together; `before` is what they were.
fn check_terms(terms: &Value, before: &Value, now: i64) -> Result<(), Value> {
    let items = list(terms, "items");
    let at = |name: &str| millis(text(terms, name));
    for (index, item) in items.iter().enumerate() {
        if items[..index].iter().any(|other| other["itemId"] == item["itemId"]) {
            return Err(invalid(&format!("/items/{index}/itemId"), "an item stands in a drop once"));
        }
        if item["price"]["currency"] != items[0]["price"]["currency"] {
            let detail = "all prices of a drop are in one currency";
            return Err(invalid(&format!("/items/{index}/price"), detail));
        }
    }
    if at("startsAt") < now && before["startsAt"] != terms["startsAt"] {
        return Err(starts_late());
    }
    if at("endsAt") <= at("startsAt") || at("endsAt") <= now {
        return Err(ends_late());
    }
    if !terms["queueOpensAt"].is_null() && at("queueOpensAt") > at("startsAt") {
        return Err(invalid("/queueOpensAt", "the waiting room opens no later than the drop"));
    }
    if !terms["admitAtOnce"].is_null() && terms["queueOpensAt"].is_null() {
        return Err(invalid("/admitAtOnce", "only a drop with a waiting room admits"));
    }
    Ok(())
}

impl Drop {
    pub(super) fn verdict(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let c = ask.asked;
        match text(c, "op") {
            "schedule" => self.schedule(ask, now),
            "allot_answered" => Ok(self.allot_answered(c)),
            "commit_claim" | "release_claim" | "uncommit_claim" => Ok(self.of_claim(c, now)),
            "join" => self.for_shopper(ask.caller).and_then(|()| self.join(ask, now)),
            "claim" => self.for_shopper(ask.caller).and_then(|()| self.grant(ask, now)),
            op => {
                let own = text(ask.caller, "role") == "store" && ask.caller["store"] == self.store;
                if self.phase == Phase::New || !(own || is_trusted(ask.caller)) {
                    return Err(refuse("drop_not_found"));
                }
                if self.was(c)? {
                    return Ok(self.as_it_is(now));
                }
                match op {
                    "change" => self.change(c, now),
                    "cancel" => self.cancel(c, now),
                    _ => self.pause(c, op == "pause", now),
                }
            }
        }
    }

    /// What may be refused because of the time at which it is decided.
    pub(super) fn refused_by_time(&self, c: &Value) -> Vec<Value> {
        let new = text(c, "op") == "schedule" && self.phase == Phase::New;
        if new || text(c, "op") == "change" { vec![starts_late(), ends_late()] } else { Vec::new() }
    }

    /// Whether the effect was before.
    fn was(&self, c: &Value) -> Result<bool, Value> {
        match self.known.get(text(&c["effect"], "id")) {
            Some(digest) if *digest != c["effect"]["digest"] => Err(refuse("idempotency_key_reused")),
            known => Ok(known.is_some()),
        }
    }

    fn for_shopper(&self, caller: &Value) -> Result<(), Value> {
        let hidden = matches!(self.phase, Phase::New | Phase::Rejected) || text(caller, "role") != "shopper";
        if hidden { Err(refuse("drop_not_found")) } else { Ok(()) }
    }

    /// These events, then what follows from every decision; `after` is the drop as they leave it.
    fn makes(&self, mut events: Vec<Fact>, after: &mut Self, now: i64, said: impl Fn(&Self) -> Value) -> Verdict {
        let units = |status| matches!(status, "live" | "all_held" | "sold_out");
        let (before, status) = (self.status(), after.status());
        if before != status && units(before) && units(status) {
            events.push(("drop-status-changed", json!({"status": status})));
        }
        let next = after.next();
        if !next.is_empty() {
            let stood_still = self.stood_still(now);
            after.admit(&next, now + ADMISSION_MS, stood_still);
            let until = rfc3339(now + ADMISSION_MS);
            let event = json!({
                "shoppers": next, "until": until, "stoodStillMs": stood_still, "queue": queue(after.queue),
            });
            events.push(("shoppers-admitted", event));
        }
        Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Done(said(after)) }
    }

    /// Nothing more happens, but what was left over from the draw.
    fn as_it_is(&self, now: i64) -> Verdict {
        self.makes(Vec::new(), &mut self.clone(), now, |after| after.reply(false))
    }

    fn schedule(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let (c, later) = (ask.asked, Said::Later(Wait::Scheduled));
        let own = text(ask.caller, "role") == "store" && ask.caller["store"] == c["store"];
        let may = is_trusted(ask.caller) || own;
        if !may || self.phase != Phase::New && self.store != c["store"] {
            return Err(refuse("drop_not_found"));
        }
        if self.phase != Phase::New {
            if self.effect["digest"] != c["effect"]["digest"] {
                let reused = self.effect["id"] == c["effect"]["id"];
                return Err(refuse(if reused { "idempotency_key_reused" } else { "exists_with_different_content" }));
            }
            return Ok(Verdict::already(later));
        }
        check_terms(&c["terms"], &Value::Null, now)?;
        let event = json!({"effect": c["effect"], "store": c["store"], "terms": c["terms"]});
        Ok(Verdict { fresh: true, events: Must::Be(vec![("drop-drafted", event)]), said: later })
    }

    fn allot_answered(&self, c: &Value) -> Verdict {
        let item = text(c, "itemId");
        let asked = list(&self.terms, "items").iter().any(|known| known["itemId"] == item);
        let counts = self.phase == Phase::Draft && asked && !self.loans.contains_key(item);
        let mut events = Vec::new();
        if counts {
            let name = if c["refusal"].is_null() { "units-lent" } else { "loan-refused" };
            events.push((name, json!({"itemId": item, "refusal": c["refusal"]})));
            let mut after = self.clone();
            after.loans.insert(item.to_owned(), c["refusal"].clone());
            if after.loans.len() == list(&self.terms, "items").len() {
                let refusals = after.refused();
                events.push(if refusals.is_empty() {
                    ("drop-scheduled", json!({"store": self.store, "terms": self.terms}))
                } else {
                    ("drop-rejected", json!({"store": self.store, "refusals": refusals}))
                });
            }
        }
        Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Shown }
    }

    /// What items refused, or did not answer, in the order of the terms.
    pub(super) fn refused(&self) -> Vec<Value> {
        let said =
            list(&self.terms, "items").iter().map(|item| (&item["itemId"], self.loans.get(text(item, "itemId"))));
        let refused = said.filter_map(|(item, loan)| match loan {
            Some(Value::Null) => None,
            Some(refusal) => Some(json!({"itemId": item, "refusal": refusal})),
            None => Some(json!({"itemId": item, "refusal": {"reason": "unanswered"}})),
        });
        refused.collect()
    }

    /// Pause and resume.
    fn pause(&self, c: &Value, pauses: bool, now: i64) -> Result<Verdict, Value> {
        self.must_be_scheduled()?;
        if self.paused == pauses {
            return Ok(self.as_it_is(now));
        }
        let mut after = Self { paused: pauses, ..self.clone() };
        let event = if pauses {
            ("drop-paused", json!({"effect": c["effect"], "reason": c["reason"]}))
        } else {
            ("drop-resumed", json!({"effect": c["effect"], "status": after.status()}))
        };
        Ok(self.makes(vec![event], &mut after, now, |after| after.reply(false)))
    }

    fn must_be_scheduled(&self) -> Result<(), Value> {
        match self.phase {
            Phase::New | Phase::Draft => Err(refuse("drop_not_ready")),
            Phase::Ended | Phase::Cancelled | Phase::Rejected => {
                Err(json!({"code": "drop_over", "status": self.status()}))
            }
            Phase::Scheduled | Phase::Queueing | Phase::Open => Ok(()),
        }
    }

    fn cancel(&self, c: &Value, now: i64) -> Result<Verdict, Value> {
        if self.phase == Phase::Cancelled {
            return Ok(self.as_it_is(now));
        }
        self.must_be_scheduled()?;
        let mut after = Self { phase: Phase::Cancelled, ..self.clone() };
        after.give_back();
        let pools: Vec<_> = after.pools.iter().map(super::Pool::levels).collect();
        let event = json!({
            "effect": c["effect"], "store": self.store, "terms": self.terms, "reason": c["reason"], "pools": pools,
        });
        Ok(self.makes(vec![("drop-cancelled", event)], &mut after, now, |after| after.reply(false)))
    }

    fn change(&self, c: &Value, now: i64) -> Result<Verdict, Value> {
        let mut terms = self.terms.clone();
        for (field, value) in c["patch"].as_object().into_iter().flatten() {
            if !FIELDS.contains(&field.as_str()) {
                return Err(invalid("", &format!("unknown field `{field}`")));
            }
            match terms.as_object_mut() {
                Some(fields) if value.is_null() => _ = fields.remove(field),
                Some(fields) => _ = fields.insert(field.clone(), value.clone()),
                None => {}
            }
        }
        check_terms(&terms, &self.terms, now)?;
        match self.phase {
            Phase::Open => return Err(refuse("drop_started")),
            Phase::Queueing if terms["queueOpensAt"] != self.terms["queueOpensAt"] => {
                return Err(invalid("/queueOpensAt", "the waiting room is open"));
            }
            _ => self.must_be_scheduled()?,
        }
        if terms == self.terms {
            return Ok(self.as_it_is(now));
        }
        let event = json!({"effect": c["effect"], "store": self.store, "terms": terms, "previous": self.terms});
        let mut after = Self { terms, ..self.clone() };
        Ok(self.makes(vec![("drop-changed", event)], &mut after, now, |after| after.reply(false)))
    }

    fn join(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let (c, shopper) = (ask.asked, text(ask.caller, "subject"));
        let place = self.places.get(shopper);
        let as_it_is = || self.makes(Vec::new(), &mut self.clone(), now, |after| after.place(shopper, now));
        if self.was(c)? && place.is_some() {
            return Ok(as_it_is());
        }
        self.must_be_scheduled()?;
        if !self.has_room() {
            return Err(refuse("no_queue"));
        }
        if self.phase == Phase::Scheduled {
            return Err(json!({"code": "queue_closed", "status": self.status()}));
        }
        if place.is_some_and(|place| matches!(place.stage, Stage::Waits | Stage::Admitted(..))) {
            return Ok(as_it_is());
        }
        let (limit, has) = (self.limit(), self.units_of(shopper));
        if has >= limit {
            return Err(json!({"code": "limit_reached", "limit": limit, "has": has}));
        }
        let mut after = self.clone();
        after.queue[1] += 1;
        let number = after.queue[1];
        let rank = (self.phase == Phase::Open).then_some(number);
        after.places.insert(shopper.to_owned(), Place { number, rank, stage: Stage::Waits });
        let event = json!({
            "effect": c["effect"], "shopper": shopper, "number": number, "rank": rank, "queue": queue(after.queue),
        });
        Ok(self.makes(vec![("queue-joined", event)], &mut after, now, |after| after.place(shopper, now)))
    }

    /// A shopper's place as a reply shows it. While the clocks stand still, an admission ends the later the later it is.
    fn place(&self, shopper: &str, now: i64) -> Value {
        let place = self.places.get(shopper);
        let until = place.and_then(|place| match (place.stage, self.stopped_at) {
            (Stage::Admitted(..), Some(since)) if now == 0 => {
                Some(json!({"notBefore": rfc3339(self.until(place.stage, since)?)}))
            }
            (stage, _) => Some(json!(rfc3339(self.until(stage, now)?))),
        });
        let content = json!({
            "dropId": self.id, "shopper": shopper, "number": place.map(|place| place.number),
            "rank": place.and_then(|place| place.rank), "admittedUntil": until, "queue": queue(self.queue),
            "status": self.status(),
        });
        json!({"kind": "place", "content": content})
    }

    fn grant(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let (c, shopper) = (ask.asked, text(ask.caller, "subject"));
        self.was(c)?;
        if let Some(claim) = self.claims.get(text(c, "claim")) {
            if claim.digest != c["effect"]["digest"] || claim.shopper != shopper {
                return Err(refuse("idempotency_key_reused"));
            }
            return Ok(self.makes(Vec::new(), &mut self.clone(), now, |_| Value::Null));
        }
        let index = self.check_claim(c, shopper)?;
        let (mut after, quantity) = (self.clone(), number(c, "quantity"));
        let pool = &mut after.pools[index];
        (pool.remaining, pool.held) = (pool.remaining - quantity, pool.held + quantity);
        if self.has_room() {
            after.queue[2] -= 1;
            after.places.entry(shopper.to_owned()).and_modify(|place| place.stage = Stage::Used);
        }
        let item = &list(&self.terms, "items")[index];
        let event = json!({
            "effect": c["effect"], "claim": c["claim"], "orderId": c["orderId"], "shopper": shopper,
            "itemId": item["itemId"], "quantity": quantity, "unitPrice": item["price"], "store": self.store,
            "pool": after.pools[index].levels(), "queue": queue(after.queue),
        });
        Ok(self.makes(vec![("claim-granted", event)], &mut after, now, |_| Value::Null))
    }

    /// Of which item a claim would be granted.
    fn check_claim(&self, c: &Value, shopper: &str) -> Result<usize, Value> {
        match self.phase {
            Phase::New | Phase::Draft => return Err(refuse("drop_not_ready")),
            Phase::Open if !self.paused => {}
            _ => return Err(json!({"code": "not_live", "status": self.status()})),
        }
        let index = match &c["itemId"] {
            Value::Null if self.pools.len() == 1 => 0,
            Value::Null => return Err(refuse("item_required")),
            item => {
                let index = self.pools.iter().position(|pool| *item == pool.item.as_str());
                index.ok_or_else(|| json!({"code": "item_not_offered", "itemId": item}))?
            }
        };
        let admitted = self.places.get(shopper).is_some_and(|place| {
            let named = c["place"].as_i64().is_none_or(|number| number == place.number);
            named && matches!(place.stage, Stage::Admitted(..))
        });
        if self.has_room() && !admitted {
            return Err(refuse("not_admitted"));
        }
        let (limit, has, quantity) = (self.limit(), self.units_of(shopper), number(c, "quantity"));
        if has + quantity > limit {
            return Err(json!({"code": "limit_reached", "limit": limit, "has": has}));
        }
        let pool = &self.pools[index];
        match pool.remaining {
            remaining if remaining >= quantity => Ok(index),
            0 if pool.held == 0 => Err(refuse("sold_out")),
            remaining => Err(json!({"code": "all_held", "remaining": remaining})),
        }
    }

    /// What its order says of a claim.
    fn of_claim(&self, c: &Value, now: i64) -> Verdict {
        let (mut after, mut events) = (self.clone(), Vec::new());
        if let Some(claim) = self.claims.get(text(c, "claim")) {
            let (over, pool) = (self.is_over(), &mut after.pools[claim.item]);
            let back = |pool: &mut super::Pool, units: i64| {
                if !over {
                    pool.remaining += units
                }
            };
            match (text(c, "op"), claim.stage) {
                ("commit_claim", Sale::Held) => {
                    (pool.held, pool.sold) = (pool.held - claim.quantity, pool.sold + claim.quantity);
                    events.push(("claim-committed", json!({"claim": c["claim"], "pool": pool.levels()})));
                }
                ("release_claim", Sale::Held) => {
                    pool.held -= claim.quantity;
                    back(pool, claim.quantity);
                    let event = json!({
                        "claim": c["claim"], "shopper": claim.shopper, "quantity": claim.quantity, "toItem": over,
                        "pool": pool.levels(),
                    });
                    events.push(("claim-released", event));
                }
                ("uncommit_claim", Sale::Bought) if !claim.cancellations.contains(&c["uncommit"]["cancellation"]) => {
                    let units = number(&c["uncommit"], "quantity").min(claim.quantity - claim.cancelled);
                    if units > 0 {
                        pool.sold -= units;
                        back(pool, units);
                        let event = json!({
                            "claim": c["claim"], "cancellation": c["uncommit"]["cancellation"], "toItem": over,
                            "shopper": claim.shopper, "quantity": units, "pool": pool.levels(),
                        });
                        events.push(("claim-uncommitted", event));
                    }
                }
                _ => {}
            }
        }
        self.makes(events, &mut after, now, |_| Value::Null)
    }
}

fn is_trusted(caller: &Value) -> bool {
    matches!(text(caller, "role"), "service" | "operator" | "engine")
}
