//! Sub-orders, shipments and returns of an order, as its events tell them.

use super::Order;
use crate::sim::{
    checker::evidence::{Event, list, number, text},
    model::{Violations, plan},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How long units may be announced to come back in the simulation, in milliseconds.
pub const RETURNS_MS: i64 = 4_000_000;

/// Which warehouse ships what, what is on its way and what comes back.
#[derive(Debug, Clone, Default)]
pub struct Shipping {
    pub revision: i64,
    pub backordered: bool,
    /// Rounds in a row in which something was refused or given up, and whether this one is such.
    pub refusals: i64,
    pub setback: bool,
    /// By line: what was last said to have no sub-order.
    pub due: Vec<i64>,
    /// The same when this decision began, and whether it is a plan.
    pub due_before: Vec<i64>,
    pub planned: bool,
    pub sub_orders: Vec<SubOrder>,
    pub shipments: Vec<Shipment>,
    pub deliveries: Vec<Value>,
    deallocations: BTreeSet<String>,
    pub returns: Vec<Return>,
    pub receipts: Vec<Value>,
    returns_until: Option<i64>,
    pub closed: bool,
    /// As the view shows it, also in the middle of a decision.
    pub shown_due: Vec<Value>,
    pub shown_waiting: bool,
}

#[derive(Debug, Clone)]
pub struct SubOrder {
    pub id: String,
    pub parent: Option<String>,
    pub location: String,
    pub arrival_at: Value,
    pub parts: Vec<Part>,
}

/// What a sub-order has of a line.
#[derive(Debug, Clone)]
pub struct Part {
    pub line: usize,
    /// Asked of the item, which has not answered.
    pub planned: i64,
    pub allocated: i64,
    /// Left, for the customer or another warehouse.
    pub shipped: i64,
}

#[derive(Debug, Clone)]
pub struct Shipment {
    pub id: String,
    pub digest: Value,
    pub sub_order: String,
    pub location: String,
    /// The sub-order that it goes to; else the customer.
    pub parent: Option<String>,
    /// By line: units, and those of them that are on the way to another warehouse and still ordered.
    pub parts: Vec<(usize, i64, i64)>,
    pub delivered: bool,
    /// By which effect it came to the other warehouse.
    pub received: Option<Value>,
    pub to_location: Value,
    pub shipped_at: String,
    pub arrived_at: Value,
}

#[derive(Debug, Clone)]
pub struct Return {
    pub id: String,
    pub digest: Value,
    pub at: String,
    pub reason: Value,
    pub metadata: Value,
    pub receipts: Vec<Value>,
    /// By line: announced, and come back.
    pub parts: Vec<(usize, i64, i64)>,
}

impl Shipping {
    /// Another decision begins.
    pub fn begin(&mut self) {
        self.planned = false;
        self.due_before.clone_from(&self.due);
    }

    pub fn sub_order(&self, id: &str) -> Option<usize> {
        self.sub_orders.iter().position(|sub_order| sub_order.id == id)
    }

    /// Whether this was told before.
    pub fn was_deallocated(&self, told: &Value) -> bool {
        self.deallocations.contains(&deallocation(told))
    }

    /// Whether an item has not answered an allocation.
    pub fn is_allocating(&self) -> bool {
        self.sub_orders.iter().flat_map(|sub_order| &sub_order.parts).any(|part| part.planned > 0)
    }

    /// Whether something is on its way to the customer.
    pub fn is_on_its_way(&self) -> bool {
        self.shipments.iter().any(|shipment| shipment.parent.is_none() && !shipment.delivered)
    }
}

/// What an item gives up is told once by cause, sub-order and item.
fn deallocation(told: &Value) -> String {
    json!([told["cause"], told["subOrder"], told["itemId"]]).to_string()
}

impl SubOrder {
    pub fn part(&mut self, line: usize) -> &mut Part {
        let at = self.parts.iter().position(|part| part.line == line).unwrap_or_else(|| {
            self.parts.push(Part { line, planned: 0, allocated: 0, shipped: 0 });
            self.parts.len() - 1
        });
        &mut self.parts[at]
    }

    pub fn allocated(&self, line: usize) -> i64 {
        self.parts.iter().filter(|part| part.line == line).map(|part| part.allocated).sum()
    }
}

impl Order {
    /// Units by line that an event names; unknown lines are a violation.
    fn units(&self, lines: &[Value], found: &mut Violations) -> Vec<(usize, i64)> {
        let unit = |line: &Value| Some((self.line(text(line, "lineId"))?, number(line, "quantity")));
        let units: Vec<_> = lines.iter().filter_map(unit).collect();
        found.must(units.len() == lines.len(), "conservation", || format!("{}: no such line in {lines:?}", self.id));
        units
    }

    pub fn line(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.id == id)
    }

    /// Whether the event is one of these.
    pub fn ship(&mut self, event: &Event, found: &mut Violations) -> bool {
        let value = &event.value;
        match event.name.as_str() {
            "shipments-due" | "shipments-backordered" => self.say_due(event, found),
            "sub-orders-planned" => self.plan(event, found),
            "sub-order-allocated" | "allocation-refused" => self.allocation(event, found),
            "sub-order-deallocated" => self.deallocated(value, found),
            "shipment-shipped" | "shipment-forwarded" => self.left(event, found),
            "forward-received" => self.forward_received(event, found),
            "shipments-delivered" => {
                for id in list(value, "shipments") {
                    let shipment = self.shipping.shipments.iter_mut().find(|shipment| *id == shipment.id.as_str());
                    let news = shipment.as_ref().is_some_and(|s| s.parent.is_none() && !s.delivered);
                    found.must(news, "one-decision-per-id", || format!("{id} is delivered: {value}"));
                    if let Some(shipment) = shipment {
                        (shipment.delivered, shipment.arrived_at) = (true, json!(event.time));
                    }
                }
                self.shipping.deliveries.push(value["effect"].clone());
                self.shipping.returns_until = Some(event.millis() + RETURNS_MS);
            }
            "return-requested" => self.return_requested(event, found),
            "return-received" => self.return_received(event, found),
            "return-window-closed" => {
                let due = self.shipping.returns_until;
                let over = due.is_some_and(|due| event.millis() >= due);
                found.must(over, "no-early-expiry", || format!("{}: returns end at {due:?}", self.id));
                let first = !self.shipping.closed && self.nothing_open();
                found.must(first, "one-decision-per-id", || format!("{}: {value}", self.id));
                self.shipping.closed = true;
            }
            _ => return false,
        }
        true
    }

    fn plan(&mut self, event: &Event, found: &mut Violations) {
        let (value, sub_orders) = (&event.value, list(&event.value, "subOrders"));
        let revision = self.shipping.revision;
        found.must(number(value, "revision") == revision, "plans-are-right", || {
            format!("{}: a plan of another revision than {revision}: {value}", self.id)
        });
        let wrong = plan::wrong(sub_orders, &value["inputs"]);
        found.must(wrong.is_none(), "plans-are-right", || {
            format!("{}: {}: {value}", self.id, wrong.unwrap_or_default())
        });
        if !self.shipping.is_allocating() {
            self.shipping.setback = false;
        }
        self.shipping.planned = true;
        (self.shipping.shown_due, self.shipping.shown_waiting) = (Vec::new(), false);
        for planned in sub_orders {
            let id = text(planned, "subOrderId").to_owned();
            let known = self.shipping.sub_order(&id).is_some();
            found.must(!known, "one-decision-per-id", || format!("{}: {id} is planned twice", self.id));
            let mut sub_order = SubOrder {
                id,
                parent: planned["parent"].as_str().map(str::to_owned),
                location: text(planned, "location").to_owned(),
                arrival_at: planned["arrivalAt"].clone(),
                parts: Vec::new(),
            };
            for (line, units) in self.units(list(planned, "lines"), found) {
                sub_order.part(line).planned += units;
                self.shipping.due[line] -= units;
                let due = self.shipping.due[line];
                found.must(due >= 0, "units-add-up", || format!("{}: more is planned than is due: {value}", self.id));
            }
            self.shipping.sub_orders.push(sub_order);
        }
    }

    fn allocation(&mut self, event: &Event, found: &mut Violations) {
        let (value, refused) = (&event.value, event.name == "allocation-refused");
        let named = self.units(list(value, "lines"), found);
        let items: Vec<_> = self.lines.iter().map(|line| line.item == text(value, "itemId")).collect();
        let Some(at) = self.shipping.sub_order(text(value, "subOrder")) else {
            found.must(false, "units-add-up", || format!("{}: no such sub-order: {value}", self.id));
            return;
        };
        let (mut asked, sub_order) = (Vec::new(), &mut self.shipping.sub_orders[at]);
        for part in sub_order.parts.iter_mut().filter(|part| part.planned > 0 && items[part.line]) {
            asked.push((part.line, part.planned));
            part.allocated += if refused { 0 } else { part.planned };
            part.planned = 0;
        }
        found.must(!asked.is_empty(), "one-decision-per-id", || format!("{}: nobody asked: {value}", self.id));
        found.must(!refused || asked == named, "units-add-up", || format!("{}: {asked:?} asked: {value}", self.id));
        let shipping = &mut self.shipping;
        shipping.setback |= refused;
        if !refused && !shipping.is_allocating() && !shipping.setback {
            shipping.refusals = 0;
        }
    }

    fn deallocated(&mut self, value: &Value, found: &mut Violations) {
        let named = self.units(list(value, "lines"), found);
        let first = self.shipping.deallocations.insert(deallocation(value));
        found.must(first, "one-decision-per-id", || format!("{}: told twice: {value}", self.id));
        self.shipping.setback |= !named.is_empty();
        let Some(at) = self.shipping.sub_order(text(value, "subOrder")) else {
            found.must(false, "units-add-up", || format!("{}: no such sub-order: {value}", self.id));
            return;
        };
        self.take_allocated(at, &named, value, found);
    }

    fn take_allocated(&mut self, at: usize, units: &[(usize, i64)], value: &Value, found: &mut Violations) {
        for (line, units) in units {
            let part = self.shipping.sub_orders[at].part(*line);
            part.allocated -= units;
            let fits = part.allocated >= 0;
            found.must(fits, "units-add-up", || format!("{}: more than is allocated: {value}", self.id));
        }
    }

    fn left(&mut self, event: &Event, found: &mut Violations) {
        let (value, forwarded) = (&event.value, event.name == "shipment-forwarded");
        let units = self.units(list(value, "lines"), found);
        let Some(at) = self.shipping.sub_order(text(value, "subOrder")) else {
            found.must(false, "units-add-up", || format!("{}: no such sub-order: {value}", self.id));
            return;
        };
        self.take_allocated(at, &units, value, found);
        units.iter().for_each(|(line, units)| self.shipping.sub_orders[at].part(*line).shipped += units);
        let sub_order = &self.shipping.sub_orders[at];
        let to = sub_order.parent.as_deref();
        let fits = to == value["parent"].as_str() && value["location"] == sub_order.location.as_str();
        found.must(fits, "orders-take-steps", || format!("{}: not from or to where it was planned: {value}", self.id));
        let id = text(&value["effect"], "id").to_owned();
        let known = self.shipping.shipments.iter().any(|shipment| shipment.id == id);
        found.must(!known, "one-decision-per-id", || format!("{}: {id} leaves twice", self.id));
        self.shipping.shipments.push(Shipment {
            id,
            digest: value["effect"]["digest"].clone(),
            sub_order: sub_order.id.clone(),
            location: sub_order.location.clone(),
            parent: value["parent"].as_str().map(str::to_owned),
            parts: units.iter().map(|(line, units)| (*line, *units, if forwarded { *units } else { 0 })).collect(),
            delivered: false,
            received: None,
            to_location: value["toLocation"].clone(),
            shipped_at: event.time.clone(),
            arrived_at: Value::Null,
        });
        if forwarded {
            return;
        }
        for (line, units) in units {
            let line = &mut self.lines[line];
            line.shipped += units;
            found.must(Self::open(line) >= 0, "conservation", || format!("more left than was ordered: {line:?}"));
        }
        self.shipping.returns_until = Some(event.millis() + RETURNS_MS);
    }

    fn forward_received(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let named = self.units(list(value, "lines"), found);
        let shipment = self.shipping.shipments.iter_mut().find(|shipment| value["shipment"] == shipment.id.as_str());
        let Some(shipment) = shipment.filter(|shipment| shipment.parent.is_some() && shipment.received.is_none())
        else {
            found.must(false, "one-decision-per-id", || format!("{}: it came before: {value}", self.id));
            return;
        };
        (shipment.received, shipment.arrived_at) = (Some(value["effect"].clone()), json!(event.time));
        let open: Vec<_> = shipment.parts.iter().filter(|part| part.2 > 0).map(|part| (part.0, part.2)).collect();
        found.must(open == named, "units-add-up", || format!("{}: {open:?} is still ordered: {value}", self.id));
        shipment.parts.iter_mut().for_each(|part| part.2 = 0);
        let parent = shipment.parent.clone().unwrap_or_default();
        if let Some(at) = self.shipping.sub_order(&parent) {
            open.into_iter().for_each(|(line, units)| self.shipping.sub_orders[at].part(line).allocated += units);
        }
    }

    fn return_requested(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let named = self.units(list(value, "lines"), found);
        let id = text(value, "returnId").to_owned();
        let known = self.shipping.returns.iter().any(|known| known.id == id) || self.shipping.closed;
        found.must(!known, "one-decision-per-id", || format!("{}: it was announced: {value}", self.id));
        for (line, units) in &named {
            let line = &mut self.lines[*line];
            line.requested += units;
            found.must(line.requested <= line.shipped, "returns-once", || format!("more than left: {line:?}"));
        }
        self.shipping.returns.push(Return {
            id,
            digest: value["effect"]["digest"].clone(),
            at: event.time.clone(),
            reason: value["reason"].clone(),
            metadata: value["metadata"].clone(),
            receipts: Vec::new(),
            parts: named.into_iter().map(|(line, units)| (line, units, 0)).collect(),
        });
    }

    fn return_received(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let named = self.units(list(value, "lines"), found);
        let twice = self.shipping.receipts.iter().any(|effect| effect["id"] == value["effect"]["id"]);
        found.must(!twice, "one-decision-per-id", || format!("{}: it came before: {value}", self.id));
        self.shipping.receipts.push(value["effect"].clone());
        let announced = self.shipping.returns.iter_mut().find(|known| value["returnId"] == known.id.as_str());
        let mut parts = announced.map(|announced| {
            announced.receipts.push(json!({
                "receiptId": value["effect"]["id"], "receivedAt": event.time, "location": value["location"],
                "condition": value["condition"], "lines": value["lines"],
            }));
            &mut announced.parts
        });
        for (line, units) in named {
            self.lines[line].returned += units;
            let part = parts.as_mut().and_then(|parts| parts.iter_mut().find(|part| part.0 == line));
            let fits = part.is_some_and(|part| {
                part.2 += units;
                part.2 <= part.1
            });
            let line = &self.lines[line];
            found
                .must(fits && line.returned <= line.shipped, "returns-once", || format!("{line:?} came back: {value}"));
        }
    }
}
