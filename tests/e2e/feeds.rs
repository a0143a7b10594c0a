//! Suppliers' feeds by HTTP: any order of arrival leads to the same items, refusals are kept, and kill -9 loses nothing.

use super::{
    engine::{Answer, Ask, Engine},
    patience,
    world::{World, in_both_worlds},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use reqwest::{Method, StatusCode};
use schemas::{Position, PositionToken, Timestamp};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

in_both_worlds!(
    any_order_of_arrival_leads_to_the_same_item,
    a_report_never_touches_what_is_held,
    what_an_item_refuses_is_kept_with_its_bytes_and_the_others_go_through,
    a_process_that_is_killed_loses_nothing_and_doubles_nothing,
);

/// An event in structured mode; `minute` is of an hour long past.
pub fn event(source: &str, sequence: u64, minute: u32, item: &str, kind: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "type": format!("stockfold.supplier.{kind}.v1"), "source": source,
        "id": format!("{source}-{sequence}"), "subject": item, "time": format!("2025-01-01T10:{minute:02}:00Z"),
        "sequence": sequence.to_string(), "datacontenttype": "application/json", "data": data})
}

pub fn facts(name: &str, kind: &str, amount: i64) -> Value {
    json!({"name": name, "kind": kind, "price": {"amount": amount, "currency": "EUR"}})
}

fn price(amount: i64) -> Value {
    json!({"price": {"amount": amount, "currency": "EUR"}})
}

fn reported(quantity: u32) -> Value {
    json!({"location": "main", "quantity": quantity})
}

fn received(quantity: u32, document: &str) -> Value {
    json!({"location": "main", "quantity": quantity, "document": document})
}

/// Publishes events in one request.
async fn try_publish(engine: &Engine, events: &[Value]) -> Result<Answer, reqwest::Error> {
    let token = engine.token("supplier", "erp");
    let (media_type, body) = match events {
        [only] => ("application/cloudevents+json", only.clone()),
        many => ("application/cloudevents-batch+json", json!(many)),
    };
    let headers = vec![("content-type", media_type.to_owned())];
    let ask = Ask { token: Some(&token), headers, body: Some(body), ..Ask::default() };
    engine.try_ask(Method::POST, "/v1/supplier-events", ask).await
}

async fn publish(engine: &Engine, events: &[Value]) {
    let answer = try_publish(engine, events).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
}

/// What the API shows of an item and its stock, not before `position`.
async fn shown(engine: &Engine, item: &str, position: &str) -> (Value, Value) {
    let token = engine.token("operator", "ops");
    let facts = engine.get(Some(&token), &format!("/v1/items/{item}"), position).await.body;
    let stock = engine.get(Some(&token), &format!("/v1/items/{item}/stock"), position).await.body;
    (facts, stock)
}

/// Waits until an item's facts and stock are as they should be. What is not asked for may be older: each view follows the
/// log by itself.
pub async fn until(engine: &Engine, item: &str, is_so: impl Fn(&Value, &Value) -> bool) -> (Value, Value) {
    let wanted = format!("what is wanted of {item}");
    patience::until(&wanted, || shown(engine, item, ""), |(facts, stock)| is_so(facts, stock)).await
}

/// What is shown of items once the views have all that the log has now.
async fn last_shown(engine: &Engine, items: &[impl AsRef<str>]) -> Vec<(Value, Value)> {
    let mut newest = PositionToken::default();
    for event in logged(engine, "inventory.events.v1").await {
        newest.add(Position::parse(event["id"].as_str().expect("an id")).expect("its place"));
    }
    let mut last = Vec::new();
    for item in items {
        last.push(shown(engine, item.as_ref(), &newest.to_string()).await);
    }
    last
}

/// Waits until so many records are done, of those that this process takes.
async fn until_done(engine: &Engine, records: u64) {
    let token = engine.token("operator", "ops");
    let done = || async {
        let status = engine.get(Some(&token), "/v1/status", "").await.body;
        let partitions = status["inbound"]["partitions"].as_array().cloned().unwrap_or_default();
        partitions.iter().filter_map(|partition| partition["done"].as_u64()).sum::<u64>()
    };
    let done = patience::until(&format!("{records} records done"), done, |done| *done >= records).await;
    assert_eq!(done, records, "each was published once");
}

/// The records of a topic, as the API tells them.
pub async fn logged(engine: &Engine, topic: &str) -> Vec<Value> {
    let token = engine.token("operator", "ops");
    let read = engine.get(Some(&token), &format!("/v1/log/{topic}?follow=false"), "").await;
    assert!(read.status.is_success(), "{read:?}");
    match &read.body {
        Value::String(lines) => lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
        one => vec![one.clone()],
    }
}

