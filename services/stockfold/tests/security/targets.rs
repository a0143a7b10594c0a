//! Things that exist, each of somebody, and the ids of others that do not.

use super::{
    asks::{ask, facts, payment},
    engine::{Ask, Engine, signed, token},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// What a request names.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub item: String,
    pub hold: String,
    pub order: String,
    /// A shipment or a return of the order, or a transfer of the item.
    pub parcel: String,
    /// A drop of the item.
    pub drop: String,
    /// Alice's ticket of its waiting room.
    pub ticket: String,
    /// The position of the newest event of it.
    pub position: String,
}

/// What is made for a request to be about. Items are of the store `acme`, free holds of the service `erp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but the item.
    Item,
    /// The store `acme`, and an item of it.
    Store,
    /// The warehouse `main`, and an item there.
    Warehouse,
    /// Units of the item on their way from `main` to `north`.
    Transfer,
    /// A free hold.
    Hold,
    /// A free hold that is committed.
    CommittedHold,
    /// An order of the shopper `alice`, not paid.
    Order,
    /// The same, paid.
    PaidOrder,
    /// The same, confirmed.
    ConfirmedOrder,
    /// The same, allocated at `main`.
    AllocatedOrder,
    /// The same, shipped.
    ShippedOrder,
    /// The same, of which a unit is announced to come back.
    ReturnedOrder,
    /// An order that the store `acme` placed for the shopper `carol`, not paid.
    StoreOrder,
    /// The same, paid.
    PaidStoreOrder,
    /// A drop of the store `acme` that has not begun.
    Drop,
    /// The same with an open waiting room, in which `alice` has a place.
    QueueingDrop,
    /// A drop whose units can be claimed.
    LiveDrop,
}

/// A number that nobody else in this process has.
pub fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A token of a member of a store's staff.
pub fn staff(sub: &str, store: &str) -> String {
    let mut claims = super::engine::claims("store", sub);
    claims["store"] = json!(store);
    signed(&claims)
}

/// The time so many days from now, by the clock on the wall: that of the engine stands where it started, today.
pub fn days(days: i64) -> String {
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time of this era");
    schemas::Timestamp::from_millis((now + days * 86_400) * 1_000).to_string()
}

/// Makes targets.
pub struct Maker {
    engine: Arc<Engine>,
    /// An item with stock, for what needs no item of its own.
    item: String,
}

impl Maker {
    pub fn new(engine: &Arc<Engine>) -> Self {
        let mut maker = Self { engine: Arc::clone(engine), item: String::new() };
        maker.item = maker.item().item;
        maker
    }

    fn post(&self, token: &str, path: &str, body: &Value) -> super::answer::Answer {
        let key = format!("make-{:08}", number());
        self.engine.done(&Ask::new("POST", path).by(token).header("idempotency-key", key).json(body))
    }

    /// An item of the store `acme` with 1,000 units at `main`.
    fn item(&self) -> Target {
        let (item, ann) = (format!("tea-{:08}", number()), staff("ann", "acme"));
        self.engine.done(&Ask::new("PUT", format!("/v1/items/{item}")).by(&ann).json(&facts()));
        let receipt = json!({"receiptId": "opening", "location": "main", "quantity": 1_000, "document": "stock"});
        let received = self.post(&ann, &format!("/v1/items/{item}/receipts"), &receipt);
        Target { item, position: received.header("stockfold-position").to_owned(), ..Target::default() }
    }

    fn store(&self) -> Target {
        let mut target = self.item();
        let put = ask("PUT /v1/stores/{storeId}", &target, number()).by(&staff("ann", "acme"));
        target.position = self.engine.done(&put).header("stockfold-position").to_owned();
        target
    }

    fn warehouse(&self) -> Target {
        let mut target = self.item();
        let put = ask("PUT /v1/warehouses/{location}", &target, number()).by(&token("operator", "operator"));
        target.position = self.engine.done(&put).header("stockfold-position").to_owned();
        target
    }

