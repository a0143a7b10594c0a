//! The fold of an item, and what no event of it may do.

use super::{Done, Hold, Item, Phase, Place, ends_for_good, hold_key};
use crate::sim::{
    checker::evidence::{Event, number, text},
    invariants::views::places,
    model::Violations,
};
use serde_json::{Value, json};

impl Item {
    pub fn fold(&mut self, event: &Event, found: &mut Violations) {
        if self.before.0 != event.causation {
            self.before = (event.causation.clone(), self.available());
        }
        if self.newest.is_none() {
            self.changed_at.clone_from(&event.time);
        }
        self.newest = Some((event.seq, event.position(), event.time.clone()));
        self.apply(event, found);
        self.keep(event, found);
        if !event.value["stock"].is_null() {
            self.stocked = Some((event.position(), event.time.clone()));
            self.compare(event, found);
        }
        if self.available() >= 0 {
            self.shortfall = 0;
        }
        self.remember(event, found);
        if event.name == "stock-counted" && !event.value["shipmentOf"].is_null() {
            // A count before it was wrong: what it took off the record is there, and leaves now.
            self.before.1 += number(&event.value, "delta");
        }
        if event.name == "stock-shipped" {
            // With all events of its command: what left was not to be sold before, and is not now.
            let (now, before) = (self.available(), self.before.1);
            found.must(now <= before, "never-oversold", || {
                format!("{}: a shipment raised available from {before} to {now}: {}", self.id, event.value)
            });
        }
    }

    fn apply(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let units = |name| number(value, name);
        match event.name.as_str() {
            "item-listed" | "price-changed" | "item-delisted" => self.of_catalog(event, found),
            "stock-received" => {
                self.at(&value["place"]).sellable += units("quantity");
                self.moved += units("quantity");
            }
            "stock-counted" => {
                self.at(&value["place"]).sellable += units("delta");
                self.moved += units("delta");
            }
            "stock-moved" => {
                let place = self.at(&value["place"]);
                *place.bucket(text(value, "from")) -= units("quantity");
                *place.bucket(text(value, "to")) += units("quantity");
            }
            "stock-shipped" => self.leave(event, found),
            "hold-granted" => self.grant(event, found),
            "hold-committed" | "hold-released" | "hold-expired" => self.of_a_hold(event, found),
            "units-uncommitted" => {
                let units = self.give_up(&value["hold"], value, event, found);
                self.lend_again(event, units, found);
            }
            "units-allocated" | "units-deallocated" => self.bind(event, found),
            "stock-dispatched" | "transfer-received" | "transfer-lost" => self.on_the_way(event, found),
            "stock-restocked" => self.come_back(event, found),
            "hold-closed" => self.close(event, found),
            "units-allotted" | "allotment-returned" | "allotted-committed" => self.lend(event, found),
            "allotment-voided" => self.void(event, found),
            "supply-recorded" => {}
            "safety-set" => self.safety = units("quantity"),
            "shortfall-detected" => {
                self.shortfall = units("missing");
                found.must(self.shortfall == -self.available(), "shortfall-on-record", || {
                    format!("{}: {} is missing, and the log says {value}", self.id, -self.available())
                });
            }
            other => found.must(false, "known-events", || format!("{}: the model knows no `{other}`", self.id)),
        }
    }

    pub fn at(&mut self, place: &Value) -> &mut Place {
        self.places.entry(text(place, "location").to_owned()).or_default()
    }

    fn of_catalog(&mut self, event: &Event, found: &mut Violations) {
        let (value, version) = (&event.value, number(&event.value, "catalogVersion"));
        found.must(version == self.version || version == self.version + 1, "versions-are-dense", || {
            format!("{}: version {version} follows {}", self.id, self.version)
        });
        self.version = version;
        self.changed_at.clone_from(&event.time);
        match event.name.as_str() {
            "item-listed" => {
                let kind = self.catalog.as_ref().map(|catalog| catalog["kind"].clone());
                found.must(kind.is_none_or(|kind| kind == value["catalog"]["kind"]), "kind-immutable", || {
                    format!("{}: its kind changed: {value}", self.id)
                });
                (self.catalog, self.listed) = (Some(value["catalog"].clone()), true);
            }
            "price-changed" => self.price = Some(value["price"].clone()),
            _ => self.listed = false,
        }
        let source = &value["source"];
        if !source.is_null() {
            let newer = self.sources.insert(text(source, "source").to_owned(), number(source, "version"));
            found.must(newer.is_none_or(|known| known < number(source, "version")), "sources-rise", || {
                format!("{}: an older version of a source applied: {value}", self.id)
            });
        }
    }

