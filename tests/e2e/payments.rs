//! Money that comes late, twice, or for nothing: every payment ends in an order or is given back.

use super::{
    checkout::{GOOD_CARD, payment, settles_at},
    engine::{Answer, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use payments::{WebhookEvent, WebhookSecret};
use reqwest::StatusCode;
use schemas::{Currency, Money, OrderId, PaymentId, Timestamp};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

in_both_worlds!(
    a_card_that_is_decided_later_confirms_its_order,
    a_card_that_is_declined_later_leaves_the_order_to_be_paid_again,
    a_payment_after_the_order_expired_holds_again_and_confirms,
    a_payment_after_the_order_expired_is_given_back_where_the_units_are_gone,
    a_payment_for_no_order_is_given_back,
    two_tabs_that_pay_at_once_are_one_order_and_one_void,
    the_same_keys_fifty_times_at_once_are_one_order_and_one_capture,
);

const LATER: &str = "4000000000000259";
const DECLINED_LATER: &str = "4000000000000267";

/// The newest secret of the provider, and the one before.
const SECRETS: [&str; 2] =
    ["whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="];

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn id(value: &Value) -> &str {
    value.as_str().expect("an id")
}

struct Shop {
    engine: Engine,
    alice: String,
}

impl Shop {
    async fn open(world: World, flags: &[&str], units: u32) -> Self {
        let engine = world.start(flags);
        engine.stock("tea", 500, units).await;
        let alice = engine.token("shopper", "alice");
        Self { engine, alice }
    }

    /// A shop whose provider is played by the test: the sandbox itself decides nothing within a day.
    async fn of_a_silent_provider(world: World, flags: &[&str], units: u32) -> (Self, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), SECRETS.join("\n")).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        let own = ["--sandbox-delay-ms", "86400000", "--payment-webhook-secrets-file", path];
        (Self::open(world, &[&own[..], flags].concat(), units).await, file)
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.engine.post(&self.alice, key, path, body).await
    }

    async fn begin(&self, key: &str, quantity: u32) -> Value {
        let cart = json!({"cart": [{"itemId": "tea", "quantity": quantity}]});
        let begun = self.post(key, "/v1/checkout?op=BEGIN", cart).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
        begun.body
    }

    async fn pay(&self, key: &str, order: &Value, card: &str) -> Answer {
        self.post(key, id(&order["paymentInputUrl"]), payment(card)).await
    }

    async fn submit(&self, key: &str, order: &Value) -> Answer {
        self.post(key, &format!("/v1/orders/{}/submit", id(&order["orderId"])), json!({})).await
    }

    async fn shown(&self, order: &str) -> Value {
        let operator = self.engine.token("operator", "ops");
        self.engine.get(Some(&operator), &format!("/v1/orders/{order}"), "").await.body
    }

    /// The order as it is shown once it is as wanted: what the engine does by itself follows in moments.
    async fn comes_to(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(&format!("what is wanted of {order}"), || self.shown(order), wanted).await
    }

    /// An order of one unit that waits for a decision, submitted; with its payment.
    async fn undecided(&self) -> (Value, PaymentId) {
        let order = self.begin("b", 1).await;
        let paid = self.pay("p", &order, LATER).await;
        assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("pending")), "{paid:?}");
        let submitted = self.submit("s", &order).await;
        assert_eq!(submitted.status, StatusCode::ACCEPTED, "{submitted:?}");
        assert_eq!(submitted.body["status"], "awaiting_payment");
        let payment = PaymentId::parse(id(&paid.body["paymentId"])).expect("an id");
        (order, payment)
    }

    /// Tells the engine what the provider has decided, signed with one of its secrets.
    async fn tell(&self, secret: &str, event: &WebhookEvent) -> StatusCode {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let seconds = i64::try_from(since.as_secs()).expect("seconds");
        let body = event.body(Timestamp::from_millis(seconds * 1_000));
        let secret = WebhookSecret::parse(secret).expect("a secret");
        let sent = reqwest::Client::new()
            .post(format!("{}/v1/webhooks/payments", self.engine.url))
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", secret.sign("msg_1", seconds, &body))
            .body(body);
        sent.send().await.expect("an answer").status()
    }

    async fn pass(&self, order: &Value, seconds: u32) {
        let operator = self.engine.token("operator", "ops");
        let expires = Timestamp::parse(id(&order["expiresAt"])).expect("RFC 3339");
        let to = json!({"to": expires.plus_seconds(seconds)});
        let moved = self.engine.post(&operator, "clock", "/v1/test-clock/advance", to).await;
        assert!(moved.status.is_success(), "{moved:?}");
    }
}