/// What two suppliers say of an item, in the order in which it happened.
fn story(item: &str) -> Vec<Value> {
    let event = |source, sequence, minute, kind, data| event(source, sequence, minute, item, kind, data);
    vec![
        event("//north", 1, 0, "item-listed", facts("North", "physical", 500)),
        event("//south", 1, 5, "item-listed", facts("South", "physical", 450)),
        event("//south", 2, 7, "item-delisted", json!({})),
        event("//north", 2, 10, "price-changed", price(550)),
        event("//south", 3, 15, "stock-received", received(3, "in the report")),
        event("//north", 3, 20, "stock-reported", reported(10)),
        event("//north", 4, 25, "item-listed", facts("North again", "physical", 560)),
        event("//south", 4, 30, "stock-received", received(5, "after the report")),
        event("//south", 5, 35, "price-changed", price(570)),
    ]
}

async fn any_order_of_arrival_leads_to_the_same_item(world: World) {
    let engine = world.start(&[]);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    let mut random = StdRng::seed_from_u64(seed);
    let items: Vec<String> = (0..world.choose(24, 12)).map(|n| format!("i-{n}")).collect();
    let (mut rest, mut sent): (Vec<Vec<Value>>, u64) = (Vec::new(), 0);
    for (n, item) in items.iter().enumerate() {
        let mut events = story(item);
        // The first comes as it happened, the second from its end.
        match n {
            0 => {}
            1 => events.reverse(),
            _ => events.shuffle(&mut random),
        }
        // Some come twice.
        let again = [
            events[random.random_range(0..events.len())].clone(),
            events[random.random_range(0..events.len())].clone(),
        ];
        events.extend(again);
        rest.push(events);
    }
    // Interleaved, in requests of some events each.
    while !rest.is_empty() {
        let at = random.random_range(0..rest.len());
        let some = random.random_range(1..=4).min(rest[at].len());
        let events: Vec<Value> = rest[at].drain(..some).collect();
        publish(&engine, &events).await;
        sent += events.len() as u64;
        rest.retain(|events| !events.is_empty());
    }
    until_done(&engine, sent).await;
    // Waiting for some of it would not do: what was said last may not be in the views yet.
    for (item, (facts, stock)) in items.iter().zip(last_shown(&engine, &items).await) {
        assert_eq!(stock["onHand"], json!(15), "{item} (seed {seed}): {stock}");
        let told =
            json!([facts["name"], facts["price"]["amount"], stock["available"], stock["locations"][0]["sellable"]]);
        assert_eq!(told, json!(["North again", 570, 15, 15]), "{item} (seed {seed}): {facts} {stock}");
    }
    assert_eq!(logged(&engine, "dead-letters.v1").await, Vec::<Value>::new());
}

async fn a_report_never_touches_what_is_held(world: World) {
    let engine = world.start(&[]);
    let listed = event("//erp", 1, 0, "tea", "item-listed", facts("Tea", "physical", 100));
    publish(&engine, &[listed, event("//erp", 2, 1, "tea", "stock-reported", reported(10))]).await;
    until(&engine, "tea", |facts, stock| facts["name"] == "Tea" && stock["available"] == json!(10)).await;
    let service = engine.token("service", "shop");
    let hold = json!({"holdId": "h", "quantity": 6, "expiresInSeconds": 86_400});
    let held = engine.post(&service, "", "/v1/items/tea/holds", hold).await;
    assert_eq!(held.status, StatusCode::CREATED, "{held:?}");
    // It was counted before the hold, and is less than is held: taken all the same.
    publish(&engine, &[event("//erp", 3, 2, "tea", "stock-reported", reported(4))]).await;
    let (_, stock) = until(&engine, "tea", |_, stock| stock["onHand"] == json!(4)).await;
    assert_eq!(stock["held"], json!(6), "{stock}");
    let events = logged(&engine, "inventory.events.v1").await;
    let shortfall = events.iter().find(|event| event["type"] == "stockfold.inventory.shortfall-detected.v1");
    assert!(shortfall.is_some(), "a shortfall is on record: {events:#?}");
    let shown = engine.get(Some(&service), "/v1/items/tea/holds/h", &held.position()).await;
    assert_eq!(shown.body["status"], "active", "{shown:?}");
}

