//! What orders do while nobody answers them: an item's processor is frozen, or nobody takes money.

use super::{LIMIT, Parts, decided, items_of};
use crate::e2e::{
    checkout::payment,
    engine::{Answer, Ask, Engine},
    order_table::{logged_of, webhook},
    world::SHARDS,
};
use event_log::shard_of;
use payments::WebhookEvent;
use reqwest::{Method, StatusCode};
use schemas::{AggregateKey, Currency, Money, OrderId, PaymentId, ShardCount};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

const LATER_CARD: &str = "4000000000000259";
/// Units of each item that is ordered.
const UNITS: u32 = 1_000;

/// An API that takes webhooks, and the secret that it knows.
fn api(parts: &Parts) -> (Engine, tempfile::NamedTempFile) {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), crate::e2e::order_table::SECRET).expect("written");
    let path = secret.path().to_str().expect("UTF-8").to_owned();
    (Engine::start(Arc::clone(&parts.home), "api", &["--payment-webhook-secrets-file", &path]), secret)
}

/// A provider that tells nothing later.
fn payer(parts: &Parts) -> Engine {
    let flags = ["--sandbox-delay-ms", "86400000", "--payment-webhook-url", "http://127.0.0.1:9/"];
    Engine::start(Arc::clone(&parts.home), "payments", &flags)
}

/// A POST of the service that does not wait for long.
async fn post(api: &Engine, key: &str, path: &str, prefer: &str, body: Value) -> Answer {
    let (token, headers) = (api.token("service", "shop"), vec![("prefer", prefer.to_owned())]);
    let ask = Ask { token: Some(&token), key: Some(key), headers, body: Some(body) };
    api.ask(Method::POST, path, ask).await
}

async fn shown(api: &Engine, order: &str) -> Value {
    api.get(Some(&api.token("operator", "ops")), &format!("/v1/orders/{order}"), "").await.body
}

async fn comes_to(api: &Engine, order: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let order = shown(api, order).await;
        if wanted(&order) {
            return order;
        }
        assert!(begun.elapsed() < LIMIT, "it does not come to what is wanted: {order}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn authorized(api: &Engine, order: &str, payment: &Value, minor: i64) {
    let payment_id = PaymentId::parse(payment.as_str().expect("an id")).expect("an id");
    let order_id = OrderId::parse(order).expect("an id");
    let amount = Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount");
    let event = WebhookEvent::Authorized { order_id, payment_id, amount, reference: "ref".to_owned() };
    // Where the order's own shard is frozen nobody says anything; the message is taken all the same.
    webhook(&api.url, &event).await;
}

/// What is done to an order while its item is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It is placed.
    Placed,
    /// It is placed and cancelled.
    PlacedAndCancelled,
    /// It expired, and is paid.
    Late,
    /// It expired, is paid, and cancelled.
    LateAndCancelled,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Placed, Self::PlacedAndCancelled, Self::Late, Self::LateAndCancelled];

    const fn is_late(self) -> bool {
        matches!(self, Self::Late | Self::LateAndCancelled)
    }

    /// Whether an order's log says that its item did not answer, and that the order ended all the same: nothing follows from
    /// what the item says in the end.
    fn is_over(self, log: &[(String, Value)]) -> bool {
        let kinds: Vec<&str> = log.iter().map(|(kind, _)| kind.as_str()).collect();
        let says = |kind: &str, unanswered: bool| {
            let refusals = log.iter().find(|(is, _)| is == kind).map(|(_, data)| data["refusals"].to_string());
            refusals.is_some_and(|refusals| refusals.contains("items_unanswered") == unanswered)
        };
        match self {
            Self::Placed => kinds == ["order-placed", "order-rejected"] && says("order-rejected", true),
            Self::PlacedAndCancelled => kinds == ["order-placed", "order-cancelled"],
            Self::Late | Self::LateAndCancelled => {
                let late = kinds.iter().position(|kind| *kind == "late-payment").map(|at| &kinds[at + 1..]);
                let over = late.is_some_and(|late| {
                    late == ["rehold-failed", "refund-due"] || late == ["rehold-failed", "refund-due", "refund-settled"]
                });
                over && says("rehold-failed", self == Self::Late)
            }
        }
    }
}

/// An order of one unit, in each shard, of the item of each shard.
struct Orders {
    api: Engine,
    /// By shard.
    items: Vec<String>,
    orders: Vec<(String, Kind, String)>,
}

impl Orders {
    fn of_round(&mut self, round: u32) {
        let shards = ShardCount::new(SHARDS).expect("a good count");
        self.orders.clear();
        for kind in Kind::ALL {
            for item in &self.items {
                for shard in 0..SHARDS {
                    let mut ids = (0..).map(|n| format!("{kind:?}-{item}-{round}-{n}"));
                    let is_there = |id: &String| {
                        shard_of(shards, &AggregateKey::Order(OrderId::parse(id).expect("an id"))).0 == shard
                    };
                    let id = ids.find(is_there).expect("every shard has orders");
                    self.orders.push((id, kind, item.clone()));
                }
            }
        }
    }