    fn grant(&mut self, event: &Event, found: &mut Violations) {
        let (value, quantity) = (&event.value, number(&event.value, "quantity"));
        let metadata = if value["metadata"].is_null() { json!({}) } else { value["metadata"].clone() };
        let hold = Hold {
            id: value["hold"].clone(),
            granted: quantity,
            price: value["unitPrice"].clone(),
            expires_at: value["expiresAt"].clone(),
            digest: value["effect"]["digest"].clone(),
            reference: value["reference"].clone(),
            metadata,
            available: number(&value["stock"], "available"),
            ..Hold::tombstone(value, event.seq)
        };
        let before = self.holds.insert(hold_key(&value["hold"]), hold);
        found.must(before.is_none(), "one-decision-per-id", || {
            format!("{}: granted twice, or after its release: {value}", self.id)
        });
        found.must(self.listed, "never-oversold", || format!("{}: granted out of sale: {value}", self.id));
        let (counted, available) = (self.counted(quantity), self.available());
        found.must(counted == 0 || available >= counted, "never-oversold", || {
            format!("{}: {quantity} granted of {available}: {value}", self.id)
        });
        self.held += counted;
    }

    fn of_a_hold(&mut self, event: &Event, found: &mut Violations) {
        let (value, id) = (&event.value, self.id.clone());
        let units = |name| number(value, name);
        let counts = i64::from(!self.is_digital());
        let wrong = |hold: &Hold| format!("{id}: {} does not fit {hold:?}: {value}", event.name);
        let key = hold_key(&value["hold"]);
        if event.name == "hold-released" && !self.holds.contains_key(&key) {
            self.holds.insert(key.clone(), Hold::tombstone(value, event.seq));
        }
        let Some(hold) = self.holds.get_mut(&key) else {
            found.must(false, "conservation", || format!("{id}: {} of what was never held: {value}", event.name));
            return;
        };
        let active = hold.phase == Phase::Active;
        hold.seq = event.seq;
        let (held, committed) = match event.name.as_str() {
            "hold-committed" => {
                found.must(active && hold.granted == units("quantity"), "conservation", || wrong(hold));
                (hold.phase, hold.committed) = (Phase::Committed, hold.granted);
                (-hold.granted, hold.granted)
            }
            "hold-released" => {
                let whole = if active { (hold.granted, 0) } else { (0, hold.open()) };
                let over = matches!(hold.phase, Phase::Released | Phase::Expired);
                found.must(!over && (units("held"), units("committed")) == whole, "conservation", || wrong(hold));
                (hold.phase, hold.committed) = (Phase::Released, 0);
                (-units("held"), -units("committed"))
            }
            _ => {
                found.must(active && hold.granted == units("quantity"), "conservation", || wrong(hold));
                let due = ends_for_good(&hold.expires_at);
                found.must(due.is_some_and(|due| event.millis() >= due), "no-early-expiry", || wrong(hold));
                hold.phase = Phase::Expired;
                (-hold.granted, 0)
            }
        };
        self.held += held * counts;
        self.committed += committed * counts;
    }

    /// The levels in the event are those that follow from all events.
    fn compare(&self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let ours = self.levels();
        found.must(value["stock"] == ours, "conservation", || format!("{}: {ours} and not {value}", self.id));
        for name in ["onHand", "held", "committed", "allotted", "safety"] {
            found.must(number(&ours, name) >= 0, "never-negative", || format!("{}: {name} in {ours}", self.id));
        }
        for told in places(value) {
            let place = self.place(text(told, "location"));
            let buckets = [place.sellable, place.damaged, place.quality_control, place.allocated, place.incoming];
            let all = buckets.iter().all(|units| *units >= 0);
            found.must(all, "never-negative", || format!("{}: {place:?}", self.id));
            let ours = place.levels(text(told, "location"));
            found.must(*told == ours, "conservation", || format!("{}: {ours} and not {told}", self.id));
        }
        let counted = |hold: &Hold| if hold.phase == Phase::Active { hold.granted } else { 0 };
        let active: i64 = self.holds.values().map(counted).sum();
        let ordered: i64 = self.holds.values().map(Hold::open).sum();
        let forwarded: i64 = self.places.values().map(|place| place.forwarded).sum();
        let ours = (self.held, self.committed + self.allocated() + forwarded);
        found.must(self.is_digital() || ours == (active, ordered), "conservation", || {
            format!("S3: {}: {active} held and {ordered} ordered by the holds: {value}", self.id)
        });
        let incoming: i64 = self.places.values().map(|place| place.incoming).sum();
        let sent: i64 = self.transfers.values().map(|transfer| transfer.units).sum();
        found.must(incoming == sent, "conservation", || format!("{}: {sent} were sent: {value}", self.id));
        found.must(self.on_hand() == self.moved, "conservation", || format!("S4: {}: {value}", self.id));
    }

