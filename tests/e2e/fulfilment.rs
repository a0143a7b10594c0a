//! From a confirmed order to what each warehouse has allocated.

use super::{
    checkout::GOOD_CARD,
    engine::{Ask, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinSet;

in_both_worlds!(
    an_order_that_no_warehouse_has_is_split_over_as_few_as_can,
    priority_decides_and_then_the_distance_to_the_address,
    parcels_are_joined_at_the_best_warehouse_where_that_is_wanted,
    orders_that_race_for_the_last_units_are_all_allocated,
    units_that_a_count_takes_are_planned_elsewhere,
    a_backorder_is_planned_when_stock_comes_also_after_a_kill,
    what_was_confirmed_before_a_kill_is_planned_after_it,
);

/// Locations that hold nothing but `main`, where `Engine::stock` puts units.
const NONE: u32 = 0;

async fn warehouse(engine: &Engine, location: &str, priority: u32, degrees: (f64, f64)) {
    let address = json!({"name": "Acme", "lines": ["1 Dock"], "city": location, "country": "GB"});
    let body = json!({"name": location, "address": address, "latitude": degrees.0, "longitude": degrees.1,
        "priority": priority});
    let operator = engine.token("operator", "ops");
    let ask = Ask { token: Some(&operator), body: Some(body), ..Ask::default() };
    let put = engine.ask(Method::PUT, &format!("/v1/warehouses/{location}"), ask).await;
    assert!(put.status.is_success(), "{put:?}");
    let shown = engine.get(Some(&operator), &format!("/v1/warehouses/{location}"), &put.position()).await;
    assert_eq!((&shown.body["latitude"], &shown.body["priority"]), (&json!(degrees.0), &json!(priority)), "{shown:?}");
}

async fn receive(engine: &Engine, item: &str, location: &str, units: u32) {
    let receipt = format!("{item}-{location}-{}", rand::random::<u32>());
    let body = json!({"receiptId": receipt, "location": location, "quantity": units, "document": "d"});
    let operator = engine.token("operator", "ops");
    let received = engine.post(&operator, "", &format!("/v1/items/{item}/receipts"), body).await;
    assert!(received.status.is_success(), "{received:?}");
}

/// Sets the sellable units of a location.
async fn count(engine: &Engine, item: &str, location: &str, units: u32) {
    let body = json!({"location": location, "counted": units, "reason": "lost"});
    let key = format!("{item}-{location}-{units}");
    let counted = engine.post(&engine.token("operator", "ops"), &key, &format!("/v1/items/{item}/counts"), body).await;
    assert!(counted.status.is_success(), "{counted:?}");
}

/// An order that another system has been paid for: confirmed at once.
async fn order(engine: &Engine, id: &str, lines: &[(&str, u32)]) {
    let line = |(item, units): &(&str, u32)| json!({"lineId": item, "itemId": item, "quantity": units});
    let lines: Vec<Value> = lines.iter().map(line).collect();
    let body = json!({"orderId": id, "lines": lines, "payment": "external", "submit": "auto"});
    let placed = engine.post(&engine.token("service", "shop"), "", "/v1/orders", body).await;
    assert_eq!(placed.body["status"], "confirmed", "{placed:?}");
}

/// The levels of an item: by location what is allocated there, and what is committed to no location.
async fn levels(engine: &Engine, item: &str) -> (BTreeMap<String, u64>, u64) {
    let token = engine.token("operator", "ops");
    let stock = engine.get(Some(&token), &format!("/v1/items/{item}/stock"), "").await.body;
    let places = stock["locations"].as_array().cloned().unwrap_or_default();
    let allocated = |place: &Value| Some((place["location"].as_str()?.to_owned(), place["allocated"].as_u64()?));
    let allocated = places.iter().filter_map(allocated).filter(|(_, units)| *units > 0).collect();
    (allocated, stock["committed"].as_u64().unwrap_or(u64::MAX))
}

/// Waits until the units of an item are allocated so, and so many are committed.
async fn allocated(engine: &Engine, item: &str, expected: &[(&str, u64)], committed: u64) {
    let expected: BTreeMap<String, u64> = expected.iter().map(|(at, units)| ((*at).to_owned(), *units)).collect();
    let wanted = format!("{expected:?} allocated and {committed} committed of {item}");
    let expected = (expected, committed);
    until(&wanted, || levels(engine, item), |levels| *levels == expected).await;
}

/// What the log says of an order: the data of its events of that type, in order.
async fn told(engine: &Engine, order: &str, event: &str) -> Vec<Value> {
    let mut told = Vec::new();
    for partition in 0.. {
        let path = format!("/v1/log/orders.events.v1?follow=false&partition={partition}");
        let answer = engine.get(Some(&engine.token("operator", "ops")), &path, "").await;
        if !answer.status.is_success() {
            break;
        }
        let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let wanted = format!("stockfold.orders.{event}.v1");
        told.extend(
            events.filter(|e| e["subject"] == order && e["type"] == wanted.as_str()).map(|e| e["data"].clone()),
        );
    }
    told
}

async fn an_order_that_no_warehouse_has_is_split_over_as_few_as_can(world: World) {
    let engine = world.start(&[]);
    for item in ["tea", "mug"] {
        engine.stock(item, 500, NONE).await;
    }
    for (location, priority) in [("north", 0), ("south", 5), ("east", 5)] {
        warehouse(&engine, location, priority, (50.0, 0.0)).await;
    }
    // `north` would ship most gladly, but helps nobody to fewer parcels.
    for (item, location, units) in [("tea", "north", 1), ("tea", "south", 3), ("tea", "east", 1), ("mug", "east", 2)] {
        receive(&engine, item, location, units).await;
    }
    order(&engine, "o-1", &[("tea", 4), ("mug", 2)]).await;
    allocated(&engine, "tea", &[("east", 1), ("south", 3)], 0).await;
    allocated(&engine, "mug", &[("east", 2)], 0).await;
    let plans = told(&engine, "o-1", "sub-orders-planned").await;
    assert_eq!(plans.len(), 1, "{plans:?}");
    let parts = plans[0]["subOrders"].as_array().expect("parts");
    assert_eq!(parts.len(), 2, "{plans:?}");
    assert!(parts.iter().all(|part| part["arrivalAt"].is_string() && part["parent"].is_null()), "{plans:?}");
    assert_eq!(told(&engine, "o-1", "sub-order-allocated").await.len(), 3);
}

/// Buys one tea, to be sent to that place.
async fn bought_from(engine: &Engine, shopper: &str, degrees: (f64, f64)) {
    let token = engine.token("shopper", shopper);
    let cart = json!({"cart": [{"itemId": "tea", "quantity": 1}], "submit": "auto"});
    let begun = engine.post(&token, "b", "/v1/checkout?op=BEGIN", cart).await;
    let pay_at = begun.body["paymentInputUrl"].as_str().unwrap_or_else(|| panic!("{begun:?}")).to_owned();
    let address = json!({"name": "A", "lines": ["1 High Street"], "city": "C", "country": "GB",
        "latitude": degrees.0, "longitude": degrees.1});
    let body = json!({"paymentDetails": {"card": GOOD_CARD}, "shippingAddress": address});
    let paid = engine.post(&token, "p", &pay_at, body).await;
    assert!(paid.status.is_success(), "{paid:?}");
}

async fn priority_decides_and_then_the_distance_to_the_address(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, NONE).await;
    let (leeds, bath) = ((53.8, -1.55), (51.38, -2.36));
    warehouse(&engine, "leeds", 5, leeds).await;
    warehouse(&engine, "bath", 5, bath).await;
    for location in ["leeds", "bath"] {
        receive(&engine, "tea", location, 10).await;
    }
    bought_from(&engine, "ann", (53.7, -1.5)).await;
    allocated(&engine, "tea", &[("leeds", 1)], 0).await;
    bought_from(&engine, "ben", (51.4, -2.4)).await;
    allocated(&engine, "tea", &[("bath", 1), ("leeds", 1)], 0).await;
    // A lower number ships first, however far it is.
    warehouse(&engine, "leeds", 4, leeds).await;
    bought_from(&engine, "cat", (51.4, -2.4)).await;
    allocated(&engine, "tea", &[("bath", 1), ("leeds", 2)], 0).await;
}

async fn parcels_are_joined_at_the_best_warehouse_where_that_is_wanted(world: World) {
    let engine = world.start(&["--consolidate"]);
    engine.stock("tea", 500, NONE).await;
    for (location, priority) in [("hub", 0), ("spoke", 1)] {
        warehouse(&engine, location, priority, (50.0, 0.0)).await;
        receive(&engine, "tea", location, 2).await;
    }
    order(&engine, "o-1", &[("tea", 3)]).await;
    allocated(&engine, "tea", &[("hub", 2), ("spoke", 1)], 0).await;
    let plans = told(&engine, "o-1", "sub-orders-planned").await;
    let (hub, spoke) = (&plans[0]["subOrders"][0], &plans[0]["subOrders"][1]);
    assert_eq!((&hub["location"], &spoke["location"]), (&json!("hub"), &json!("spoke")), "{plans:?}");
    assert_eq!((&spoke["parent"], &hub["parent"]), (&hub["subOrderId"], &Value::Null), "{plans:?}");
}

async fn orders_that_race_for_the_last_units_are_all_allocated(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, NONE).await;
    let places = ["a", "b", "c", "d"];
    for location in places {
        receive(&engine, "tea", location, 5).await;
    }
    let engine = Arc::new(engine);
    engine.token("service", "shop");
    let mut orders = JoinSet::new();
    for n in 0..20 {
        let engine = Arc::clone(&engine);
        orders.spawn(async move { order(&engine, &format!("o-{n}"), &[("tea", 1)]).await });
    }
    orders.join_all().await;
    allocated(&engine, "tea", &places.map(|location| (location, 5)), 0).await;
}

