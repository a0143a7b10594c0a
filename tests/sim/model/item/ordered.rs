//! What an order asks of an item: hold, commit, allocate, ship, forward, give back, restock. Nobody outside is told.

use super::{
    Hold, Item, Phase,
    allocations::Taken,
    decide::{refuse, shortfall},
    hold_key,
    holds::differs,
    transfers,
};
use crate::sim::{
    checker::evidence::{list, number, text},
    model::{Must, Said, Verdict},
};
use serde_json::{Value, json};

pub type Facts = Vec<(&'static str, Value)>;

/// These events; none where it was so already.
pub fn makes(events: Facts) -> Result<Verdict, Value> {
    Ok(Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Shown })
}

impl Item {
    pub fn of_order(&self, c: &Value) -> Result<Verdict, Value> {
        let hold = self.holds.get(&hold_key(&c["hold"]));
        let (hold_id, phase) = (&c["hold"], hold.map(|hold| hold.phase));
        match text(c, "op") {
            "place_hold" if hold.is_some() => makes(Vec::new()),
            "place_hold" => {
                let price = self.check_hold(c)?;
                makes(vec![("hold-granted", json!({"hold": hold_id, "quantity": c["quantity"], "unitPrice": price}))])
            }
            "commit_hold" if phase == Some(Phase::Active) => {
                makes(vec![("hold-committed", json!({"hold": hold_id, "quantity": hold.map(|hold| hold.granted)}))])
            }
            "release_hold" if matches!(phase, None | Some(Phase::Active)) => {
                let held = hold.map_or(0, |hold| hold.granted);
                makes(vec![("hold-released", json!({"hold": hold_id, "held": held, "committed": 0}))])
            }
            "uncommit" => makes(self.uncommit(c, hold)),
            "allocate" => self.allocate(c),
            "ship" => self.ship_order(c, hold),
            "forward" => makes(self.forward(c, hold)),
            "receive_forward" => makes(self.receive_forward(c, hold)),
            "restock" => self.restock(c, hold),
            "close_hold" if hold.is_some_and(Hold::may_close) => makes(vec![("hold-closed", json!({"hold": hold_id}))]),
            _ => makes(Vec::new()),
        }
    }

    fn uncommit(&self, c: &Value, hold: Option<&Hold>) -> Facts {
        let known = format!("uncommit/{}/{}", hold_key(&c["hold"]), c["cancellation"]);
        let Some(hold) = hold.filter(|_| !self.effects.contains_key(&known)) else { return Vec::new() };
        let named = |name, id| -> Vec<_> {
            list(c, name).iter().map(|part| (text(part, id).to_owned(), number(part, "quantity"))).collect()
        };
        let (here, away) = (named("from", "subOrder"), named("forwarded", "shipment"));
        let taken = self.taking(hold, number(c, "quantity"), &here, &away);
        if taken.units() == 0 {
            return Vec::new();
        }
        let into = c["into"].as_str().filter(|into| self.allotments.contains_key(*into));
        let mut event = json!({"cancellation": c["cancellation"], "hold": c["hold"], "into": into});
        taken.write(&mut event);
        // What is on the way is lent at once, and there to sell only when it arrives.
        let away: i64 = taken.forwarded.iter().map(|(_, units)| units).sum();
        let short = shortfall(self.available() - away).filter(|_| into.is_some() && away > 0);
        [("units-uncommitted", event)].into_iter().chain(short).collect()
    }

    /// Why a sub-order cannot be allocated; what happens where it can.
    pub fn allocate(&self, c: &Value) -> Result<Verdict, Value> {
        let (sub_order, location, asked) = (text(c, "subOrder"), text(c, "location"), number(c, "quantity"));
        let hold = self.holds.get(&hold_key(&c["hold"]));
        let before = hold.and_then(|hold| hold.allocations.iter().find(|a| a.sub_order == sub_order));
        match before {
            Some(before) if before.asked == 0 && before.location != location => {
                return Err(refuse("exists_with_different_content"));
            }
            Some(before) if before.asked > 0 && (before.asked != asked || before.location != location) => {
                return Err(differs(before.asked, asked));
            }
            Some(before) if before.asked > 0 => return makes(Vec::new()),
            Some(_) | None => {}
        }
        self.must_be_stocked()?;
        let Some(hold) = hold else { return Err(refuse("hold_not_found")) };
        if hold.committed < asked {
            return Err(json!({"code": "not_that_many_open", "open": hold.committed}));
        }
        self.location_has(location, asked)?;
        let event =
            json!({"subOrder": sub_order, "hold": c["hold"], "quantity": asked, "at": location, "shipment": null});
        makes(vec![("units-allocated", event)])
    }

    /// The answer to an allocation, as the order is sent it: the refusal, or nothing.
    pub fn answer_allocation(&self, c: &Value) -> Value {
        self.allocate(c).err().unwrap_or_default()
    }