    /// Each effect changes the item once.
    fn remember(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        if value["effect"].is_null() || event.name == "hold-granted" {
            return;
        }
        let id = &value["effect"]["id"];
        let catalog =
            |version: i64| json!({"kind": "catalog", "created": false, "catalogVersion": version, "stale": false});
        let levels = json!({
            "kind": "stock", "available": value["stock"]["available"], "onHand": value["stock"]["onHand"],
        });
        let quantity = number(value, "quantity");
        let hold = hold_key(&value["hold"]);
        let (key, quantity, reply) = match event.name.as_str() {
            "item-listed" => (format!("patch/{id}"), 0, catalog(self.version)),
            "supply-recorded" => (format!("supply/{id}"), 0, Value::Null),
            // It is of a statement, and that is what is remembered.
            "stock-received" | "stock-counted" if !value["feed"].is_null() => return,
            "stock-received" => (format!("receive/{id}"), quantity, levels),
            "stock-counted" if !value["shipmentOf"].is_null() => return,
            "stock-counted" => (format!("count/{id}"), number(&value["place"], "sellable"), levels),
            "stock-dispatched" if !value["forward"].is_null() => return,
            "stock-moved" | "stock-dispatched" => (format!("move/{id}"), quantity, levels),
            "transfer-received" | "transfer-lost" => {
                let key =
                    format!("receive_transfer/{}/{id}", super::transfers::key(&value["hold"], &value["transfer"]));
                // One command may tell of both: what arrived is its quantity, and the last numbers are its answer.
                let quantity = self.effects.get(&key).map_or(quantity, |arrived| arrived.quantity);
                if event.name == "transfer-lost" && self.arrived == (event.causation.clone(), key.clone()) {
                    self.effects.remove(&key);
                }
                self.arrived = (event.causation.clone(), key.clone());
                (key, quantity, levels)
            }
            "stock-restocked" => (format!("restock/{hold}/{id}"), quantity, Value::Null),
            "allotment-returned" => (format!("return/{id}"), quantity, Value::Null),
            _ => (format!("ship/{hold}/{id}"), quantity, Value::Null),
        };
        let done = Done { digest: value["effect"]["digest"].clone(), quantity, reply };
        let before = self.effects.insert(key, done);
        found.must(before.is_none(), "one-decision-per-id", || {
            format!("{}: {} took effect twice: {value}", self.id, event.name)
        });
    }

    /// Whether an effect of that kind (`receive`, `count`, …) is in the log.
    pub fn has_effect(&self, kind: &str, id: &Value) -> bool {
        self.effects.contains_key(&format!("{kind}/{id}"))
    }
}

impl Hold {
    /// The order that it is for, if it is one's.
    pub fn of_order(&self) -> Option<&str> {
        match text(&self.id, "kind") {
            "order" => self.id["order"].as_str(),
            _ => self.order.as_str(),
        }
    }

    /// All that is ordered has left, and some of it is with the buyer.
    pub fn is_with_the_buyer(&self) -> bool {
        self.phase == Phase::Committed && self.open() == 0 && self.shipped > self.returned
    }

    /// What its order has cancelled by way of a drop may come after it was closed.
    pub fn may_close(&self) -> bool {
        let waits = text(&self.id, "kind") == "drop" && self.phase == Phase::Committed && self.open() > 0;
        (waits || self.is_with_the_buyer()) && !self.closed
    }

    /// Ordered and not gone.
    pub fn open(&self) -> i64 {
        self.committed + self.forwarded + self.allocations.iter().map(|allocation| allocation.units).sum::<i64>()
    }

    /// Given back before it was placed.
    pub fn tombstone(value: &Value, seq: u64) -> Self {
        Self {
            id: value["hold"].clone(),
            order: value["orderId"].clone(),
            phase: Phase::Active,
            granted: 0,
            committed: 0,
            allocations: Vec::new(),
            forwards: Vec::new(),
            forwarded: 0,
            shipped: 0,
            returned: 0,
            closed: false,
            price: Value::Null,
            expires_at: Value::Null,
            digest: Value::Null,
            reference: Value::Null,
            metadata: Value::Null,
            available: 0,
            seq,
        }
    }
}
