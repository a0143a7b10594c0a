//! Where a row of the table is played: a shop, and names that no other row uses.

use crate::e2e::{
    checkout::payment,
    engine::{Answer, Ask, Engine},
    patience::until,
    world::World,
};
use payments::{WebhookEvent, WebhookSecret};
use reqwest::{Method, StatusCode};
use schemas::{Currency, Money, OrderId, PaymentId, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

pub const GOOD_CARD: &str = "4242424242424242";
pub const DECLINED_CARD: &str = "4000000000000002";
/// A card of which this shop's provider decides nothing by itself: the test tells what it decided, by webhook.
pub const LATER_CARD: &str = "4000000000000259";

/// What webhooks of these shops are signed with.
pub const SECRET: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A shop whose clock is moved by hand, and whose provider tells nothing later.
pub struct Shop {
    pub engine: Engine,
    /// Where its clock stands, once that is known.
    now: Mutex<Option<Timestamp>>,
    stages: AtomicU32,
    _secret: tempfile::NamedTempFile,
}

impl Shop {
    pub fn open(world: World, flags: &[&str]) -> Self {
        let secret = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(secret.path(), SECRET).expect("written");
        let path = secret.path().to_str().expect("UTF-8");
        let own = ["--test-clock", "--sandbox-delay-ms", "86400000", "--payment-webhook-secrets-file", path];
        let engine = world.start(&[&own[..], flags].concat());
        Self { engine, now: Mutex::default(), stages: AtomicU32::new(0), _secret: secret }
    }

    /// A stage of its own.
    pub fn stage(&self) -> Stage<'_> {
        Stage { shop: self, name: format!("r{}", self.stages.fetch_add(1, Ordering::Relaxed)) }
    }
}

/// One row's place in a shop. What it names is called so in this row only.
pub struct Stage<'s> {
    pub shop: &'s Shop,
    name: String,
}

/// What is asked of an item, and how many.
pub type Units<'a> = (&'a str, u32);

pub fn eur(minor: i64) -> Value {
    json!({"amount": minor, "currency": "EUR"})
}

