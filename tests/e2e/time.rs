//! Deadlines, on a clock that is moved by hand.

use super::{
    checkout::{GOOD_CARD, payment, settles_at},
    engine::{Answer, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::StatusCode;
use schemas::Timestamp;
use serde_json::{Value, json};

in_both_worlds!(
    a_checkout_not_paid_is_back_on_sale_after_its_life_and_the_grace,
    paid_but_never_submitted_is_refunded_when_it_expires,
    paid_twice_is_one_order_and_one_refund,
    a_free_hold_lives_as_long_as_it_says_and_the_grace,
);

struct Shop {
    engine: Engine,
    alice: String,
    now: Timestamp,
}

impl Shop {
    async fn open(world: World, units: u32) -> Self {
        let engine = world.start(&["--test-clock"]);
        engine.stock("tea", 500, units).await;
        let alice = engine.token("shopper", "alice");
        // A test clock stands where the directory was created; every order tells that time.
        let begun = engine
            .post(&alice, "probe", "/v1/checkout?op=BEGIN", json!({"cart": [{"itemId": "tea", "quantity": 1}]}))
            .await;
        let expires = Timestamp::parse(begun.body["expiresAt"].as_str().expect("a time")).expect("RFC 3339");
        let path = format!("/v1/orders/{}/cancel", begun.body["orderId"].as_str().expect("an id"));
        assert_eq!(engine.post(&alice, "probe-c", &path, json!({})).await.status, StatusCode::OK);
        // Its unit comes back after the answer.
        settles_at(&engine, "tea", i64::from(units)).await;
        Self { engine, alice, now: expires.plus_seconds(0).plus_millis(-300_000) }
    }

    async fn begin(&self, key: &str, quantity: u32) -> Answer {
        let cart = json!({"cart": [{"itemId": "tea", "quantity": quantity}]});
        self.engine.post(&self.alice, key, "/v1/checkout?op=BEGIN", cart).await
    }

    async fn pass(&mut self, seconds: u32) {
        self.now = self.now.plus_seconds(seconds);
        let operator = self.engine.token("operator", "ops");
        let to = json!({"to": self.now});
        let moved = self.engine.post(&operator, &self.now.to_string(), "/v1/test-clock/advance", to).await;
        assert!(moved.status.is_success(), "{moved:?}");
    }

    async fn available(&self) -> i64 {
        self.engine.get(None, "/v1/items/tea", "").await.body["available"].as_i64().expect("a number")
    }

    async fn order(&self, begun: &Answer) -> Value {
        let path = format!("/v1/orders/{}", begun.body["orderId"].as_str().expect("an id"));
        self.engine.get(Some(&self.alice), &path, "").await.body
    }
}

async fn a_checkout_not_paid_is_back_on_sale_after_its_life_and_the_grace(world: World) {
    let mut shop = Shop::open(world, 5).await;
    let begun = shop.begin("b", 2).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    shop.pass(359).await;
    assert_eq!(shop.available().await, 3);
    shop.pass(2).await;
    assert_eq!(shop.available().await, 5);
    assert_eq!(shop.order(&begun).await["status"], "expired");
    let path = format!("/v1/orders/{}/submit", begun.body["orderId"].as_str().expect("an id"));
    let late = shop.engine.post(&shop.alice, "s", &path, json!({})).await;
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "checkout_expired"), "{late:?}");
}

async fn paid_but_never_submitted_is_refunded_when_it_expires(world: World) {
    let mut shop = Shop::open(world, 5).await;
    let begun = shop.begin("b", 2).await;
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url").to_owned();
    let paid = shop.engine.post(&shop.alice, "p", &pay_at, payment(GOOD_CARD)).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    shop.pass(361).await;
    assert_eq!(shop.available().await, 5);
    // The refund is asked of the provider outside of the shop's clock.
    until("a refund", || shop.order(&begun), |order| order["status"] == "refunded").await;
}

async fn paid_twice_is_one_order_and_one_refund(world: World) {
    let shop = Shop::open(world, 5).await;
    let begun = shop.begin("b", 1).await;
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url").to_owned();
    let (one, two) = tokio::join!(
        shop.engine.post(&shop.alice, "p1", &pay_at, payment(GOOD_CARD)),
        shop.engine.post(&shop.alice, "p2", &pay_at, payment(GOOD_CARD)),
    );
    assert!(one.status.is_success() || two.status.is_success(), "{one:?} {two:?}");
    let path = format!("/v1/orders/{}/submit", begun.body["orderId"].as_str().expect("an id"));
    let submitted = shop.engine.post(&shop.alice, "s", &path, json!({})).await;
    assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
    let is_paid_once = |order: &Value| {
        let sum = |field: &str| -> i64 {
            order["payments"].as_array().into_iter().flatten().filter_map(|payment| payment[field].as_i64()).sum()
        };
        sum("authorized") - sum("refunded") == 500 && sum("captured") == 500
    };
    until("money for one order", || shop.order(&begun), is_paid_once).await;
}

async fn a_free_hold_lives_as_long_as_it_says_and_the_grace(world: World) {
    let mut shop = Shop::open(world, 5).await;
    let service = shop.engine.token("service", "shop");
    let hold = json!({"holdId": "h", "quantity": 4, "expiresInSeconds": 100});
    let held = shop.engine.post(&service, "", "/v1/items/tea/holds", hold.clone()).await;
    assert_eq!((held.status, &held.body["available"]), (StatusCode::CREATED, &json!(1)), "{held:?}");
    shop.pass(161).await;
    assert_eq!(shop.available().await, 5);
    let late = shop.engine.post(&service, "c", "/v1/items/tea/holds/h/commit", json!({})).await;
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "hold_expired"), "{late:?}");
    let again = shop.engine.post(&service, "", "/v1/items/tea/holds", hold).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::CREATED, &json!("expired")), "{again:?}");
    assert_eq!((&again.body["expiresAt"], &again.body["available"]), (&held.body["expiresAt"], &json!(5)));
}
