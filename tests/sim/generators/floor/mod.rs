//! The floor: the planner and the people of the warehouses. They read the log, and do what it asks for: plan, ship, forward,
//! receive, deliver, take back; late, twice, from what was so a while ago, and now and then what nobody asked for.

mod acts;

pub use acts::{ask, finish, late_returns, plans};

use crate::sim::{
    checker::evidence::{Event, ITEMS, ORDERS, WAREHOUSES, list, text},
    random::Random,
};
use schemas::{
    Caller, ItemId, LocationId, OrderId,
    order::{Offer, Origin, PlanInputs},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is sellable and not allocated, by item and location.
type Stock = BTreeMap<(String, String), u64>;

/// What the floor knows of a confirmed order.
#[derive(Debug, Clone, Default)]
struct Known {
    owner: Value,
    lines: Vec<String>,
    revision: u32,
    due: Vec<Value>,
    waits: bool,
    /// Id, location, parent.
    sub_orders: Vec<(String, String, Option<String>)>,
    /// Sub-orders that an item has allocated something for.
    allocated: Vec<String>,
    /// Id, where it left, where it goes to be shipped on.
    shipments: Vec<(String, String, Option<String>)>,
    /// Forwarded and not received, shipped and not delivered.
    on_the_way: Vec<String>,
    returns: Vec<String>,
}

/// What the floor has read of the log.
#[derive(Debug, Default)]
pub struct Floor {
    read: usize,
    orders: BTreeMap<String, Known>,
    stock: Stock,
    /// As it was some time ago.
    old: Stock,
    /// Allocated units.
    bound: Stock,
    available: BTreeMap<String, u64>,
    /// Checkouts that have all in hand and are not confirmed, and whose they are.
    waiting: BTreeMap<String, Value>,
    /// Priority, by location.
    warehouses: BTreeMap<String, u32>,
}

impl Floor {
    /// Reads on.
    pub fn read(&mut self, events: &[Event], random: &mut Random) {
        for event in &events[self.read..] {
            match event.topic.as_str() {
                ITEMS => self.take_stock(event),
                ORDERS => self.take_order(event),
                WAREHOUSES => {
                    let priority = event.value["facts"]["priority"].as_u64().and_then(|n| u32::try_from(n).ok());
                    self.warehouses.extend(priority.map(|priority| (event.subject.clone(), priority)));
                }
                _ => {}
            }
        }
        if self.read < events.len() && random.chance(15) {
            self.old.clone_from(&self.stock);
        }
        self.read = events.len();
    }

    /// What the view says is available of an item.
    pub fn available(&self, item: &ItemId) -> Option<u64> {
        self.available.get(item.as_str()).copied()
    }

    /// A checkout that could be bought now, and whose it is.
    pub fn waiting(&self, random: &mut Random) -> Option<(OrderId, Caller)> {
        let all: Vec<_> = self.waiting.iter().collect();
        let (order, owner) = random.pick(&all)?;
        Some((parse_order(order), serde_json::from_value((*owner).clone()).ok()?))
    }

    fn take_stock(&mut self, event: &Event) {
        for place in crate::sim::invariants::views::places(&event.value) {
            let units = |name: &str| place[name].as_u64().unwrap_or(0);
            let free = units("sellable").saturating_sub(units("allocated"));
            let at = (event.subject.clone(), text(place, "location").to_owned());
            self.bound.insert(at.clone(), units("allocated"));
            self.stock.insert(at, free);
        }
        if let Some(available) = event.value["stock"]["available"].as_i64() {
            self.available.insert(event.subject.clone(), u64::try_from(available).unwrap_or(0));
        }
    }

    fn take_order(&mut self, event: &Event) {
        let value = &event.value;
        let known = self.orders.entry(event.subject.clone()).or_default();
        let id = || text(&value["effect"], "id").to_owned();
        match event.name.as_str() {
            "holds-granted" => _ = self.waiting.insert(event.subject.clone(), known.owner.clone()),
            "order-confirmed" | "order-expired" | "order-cancelled" => _ = self.waiting.remove(&event.subject),
            "order-placed" => {
                known.owner = value["owner"]["placedBy"].clone();
                known.lines = list(value, "lines").iter().map(|line| text(line, "lineId").to_owned()).collect();
            }
            "shipments-due" | "shipments-backordered" => {
                known.revision = value["revision"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
                known.due = list(value, "lines").to_vec();
                known.waits = event.name == "shipments-backordered";
            }
            "sub-orders-planned" => {
                known.due.clear();
                let part = |part: &Value| {
                    let parent = part["parent"].as_str().map(str::to_owned);
                    (text(part, "subOrderId").to_owned(), text(part, "location").to_owned(), parent)
                };
                known.sub_orders.extend(list(value, "subOrders").iter().map(part));
            }
            "sub-order-allocated" => known.allocated.push(text(value, "subOrder").to_owned()),
            "shipment-shipped" | "shipment-forwarded" => {
                let to = value["toLocation"].as_str().map(str::to_owned);
                known.shipments.push((id(), text(value, "location").to_owned(), to));
                known.on_the_way.push(id());
            }
            "forward-received" => {
                known.on_the_way.retain(|shipment| value["shipment"] != shipment.as_str());
                let to = known.shipments.iter().find(|(id, ..)| value["shipment"] == id.as_str());
                let to = to.and_then(|(_, _, to)| to.clone());
                let hub = known
                    .sub_orders
                    .iter()
                    .find(|(_, location, parent)| parent.is_none() && Some(location) == to.as_ref());
                known.allocated.extend(hub.map(|(id, ..)| id.clone()));
            }
            "shipments-delivered" => {
                let came = list(value, "shipments");
                known.on_the_way.retain(|shipment| !came.iter().any(|came| came == shipment.as_str()));
            }
            "return-requested" => known.returns.push(text(value, "returnId").to_owned()),
            _ => {}
        }
    }

    /// Orders that want a plan: those with something to plan, or that wait for stock that is there.
    pub fn wanting(&self) -> Vec<OrderId> {
        let there =
            |line: &Value| self.stock.iter().any(|((item, _), units)| *units > 0 && line["itemId"] == item.as_str());
        let wants = |known: &Known| !known.due.is_empty() && (!known.waits || known.due.iter().any(there));
        self.orders.iter().filter(|(_, known)| wants(known)).map(|(id, _)| parse_order(id)).collect()
    }

    /// Every sub-order that may ship was asked to.
    fn forget_allocated(&mut self) {
        self.orders.values_mut().for_each(|known| known.allocated.clear());
    }

    fn inputs(&self, due: &[Value], stock: &Stock, consolidate: bool) -> PlanInputs {
        let lines = due.iter().map(|line| serde_json::from_value(line.clone()).expect("a line of the log"));
        let wanted = |item: &str| due.iter().any(|line| line["itemId"] == item);
        let offers: Vec<_> = stock.iter().filter(|((item, _), units)| **units > 0 && wanted(item)).collect();
        let mut locations: Vec<&String> = offers.iter().map(|((_, location), _)| location).collect();
        locations.sort();
        locations.dedup();
        let offer = |((item, location), units): (&(String, String), &u64)| Offer {
            item_id: ItemId::parse(item).expect("an id of the log"),
            location: parse_location(location),
            units: *units,
        };
        let origin = |location: &String| {
            let priority = self.warehouses.get(location).copied();
            let distance_km = priority.map(|_| 100 * u32::try_from(location.len() % 2).expect("a bit"));
            Origin { location: parse_location(location), priority, distance_km, same_country: priority.map(|_| true) }
        };
        PlanInputs {
            lines: lines.collect(),
            offers: offers.into_iter().map(offer).collect(),
            origins: locations.into_iter().map(origin).collect(),
            consolidate,
        }
    }
}

fn parse_order(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id of the log")
}

fn parse_location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id of the log")
}