    fn of(&self, wanted: impl Fn(Kind) -> bool) -> impl Iterator<Item = &(String, Kind, String)> {
        self.orders.iter().filter(move |(_, kind, _)| wanted(*kind))
    }

    async fn place(&self, id: &str, item: &str, expires_in_seconds: u32, prefer: &str) -> Answer {
        let line = json!({"lineId": "1", "itemId": item, "quantity": 1});
        let body =
            json!({"orderId": id, "lines": [line], "payment": "provider", "expiresInSeconds": expires_in_seconds});
        post(&self.api, "", "/v1/orders", prefer, body).await
    }

    async fn cancel(&self, id: &str) {
        post(&self.api, &format!("c{id}"), &format!("/v1/orders/{id}/cancel"), "respond-async", json!({})).await;
    }

    /// Those that are paid late are placed, submitted, and expire with a payment that nobody has decided.
    async fn prepare(&self) {
        let late = self.of(Kind::is_late).map(async |(id, _, item)| {
            let placed = self.place(id, item, 20, "wait=30").await;
            let paid = post(&self.api, id, &format!("/v1/orders/{id}/payments"), "wait=30", payment(LATER_CARD)).await;
            let path = format!("/v1/orders/{id}/submit");
            let submitted = post(&self.api, &format!("s{id}"), &path, "wait=30", json!({})).await;
            if submitted.status != StatusCode::ACCEPTED {
                println!("{id} was too slow: {placed:?} {paid:?} {submitted:?}");
            }
            comes_to(&self.api, id, |order| order["status"] == "expired").await;
        });
        together(late).await;
    }

    /// What is done while some items are silent. Whose own shard is silent too is told nothing.
    async fn act(&self) {
        let acts = self.orders.iter().map(async |(id, kind, item)| {
            if kind.is_late() {
                let payment = shown(&self.api, id).await["payments"][0]["paymentId"].clone();
                authorized(&self.api, id, &payment, 500).await;
            } else {
                self.place(id, item, 20, "respond-async").await;
            }
            if matches!(kind, Kind::PlacedAndCancelled | Kind::LateAndCancelled) {
                self.cancel(id).await;
            }
        });
        together(acts).await;
    }

    /// How many orders of each kind ended without a word of their item.
    async fn met(&self) -> BTreeMap<Kind, usize> {
        let mut met = BTreeMap::new();
        let logs = logged_of(&self.api).await;
        for (id, kind, _) in &self.orders {
            if logs.get(id).is_some_and(|log| kind.is_over(log)) {
                *met.entry(*kind).or_default() += 1;
            }
        }
        met
    }