    fn transfer(&self) -> Target {
        let (mut target, operator) = (self.item(), token("operator", "operator"));
        target.parcel = format!("move-{:08}", number());
        let body = json!({"moveId": target.parcel, "location": "main", "toLocation": "north", "quantity": 2,
            "reason": "nearer", "reference": "note"});
        let sent = self.post(&operator, &format!("/v1/items/{}/moves", target.item), &body);
        target.position = sent.header("stockfold-position").to_owned();
        target
    }

    fn hold(&self, committed: bool) -> Target {
        let (mut target, erp) = (self.item(), token("service", "erp"));
        target.hold = format!("hold-{:08}", number());
        let holds = format!("/v1/items/{}/holds", target.item);
        let body = json!({"holdId": target.hold, "quantity": 2, "expiresInSeconds": 600});
        let mut last = self.post(&erp, &holds, &body);
        if committed {
            last = self.post(&erp, &format!("{holds}/{}/commit", target.hold), &json!({}));
        }
        target.position = last.header("stockfold-position").to_owned();
        target
    }

    /// Pays and submits an order as far as it is asked for.
    fn order(&self, token: &str, begun: super::answer::Answer, paid: bool, submitted: bool) -> Target {
        let order = begun.body["orderId"].as_str().expect("an order").to_owned();
        let mut last = begun;
        if paid {
            last = self.post(token, &format!("/v1/orders/{order}/payments"), &payment());
        }
        if submitted {
            last = self.post(token, &format!("/v1/orders/{order}/submit"), &json!({}));
        }
        let position = last.header("stockfold-position").to_owned();
        Target { item: self.item.clone(), order, position, ..Target::default() }
    }

    fn alices(&self, paid: bool, submitted: bool) -> Target {
        // An item of its own: a newer checkout of the same one would make it give way.
        let (alice, of) = (token("shopper", "alice"), self.item());
        let begun = self.engine.done(&ask("POST /v1/checkout?op=BEGIN", &of, number()).by(&alice));
        self.order(&alice, begun, paid, submitted)
    }

    fn stores(&self, paid: bool) -> Target {
        let (ann, order) = (staff("ann", "acme"), uuid::Uuid::new_v4().to_string());
        let line = json!({"lineId": "1", "itemId": self.item, "quantity": 1});
        let body = json!({"orderId": order, "shopper": "carol", "lines": [line], "payment": "provider"});
        let begun = self.post(&ann, "/v1/orders", &body);
        self.order(&ann, begun, paid, false)
    }