    /// The count that must have been wrong: more leaves than is on record.
    fn correction(&self, c: &Value) -> Option<(&'static str, Value)> {
        let missing = number(c, "quantity") - self.place(text(c, "location")).sellable;
        let event = json!({"delta": missing, "shipmentOf": c["hold"], "at": c["location"]});
        (missing > 0).then_some(("stock-counted", event))
    }

    fn ship_order(&self, c: &Value, hold: Option<&Hold>) -> Result<Verdict, Value> {
        let quantity = number(c, "quantity");
        if self.effects.contains_key(&format!("ship/{}/{}", hold_key(&c["hold"]), c["effect"]["id"])) {
            return makes(Vec::new());
        }
        self.must_be_stocked()?;
        let hold = hold.filter(|hold| hold.phase == Phase::Committed).ok_or_else(|| refuse("hold_not_committed"))?;
        if quantity > hold.open() {
            return Err(json!({"code": "not_that_many_open", "open": hold.open()}));
        }
        let mut events: Vec<_> = self.correction(c).into_iter().collect();
        let taken = self.taking(hold, quantity, &[(text(c, "subOrder").to_owned(), quantity)], &[]);
        let mut event = json!({
            "effect": c["effect"], "hold": c["hold"], "subOrder": c["subOrder"], "quantity": quantity, "at": c["location"],
        });
        taken.write(&mut event);
        events.push(("stock-shipped", event));
        events.extend(self.after_leaving(c, &taken));
        makes(events)
    }

    /// The allocations of others that are given up when units leave.
    fn after_leaving(&self, c: &Value, taken: &Taken) -> Facts {
        let location = text(c, "location");
        let left = (self.place(location).sellable - number(c, "quantity")).max(0);
        self.given_up_beside(location, left, (&c["hold"], taken))
    }

    fn forward(&self, c: &Value, hold: Option<&Hold>) -> Facts {
        let known = self.transfers.contains_key(&transfers::key(&c["hold"], &c["effect"]["id"]));
        if known || self.must_be_stocked().is_err() || c["location"] == c["toLocation"] {
            return Vec::new();
        }
        let quantity = number(c, "quantity");
        let named = [(text(c, "subOrder").to_owned(), quantity)];
        let ours = hold.filter(|hold| hold.phase == Phase::Committed);
        let taken = ours.map(|hold| self.taking(hold, quantity, &named, &[])).unwrap_or_default();
        let mut forward = json!({"hold": c["hold"], "subOrder": c["subOrder"], "toSubOrder": c["toSubOrder"]});
        taken.write(&mut forward);
        if let Some(fields) = forward.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let mut events: Vec<_> = self.correction(c).into_iter().collect();
        let corrected = events.first().map_or(0, |(_, event)| number(event, "delta"));
        let event = json!({"effect": c["effect"], "quantity": quantity, "forward": forward, "at": c["location"]});
        events.push(("stock-dispatched", event));
        events.extend(self.after_leaving(c, &taken));
        // What leaves is not to sell; what was promised of it is not promised any more, but for what was on the way.
        let elsewhere: i64 = taken.forwarded.iter().map(|(_, units)| units).sum();
        let more = corrected - quantity + taken.units() - elsewhere;
        events.extend(shortfall(self.available() + more).filter(|_| more < 0));
        events
    }

    fn receive_forward(&self, c: &Value, hold: Option<&Hold>) -> Facts {
        let transfer = self.transfers.get(&transfers::key(&c["hold"], &c["shipment"]));
        let Some(transfer) = transfer.filter(|transfer| transfer.units > 0) else { return Vec::new() };
        let ordered = Some(transfer.ordered).filter(|units| *units > 0);
        let received = json!({
            "effect": c["effect"], "transfer": c["shipment"], "hold": c["hold"], "quantity": transfer.units,
            "ordered": ordered, "at": transfer.to,
        });
        let mut events = vec![("transfer-received", received)];
        let to = transfer.sub_orders.as_ref().map_or("", |(_, to)| to.as_str());
        let before = hold.and_then(|hold| hold.allocations.iter().find(|a| a.sub_order == to));
        if ordered.is_some() && hold.is_some() && before.is_none_or(|before| before.location == transfer.to) {
            let allocated = json!({
                "subOrder": to, "hold": c["hold"], "quantity": ordered, "shipment": c["shipment"], "at": transfer.to,
            });
            events.push(("units-allocated", allocated));
        }
        events
    }

    fn restock(&self, c: &Value, hold: Option<&Hold>) -> Result<Verdict, Value> {
        if self.effects.contains_key(&format!("restock/{}/{}", hold_key(&c["hold"]), c["effect"]["id"])) {
            return makes(Vec::new());
        }
        self.must_be_stocked()?;
        let hold = hold.ok_or_else(|| refuse("hold_not_found"))?;
        let (quantity, open) = (number(c, "quantity"), hold.shipped - hold.returned);
        if open < quantity {
            return Err(json!({"code": "not_shipped", "open": open}));
        }
        let event = json!({
            "effect": c["effect"], "returnId": c["returnId"], "hold": c["hold"], "condition": c["condition"],
            "quantity": quantity, "at": c["location"],
        });
        makes(vec![("stock-restocked", event)])
    }
}
