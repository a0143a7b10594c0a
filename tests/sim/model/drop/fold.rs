//! The fold of a drop, and what no event of it may do.

use super::{
    Claim, Drop, Phase, Place, Pool, RETENTION_MS, Sale, Stage, drawn, hash_of, list, millis, number, queue, text,
};
use crate::sim::{checker::evidence::Event, model::Violations};
use serde_json::{Value, json};

impl Drop {
    pub(super) fn fold(&mut self, event: &Event, found: &mut Violations) {
        let before = self.stood_still(event.millis());
        self.admits_next = matches!(event.name.as_str(), "drop-opened" | "places-drawn");
        self.apply(event, found);
        self.check_told(&event.value, event, found);
        self.check_units(found);
        let runs = self.phase == Phase::Open && !self.paused && self.free() > 0;
        match (runs, self.stopped_at) {
            (true, _) => (self.stood_still, self.stopped_at) = (self.stood_still(event.millis()), None),
            (false, None) => self.stopped_at = Some(event.millis()),
            (false, Some(_)) => {}
        }
        if event.name == "drop-opened" {
            (self.stood_still, self.stopped_at) = (0, (!runs).then(|| event.millis()));
        }
        let told = event.value["stoodStillMs"].as_i64();
        found.must(told.is_none_or(|told| told == before), "events-equal-model", || {
            format!("{}: the clocks stood still for {before} ms: {}", self.id, event.value)
        });
        self.tell(event);
    }

    fn apply(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        match event.name.as_str() {
            "drop-drafted" => self.draft(event, found),
            "units-lent" | "loan-refused" => {
                let before = self.loans.insert(text(value, "itemId").to_owned(), value["refusal"].clone());
                let fits = before.is_none() && self.phase == Phase::Draft;
                found.must(fits, "one-decision-per-id", || format!("{}: it has answered: {value}", self.id));
            }
            "drop-scheduled" => self.schedule_units(event, found),
            "drop-rejected" => {
                self.turn(event, &[Phase::Draft], Phase::Rejected, found);
                self.refusals = list(value, "refusals").to_vec();
                let refused = self.refused();
                found.must(self.refusals == refused && !refused.is_empty(), "reply-equals-model", || {
                    format!("{}: {refused:?} was refused: {value}", self.id)
                });
                let by_time = event.causation.starts_with("clock-");
                self.not_before(if by_time { self.answers_due_at } else { 0 }, event, found);
            }
            "drop-changed" => {
                let early = matches!(self.phase, Phase::Scheduled | Phase::Queueing);
                found.must(early, "drops-take-steps", || format!("{}: changed in {:?}", self.id, self.phase));
                self.terms = value["terms"].clone();
                self.remember(event, found);
            }
            "drop-paused" => self.stop(event, true, found),
            "drop-resumed" => self.stop(event, false, found),
            "queue-opened" => {
                self.turn(event, &[Phase::Scheduled], Phase::Queueing, found);
                self.not_before(millis(text(&self.terms, "queueOpensAt")), event, found);
            }
            "queue-joined" => self.joined(event, found),
            "drop-opened" => self.open(event, found),
            "places-drawn" => self.draw(event, found),
            "shoppers-admitted" => self.admitted(event, found),
            "admissions-expired" => self.expired(event, found),
            "claim-granted" => self.granted(event, found),
            "claim-committed" | "claim-released" | "claim-uncommitted" => self.change_claim(event, found),
            "drop-status-changed" => {}
            "drop-ended" => {
                self.turn(event, &[Phase::Open], Phase::Ended, found);
                self.not_before(millis(text(&self.terms, "endsAt")), event, found);
                self.end(event);
            }
            "drop-cancelled" => {
                let from = [Phase::Scheduled, Phase::Queueing, Phase::Open];
                self.turn(event, &from, Phase::Cancelled, found);
                self.remember(event, found);
                self.end(event);
            }
            "drop-closed" => {
                let fits = self.is_over() && self.held() == 0 && !self.closed;
                found.must(fits, "drops-take-steps", || format!("{} is closed: {self:?}", self.id));
                self.not_before(self.over_at + RETENTION_MS, event, found);
                (self.closed, self.known) = (true, std::collections::BTreeMap::new());
            }
            other => found.must(false, "known-events", || format!("{}: the model knows no `{other}`", self.id)),
        }
    }

