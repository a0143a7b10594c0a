//! What an order must say to warehouses, to who sends things back, and to a plan.

use super::{
    Order, Phase,
    decide::{begins, refuse},
    shipping::Shipment,
};
use crate::sim::{
    checker::evidence::{list, number, text},
    model::{Ask, Said, Verdict},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn already() -> Result<Verdict, Value> {
    Ok(Verdict::already(Said::Shown))
}

/// Where somebody asks under an id that was used: the same, or something else.
fn again(known: &Value, c: &Value) -> Result<Verdict, Value> {
    if *known == c["effect"]["digest"] { already() } else { Err(refuse("idempotency_key_reused")) }
}

/// The one location that a caller may speak for; `None` where it is any.
fn own_location(caller: &Value) -> Option<&str> {
    if text(caller, "role") == "warehouse" { Some(text(caller, "location")) } else { None }
}

impl Order {
    pub fn fulfil(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let trusted = matches!(text(ask.caller, "role"), "service" | "operator" | "engine");
        let op = text(ask.asked, "op");
        if op == "request_return" {
            self.owned(ask.caller)?;
            return self.request_return(ask.asked);
        }
        let has_part = |location: &str| self.shipping.sub_orders.iter().any(|part| part.location == location);
        let concerned = trusted || own_location(ask.caller).is_some_and(has_part) && op != "plan_shipments";
        if self.phase == Phase::New || !concerned {
            return Err(refuse("order_not_found"));
        }
        match op {
            "plan_shipments" => self.plan_shipments(ask.asked),
            "ship" => self.ship_sub_order(ask),
            "receive_shipment" => self.receive_shipment(ask),
            "deliver" => self.deliver(ask),
            _ => self.receive_return(ask.asked),
        }
    }

    /// What it makes of what items and its cart tell it.
    pub fn told(&self, c: &Value) -> Result<Verdict, Value> {
        let sub_order = self.shipping.sub_order(text(c, "subOrder")).map(|at| &self.shipping.sub_orders[at]);
        let of_item = |line: usize| c["itemId"] == self.lines[line].item.as_str();
        let named = json!({"subOrder": c["subOrder"], "itemId": c["itemId"]});
        match (text(c, "op"), sub_order) {
            ("supersede", _) => {
                let waits = matches!(self.phase, Phase::Holding | Phase::AwaitingPayment);
                let is_paying = self.payments.iter().any(|payment| payment.status != "declined");
                if !waits || is_paying {
                    return already();
                }
                begins("order-cancelled", json!({"effect": null, "reason": "superseded"}))
            }
            (_, None) => already(),
            ("allocation_answered", Some(sub_order)) => {
                let asked = sub_order.parts.iter().filter(|part| part.planned > 0 && of_item(part.line));
                let lines = self.quantities(asked.map(|part| (part.line, part.planned)));
                let mut event = named;
                if lines.is_empty() {
                    return already();
                }
                if c["refusal"].is_null() {
                    return begins("sub-order-allocated", event);
                }
                (event["refusal"], event["lines"]) = (c["refusal"].clone(), json!(lines));
                begins("allocation-refused", event)
            }
            (_, Some(sub_order)) => {
                if self.shipping.was_deallocated(c) {
                    return already();
                }
                // The last line first.
                let mut left = number(c, "quantity");
                let mut units = Vec::new();
                for part in sub_order.parts.iter().rev().filter(|part| of_item(part.line)) {
                    let taken = left.min(part.allocated);
                    left -= taken;
                    units.push((part.line, taken));
                }
                let mut event = named;
                (event["cause"], event["lines"]) = (c["cause"].clone(), json!(self.quantities(units)));
                begins("sub-order-deallocated", event)
            }
        }
    }

    /// What only a confirmed order takes.
    fn confirmed(&self) -> Result<(), Value> {
        match (self.ended(), self.phase) {
            (Some(refusal), _) => Err(refusal),
            (None, Phase::Confirmed) => Ok(()),
            (None, _) => Err(json!({"code": "order_not_ready", "status": self.status()})),
        }
    }

    /// Units by line, summed; what is unknown, or more than `most`, is refused.
    fn named(
        &self,
        lines: &Value,
        most: impl Fn(usize) -> i64,
        refusal: impl Fn(&str, i64) -> Value,
    ) -> Result<BTreeMap<usize, i64>, Value> {
        let mut sums = BTreeMap::new();
        for line in lines.as_array().into_iter().flatten() {
            let Some(index) = self.line(text(line, "lineId")) else {
                return Err(json!({"code": "line_not_found", "lineId": line["lineId"]}));
            };
            *sums.entry(index).or_default() += number(line, "quantity");
        }
        match sums.iter().find(|(line, units)| **units > most(**line)) {
            Some((line, _)) => Err(refusal(&self.lines[*line].id, most(*line))),
            None => Ok(sums),
        }
    }

    fn plan_shipments(&self, c: &Value) -> Result<Verdict, Value> {
        let (shipping, revision) = (&self.shipping, number(c, "revision"));
        let used_up = revision < shipping.revision || shipping.due.iter().all(|units| *units == 0);
        if revision <= shipping.revision && used_up {
            return already();
        }
        let mut due = shipping.due.clone();
        let known = shipping.sub_orders.iter().map(|known| (known.id.as_str(), known.parent.is_none()));
        let mut known: BTreeMap<&str, bool> = known.collect();
        let mut fits = revision <= shipping.revision;
        for sub_order in list(c, "subOrders") {
            fits &= known.insert(text(sub_order, "subOrderId"), sub_order["parent"].is_null()).is_none();
            for line in list(sub_order, "lines") {
                let Some(index) = self.line(text(line, "lineId")) else { return Err(refuse("plan_not_fitting")) };
                due[index] -= number(line, "quantity");
            }
        }
        let mut parents = list(c, "subOrders").iter().filter_map(|sub_order| sub_order["parent"].as_str());
        fits &= parents.all(|parent| known.get(parent) == Some(&true)) && due.iter().all(|units| *units >= 0);
        if !fits {
            return Err(refuse("plan_not_fitting"));
        }
        begins(
            "sub-orders-planned",
            json!({"effect": c["effect"], "revision": revision, "subOrders": c["subOrders"], "inputs": c["inputs"]}),
        )
    }

    fn ship_sub_order(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, own) = (ask.asked, own_location(ask.caller));
        let known = self.shipping.shipments.iter().find(|known| c["effect"]["id"] == known.id.as_str());
        if let Some(known) = known {
            return again(&known.digest, c);
        }
        self.confirmed()?;
        let may = |at: &usize| own.is_none_or(|own| self.shipping.sub_orders[*at].location == own);
        let at = match c["subOrder"].as_str() {
            Some(named) => self.shipping.sub_order(named).filter(may).ok_or_else(|| refuse("sub_order_not_found"))?,
            None => {
                let can = |at: &usize| self.shipping.sub_orders[*at].parts.iter().any(|part| part.allocated > 0);
                let all: Vec<_> = (0..self.shipping.sub_orders.len()).filter(may).filter(can).collect();
                match all.as_slice() {
                    [] => return Err(refuse("nothing_to_ship")),
                    [one] => *one,
                    _ => return Err(refuse("sub_order_required")),
                }
            }
        };
        let sub_order = &self.shipping.sub_orders[at];
        let units: Vec<_> = if c["lines"].is_null() {
            sub_order.parts.iter().map(|part| (part.line, part.allocated)).filter(|(_, units)| *units > 0).collect()
        } else {
            let refusal = |id: &str, n: i64| json!({"code": "not_that_many_allocated", "lineId": id, "allocated": n});
            self.named(&c["lines"], |line| sub_order.allocated(line), refusal)?.into_iter().collect()
        };
        if units.is_empty() {
            return Err(refuse("nothing_to_ship"));
        }
        let mut event = json!({
            "effect": c["effect"], "subOrder": sub_order.id, "location": sub_order.location,
            "lines": self.quantities(units),
        });
        let Some(parent) = &sub_order.parent else {
            event["arrivalAt"] = sub_order.arrival_at.clone();
            return begins("shipment-shipped", event);
        };
        let to = self.shipping.sub_order(parent).map(|at| self.shipping.sub_orders[at].location.as_str());
        (event["parent"], event["toLocation"]) = (json!(parent), json!(to));
        begins("shipment-forwarded", event)
    }

    fn receive_shipment(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, own) = (ask.asked, own_location(ask.caller));
        let goes_to = |shipment: &Shipment| {
            let at = self.shipping.sub_order(shipment.parent.as_deref()?)?;
            Some(self.shipping.sub_orders[at].location.as_str())
        };
        let its = |shipment: &&Shipment| {
            c["shipment"] == shipment.id.as_str() && goes_to(shipment).is_some_and(|to| own.is_none_or(|own| own == to))
        };
        let shipment = self.shipping.shipments.iter().find(its).ok_or_else(|| refuse("shipment_not_found"))?;
        if let Some(effect) = &shipment.received {
            let another = effect["id"] == c["effect"]["id"] && effect["digest"] != c["effect"]["digest"];
            return if another { Err(refuse("idempotency_key_reused")) } else { already() };
        }
        let lines = self.quantities(shipment.parts.iter().map(|part| (part.0, part.2)));
        begins("forward-received", json!({"effect": c["effect"], "shipment": c["shipment"], "lines": lines}))
    }

    fn deliver(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, own) = (ask.asked, own_location(ask.caller));
        if let Some(known) = self.shipping.deliveries.iter().find(|effect| effect["id"] == c["effect"]["id"]) {
            return again(&known["digest"], c);
        }
        self.confirmed()?;
        let its = |shipment: &&Shipment| shipment.parent.is_none() && own.is_none_or(|own| own == shipment.location);
        let own: Vec<_> = self.shipping.shipments.iter().filter(its).collect();
        let named = c["shipments"].as_array();
        let known = |id: &Value| own.iter().any(|shipment| *id == shipment.id.as_str());
        if named.is_some_and(|named| !named.iter().all(known)) {
            return Err(refuse("shipment_not_found"));
        }
        if own.is_empty() {
            return Err(refuse("nothing_to_deliver"));
        }
        let is_named = |id: &str| named.is_none_or(|named| named.contains(&json!(id)));
        let news: Vec<_> =
            own.iter().filter(|s| !s.delivered && is_named(&s.id)).map(|shipment| shipment.id.as_str()).collect();
        if news.is_empty() {
            return already();
        }
        begins("shipments-delivered", json!({"effect": c["effect"], "shipments": news}))
    }

    fn request_return(&self, c: &Value) -> Result<Verdict, Value> {
        if let Some(known) = self.shipping.returns.iter().find(|known| c["returnId"] == known.id.as_str()) {
            return again(&known.digest, c);
        }
        self.confirmed()?;
        if self.shipping.closed {
            return Err(refuse("return_window_closed"));
        }
        let is_digital = |line: &super::Line| line.kind == "digital";
        let most = |line: usize| {
            let line = &self.lines[line];
            if is_digital(line) { 0 } else { line.shipped - line.requested }
        };
        let refusal = |id: &str, n: i64| match self.line(id).is_some_and(|line| is_digital(&self.lines[line])) {
            true => json!({"code": "not_returnable", "lineId": id}),
            false => json!({"code": "not_that_many_returnable", "lineId": id, "returnable": n}),
        };
        let lines = self.quantities(self.named(&c["lines"], most, refusal)?);
        begins("return-requested", json!({"effect": c["effect"], "returnId": c["returnId"], "lines": lines}))
    }

    fn receive_return(&self, c: &Value) -> Result<Verdict, Value> {
        if let Some(known) = self.shipping.receipts.iter().find(|effect| effect["id"] == c["effect"]["id"]) {
            return again(&known["digest"], c);
        }
        let announced = self.shipping.returns.iter().find(|known| c["returnId"] == known.id.as_str());
        let Some(announced) = announced else { return Err(refuse("return_not_found")) };
        let open: Vec<_> = announced.parts.iter().map(|part| (part.0, part.1 - part.2)).collect();
        if open.iter().all(|(_, units)| *units == 0) {
            return Err(refuse("return_complete"));
        }
        let most = |line: usize| open.iter().filter(|part| part.0 == line).map(|part| part.1).sum();
        let refusal = |id: &str, n: i64| json!({"code": "not_that_many_expected", "lineId": id, "expected": n});
        let units =
            if c["lines"].is_null() { open } else { self.named(&c["lines"], most, refusal)?.into_iter().collect() };
        begins(
            "return-received",
            json!({
                "effect": c["effect"], "returnId": c["returnId"], "location": c["location"], "condition": c["condition"],
                "lines": self.quantities(units),
            }),
        )
    }
}
