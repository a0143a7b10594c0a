//! What the log and the views say, held against what clients were told.

use super::{LIMIT, Parts, UNITS, load::Granted};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// All events of a topic, as the API tells them.
pub async fn events(parts: &Parts, topic: &str) -> Vec<Value> {
    let token = parts.api.token("operator", "ops");
    let read = parts.api.get(Some(&token), &format!("/v1/log/{topic}?follow=false"), "").await;
    assert!(read.status.is_success(), "{read:?}");
    match &read.body {
        Value::String(lines) => lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
        // A single line.
        event => vec![event.clone()],
    }
}

/// That the numbers of each partition are 1, 2, 3…: nothing is missing, nothing is there twice.
pub fn is_dense(events: &[Value]) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        let id = event["id"].as_str().expect("an id");
        let (partition, seq) = id.split_once('@').expect("partition@seq");
        let seq: u64 = seq.parse().expect("a number");
        let before = last.insert(partition, seq).unwrap_or(0);
        assert_eq!(seq, before + 1, "{partition}");
    }
}

/// That every hold that was answered is in the log once and no other, each with the stock that its client was told, and
/// that the views say the same.
pub async fn holds_add_up(parts: &Parts, holds: &BTreeMap<String, Granted>) {
    let events = events(parts, "inventory.events.v1").await;
    is_dense(&events);
    let mut logged: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut count: BTreeMap<&str, u64> = BTreeMap::new();
    // Of other items there may be holds of orders.
    let is_ours = |event: &&Value| parts.items.iter().any(|item| event["subject"] == json!(item));
    let granted = events.iter().filter(|event| event["type"] == "stockfold.inventory.hold-granted.v1");
    for event in granted.filter(is_ours) {
        let (id, item) = (&event["data"]["hold"]["id"], event["subject"].as_str().expect("an item"));
        let id = id.as_str().expect("an id");
        assert!(holds.contains_key(id), "nobody was told of {id}");
        assert!(logged.insert(id, &event["data"]).is_none(), "{id} was granted twice");
        let held = count.entry(item).or_default();
        *held += 1;
        let stock = &event["data"]["stock"];
        assert_eq!((&stock["held"], &stock["available"]), (&json!(held), &json!(u64::from(UNITS) - *held)), "{event}");
    }
    for (id, hold) in holds {
        let event = logged.get(id.as_str()).unwrap_or_else(|| panic!("{id} was answered, and is not in the log"));
        // A repeat is told the stock of its own time.
        if hold.sent == 1 {
            assert_eq!(hold.answer["available"], event["stock"]["available"], "{id}: {}", hold.answer);
        }
        assert_eq!(hold.answer["expiresAt"], event["expiresAt"], "{id}: {}", hold.answer);
    }
    for item in &parts.items {
        let held = count.get(item.as_str()).copied().unwrap_or(0);
        shows(parts, item, held).await;
    }
}

/// Waits until the views show so many units held.
pub async fn shows(parts: &Parts, item: &str, held: u64) {
    let (token, begun) = (parts.api.token("operator", "ops"), Instant::now());
    loop {
        let shown = parts.api.get(Some(&token), &format!("/v1/items/{item}/stock"), "").await.body;
        if shown["held"] == json!(held) {
            assert_eq!(shown["available"], json!(u64::from(UNITS) - held), "{shown}");
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{item}: {held} should be held: {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