    fn turn(&mut self, event: &Event, from: &[Phase], to: Phase, found: &mut Violations) {
        let phase = self.phase;
        found.must(from.contains(&phase), "drops-take-steps", || format!("{}: {} in {phase:?}", self.id, event.name));
        self.phase = to;
    }

    fn not_before(&self, due: i64, event: &Event, found: &mut Violations) {
        found.must(event.millis() >= due, "no-early-expiry", || {
            format!("{}: {} at {}, due {due}", self.id, event.name, event.time)
        });
    }

    /// Each effect changes the drop once.
    fn remember(&mut self, event: &Event, found: &mut Violations) {
        let effect = &event.value["effect"];
        let before = self.known.insert(text(effect, "id").to_owned(), effect["digest"].clone());
        found.must(before.is_none(), "one-decision-per-id", || format!("{}: twice: {}", self.id, event.value));
    }

    fn draft(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        self.turn(event, &[Phase::New], Phase::Draft, found);
        (self.effect, self.store, self.terms) =
            (value["effect"].clone(), value["store"].clone(), value["terms"].clone());
        self.metadata = if value["metadata"].is_null() { json!({}) } else { value["metadata"].clone() };
        self.answers_due_at = millis(text(value, "answersDueAt"));
    }

    fn schedule_units(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::Draft], Phase::Scheduled, found);
        let lent = self.refused().is_empty();
        found.must(lent, "never-oversold", || format!("{} goes on without {:?}", self.id, self.refused()));
        let pool = |item: &Value| {
            let quantity = number(item, "quantity");
            Pool { item: text(item, "itemId").to_owned(), lent: quantity, remaining: quantity, ..Pool::default() }
        };
        self.pools = list(&self.terms, "items").iter().map(pool).collect();
        self.seed_hash = event.value["seedHash"].clone();
    }

    fn stop(&mut self, event: &Event, stops: bool, found: &mut Violations) {
        let fits = self.paused != stops && matches!(self.phase, Phase::Scheduled | Phase::Queueing | Phase::Open);
        found.must(fits, "drops-take-steps", || format!("{}: {} in {:?}", self.id, event.name, self.phase));
        self.paused = stops;
        self.remember(event, found);
    }

    fn joined(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let open = matches!(self.phase, Phase::Queueing | Phase::Open) && self.has_room();
        found.must(open, "drops-take-steps", || format!("{}: joined in {:?}", self.id, self.phase));
        self.queue[1] += 1;
        let number = self.queue[1];
        let rank = (self.phase == Phase::Open).then_some(number);
        let dense = value["number"] == number && value["rank"].as_i64() == rank;
        found.must(dense, "admitted-in-order", || format!("{}: place {number}, rank {rank:?}: {value}", self.id));
        let place = Place { number, rank, stage: Stage::Waits };
        let before = self.places.insert(text(value, "shopper").to_owned(), place);
        let twice = before.is_some_and(|place| matches!(place.stage, Stage::Waits | Stage::Admitted(..)));
        found.must(!twice, "one-decision-per-id", || format!("{}: two places of one shopper: {value}", self.id));
        self.remember(event, found);
    }

    fn open(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let from = if self.has_room() { Phase::Queueing } else { Phase::Scheduled };
        self.turn(event, &[from], Phase::Open, found);
        self.not_before(millis(text(&self.terms, "startsAt")), event, found);
        self.seed = value["seed"].clone();
        let (hash, early) = (hash_of(&self.seed), self.queue[1]);
        found.must(self.seed_hash == hash.as_str(), "seed-is-secret", || {
            format!("{}: {hash} was to be published, and {} was", self.id, self.seed_hash)
        });
        found
            .must(value["early"] == early, "events-equal-model", || format!("{}: {early} are early: {value}", self.id));
        self.undrawn = drawn(&self.seed, self.places.keys().cloned().collect());
    }

    fn draw(&mut self, event: &Event, found: &mut Violations) {
        let (value, shoppers) = (&event.value, list(&event.value, "shoppers"));
        let ours: Vec<_> = self.undrawn.drain(..shoppers.len().min(self.undrawn.len())).collect();
        // Who came late has a rank behind all who are drawn.
        let early = self.shown.early.unwrap_or_default();
        let rank = self.places.values().filter(|place| place.rank.is_some() && place.number <= early).count();
        let dense = value["firstRank"] == rank + 1;
        found.must(dense && *shoppers == *json!(ours).as_array().expect("a list"), "admitted-in-order", || {
            format!("{}: {ours:?} are drawn from rank {}: {value}", self.id, rank + 1)
        });
        for (rank, shopper) in (rank + 1..).zip(ours) {
            self.places.entry(shopper).and_modify(|place| place.rank = i64::try_from(rank).ok());
        }
    }

    /// Shoppers may claim until then.
    pub(super) fn admit(&mut self, shoppers: &[String], until: i64, stood_still: i64) {
        for shopper in shoppers {
            let Some(place) = self.places.get_mut(shopper) else { continue };
            place.stage = Stage::Admitted(until, stood_still);
            self.queue[0] = place.rank.unwrap_or_default() + 1;
        }
        self.queue[2] += i64::try_from(shoppers.len()).unwrap_or(i64::MAX);
    }

    fn admitted(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let shoppers: Vec<_> = list(value, "shoppers").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let next = self.next();
        let in_order = shoppers.iter().zip(&next).all(|(told, ours)| told == ours);
        found.must(in_order, "admitted-in-order", || format!("{}: {next:?} are next: {value}", self.id));
        let stood_still = self.stood_still(event.millis());
        self.admit(&shoppers, millis(text(value, "until")), stood_still);
        let (admitted, most) = (self.queue[2], self.most_admitted());
        let runs = self.phase == Phase::Open && !self.paused;
        found.must(runs && admitted <= most, "never-more-admitted-than-free", || {
            format!("{}: {admitted} are admitted, and {most} may be: {value}", self.id)
        });
    }

    /// Who let it pass: all whose time is over, and nobody else.
    fn expired(&mut self, event: &Event, found: &mut Violations) {
        let now = event.millis();
        let over = self.places.iter().filter_map(|(shopper, place)| {
            let until = self.until(place.stage, now).filter(|until| *until <= now)?;
            Some((until, place.rank, shopper.clone()))
        });
        let mut over: Vec<_> = over.collect();
        over.sort();
        let over: Vec<_> = over.into_iter().map(|(_, _, shopper)| shopper).collect();
        let told = json!(event.value["shoppers"]);
        found.must(told == json!(over) && self.stopped_at.is_none(), "no-early-expiry", || {
            format!("{}: {over:?} let it pass, and the clocks stand since {:?}: {told}", self.id, self.stopped_at)
        });
        for shopper in list(&event.value, "shoppers").iter().filter_map(Value::as_str) {
            self.places.entry(shopper.to_owned()).and_modify(|place| place.stage = Stage::Expired);
            self.queue[2] -= 1;
        }
    }

    fn granted(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity) = (&event.value, number(&event.value, "quantity"));
        let shopper = text(value, "shopper").to_owned();
        let index = self.pools.iter().position(|pool| value["itemId"] == pool.item.as_str());
        let Some(index) = index else {
            found.must(false, "drop-pool-adds-up", || format!("{}: of no item of it: {value}", self.id));
            return;
        };
        let place = self.places.get_mut(&shopper);
        if !self.terms["queueOpensAt"].is_null() {
            let admitted = place
                .is_some_and(|place| matches!(std::mem::replace(&mut place.stage, Stage::Used), Stage::Admitted(..)));
            found.must(admitted, "admitted-in-order", || format!("{}: not admitted: {value}", self.id));
            self.queue[2] -= 1;
        }
        let pool = &mut self.pools[index];
        (pool.remaining, pool.held) = (pool.remaining - quantity, pool.held + quantity);
        let claim = Claim {
            digest: value["effect"]["digest"].clone(),
            order: text(value, "orderId").to_owned(),
            shopper: shopper.clone(),
            item: index,
            quantity,
            price: value["unitPrice"].clone(),
            stage: Sale::Held,
            cancelled: 0,
            cancellations: Vec::new(),
        };
        let before = self.claims.insert(text(value, "claim").to_owned(), claim);
        found.must(before.is_none(), "one-decision-per-id", || format!("{}: granted twice: {value}", self.id));
        let (has, limit) = (self.units_of(&shopper), self.limit());
        found.must(has <= limit, "limit-per-shopper", || {
            format!("{}: {shopper} has {has}, and may have {limit}: {value}", self.id)
        });
        let runs = self.phase == Phase::Open && !self.paused;
        found.must(runs, "drops-take-steps", || format!("{}: granted in {:?}: {value}", self.id, self.phase));
    }

    fn change_claim(&mut self, event: &Event, found: &mut Violations) {
        let (value, over) = (&event.value, self.is_over());
        let Some(claim) = self.claims.get_mut(text(value, "claim")) else {
            found.must(false, "drop-pool-adds-up", || format!("{}: was never granted: {value}", self.id));
            return;
        };
        let pool = &mut self.pools[claim.item];
        let quantity = value["quantity"].as_i64().unwrap_or(claim.quantity);
        let from = if event.name == "claim-uncommitted" { Sale::Bought } else { Sale::Held };
        let mut fits = claim.stage == from && value["toItem"].as_bool().unwrap_or(over) == over;
        match event.name.as_str() {
            "claim-committed" => {
                claim.stage = Sale::Bought;
                (pool.held, pool.sold, pool.bought) =
                    (pool.held - quantity, pool.sold + quantity, pool.bought + quantity);
            }
            "claim-released" => {
                fits &= claim.quantity == quantity;
                claim.stage = Sale::Released;
                pool.held -= quantity;
                *(if over { &mut pool.returned } else { &mut pool.remaining }) += quantity;
            }
            _ => {
                claim.cancelled += quantity;
                fits &= claim.cancelled <= claim.quantity && !claim.cancellations.contains(&value["cancellation"]);
                claim.cancellations.push(value["cancellation"].clone());
                pool.sold -= quantity;
                *(if over { &mut pool.to_item } else { &mut pool.into }) += quantity;
                pool.remaining += if over { 0 } else { quantity };
            }
        }
        found.must(fits, "drop-pool-adds-up", || format!("{}: {claim:?} becomes {}: {value}", self.id, event.name));
    }

    /// What nobody has claimed goes back to the items.
    pub(super) fn give_back(&mut self) {
        self.pools.iter_mut().for_each(|pool| pool.returned += std::mem::take(&mut pool.remaining));
    }

    fn end(&mut self, event: &Event) {
        self.give_back();
        self.over_at = event.millis();
        self.places.clear();
    }

    /// The numbers in an event are those that follow from all events.
    fn check_told(&self, value: &Value, event: &Event, found: &mut Violations) {
        let status = &value["status"];
        found.must(status.is_null() || *status == self.status(), "events-equal-model", || {
            format!("{} is {}: {} {value}", self.id, self.status(), event.name)
        });
        let ours = queue(self.queue);
        found.must(value["queue"].is_null() || value["queue"] == ours, "admitted-in-order", || {
            format!("{}: the waiting room is {ours}: {} {value}", self.id, event.name)
        });
        let told = std::slice::from_ref(&value["pool"]).iter().filter(|pool| !pool.is_null());
        for told in told.chain(list(value, "pools")) {
            let ours = self.pools.iter().find(|pool| told["itemId"] == pool.item.as_str()).map(Pool::levels);
            found.must(ours.as_ref() == Some(told), "drop-pool-adds-up", || {
                format!("{}: {ours:?} and not {} {value}", self.id, event.name)
            });
        }
    }

    /// What was lent is remaining, held, sold or given back; and what is held is held by claims.
    fn check_units(&self, found: &mut Violations) {
        for (index, pool) in self.pools.iter().enumerate() {
            let own = || self.claims.values().filter(|claim| claim.item == index);
            let held: i64 = own().filter(|claim| claim.stage == Sale::Held).map(|claim| claim.quantity).sum();
            let bought = own().filter(|claim| claim.stage == Sale::Bought);
            let sold: i64 = bought.map(|claim| claim.quantity - claim.cancelled).sum();
            let all = pool.remaining + pool.held + pool.sold + pool.returned + pool.to_item;
            let fits = all == pool.lent && (pool.held, pool.sold) == (held, sold) && pool.remaining >= 0;
            found.must(fits, "drop-pool-adds-up", || {
                format!("{}: {pool:?}, and claims hold {held} and have bought {sold}", self.id)
            });
        }
    }
}