fn authorized(order: &Value, payment_id: &PaymentId, minor: i64) -> WebhookEvent {
    let order_id = OrderId::parse(id(&order["orderId"])).expect("an id");
    let reference = format!("ref-{payment_id}");
    WebhookEvent::Authorized { order_id, payment_id: payment_id.clone(), amount: eur(minor), reference }
}

/// Authorized, captured and refunded of all payments.
fn sums(order: &Value) -> [i64; 3] {
    ["authorized", "captured", "refunded"].map(|field| {
        order["payments"].as_array().into_iter().flatten().filter_map(|payment| payment[field].as_i64()).sum()
    })
}

async fn a_card_that_is_decided_later_confirms_its_order(world: World) {
    let shop = Shop::open(world, &["--sandbox-delay-ms", "200"], 5).await;
    let (order, _) = shop.undecided().await;
    let shown = shop.comes_to(id(&order["orderId"]), |order| sums(order) == [500, 500, 0]).await;
    assert_eq!((&shown["status"], &shown["payments"][0]["status"]), (&json!("confirmed"), &json!("authorized")));
    let history: Vec<_> = shown["history"].as_array().into_iter().flatten().map(|entry| id(&entry["type"])).collect();
    let started = history.iter().position(|kind| *kind == "payment_started").expect("it was started");
    assert_eq!(history[started..started + 3], ["payment_started", "payment_pending", "order_submitted"]);
    settles_at(&shop.engine, "tea", 4).await;
}

async fn a_card_that_is_declined_later_leaves_the_order_to_be_paid_again(world: World) {
    let shop = Shop::open(world, &["--sandbox-delay-ms", "200"], 5).await;
    let order = shop.begin("b", 1).await;
    let paid = shop.pay("p", &order, DECLINED_LATER).await;
    assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("pending")), "{paid:?}");
    let is_declined = |order: &Value| order["payments"][0]["status"] == "declined";
    let shown = shop.comes_to(id(&order["orderId"]), is_declined).await;
    assert_eq!(shown["status"], "awaiting_payment");
    assert_eq!(shop.pay("p", &order, DECLINED_LATER).await.code(), "payment_declined");
    assert_eq!(shop.pay("p2", &order, GOOD_CARD).await.body["status"], "authorized");
    assert_eq!(shop.submit("s", &order).await.body["status"], "confirmed");
}

async fn a_payment_after_the_order_expired_holds_again_and_confirms(world: World) {
    let (shop, _secrets) = Shop::of_a_silent_provider(world, &["--test-clock"], 5).await;
    let (order, payment) = shop.undecided().await;
    shop.pass(&order, 61).await;
    assert_eq!(shop.shown(id(&order["orderId"])).await["status"], "expired");
    settles_at(&shop.engine, "tea", 5).await;
    let event = authorized(&order, &payment, 500);
    assert_eq!(shop.tell(SECRETS[0], &event).await, StatusCode::NO_CONTENT);
    shop.comes_to(id(&order["orderId"]), |order| order["status"] == "confirmed" && sums(order) == [500, 500, 0]).await;
    settles_at(&shop.engine, "tea", 4).await;
}

