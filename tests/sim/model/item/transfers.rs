//! Units between two locations: transfers, and what one warehouse forwards to another for an order.

use super::{
    Item, Transfer,
    decide::{MOST_AT_LOCATION, refuse, shortfall},
    hold_key,
    holds::differs,
};
use crate::sim::{
    checker::evidence::{Event, number, text},
    model::{Ask, Must, Said, Verdict, Violations},
};
use serde_json::{Value, json};

/// What a transfer is kept under: a shipment's id is unique among those of its hold.
pub fn key(hold: &Value, id: &Value) -> String {
    let whose = if hold.is_null() { "move".to_owned() } else { hold_key(hold) };
    format!("{whose}/{id}")
}

impl Item {
    /// Units leave for a location, arrive there, or never will.
    pub fn on_the_way(&mut self, event: &Event, found: &mut Violations) {
        if event.name == "stock-dispatched" {
            return self.dispatched(event, found);
        }
        let (value, id, quantity) = (&event.value, self.id.clone(), number(&event.value, "quantity"));
        let (key, ordered) = (key(&value["hold"], &value["transfer"]), number(value, "ordered"));
        let wrong = || format!("{id}: {} does not fit: {value}", event.name);
        let Some(transfer) = self.transfers.get_mut(&key) else {
            found.must(false, "conservation", wrong);
            return;
        };
        transfer.units -= quantity;
        transfer.ordered -= ordered;
        let fits = transfer.units >= transfer.ordered && transfer.ordered >= 0;
        found.must(fits && transfer.to == text(&value["place"], "location"), "conservation", wrong);
        let is_over = transfer.units == 0;
        let arrived = if event.name == "transfer-received" { quantity } else { 0 };
        let place = self.at(&value["place"]);
        place.incoming -= quantity;
        place.forwarded -= ordered;
        place.sellable += arrived;
        self.moved += arrived;
        self.committed += ordered;
        if let Some(hold) = self.holds.get_mut(&hold_key(&value["hold"])).filter(|_| !value["hold"].is_null()) {
            hold.forwarded -= ordered;
            hold.committed += ordered;
            if ordered > 0 {
                hold.seq = event.seq;
            }
            if is_over {
                hold.forwards.retain(|shipment| value["transfer"] != **shipment);
            }
        }
    }

    fn dispatched(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity, forward) = (&event.value, number(&event.value, "quantity"), &event.value["forward"]);
        let takes = ["allocated", "forwarded"].iter().any(|part| !forward[*part].is_null());
        let ordered = if takes || number(forward, "committed") > 0 {
            self.give_up(&forward["hold"], forward, event, found)
        } else {
            0
        };
        found.must(ordered <= quantity, "conservation", || format!("{}: more is ordered than left: {value}", self.id));
        self.at(&value["places"][0]).sellable -= quantity;
        self.moved -= quantity;
        let to = self.at(&value["places"][1]);
        to.incoming += quantity;
        to.forwarded += ordered;
        if let Some(hold) = self.holds.get_mut(&hold_key(&forward["hold"])).filter(|_| ordered > 0) {
            hold.forwarded += ordered;
            hold.forwards.push(text(&value["effect"], "id").to_owned());
        }
        let named = |name: &str| text(forward, name).to_owned();
        let transfer = Transfer {
            to: text(&value["places"][1], "location").to_owned(),
            units: quantity,
            ordered,
            sub_orders: (!forward.is_null()).then(|| (named("subOrder"), named("toSubOrder"))),
        };
        let before = self.transfers.insert(key(&forward["hold"], &value["effect"]["id"]), transfer);
        found.must(before.is_none(), "one-decision-per-id", || format!("{}: sent twice: {value}", self.id));
    }

    /// What lies at a location and no sub-order has must be so much.
    pub fn location_has(&self, location: &str, asked: i64) -> Result<(), Value> {
        let Some(place) = self.places.get(location) else {
            return Err(json!({"code": "location_not_found", "location": location}));
        };
        let available = place.unallocated();
        if available < asked {
            return Err(json!({
                "code": "insufficient_at_location", "location": location, "asked": asked, "available": available,
            }));
        }
        Ok(())
    }

    fn stock_said(&self, more: i64, on_hand: i64) -> Said {
        let available = self.available() + more;
        Said::Done(json!({"kind": "stock", "available": available, "onHand": self.on_hand() + on_hand}))
    }

    pub fn transfer(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, quantity) = (ask.asked, number(ask.asked, "quantity"));
        self.may_touch_stock(ask.caller)?;
        if let Some(done) = self.effects.get(&format!("move/{}", c["effect"]["id"])) {
            if done.digest != c["effect"]["digest"] {
                return Err(differs(done.quantity, quantity));
            }
            return Ok(Verdict::already(Said::Done(done.reply.clone())));
        }
        self.must_be_stocked()?;
        let (from, to) = (text(c, "location"), text(c, "toLocation"));
        self.location_has(from, quantity)?;
        if from == to {
            return Err(refuse("same_location"));
        }
        let there = self.place(to);
        if there.on_hand() + there.incoming + quantity > MOST_AT_LOCATION {
            return Err(refuse("stock_too_large"));
        }
        let fields = json!({"effect": c["effect"], "quantity": quantity, "at": from, "forward": null});
        let mut events = vec![("stock-dispatched", fields)];
        events.extend(shortfall(self.available() - quantity));
        Ok(Verdict { fresh: true, events: Must::Be(events), said: self.stock_said(-quantity, -quantity) })
    }

    pub fn receive_transfer(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let c = ask.asked;
        self.may_touch_stock(ask.caller)?;
        let key = key(&Value::Null, &c["transfer"]);
        let transfer = self.transfers.get(&key);
        if let Some(transfer) = transfer
            && text(ask.caller, "role") == "warehouse"
            && ask.caller["location"] != transfer.to.as_str()
        {
            return Err(json!({"code": "transfer_elsewhere", "location": transfer.to}));
        }
        if let Some(done) = self.effects.get(&format!("receive_transfer/{key}/{}", c["effect"]["id"])) {
            if done.digest != c["effect"]["digest"] {
                return Err(differs(done.quantity, c["quantity"].as_i64().unwrap_or(done.quantity)));
            }
            return Ok(Verdict::already(Said::Done(done.reply.clone())));
        }
        self.must_be_stocked()?;
        let Some(transfer) = transfer else { return Err(refuse("transfer_not_found")) };
        let lost = number(c, "lost");
        let rest = transfer.units - lost;
        let arrived = c["quantity"].as_i64().unwrap_or(rest);
        if rest < 0 || arrived > rest || transfer.units == 0 {
            return Err(json!({"code": "not_that_many_on_the_way", "onTheWay": transfer.units}));
        }
        let fields = |units: i64| json!({"transfer": c["transfer"], "quantity": units, "at": transfer.to});
        let all = [("transfer-received", arrived), ("transfer-lost", lost)];
        let events: Vec<_> = all.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name, fields(n))).collect();
        let fresh = !events.is_empty();
        Ok(Verdict { fresh, events: Must::Be(events), said: self.stock_said(arrived, arrived) })
    }
}