    /// Waits until the engine has planned it, and the item has answered.
    fn allocated(&self) -> Target {
        let (target, operator) = (self.alices(true, true), token("operator", "operator"));
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let order = Ask::get(format!("/v1/orders/{}", target.order)).by(&operator);
            let order = self.engine.done(&order.header("stockfold-at-least", &target.position)).body;
            if order["subOrders"][0]["status"] == "allocated" {
                return target;
            }
            assert!(Instant::now() < deadline, "nobody plans it: {order}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn shipped(&self) -> Target {
        let (mut target, operator) = (self.allocated(), token("operator", "operator"));
        target.parcel = format!("parcel-{:08}", number());
        let body = json!({"shipmentId": target.parcel});
        let last = self.post(&operator, &format!("/v1/orders/{}/shipments", target.order), &body);
        target.position = last.header("stockfold-position").to_owned();
        target
    }

    fn returned(&self) -> Target {
        let (mut target, alice) = (self.shipped(), token("shopper", "alice"));
        let body = json!({"lines": [{"lineId": "1", "quantity": 1}], "reason": "unwanted"});
        let last = self.post(&alice, &format!("/v1/orders/{}/returns", target.order), &body);
        target.parcel = last.body["returnId"].as_str().expect("an id").to_owned();
        target.position = last.header("stockfold-position").to_owned();
        target
    }

    /// A drop of a thousand units with such times.
    fn drop_at(&self, starts_at: &str, queue_opens_at: Option<&str>) -> Target {
        let (mut target, ann) = (self.item(), staff("ann", "acme"));
        target.drop = format!("drop-{:08}", number());
        let item = json!({"itemId": target.item, "quantity": 1_000, "price": {"amount": 500, "currency": "EUR"}});
        let body = json!({"dropId": target.drop, "items": [item], "startsAt": starts_at, "queueOpensAt": queue_opens_at,
            "endsAt": days(29), "limitPerShopper": 1_000});
        target.position = self.post(&ann, "/v1/drops", &body).header("stockfold-position").to_owned();
        target
    }

    /// Waits until a drop has that status.
    fn turned(&self, target: Target, status: &str) -> Target {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let drop = Ask::get(format!("/v1/drops/{}", target.drop));
            let drop = self.engine.done(&drop.header("stockfold-at-least", &target.position)).body;
            if drop["status"] == status {
                return target;
            }
            assert!(Instant::now() < deadline, "its time does not come: {drop}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A drop that starts this second, by the clock on the wall, to which the engine's is moved.
    fn live(&self) -> Target {
        // The engine's clock stands where it started, or where another test has moved it: no later than this second.
        std::thread::sleep(Duration::from_secs(1));
        let now = days(0);
        let target = self.drop_at(&now, None);
        let operator = token("operator", "operator");
        let key = format!("clock-{:08}", number());
        let advance = Ask::new("POST", "/v1/test-clock/advance").by(&operator).header("idempotency-key", key);
        // Whatever is answered: it stands there, or another test has moved it further.
        self.engine.send(&advance.json(&json!({"to": now})));
        self.turned(target, "live")
    }

    fn queueing(&self) -> Target {
        let mut target = self.turned(self.drop_at(&days(1), Some(&days(-1))), "queueing");
        let alice = token("shopper", "alice");
        let joined = self.post(&alice, &format!("/v1/drops/{}/queue", target.drop), &json!({}));
        target.ticket = joined.body["ticket"].as_str().expect("a ticket").to_owned();
        target.position = joined.header("stockfold-position").to_owned();
        target
    }

    /// Makes a target of that kind; nobody else has it.
    pub fn make(&self, kind: Kind) -> Target {
        match kind {
            Kind::Item => self.item(),
            Kind::Store => self.store(),
            Kind::Warehouse => self.warehouse(),
            Kind::Transfer => self.transfer(),
            Kind::Hold => self.hold(false),
            Kind::CommittedHold => self.hold(true),
            Kind::Order => self.alices(false, false),
            Kind::PaidOrder => self.alices(true, false),
            Kind::ConfirmedOrder => self.alices(true, true),
            Kind::AllocatedOrder => self.allocated(),
            Kind::ShippedOrder => self.shipped(),
            Kind::ReturnedOrder => self.returned(),
            Kind::StoreOrder => self.stores(false),
            Kind::PaidStoreOrder => self.stores(true),
            Kind::Drop => self.drop_at(&days(1), None),
            Kind::QueueingDrop => self.queueing(),
            Kind::LiveDrop => self.live(),
        }
    }

    /// Ids of the same length as those of `target`, of things that do not exist. A hold's item does: the hold is what is
    /// looked for.
    pub fn nothing(&self, target: &Target) -> Target {
        let other = |id: &str, new: String| if id.is_empty() { String::new() } else { new };
        let item = if target.hold.is_empty() { format!("nil-{:08}", number()) } else { target.item.clone() };
        Target {
            item,
            hold: other(&target.hold, format!("none-{:08}", number())),
            order: other(&target.order, uuid::Uuid::new_v4().to_string()),
            // Of a return's length, or of a shipment's: what is looked for is the order.
            parcel: target.parcel.clone(),
            drop: other(&target.drop, format!("none-{:08}", number())),
            // What is looked for is the drop.
            ticket: target.ticket.clone(),
            position: String::new(),
        }
    }
}
