//! Every view, row by row, against the fold.

use crate::sim::{
    checker::{
        Key,
        evidence::{Event, Evidence, ITEMS, RowKey, list, millis, number, text},
    },
    model::{Model, Violations},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many seqs a page of the ledger spans.
const PAGE_SEQS: u64 = 32;

/// The seq of the newest event in a row that tells it.
pub fn seq_of_row(row: &Value) -> u64 {
    let seq = row["seq"].as_u64().or_else(|| row["n"].as_u64());
    seq.or_else(|| text(row, "position").rsplit_once('@')?.1.parse().ok()).unwrap_or(0)
}

pub fn check(evidence: &Evidence, models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let mut ours: BTreeMap<RowKey, Value> = BTreeMap::new();
    for (table, key, row) in models.values().flat_map(|model| model.rows()) {
        let shown = ["items_v1", "items_by_category_v1", "items_by_store_v1"];
        if table == "item_v1" && row["listed"] == Value::Bool(true) {
            let facts = [Some("all"), row["catalog"]["category"].as_str(), row["catalog"]["store"].as_str()];
            for (table, under) in shown.into_iter().zip(facts) {
                ours.extend(under.map(|under| ((table.to_owned(), under.to_owned(), key.clone()), json!({}))));
            }
        }
        ours.insert((table.to_owned(), key, String::new()), row);
    }
    evidence.events.iter().for_each(|event| add_listed(event, &mut ours));
    for (key, row) in &ours {
        let shown = evidence.views.get(key);
        found.must(shown == Some(row), "views-equal-fold", || {
            let shown = shown.map_or_else(|| "nothing".to_owned(), Value::to_string);
            format!("{key:?} is {row}, and is shown as {shown}")
        });
    }
    for (key, row) in &evidence.views {
        found.must(ours.contains_key(key), "views-equal-fold", || format!("{key:?} is shown, and is not: {row}"));
    }
}

/// What an event tells of locations.
pub fn places(value: &Value) -> impl Iterator<Item = &Value> {
    std::slice::from_ref(&value["place"]).iter().filter(|place| !place.is_null()).chain(list(value, "places"))
}

/// A number so that it orders bytewise.
fn seq_key(seq: u64) -> String {
    format!("{seq:014x}")
}

/// The rows that an event alone writes.
fn add_listed(event: &Event, rows: &mut BTreeMap<RowKey, Value>) {
    let value = &event.value;
    if let ("order-placed", Some(shopper)) = (event.name.as_str(), value["owner"]["shopper"].as_str()) {
        let at = millis(text(value, "orderedAt")).cast_unsigned() ^ (1 << 63);
        let key = ("orders_by_shopper_v1".to_owned(), shopper.to_owned(), format!("{at:016x}/{}", event.subject));
        rows.insert(key, json!({}));
    }
    if event.topic != ITEMS || value["stock"].is_null() {
        return;
    }
    let places: Vec<_> = places(value).collect();
    for place in &places {
        let partition = format!("{}/{}", event.subject, text(place, "location"));
        rows.insert(("stock_history_v1".to_owned(), partition, seq_key(event.seq)), (*place).clone());
    }
    let page = ("ledger_v2".to_owned(), event.subject.clone(), seq_key(event.seq / PAGE_SEQS));
    let page = rows.entry(page).or_insert_with(|| json!([]));
    page.as_array_mut().into_iter().for_each(|entries| entries.push(entry(event, &places)));
}

/// An entry of the ledger.
fn entry(event: &Event, places: &[&Value]) -> Value {
    let (value, stock) = (&event.value, &event.value["stock"]);
    let quantity = match event.name.as_str() {
        "stock-counted" => number(value, "delta"),
        "hold-released" => number(value, "held") + number(value, "committed"),
        "units-uncommitted" => number(value, "committed"),
        "shortfall-detected" => number(value, "missing"),
        _ => number(value, "quantity"),
    };
    let levels: Vec<_> = ["available", "onHand", "held", "committed", "allotted", "safety"]
        .iter()
        .map(|level| stock[*level].clone())
        .collect();
    let mut entry = json!({
        "s": event.seq, "p": event.partition, "t": event.millis(), "k": event.name.replace('-', "_"), "q": quantity,
        "l": levels, "a": event.actor, "c": event.causation,
    });
    let hold = &value["hold"];
    let hold = match text(hold, "kind") {
        "order" => json!(format!("order/{}/{}", text(hold, "order"), hold["attempt"])),
        "free" => json!(format!("free/{}/{}", text(hold, "caller"), text(hold, "id"))),
        _ => Value::Null,
    };
    let reference = match event.name.as_str() {
        "stock-received" => &value["document"],
        "units-uncommitted" => &value["cancellation"],
        _ => &value["reference"],
    };
    let effect = if event.name == "hold-granted" { &Value::Null } else { &value["effect"]["id"] };
    let reason = if text(value, "reason").is_empty() { &Value::Null } else { &value["reason"] };
    for (name, field) in [("h", &hold), ("e", effect), ("r", reference), ("w", reason)] {
        if !field.is_null() {
            entry[name] = field.clone();
        }
    }
    if !places.is_empty() {
        entry["b"] = json!(places);
    }
    entry
}