async fn a_payment_after_the_order_expired_is_given_back_where_the_units_are_gone(world: World) {
    let (shop, _secrets) = Shop::of_a_silent_provider(world, &["--test-clock"], 1).await;
    let (order, payment) = shop.undecided().await;
    shop.pass(&order, 61).await;
    settles_at(&shop.engine, "tea", 1).await;
    shop.begin("other", 1).await;
    // Signed with the secret before: it counts as long as it is named.
    assert_eq!(shop.tell(SECRETS[1], &authorized(&order, &payment, 500)).await, StatusCode::NO_CONTENT);
    let shown = shop.comes_to(id(&order["orderId"]), |order| order["status"] == "refunded").await;
    assert_eq!(sums(&shown), [500, 0, 500]);
    settles_at(&shop.engine, "tea", 0).await;
}

async fn a_payment_for_no_order_is_given_back(world: World) {
    let (shop, _secrets) = Shop::of_a_silent_provider(world, &[], 1).await;
    let (order, payment) = (json!({"orderId": "nobodys"}), PaymentId::parse("orphan").expect("an id"));
    let event = authorized(&order, &payment, 700);
    let stranger = "whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    assert_eq!(shop.tell(stranger, &event).await, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.shown("nobodys").await["code"], "order_not_found");
    let told = (0..20).map(|_| shop.tell(SECRETS[0], &event));
    for told in told {
        assert_eq!(told.await, StatusCode::NO_CONTENT);
    }
    let shown = shop.comes_to("nobodys", |order| order["status"] == "refunded").await;
    assert_eq!(sums(&shown), [700, 0, 700]);
    assert_eq!(shown["payments"].as_array().map(Vec::len), Some(1), "{shown}");
}

async fn two_tabs_that_pay_at_once_are_one_order_and_one_void(world: World) {
    let (shop, _secrets) = Shop::of_a_silent_provider(world, &[], 5).await;
    let order = shop.begin("b", 1).await;
    let mut payments = Vec::new();
    for key in ["p1", "p2"] {
        let paid = shop.pay(key, &order, LATER).await;
        payments.push(PaymentId::parse(id(&paid.body["paymentId"])).expect("an id"));
    }
    assert_eq!(shop.submit("s", &order).await.status, StatusCode::ACCEPTED);
    let events = [0, 1].map(|n| authorized(&order, &payments[n], 500));
    let told = tokio::join!(shop.tell(SECRETS[0], &events[0]), shop.tell(SECRETS[0], &events[1]));
    assert_eq!(told, (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    let shown = shop.comes_to(id(&order["orderId"]), |order| sums(order) == [1_000, 500, 500]).await;
    assert_eq!(shown["status"], "confirmed");
    let mut parts: Vec<_> = shown["payments"].as_array().into_iter().flatten().collect();
    parts.sort_by_key(|payment| payment["captured"].as_i64());
    // The one was never taken; of the other nothing was given back.
    assert_eq!((&parts[0]["captured"], &parts[0]["refunded"]), (&json!(0), &json!(500)));
    assert_eq!((&parts[1]["captured"], &parts[1]["refunded"]), (&json!(500), &json!(0)));
    settles_at(&shop.engine, "tea", 4).await;
}

async fn the_same_keys_fifty_times_at_once_are_one_order_and_one_capture(world: World) {
    let shop = Arc::new(Shop::open(world, &[], 50).await);
    let mut tabs = JoinSet::new();
    for _ in 0..50 {
        let shop = Arc::clone(&shop);
        tabs.spawn(async move {
            let order = shop.begin("b", 1).await;
            // Where another tab was faster there is nothing to pay any more.
            if order["paymentInputUrl"].is_string() {
                let paid = shop.pay("p", &order, GOOD_CARD).await;
                assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("authorized")), "{paid:?}");
            }
            let submitted = shop.submit("s", &order).await;
            assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
            id(&order["orderId"]).to_owned()
        });
    }
    let orders = tabs.join_all().await;
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
    let shown = shop.comes_to(&orders[0], |order| sums(order) == [500, 500, 0]).await;
    assert_eq!(shown["payments"].as_array().map(Vec::len), Some(1), "{shown}");
    settles_at(&shop.engine, "tea", 49).await;
}