fn money(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

/// Authorized, captured and refunded of all payments.
pub fn sums(order: &Value) -> [i64; 3] {
    ["authorized", "captured", "refunded"].map(|field| {
        order["payments"].as_array().into_iter().flatten().filter_map(|payment| payment[field].as_i64()).sum()
    })
}

/// Lines of a cancellation, a shipment or a return.
pub fn lines(units: &[Units<'_>]) -> Value {
    units.iter().map(|(line, units)| json!({"lineId": line, "quantity": units})).collect()
}

/// Status and code of a refusal.
pub fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

impl Stage<'_> {
    /// What a name is called in this row.
    pub fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    pub fn token(&self, role: &str) -> String {
        self.shop.engine.token(role, "staff")
    }

    async fn put(&self, path: &str, body: Value) {
        let operator = self.token("operator");
        let ask = Ask { token: Some(&operator), body: Some(body), ..Ask::default() };
        let put = self.shop.engine.ask(Method::PUT, path, ask).await;
        assert!(put.status.is_success(), "{put:?}");
    }

    /// Lists a physical item at so many cents, and receives units of it here and there.
    pub async fn item(&self, item: &str, cents: i64, units: &[Units<'_>]) {
        self.list(item, "physical", &eur(cents)).await;
        for (location, units) in units {
            self.receive(item, location, *units).await;
        }
    }

    pub async fn list(&self, item: &str, kind: &str, price: &Value) {
        let mut body = json!({"name": item, "kind": kind, "price": price});
        if kind == "digital" {
            body["file"] = json!("https://files.example/ebook");
        }
        self.put(&format!("/v1/items/{}", self.id(item)), body).await;
    }

    pub async fn receive(&self, item: &str, location: &str, units: u32) {
        let receipt = self.id(&format!("{item}-{location}-{}", rand::random::<u32>()));
        let body = json!({"receiptId": receipt, "location": location, "quantity": units, "document": "d"});
        let path = format!("/v1/items/{}/receipts", self.id(item));
        let received = self.shop.engine.post(&self.token("operator"), "", &path, body).await;
        assert!(received.status.is_success(), "{received:?}");
    }

    /// Sets the sellable units of a location.
    pub async fn count(&self, item: &str, location: &str, units: u32) {
        let body = json!({"location": location, "counted": units, "reason": "lost"});
        let path = format!("/v1/items/{}/counts", self.id(item));
        let key = format!("count-{}", rand::random::<u64>());
        let counted = self.shop.engine.post(&self.token("operator"), &key, &path, body).await;
        assert!(counted.status.is_success(), "{counted:?}");
    }

    /// As the service, under a key of this row.
    pub async fn post(&self, role: &str, key: &str, path: &str, body: Value) -> Answer {
        self.shop.engine.post(&self.token(role), &self.id(key), path, body).await
    }

    /// Of an order, as the service.
    pub async fn act(&self, order: &str, verb: &str, key: &str, body: Value) -> Answer {
        self.post("service", &format!("{order}-{key}"), &format!("/v1/orders/{}/{verb}", self.id(order)), body).await
    }

    /// Places an order whose lines are called as their items; `more` stands beside them.
    pub async fn place(&self, order: &str, units: &[Units<'_>], more: Value) -> Answer {
        let line = |(item, units): &Units<'_>| json!({"lineId": item, "itemId": self.id(item), "quantity": units});
        let lines: Vec<Value> = units.iter().map(line).collect();
        let mut body = json!({"orderId": self.id(order), "lines": lines, "payment": "provider"});
        let (all, more) = (body.as_object_mut().expect("an object"), more.as_object().cloned().unwrap_or_default());
        all.extend(more);
        self.shop.engine.post(&self.token("service"), "", "/v1/orders", body).await
    }

    /// An order that waits for its payment.
    pub async fn begun(&self, order: &str, units: &[Units<'_>]) -> Value {
        let placed = self.place(order, units, Value::Null).await;
        assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("awaiting_payment")));
        placed.body
    }

    /// An order that is paid outside, confirmed.
    pub async fn external(&self, order: &str, units: &[Units<'_>]) {
        let placed = self.place(order, units, json!({"payment": "external", "submit": "auto"})).await;
        assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("confirmed")), "{placed:?}");
    }

    /// An order that is paid by card, confirmed; the answer.
    pub async fn bought(&self, order: &str, units: &[Units<'_>]) -> Answer {
        self.begun(order, units).await;
        assert_eq!(self.pay(order, "p", GOOD_CARD).await.body["status"], "authorized");
        let submitted = self.submit(order).await;
        assert_eq!(submitted.status, StatusCode::OK, "{submitted:?}");
        submitted
    }

    /// An order that is paid by card and has shipped as a whole.
    pub async fn shipped(&self, order: &str, units: &[Units<'_>]) {
        self.bought(order, units).await;
        self.allocated(order, units.iter().map(|(_, units)| units).sum()).await;
        let shipped = self.ship(order, "k", Value::Null).await;
        assert_eq!((shipped.status, &shipped.body["status"]), (StatusCode::CREATED, &json!("shipped")), "{shipped:?}");
    }

    pub async fn pay(&self, order: &str, key: &str, card: &str) -> Answer {
        self.act(order, "payments", key, payment(card)).await
    }

    pub async fn submit(&self, order: &str) -> Answer {
        self.act(order, "submit", "s", json!({})).await
    }

    /// Cancels these units, or all that has not left.
    pub async fn cancel(&self, order: &str, key: &str, units: &[Units<'_>]) -> Answer {
        let body = if units.is_empty() { json!({}) } else { json!({"lines": lines(units)}) };
        self.act(order, "cancel", key, body).await
    }

    /// Ships these lines, or all that can leave.
    pub async fn ship(&self, order: &str, shipment: &str, lines: Value) -> Answer {
        let mut body = json!({"shipmentId": self.id(&format!("{order}-{shipment}"))});
        if !lines.is_null() {
            body["lines"] = lines;
        }
        self.act(order, "shipments", "", body).await
    }

    pub async fn deliver(&self, order: &str) -> Answer {
        self.act(order, "deliveries", "d", json!({})).await
    }

    /// The order as an operator sees it.
    pub async fn shown(&self, order: &str) -> Value {
        let path = format!("/v1/orders/{}", self.id(order));
        self.shop.engine.get(Some(&self.token("operator")), &path, "").await.body
    }

    /// The order as it is shown once it is as wanted: what the engine does by itself follows in moments.
    pub async fn comes_to(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(&format!("what is wanted of {order}"), || self.shown(order), wanted).await
    }

    /// Waits until so many units of an order are allocated and have not left.
    pub async fn allocated(&self, order: &str, units: u32) -> Value {
        let count = |order: &Value| -> u64 {
            let parts = order["subOrders"].as_array().into_iter().flatten();
            let lines = parts.flat_map(|part| part["lines"].as_array().into_iter().flatten());
            lines.filter_map(|line| line["allocated"].as_u64()).sum()
        };
        self.comes_to(order, |order| count(order) == u64::from(units)).await
    }

    /// Waits until an item has so many units available, on hand, held, and ordered but not shipped.
    pub async fn stock(&self, item: &str, expected: [i64; 4]) {
        let (token, path) = (self.token("operator"), format!("/v1/items/{}/stock", self.id(item)));
        let look = || async { self.shop.engine.get(Some(&token), &path, "").await.body };
        let is_so = |stock: &Value| {
            let places = stock["locations"].as_array().into_iter().flatten();
            let allocated: i64 = places.filter_map(|place| place["allocated"].as_i64()).sum();
            let level = |name: &str| stock[name].as_i64().unwrap_or(i64::MIN);
            [level("available"), level("onHand"), level("held"), level("committed") + allocated] == expected
        };
        until(&format!("{expected:?} of {item}"), look, is_so).await;
    }

    /// What the log says of an order: each event's type, as `order-placed`, and its data.
    pub async fn log(&self, order: &str) -> Vec<(String, Value)> {
        logged_of(&self.shop.engine).await.remove(&self.id(order)).unwrap_or_default()
    }

    /// The types of an order's events.
    pub async fn told(&self, order: &str) -> Vec<String> {
        self.log(order).await.into_iter().map(|(kind, _)| kind).collect()
    }

    /// The data of an order's events of a type.
    pub async fn events(&self, order: &str, kind: &str) -> Vec<Value> {
        self.log(order).await.into_iter().filter(|(is, _)| is == kind).map(|(_, data)| data).collect()
    }

    /// Waits until the log has an event of that type of an order.
    pub async fn comes(&self, order: &str, kind: &str) -> Value {
        let is_of_kind = |(is, _): &(String, Value)| is == kind;
        let wanted = format!("{kind} of {order}");
        let log = until(&wanted, || self.log(order), |log| log.iter().any(is_of_kind)).await;
        log.into_iter().rfind(is_of_kind).expect("it is there").1
    }

    fn order_id(&self, order: &str) -> OrderId {
        OrderId::parse(&self.id(order)).expect("an id")
    }

    /// The provider says by webhook that it has authorized so much under that payment.
    pub async fn authorized(&self, order: &str, payment: &str, minor: i64) {
        let payment_id = PaymentId::parse(payment).expect("an id");
        let reference = format!("ref-{payment}");
        let order_id = self.order_id(order);
        self.webhook(&WebhookEvent::Authorized { order_id, payment_id, amount: money(minor), reference }).await;
    }

    /// The provider says by webhook that it has taken so much under that payment.
    pub async fn captured(&self, order: &str, payment: &str, minor: i64) {
        let payment_id = PaymentId::parse(payment).expect("an id");
        let reference = format!("ref-{payment}");
        let order_id = self.order_id(order);
        self.webhook(&WebhookEvent::Captured { order_id, payment_id, amount: money(minor), reference }).await;
    }

    async fn webhook(&self, event: &WebhookEvent) {
        let told = webhook(&self.shop.engine.url, event).await;
        assert_eq!(told, StatusCode::NO_CONTENT, "{event:?}");
    }

    /// The clock goes on by so many seconds; it answers when all that is due is done.
    pub async fn pass(&self, seconds: u32) {
        let known = *self.shop.now.lock().expect("no panic holds it");
        let now = match known {
            Some(now) => now,
            // A test clock stands where its directory was made; every order tells that time.
            None => {
                self.item("clock", 1, &[("main", 1)]).await;
                let expires = self.begun("clock", &[("clock", 1)]).await["expiresAt"].clone();
                assert_eq!(self.cancel("clock", "c", &[]).await.status, StatusCode::OK);
                let expires = Timestamp::parse(expires.as_str().expect("a time")).expect("RFC 3339");
                expires.plus_millis(-300_000)
            }
        };
        let to = now.plus_seconds(seconds);
        let body = json!({"to": to});
        let moved =
            self.shop.engine.post(&self.token("operator"), &to.to_string(), "/v1/test-clock/advance", body).await;
        assert!(moved.status.is_success(), "{moved:?}");
        *self.shop.now.lock().expect("no panic holds it") = Some(to);
    }
}

/// Tells an engine what the provider has decided, signed; what it answers.
pub async fn webhook(url: &str, event: &WebhookEvent) -> StatusCode {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let seconds = i64::try_from(since.as_secs()).expect("seconds");
    let body = event.body(Timestamp::from_millis(seconds * 1_000));
    let id = format!("msg_{}", rand::random::<u64>());
    let signature = WebhookSecret::parse(SECRET).expect("a secret").sign(&id, seconds, &body);
    let sent = reqwest::Client::new()
        .post(format!("{url}/v1/webhooks/payments"))
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature)
        .body(body);
    sent.send().await.expect("an answer").status()
}

/// Every event of every order, by partition, in order.
pub async fn logged(engine: &Engine) -> Vec<Value> {
    let mut events = Vec::new();
    for partition in 0.. {
        let path = format!("/v1/log/orders.events.v1?follow=false&partition={partition}");
        let answer = engine.get(Some(&engine.token("operator", "staff")), &path, "").await;
        if !answer.status.is_success() {
            break;
        }
        let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        events.extend(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    events
}

/// What the log says of each order: each event's kind, and its data.
pub async fn logged_of(engine: &Engine) -> BTreeMap<String, Vec<(String, Value)>> {
    let mut orders: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for event in logged(engine).await {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        orders.entry(text("subject").to_owned()).or_default().push((short(text("type")), event["data"].clone()));
    }
    orders
}

/// `order-placed` of `stockfold.orders.order-placed.v1`.
pub fn short(event_type: &str) -> String {
    event_type.trim_start_matches("stockfold.orders.").trim_end_matches(".v1").to_owned()
}