    /// Every order ends, all money is given back, and nothing stays held, whoever answers when.
    async fn end(&self) {
        let begun = Instant::now();
        let mut open = vec!["nobody has looked".to_owned()];
        while !open.is_empty() {
            assert!(begun.elapsed() < 2 * LIMIT, "these do not end: {open:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            open.clear();
            for (id, ..) in &self.orders {
                let order = shown(&self.api, id).await;
                let status = order["status"].as_str().unwrap_or_default();
                if status == "confirmed" {
                    self.cancel(id).await;
                }
                if !["cancelled", "rejected", "expired", "refunded"].contains(&status) {
                    open.push(order.to_string());
                }
            }
            for item in &self.items {
                let operator = self.api.token("operator", "ops");
                let stock = self.api.get(Some(&operator), &format!("/v1/items/{item}/stock"), "").await.body;
                let levels = ["available", "onHand", "held", "committed"].map(|level| stock[level].as_u64());
                if levels != [Some(UNITS.into()), Some(UNITS.into()), Some(0), Some(0)] {
                    open.push(stock.to_string());
                }
            }
        }
    }
}

/// Runs all of them at once.
async fn together<F: Future<Output = ()>>(all: impl Iterator<Item = F>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// Waits until each of two processors decides for some items.
async fn shared(parts: &Parts, api: &Engine, processors: [&Engine; 2]) {
    let begun = Instant::now();
    for n in 0.. {
        let before = [decided(processors[0]).await, decided(processors[1]).await];
        for item in &parts.items {
            let hold = json!({"holdId": format!("probe-{n}-{:x}", rand::random::<u32>()), "quantity": 1,
                "expiresInSeconds": 60});
            post(api, "", &format!("/v1/items/{item}/holds"), "wait=10", hold).await;
        }
        let after = [decided(processors[0]).await, decided(processors[1]).await];
        if (0..2).all(|which| after[which] != before[which]) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "the shards are not shared");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_whose_item_does_not_answer_end_in_time_or_when_they_are_cancelled() {
    let parts = Parts::open().await;
    let processor = || {
        let flags = ["--answer-timeout-seconds", "2", "--grace-seconds", "0"];
        Engine::start(Arc::clone(&parts.home), "processor", &flags)
    };
    let (first, second) = (processor(), processor());
    let _others = [parts.start("projector"), payer(&parts)];
    let (api, _secret) = api(&parts);
    shared(&parts, &api, [&first, &second]).await;
    // Others than those that tell who decides what.
    let items: Vec<String> = (0..SHARDS).map(|shard| items_of(shard).nth(1).expect("without end")).collect();
    for item in &items {
        api.stock(item, 500, UNITS).await;
    }
    let mut orders = Orders { api, items, orders: Vec::new() };
    let mut met: BTreeMap<Kind, usize> = BTreeMap::new();
    // A machine that is too slow for two seconds may take the shards over before an order has given up.
    for round in 0..5 {
        orders.of_round(round);
        orders.prepare().await;
        second.signal("STOP");
        orders.act().await;
        let frozen = Instant::now();
        while frozen.elapsed() < Duration::from_secs(20) && orders.met().await.len() < Kind::ALL.len() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let silent = orders.met().await;
        second.signal("CONT");
        orders.end().await;
        let after = orders.met().await;
        assert!(silent.iter().all(|(kind, n)| after.get(kind) >= Some(n)), "an answer came late: {silent:?} {after:?}");
        met.extend(silent);
        if met.len() == Kind::ALL.len() {
            break;
        }
        shared(&parts, &orders.api, [&first, &second]).await;
    }
    println!("orders whose item was silent: {met:?}");
    assert_eq!(met.len(), Kind::ALL.len(), "not all kinds met a silent item: {met:?}");
}

/// An order of three teas, paid and confirmed while nobody takes money; its payment.
async fn bought(api: &Engine, order: &str, item: &str) -> PaymentId {
    let line = json!({"lineId": "1", "itemId": item, "quantity": 3});
    let placed = json!({"orderId": order, "lines": [line], "payment": "provider", "submit": "auto"});
    assert_eq!(post(api, "", "/v1/orders", "wait=30", placed).await.status, StatusCode::CREATED);
    let paid = post(api, order, &format!("/v1/orders/{order}/payments"), "respond-async", payment(LATER_CARD)).await;
    assert_eq!(paid.status, StatusCode::ACCEPTED, "{paid:?}");
    let started = comes_to(api, order, |order| order["payments"][0]["paymentId"].is_string()).await;
    let payment = &started["payments"][0]["paymentId"];
    authorized(api, order, payment, 1_500).await;
    comes_to(api, order, |order| order["status"] == "confirmed").await;
    PaymentId::parse(payment.as_str().expect("an id")).expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_fails_for_good_cancels_what_has_not_shipped() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector"), parts.start("fulfilment")];
    let (api, _secret) = api(&parts);
    api.stock("tea", 500, 6).await;
    let (whole, part) = (bought(&api, "whole", "tea").await, bought(&api, "part", "tea").await);
    comes_to(&api, "part", |order| order["subOrders"][0]["lines"][0]["allocated"] == 3).await;
    let ship = json!({"shipmentId": "k", "lines": [{"lineId": "1", "quantity": 1}]});
    assert_eq!(post(&api, "", "/v1/orders/part/shipments", "wait=30", ship).await.status, StatusCode::CREATED);
    for (order, payment_id) in [("whole", whole), ("part", part)] {
        let (order_id, reason) = (OrderId::parse(order).expect("an id"), "account_closed".to_owned());
        let failed = WebhookEvent::CaptureFailed { order_id, payment_id, reason };
        for _ in 0..2 {
            assert_eq!(webhook(&api.url, &failed).await, StatusCode::NO_CONTENT);
        }
    }
    let shown = comes_to(&api, "whole", |order| order["status"] == "refunding").await;
    assert_eq!((&shown["lines"][0]["cancelled"], &shown["payments"][0]["refundDue"]), (&json!(3), &json!(1_500)));
    let shown = comes_to(&api, "part", |order| order["status"] == "shipped").await;
    assert_eq!((&shown["lines"][0]["cancelled"], &shown["payments"][0]["refundDue"]), (&json!(2), &json!(1_000)));
    let logs = logged_of(&api).await;
    for (order, last) in [("whole", "order-cancelled"), ("part", "lines-cancelled")] {
        let kinds: Vec<&str> = logs[order].iter().map(|(kind, _)| kind.as_str()).collect();
        let at = kinds.iter().position(|kind| *kind == "capture-failed").expect("it failed");
        assert!(kinds[at..].contains(&last) && kinds[at..].contains(&"refund-due"), "{order}: {kinds:?}");
        assert_eq!(kinds.iter().filter(|kind| **kind == "capture-failed").count(), 1, "{order}: {kinds:?}");
    }
    // Once somebody does, what is due back is given back.
    let _payer = payer(&parts);
    comes_to(&api, "whole", |order| order["payments"][0]["refunded"] == 1_500 && order["status"] == "refunded").await;
    comes_to(&api, "part", |order| order["payments"][0]["refunded"] == 1_000).await;
    let operator = api.token("operator", "ops");
    let stock = api.get(Some(&operator), "/v1/items/tea/stock", "").await.body;
    let levels = ["available", "onHand", "held", "committed"].map(|level| stock[level].as_u64());
    assert_eq!(levels, [Some(5), Some(5), Some(0), Some(0)], "{stock}");
}