async fn what_an_item_refuses_is_kept_with_its_bytes_and_the_others_go_through(world: World) {
    let engine = world.start(&[]);
    let mut future = event("//erp", 3, 0, "tea", "price-changed", price(1));
    future["time"] = json!("9000-01-01T00:00:00Z");
    let listed = event("//erp", 1, 0, "tea", "item-listed", facts("Tea", "physical", 100));
    let other_kind = event("//erp", 2, 1, "tea", "item-listed", facts("Tea", "digital", 100));
    let other_content = event("//erp", 1, 0, "tea", "item-listed", facts("Coffee", "physical", 100));
    let last = event("//erp", 4, 9, "tea", "price-changed", price(120));
    let bad = [
        ("kind_immutable", &other_kind),
        ("exists_with_different_content", &other_content),
        ("time_in_future", &future),
    ];
    publish(&engine, std::slice::from_ref(&listed)).await;
    for (_, event) in &bad {
        publish(&engine, &[(*event).clone()]).await;
    }
    publish(&engine, &[last]).await;
    let (facts, _) = until(&engine, "tea", |facts, _| facts["price"]["amount"] == json!(120)).await;
    assert_eq!((&facts["name"], &facts["kind"]), (&json!("Tea"), &json!("physical")), "{facts}");
    until_done(&engine, 5).await;
    let letters = logged(&engine, "dead-letters.v1").await;
    let records = letters.iter().map(|letter| &letter["data"]);
    let mut told: Vec<(&Value, Value)> = records
        .map(|letter| {
            assert_eq!(
                (&letter["kind"], &letter["from"]["topic"]),
                (&json!("supplier_record"), &json!("supplier.items.v1"))
            );
            let headers = json!([{"name": "content-type", "value": "application/cloudevents+json"}]);
            assert_eq!(letter["from"]["headers"], headers, "{letter}");
            let original = letter["original"].as_str().expect("text");
            (&letter["code"], serde_json::from_str(original).expect("JSON"))
        })
        .collect();
    let mut expected: Vec<(Value, Value)> = bad.iter().map(|(code, event)| (json!(code), (*event).clone())).collect();
    told.sort_by_key(|(code, _)| code.to_string());
    expected.sort_by_key(|(code, _)| code.to_string());
    assert!(
        told.iter().map(|(code, event)| (*code, event)).eq(expected.iter().map(|(code, event)| (code, event))),
        "{letters:#?}"
    );
}

const ITEMS: [&str; 4] = ["a", "b", "c", "d"];

/// Receipts of one unit each, numbered from `next` on, a second apart.
fn receipts(next: u64) -> Vec<Value> {
    let begin = Timestamp::parse("2025-01-01T00:00:00Z").expect("a time");
    let receipt = |n: u64| {
        let data = received(1, &format!("d-{n}"));
        let mut receipt = event("//erp", n, 0, item_of(n), "stock-received", data);
        receipt["time"] = json!(begin.plus_seconds(u32::try_from(n).expect("few")));
        receipt
    };
    (next..next + 20).map(receipt).collect()
}

fn item_of(n: u64) -> &'static str {
    ITEMS[(n % ITEMS.len() as u64) as usize]
}

/// Publishes receipts from `next` on until the process dies; what nobody knows of is the last of them.
async fn feed(engine: Arc<Engine>, mut next: u64) -> u64 {
    loop {
        match try_publish(&engine, &receipts(next)).await {
            Ok(answer) if answer.status == StatusCode::ACCEPTED => next += 20,
            Ok(answer) => assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}"),
            Err(_) => return next,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_process_that_is_killed_loses_nothing_and_doubles_nothing(world: World) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5);
    let mut random = StdRng::seed_from_u64(seed);
    let mut engine = world.start(&[]);
    let (rounds, pause) = world.choose((12, 50..900), (3, 1_000..3_000));
    let mut next = 1;
    for _ in 0..rounds {
        let shared = Arc::new(engine);
        shared.token("supplier", "erp");
        let feeding = tokio::spawn(feed(Arc::clone(&shared), next));
        tokio::time::sleep(Duration::from_millis(random.random_range(pause.clone()))).await;
        shared.kill();
        // It sends again what nobody knows of.
        next = feeding.await.expect("it feeds");
        engine = Arc::into_inner(shared).expect("nobody feeds").restart();
    }
    // What nobody knew of is sent once more; behind all of it stands the listing, and shows when all before it is done.
    publish(&engine, &receipts(next)).await;
    let total = next + 19;
    assert!(total > 200, "only {total} were fed");
    for item in ITEMS {
        publish(&engine, &[event("//other", 1, 0, item, "item-listed", facts(item, "physical", 100))]).await;
    }
    for item in ITEMS {
        until(&engine, item, |facts, _| facts["name"] == json!(item)).await;
    }
    for (item, (_, stock)) in ITEMS.into_iter().zip(last_shown(&engine, &ITEMS).await) {
        let count = (1..=total).filter(|n| item_of(*n) == item).count();
        assert_eq!(stock["onHand"], json!(count), "{item} of {total} (seed {seed}): {stock}");
    }
    assert_eq!(logged(&engine, "dead-letters.v1").await, Vec::<Value>::new());
}
