//! An item: its stock, reckoned from its events. S1 to S5 of the design.

mod allocations;
mod allotments;
mod decide;
mod fold;
mod holds;
mod ordered;
mod supply;
mod transfers;

pub use allotments::Allotment;
pub use supply::Statement;

use super::{Ask, Model, Shown, Verdict, Violations};
use crate::sim::checker::evidence::{Event, millis, number, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an order's or a free hold really lives longer than told, in milliseconds.
pub const GRACE_MS: i64 = 60_000;

#[derive(Debug, Default, Clone, Copy)]
pub struct Place {
    pub sellable: i64,
    pub damaged: i64,
    pub quality_control: i64,
    pub allocated: i64,
    pub incoming: i64,
    /// Ordered; inside of incoming.
    pub forwarded: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Active,
    Committed,
    Released,
    Expired,
}

/// A hold as its events tell it.
#[derive(Debug, Clone)]
pub struct Hold {
    pub id: Value,
    /// Of the drop's claim: the order that it is for.
    order: Value,
    pub phase: Phase,
    pub granted: i64,
    /// Ordered, and bound to no location.
    committed: i64,
    allocations: Vec<Allocation>,
    /// Shipments to other warehouses that have not arrived, oldest first.
    forwards: Vec<String>,
    /// Ordered units in them.
    forwarded: i64,
    pub shipped: i64,
    returned: i64,
    /// Its order takes no more returns.
    pub closed: bool,
    price: Value,
    expires_at: Value,
    digest: Value,
    reference: Value,
    metadata: Value,
    /// Available after the grant, which its view keeps.
    available: i64,
    /// The newest event of it.
    seq: u64,
}

/// Ordered units that are bound to a location, for a sub-order.
#[derive(Debug, Clone)]
struct Allocation {
    sub_order: String,
    location: String,
    /// Rises over all holds: the newest is given up first.
    number: i64,
    /// What the order asked for; zero where another warehouse sent all of it.
    asked: i64,
    units: i64,
}

/// Units on their way to another location.
#[derive(Debug, Clone)]
struct Transfer {
    to: String,
    units: i64,
    /// Units of them that are ordered.
    ordered: i64,
    /// Of a forwarded shipment: the sub-order that it left, and the one that it goes to.
    sub_orders: Option<(String, String)>,
}

/// What a command that took effect was told.
#[derive(Debug, Clone)]
struct Done {
    digest: Value,
    quantity: i64,
    reply: Value,
}

/// An item as its events tell it.
#[derive(Debug, Default)]
pub struct Item {
    pub id: String,
    catalog: Option<Value>,
    price: Option<Value>,
    listed: bool,
    version: i64,
    sources: BTreeMap<String, i64>,
    places: BTreeMap<String, Place>,
    held: i64,
    committed: i64,
    safety: i64,
    /// Lent to drops, by allotment; and those that were given up before they were asked for.
    pub allotments: BTreeMap<String, Allotment>,
    voided: Vec<Value>,
    pub holds: BTreeMap<String, Hold>,
    /// Allocations so far.
    numbers: i64,
    transfers: BTreeMap<String, Transfer>,
    effects: BTreeMap<String, Done>,
    /// The command that last told of an arrival, and of which.
    arrived: (String, String),
    /// What came in, less what left.
    moved: i64,
    /// The shortfall that is on record.
    shortfall: i64,
    supplied: supply::Supplied,
    /// The newest event, the newest of stock, and the newest of the catalog.
    newest: Option<(u64, String, String)>,
    stocked: Option<(String, String)>,
    changed_at: String,
    /// Available before the first event of the last decision.
    before: (String, i64),
}

/// The text under which a hold is kept.
pub fn hold_key(hold: &Value) -> String {
    let part = |name: &str| hold[name].to_string();
    match text(hold, "kind") {
        "order" => format!("order/{}/{}/{}", part("order"), part("attempt"), part("item")),
        "drop" => format!("drop/{}/{}", part("drop"), part("claim")),
        kind => format!("{kind}/{}/{}", part("caller"), part("id")),
    }
}

impl Item {
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    pub fn is_digital(&self) -> bool {
        self.catalog.as_ref().is_some_and(|catalog| text(catalog, "kind") == "digital")
    }

    pub fn available(&self) -> i64 {
        let sellable: i64 = self.places.values().map(|place| place.sellable).sum();
        sellable - self.allocated() - self.committed - self.held - self.allotted() - self.safety
    }

    fn allocated(&self) -> i64 {
        self.places.values().map(|place| place.allocated).sum()
    }

    fn on_hand(&self) -> i64 {
        self.places.values().map(Place::on_hand).sum()
    }

    fn counted(&self, units: i64) -> i64 {
        if self.is_digital() { 0 } else { units }
    }

    fn place(&self, location: &str) -> Place {
        self.places.get(location).copied().unwrap_or_default()
    }

    /// What an item says to the hold of an order: `granted` or `refused`.
    pub fn answer_order(&self, place: &Value) -> Value {
        let kind = if self.is_digital() { "digital" } else { "physical" };
        let file = self.catalog.as_ref().map(|catalog| &catalog["file"]).filter(|file| !file.is_null());
        let store = self.catalog.as_ref().map(|catalog| &catalog["store"]).filter(|store| !store.is_null());
        let granted = |price: &Value| {
            let mut granted = json!({"outcome": "granted", "unitPrice": price, "kind": kind});
            file.into_iter().for_each(|file| granted["file"] = file.clone());
            store.into_iter().for_each(|store| granted["store"] = store.clone());
            granted
        };
        let refused = |refusal: Value| json!({"outcome": "refused", "refusal": refusal});
        match self.holds.get(&hold_key(&place["hold"])) {
            Some(hold) if matches!(hold.phase, Phase::Active | Phase::Committed) => return granted(&hold.price),
            Some(_) => return refused(json!({"reason": "released"})),
            None => {}
        }
        match self.check_hold(place) {
            Ok(price) => granted(&price),
            Err(refusal) => refused(match text(&refusal, "code") {
                "price_changed" => json!({"reason": "price_changed", "price": refusal["price"]}),
                "insufficient_stock" => json!({
                    "reason": "insufficient_stock", "asked": refusal["asked"], "available": refusal["available"],
                }),
                _ => json!({"reason": "item_unavailable"}),
            }),
        }
    }

    /// The price at which a hold that does not exist yet is granted, or why not.
    fn check_hold(&self, c: &Value) -> Result<Value, Value> {
        let code = |code: &str| json!({"code": code});
        let (Some(catalog), Some(price)) = (&self.catalog, &self.price) else { return Err(code("item_not_found")) };
        if !c["onlyStore"].is_null() && catalog["store"] != c["onlyStore"] {
            return Err(code("item_of_another_store"));
        }
        if !self.listed {
            return Err(code("item_not_listed"));
        }
        if !c["expectedPrice"].is_null() && c["expectedPrice"] != *price {
            return Err(json!({"code": "price_changed", "price": price}));
        }
        let (asked, available) = (number(c, "quantity"), self.available().max(0));
        if self.counted(asked) > available {
            return Err(json!({"code": "insufficient_stock", "asked": asked, "available": available}));
        }
        Ok(price.clone())
    }

    /// Units of orders that have not left.
    pub fn committed_to_orders(&self) -> i64 {
        self.holds.values().filter(|hold| hold.of_order().is_some()).map(Hold::open).sum()
    }

    /// Allocated units by order and sub-order.
    pub fn allocated_to_orders(&self) -> BTreeMap<(String, String), i64> {
        let mut allocated = BTreeMap::new();
        for (hold, order) in self.holds.values().filter_map(|hold| Some((hold, hold.of_order()?))) {
            for allocation in hold.allocations.iter().filter(|allocation| allocation.units > 0) {
                let key = (order.to_owned(), allocation.sub_order.clone());
                *allocated.entry(key).or_default() += allocation.units;
            }
        }
        allocated
    }

    /// Units that came back of an order.
    pub fn returned_of(&self, order: &str) -> i64 {
        self.holds.values().filter(|hold| hold.of_order() == Some(order)).map(|hold| hold.returned).sum()
    }

    /// By location: sellable units that no sub-order has.
    pub fn offers(&self) -> impl Iterator<Item = (&str, i64)> {
        self.places.iter().map(|(at, place)| (at.as_str(), place.unallocated()))
    }

    fn item_row(&self, newest: &(u64, String, String)) -> Value {
        let mut row = Map::new();
        row.insert("itemId".to_owned(), json!(self.id));
        row.insert("seq".to_owned(), json!(newest.0));
        row.extend(self.catalog.as_ref().map(|catalog| ("catalog".to_owned(), catalog.clone())));
        row.extend(self.price.as_ref().map(|price| ("price".to_owned(), price.clone())));
        row.insert("listed".to_owned(), json!(self.listed));
        row.insert("catalogVersion".to_owned(), json!(self.version));
        row.insert("changedAt".to_owned(), json!(self.changed_at));
        // Stock has no number in this row before an event told one.
        row.insert("available".to_owned(), json!(if self.stocked.is_some() { self.available() } else { 0 }));
        Value::Object(row)
    }

    fn stock_row(&self, position: &str, time: &str) -> Value {
        let places: Map<_, _> = self.places.iter().map(|(at, place)| (at.clone(), place.levels(at))).collect();
        json!({
            "itemId": self.id, "position": position, "time": time, "levels": self.levels(), "locations": places,
        })
    }

    /// The levels of the whole item, as an event tells them.
    fn levels(&self) -> Value {
        json!({
            "available": self.available(), "onHand": self.on_hand(), "held": self.held,
            "committed": self.committed, "allotted": self.allotted(), "safety": self.safety,
        })
    }
}

impl Place {
    /// As an event tells it.
    fn levels(self, location: &str) -> Value {
        let mut levels = json!({
            "location": location, "sellable": self.sellable, "damaged": self.damaged,
            "qualityControl": self.quality_control, "allocated": self.allocated, "incoming": self.incoming,
        });
        if self.forwarded > 0 {
            levels["forwarded"] = json!(self.forwarded);
        }
        levels
    }

    /// Sellable units that no sub-order has.
    pub fn unallocated(&self) -> i64 {
        (self.sellable - self.allocated).max(0)
    }

    fn on_hand(&self) -> i64 {
        self.sellable + self.damaged + self.quality_control
    }

    fn bucket(&mut self, name: &str) -> &mut i64 {
        match name {
            "damaged" => &mut self.damaged,
            "quality_control" => &mut self.quality_control,
            _ => &mut self.sellable,
        }
    }
}

impl Model for Item {
    fn decide(&self, ask: Ask<'_>, now: i64) -> Verdict {
        self.verdict(ask, now).unwrap_or_else(Verdict::refused)
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        self.fold(event, found);
    }

    fn late(&self, asked: &Value) -> Vec<Value> {
        if text(asked, "op") == "supply" { vec![json!({"code": "time_in_future"})] } else { Vec::new() }
    }

    fn settled(&self, found: &mut Violations) {
        let short = self.available();
        found.must(short >= 0 || self.shortfall >= -short, "shortfall-on-record", || {
            format!("{}: available is {short}, and {} is on record as missing", self.id, self.shortfall)
        });
        self.is_supplied(found);
    }

    fn rested(&self, found: &mut Violations) {
        let ours = |transfer: &&Transfer| transfer.ordered > 0;
        let lost = self.transfers.values().find(ours);
        found.must(lost.is_none(), "every-hold-ends", || format!("{}: {lost:?} never arrives", self.id));
        found.must(self.held == 0, "every-hold-ends", || format!("{}: {} units are held for ever", self.id, self.held));
        for (id, hold) in &self.holds {
            found.must(hold.phase != Phase::Active, "every-hold-ends", || format!("{}: {id} is active", self.id));
        }
    }

    fn rows(&self) -> Vec<Shown> {
        let Some(newest) = &self.newest else { return Vec::new() };
        let mut rows = vec![("item_v1", self.id.clone(), self.item_row(newest))];
        if let Some((position, time)) = &self.stocked {
            rows.push(("stock_v1", self.id.clone(), self.stock_row(position, time)));
        }
        let free = self.holds.values().filter(|hold| text(&hold.id, "kind") == "free");
        rows.extend(free.map(|hold| {
            let key = format!("{}/{}/{}", self.id, text(&hold.id, "caller"), text(&hold.id, "id"));
            ("hold_v1", key, hold.row())
        }));
        rows
    }

    fn as_item(&self) -> Option<&Item> {
        Some(self)
    }
}

/// When a hold that was told this deadline really ends.
pub fn ends_for_good(expires_at: &Value) -> Option<i64> {
    expires_at.as_str().map(|time| millis(time) + GRACE_MS)
}
