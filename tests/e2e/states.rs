//! The state topics: the last record of each key is what a query answers.

use super::{
    checkout::{GOOD_CARD, payment},
    engine::{Ask, Engine},
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

in_both_worlds!(
    the_last_record_of_a_key_is_what_a_query_answers,
    what_a_killed_process_did_not_write_is_written_after_its_start,
    two_projectors_at_once_write_the_same,
    who_does_not_want_them_has_none,
);

/// How long a state may take to be written.
const LONG: Duration = Duration::from_secs(90);

/// The last record of each key of a topic: its value, and its sequence.
async fn last(engine: &Engine, topic: &str) -> BTreeMap<String, (Value, String)> {
    let analyst = engine.token("analyst", "reader");
    let read = engine.get(Some(&analyst), &format!("/v1/log/{topic}?follow=false"), "").await;
    assert_eq!(read.status, StatusCode::OK, "{read:?}");
    // One line is read as JSON, more are text.
    let lines = match read.body {
        Value::String(text) => text,
        one => one.to_string(),
    };
    let mut last = BTreeMap::new();
    for line in lines.lines().filter(|line| !line.is_empty() && *line != "null") {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| record[name].as_str().unwrap_or_else(|| panic!("no {name} in {record}")).to_owned();
        last.insert(text("subject"), (record["data"].clone(), text("sequence")));
    }
    last
}

/// The last record, or the answer, of each key of each topic.
type Told = BTreeMap<(&'static str, String), Value>;

/// What queries answer who runs the shop, by topic and key; `None` before the views have all of it.
async fn answers(engine: &Engine, items: &[&str], orders: &[String]) -> Option<Told> {
    let operator = engine.token("operator", "ops");
    let mut all = Told::new();
    for item in items {
        let shown = engine.get(Some(&operator), &format!("/v1/items/{item}"), "").await;
        let stock = engine.get(Some(&operator), &format!("/v1/items/{item}/stock"), "").await;
        if !(shown.status.is_success() && stock.status.is_success()) {
            return None;
        }
        all.insert(("items.state.v1", (*item).to_owned()), shown.body);
        // Nobody is told of the stock of what never had any.
        if !stock.body["position"].is_null() {
            all.insert(("stock.state.v1", (*item).to_owned()), stock.body);
        }
    }
    for order in orders {
        let shown = engine.get(Some(&operator), &format!("/v1/orders/{order}"), "").await;
        if !shown.status.is_success() {
            return None;
        }
        all.insert(("orders.state.v1", order.clone()), without_address(shown.body));
    }
    Some(all)
}

/// The address is told by a query, and sealed in a state.
fn without_address(mut order: Value) -> Value {
    if let Some(address) = order.get_mut("shippingAddress").filter(|address| !address.is_null()) {
        *address = json!("there");
    }
    order
}

/// What stands in the topics.
async fn states(engine: &Engine) -> Told {
    let mut all = Told::new();
    for topic in ["items.state.v1", "stock.state.v1", "orders.state.v1"] {
        for (key, (value, _)) in last(engine, topic).await {
            if let Some(sealed) = value["shippingAddress"]["sealed"].as_str() {
                assert!(!sealed.is_empty() && !value.to_string().contains("High Street"), "{value}");
            }
            all.insert((topic, key), without_address(value));
        }
    }
    all
}

/// Waits until the last records are what queries answer; gives them.
async fn agree(engine: &Engine, items: &[&str], orders: &[String]) -> Told {
    let until = Instant::now() + LONG;
    loop {
        let told = states(engine).await;
        let answered = answers(engine, items, orders).await;
        if answered.as_ref() == Some(&told) {
            return told;
        }
        assert!(Instant::now() < until, "queries answer {answered:#?} and the topics have {told:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn list(engine: &Engine, item: &str, body: Value) {
    let operator = engine.token("operator", "ops");
    let ask = Ask { token: Some(&operator), body: Some(body), ..Ask::default() };
    let listed = engine.ask(Method::PUT, &format!("/v1/items/{item}"), ask).await;
    assert!(listed.status.is_success(), "{listed:?}");
}

/// A shopper buys; the id of the order.
async fn buy(engine: &Engine, shopper: &str, lines: Value) -> String {
    let token = engine.token("shopper", shopper);
    let begun = engine.post(&token, "b", "/v1/checkout?op=BEGIN", json!({"cart": lines})).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url").to_owned();
    let paid = engine.post(&token, "p", &pay_at, payment(GOOD_CARD)).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let submitted = engine.post(&token, "s", &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!((submitted.status, &submitted.body["status"]), (StatusCode::OK, &json!("confirmed")), "{submitted:?}");
    order
}

async fn the_last_record_of_a_key_is_what_a_query_answers(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 10).await;
    engine.stock("mug", 900, 3).await;
    engine.stock("never", 100, 0).await;
    let price = json!({"amount": 300, "currency": "EUR"});
    let file = "https://files.example/b.epub";
    list(&engine, "book", json!({"name": "A book", "kind": "digital", "price": price, "file": file})).await;
    let service = engine.token("service", "erp");
    let hold = json!({"holdId": "h-1", "quantity": 2, "expiresInSeconds": 86_400});
    let held = engine.post(&service, "", "/v1/items/tea/holds", hold).await;
    assert_eq!(held.status, StatusCode::CREATED, "{held:?}");
    let lines =
        json!([{"itemId": "tea", "quantity": 2}, {"itemId": "mug", "quantity": 1}, {"itemId": "book", "quantity": 1}]);
    let first = buy(&engine, "alice", lines).await;
    let external = json!({"orderId": "erp-1", "payment": "external", "submit": "auto",
        "lines": [{"lineId": "1", "itemId": "tea", "quantity": 3, "unitPrice": price}]});
    let placed = engine.post(&service, "", "/v1/orders", external).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    let cancel = json!({"lines": [{"lineId": "1", "quantity": 1}], "reason": "one too many"});
    let cancelled = engine.post(&service, "c1", "/v1/orders/erp-1/cancel", cancel).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    let operator = engine.token("operator", "ops");
    let delist = Ask { token: Some(&operator), ..Ask::default() };
    let delisted = engine.ask(Method::DELETE, "/v1/items/mug", delist).await;
    assert!(delisted.status.is_success(), "{delisted:?}");

    let items = ["tea", "mug", "never", "book"];
    let told = agree(&engine, &items, &[first.clone(), "erp-1".to_owned()]).await;
    // A digital item has a stock too, once it is held; what was never received has none.
    assert_eq!(told.len(), 4 + 3 + 2, "{:?}", told.keys());
    assert_eq!(told[&("orders.state.v1", first.clone())]["shippingAddress"], "there");
    assert_eq!(told[&("items.state.v1", "mug".to_owned())]["listed"], false);
    // The newest event in a row is what its sequence says.
    let (order, sequence) = last(&engine, "orders.state.v1").await.remove(&first).expect("it is there");
    let position = order["position"].as_str().expect("text");
    let seq: u64 = position.split_once('@').expect("a seq").1.parse().expect("a number");
    assert_eq!(sequence, format!("{seq:020}"));
}

async fn what_a_killed_process_did_not_write_is_written_after_its_start(world: World) {
    let home = world.home();
    let mut engine = Engine::start(Arc::clone(&home), "up", &[]);
    engine.stock("tea", 500, 100).await;
    let mut orders = Vec::new();
    for round in 0..world.choose(4, 2) {
        for n in 0..3 {
            orders.push(buy(&engine, &format!("s{round}-{n}"), json!([{"itemId": "tea", "quantity": 1}])).await);
        }
        // Wherever the writer is.
        engine = engine.restart();
    }
    let told = agree(&engine, &["tea"], &orders).await;
    if world == World::Embedded {
        // Without views and checkpoints all is written again, and ends the same.
        engine.kill();
        let data = home.data();
        for name in ["views.sqlite", "views.sqlite-wal", "views.sqlite-shm"] {
            let gone = std::fs::remove_file(data.join(name));
            assert!(gone.is_ok() || name != "views.sqlite", "{gone:?}");
        }
        engine = engine.restart();
        assert!(agree(&engine, &["tea"], &orders).await.keys().eq(told.keys()));
    }
}

async fn two_projectors_at_once_write_the_same(world: World) {
    // A data directory is one process's: there are no two.
    let home = world.home();
    let engine = Engine::start(Arc::clone(&home), "up", &[]);
    let second = (world == World::Cluster).then(|| Engine::start(Arc::clone(&home), "projector", &[]));
    engine.stock("tea", 500, 100).await;
    let mut orders = Vec::new();
    for n in 0..4 {
        orders.push(buy(&engine, &format!("s{n}"), json!([{"itemId": "tea", "quantity": 1}])).await);
    }
    if let Some(second) = &second {
        second.kill();
    }
    orders.push(buy(&engine, "last", json!([{"itemId": "tea", "quantity": 1}])).await);
    agree(&engine, &["tea"], &orders).await;
}

async fn who_does_not_want_them_has_none(world: World) {
    let engine = world.start(&["--state-topics", "false"]);
    engine.stock("tea", 500, 10).await;
    let operator = engine.token("operator", "ops");
    let status = engine.get(Some(&operator), "/v1/status", "").await;
    assert!(status.body["states"].is_null(), "{status:?}");
    assert!(last(&engine, "items.state.v1").await.is_empty());
    // Switched on, all that there was is written.
    let engine = engine.restart_with(&[]);
    agree(&engine, &["tea"], &[]).await;
    let status = engine.get(Some(&engine.token("operator", "ops")), "/v1/status", "").await;
    assert_eq!(status.body["states"]["running"], true, "{status:?}");
}
