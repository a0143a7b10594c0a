//! Drops over HTTP: their life by the clock, the waiting room, and a crash in the middle.

mod killed;
mod life;
mod room;

use super::{
    checkout::{GOOD_CARD, payment},
    engine::{Answer, Ask, Engine},
    patience::until,
    world::World,
};
use reqwest::{Method, StatusCode};
use schemas::Timestamp;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The store `acme` and an engine whose clock is moved by hand.
struct Shop {
    engine: Engine,
    acme: String,
    /// Where the clock can be: later than it started.
    now: Timestamp,
}

impl Shop {
    /// With ten units of each of these items.
    async fn open(world: World, items: &[&str]) -> Self {
        let engine = world.start(&["--test-clock"]);
        let acme = engine.run(&["token", "--role", "store", "--sub", "ann", "--store", "acme"]);
        let shop = Self { engine, acme, now: in_an_hour() };
        for item in items {
            shop.stock(item, 10).await;
        }
        shop
    }

    async fn stock(&self, item: &str, units: u32) {
        let facts = json!({"name": item, "kind": "physical", "price": {"amount": 9_900, "currency": "EUR"}});
        let ask = Ask { token: Some(&self.acme), body: Some(facts), ..Ask::default() };
        let listed = self.engine.ask(Method::PUT, &format!("/v1/items/{item}"), ask).await;
        assert_eq!(listed.status, StatusCode::CREATED, "{listed:?}");
        let receipt = json!({"receiptId": "r", "location": "main", "quantity": units, "document": "d"});
        let received = self.engine.post(&self.acme, "", &format!("/v1/items/{item}/receipts"), receipt).await;
        assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
    }

    /// Terms of a drop `shoe` of so many units of each item, that starts an hour from now and lasts a day.
    fn terms(&self, items: &[(&str, u32)], limit: u32) -> Value {
        let item = |(item, units): &(&str, u32)| json!({"itemId": item, "quantity": units, "price": {"amount": 5_000, "currency": "EUR"}});
        let items: Vec<Value> = items.iter().map(item).collect();
        json!({"dropId": "shoe", "title": "The shoe", "items": items, "startsAt": self.start(),
            "endsAt": self.start().plus_seconds(86_400), "limitPerShopper": limit})
    }

    fn start(&self) -> Timestamp {
        in_an_hour_of(self.now)
    }

    async fn schedule(&self, terms: Value) -> Answer {
        let scheduled = self.engine.post(&self.acme, "", "/v1/drops", terms).await;
        assert_eq!(scheduled.status, StatusCode::CREATED, "{scheduled:?}");
        scheduled
    }

    /// Schedules a drop without a waiting room and opens it.
    async fn live(&mut self, items: &[(&str, u32)], limit: u32) {
        let (terms, start) = (self.terms(items, limit), self.start());
        self.schedule(terms).await;
        self.pass_to(start).await;
    }

    /// Moves the clock there, and waits until nothing is due.
    async fn pass_to(&mut self, to: Timestamp) {
        self.now = to;
        let operator = self.engine.token("operator", "ops");
        let body = json!({"to": to});
        let moved = self.engine.post(&operator, &to.to_string(), "/v1/test-clock/advance", body).await;
        assert!(moved.status.is_success(), "{moved:?}");
    }

    async fn pass(&mut self, seconds: u32) {
        self.pass_to(self.now.plus_seconds(seconds)).await;
    }

    /// The drop, as anybody sees it, not before `position`.
    async fn drop_at(&self, position: &str) -> Value {
        let shown = self.engine.get(None, "/v1/drops/shoe", position).await;
        assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
        shown.body
    }

    /// Waits until the drop is so: what other aggregates tell it comes after the answers of theirs.
    async fn drop_is(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.drop_at(""), is_so).await
    }

    fn shopper(&self, name: &str) -> String {
        self.engine.token("shopper", name)
    }

    /// What the store does with the drop.
    async fn tell(&self, verb: &str, key: &str) -> Answer {
        self.engine.post(&self.acme, key, &format!("/v1/drops/shoe/{verb}"), json!({})).await
    }

    async fn claim(&self, shopper: &str, key: &str, body: Value) -> Answer {
        self.engine.post(&self.shopper(shopper), key, "/v1/drops/shoe/claims", body).await
    }

    /// Claims, which must be granted.
    async fn claims(&self, shopper: &str, key: &str, quantity: u32) -> Answer {
        let claimed = self.claim(shopper, key, json!({"quantity": quantity, "submit": "auto"})).await;
        assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
        assert_eq!(claimed.body["status"], "awaiting_payment", "{claimed:?}");
        claimed
    }

    /// Pays an order, which is confirmed with it.
    async fn pays(&self, shopper: &str, claimed: &Answer) -> Answer {
        let url = claimed.body["paymentInputUrl"].as_str().expect("a URL");
        let paid = self.engine.post(&self.shopper(shopper), "pay", url, payment(GOOD_CARD)).await;
        assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("authorized")), "{paid:?}");
        paid
    }

    async fn cancels(&self, shopper: &str, claimed: &Answer) -> Answer {
        let path = format!("/v1/orders/{}/cancel", order_id(claimed));
        let cancelled = self.engine.post(&self.shopper(shopper), "cancel", &path, json!({})).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
        cancelled
    }

    async fn order(&self, shopper: &str, claimed: &Answer) -> Value {
        self.engine.get(Some(&self.shopper(shopper)), &format!("/v1/orders/{}", order_id(claimed)), "").await.body
    }
}

fn order_id(claimed: &Answer) -> &str {
    claimed.body["orderId"].as_str().expect("an id")
}

fn in_an_hour() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    in_an_hour_of(Timestamp::from_millis(i64::try_from(now.as_millis()).expect("this era")))
}

fn in_an_hour_of(time: Timestamp) -> Timestamp {
    time.plus_seconds(3_600)
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

/// Remaining, held and sold of the first item.
fn units(drop: &Value) -> [u64; 3] {
    ["remaining", "held", "sold"].map(|field| drop["items"][0][field].as_u64().expect("a number"))
}