async fn units_that_a_count_takes_are_planned_elsewhere(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, NONE).await;
    receive(&engine, "tea", "a", 3).await;
    order(&engine, "o-1", &[("tea", 3)]).await;
    allocated(&engine, "tea", &[("a", 3)], 0).await;
    // Two of the three are gone, and one is elsewhere.
    receive(&engine, "tea", "b", 1).await;
    count(&engine, "tea", "a", 1).await;
    allocated(&engine, "tea", &[("a", 1), ("b", 1)], 1).await;
    receive(&engine, "tea", "c", 1).await;
    allocated(&engine, "tea", &[("a", 1), ("b", 1), ("c", 1)], 0).await;
}

async fn a_backorder_is_planned_when_stock_comes_also_after_a_kill(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, NONE).await;
    for n in 0..3 {
        receive(&engine, "tea", "a", 2).await;
        let id = format!("o-{n}");
        order(&engine, &id, &[("tea", 2)]).await;
        allocated(&engine, "tea", &[("a", 2 * (n + 1))], 0).await;
    }
    count(&engine, "tea", "a", 0).await;
    allocated(&engine, "tea", &[], 6).await;
    // All of it has been looked at and waits; who waits is found again after a death.
    until("a backorder", || told(&engine, "o-0", "shipments-backordered"), |told| !told.is_empty()).await;
    engine.kill();
    let engine = engine.restart();
    receive(&engine, "tea", "b", 3).await;
    allocated(&engine, "tea", &[("b", 3)], 3).await;
    engine.kill();
    let engine = engine.restart();
    receive(&engine, "tea", "b", 7).await;
    allocated(&engine, "tea", &[("b", 6)], 0).await;
}

async fn what_was_confirmed_before_a_kill_is_planned_after_it(world: World) {
    let mut engine = world.start(&[]);
    engine.stock("tea", 500, 100).await;
    let rounds = world.choose(5, 2);
    for round in 0..rounds {
        let shared = Arc::new(engine);
        shared.token("service", "shop");
        let mut orders = JoinSet::new();
        for n in 0..6 {
            let engine = Arc::clone(&shared);
            orders.spawn(async move { order(&engine, &format!("o-{round}-{n}"), &[("tea", 1)]).await });
        }
        orders.join_all().await;
        shared.kill();
        engine = Arc::into_inner(shared).expect("no order is left").restart();
        allocated(&engine, "tea", &[("main", 6 * (round + 1))], 0).await;
    }
}
