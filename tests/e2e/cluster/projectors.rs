//! Two projectors fold the same partitions at once.

use super::{
    Parts,
    load::Load,
    proof::{self, events},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_at_once_show_what_one_would() {
    let parts = Parts::open().await;
    let _processor = parts.start("processor");
    let projectors = [parts.start("projector"), parts.start("projector")];
    let load = Load::start(&parts);
    load.goes_on(Instant::now(), 100).await;
    projectors[0].kill();
    load.goes_on(Instant::now(), 50).await;
    let _late = parts.start("projector");
    load.goes_on(Instant::now(), 50).await;
    let holds = load.end().await;
    let token = parts.api.token("service", "shop");
    let mut released = BTreeMap::<u32, u64>::new();
    for (id, hold) in holds.iter().step_by(5) {
        let path = format!("/v1/items/{}/holds/{id}/release", parts.items[hold.shard as usize]);
        let answer = parts.api.post(&token, &format!("{id}-r"), &path, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        *released.entry(hold.shard).or_default() += 1;
    }
    for (shard, item) in (0..).zip(&parts.items) {
        let granted = holds.values().filter(|hold| hold.shard == shard).count() as u64;
        proof::shows(&parts, item, granted - released[&shard]).await;
    }
    let events = events(&parts, "inventory.events.v1").await;
    proof::is_dense(&events);
    for item in &parts.items {
        ledger_agrees(&parts, item, &events).await;
    }
}

/// That an item's ledger has one entry for each change of its stock in the log, and shows what that change left.
async fn ledger_agrees(parts: &Parts, item: &str, events: &[Value]) {
    let of_item = events.iter().filter(|event| event["subject"] == json!(item) && event["data"]["stock"].is_object());
    let logged: BTreeMap<&str, &Value> =
        of_item.map(|event| (event["id"].as_str().expect("an id"), &event["data"]["stock"])).collect();
    let entries = ledger(parts, item).await;
    assert_eq!(entries.len(), logged.len(), "{item}");
    for entry in &entries {
        let position = entry["position"].as_str().expect("a position");
        let stock = logged.get(position).unwrap_or_else(|| panic!("{position} is not in the log"));
        for bucket in ["available", "onHand", "held", "committed"] {
            assert_eq!(entry["bucketsAfter"][bucket], stock[bucket], "{position}: {entry} {stock}");
        }
    }
}

/// All entries of an item's ledger.
async fn ledger(parts: &Parts, item: &str) -> Vec<Value> {
    let token = parts.api.token("operator", "ops");
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/items/{item}/ledger?limit=100{cursor}");
        let page = parts.api.get(Some(&token), &path, "").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        entries.extend(page.body["entries"].as_array().expect("a list").iter().cloned());
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}
