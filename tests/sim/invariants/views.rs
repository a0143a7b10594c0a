//! Every view, row by row, against the fold.

use crate::sim::{
    checker::{
        Key,
        evidence::{Event, Evidence, ITEMS, RowKey, WAREHOUSES, list, millis, number, text},
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
    evidence.events.iter().for_each(|event| {
        add_listed(event, &mut ours);
        super::lists::add(event, &mut ours);
    });
    super::numbers::add(&evidence.events, &mut ours);
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

/// The rows of lists that an event writes, or takes out.
fn add_listed(event: &Event, rows: &mut BTreeMap<RowKey, Value>) {
    let value = &event.value;
    match event.topic.as_str() {
        ITEMS => add_stock(event, rows),
        WAREHOUSES => {
            let key = ("warehouses_v1".to_owned(), "all".to_owned(), event.subject.clone());
            let row = json!({
                "location": event.subject, "position": event.position(), "time": event.time,
                "version": value["version"], "facts": value["facts"],
            });
            rows.insert(key, row);
        }
        _ if event.name == "order-placed" => {
            let (owner, by) = (&value["owner"], &value["owner"]["placedBy"]);
            let at = millis(text(value, "orderedAt")).cast_unsigned() ^ (1 << 63);
            let store = by["store"].as_str().filter(|_| text(by, "role") == "store");
            let lists = [("orders_by_shopper_v1", owner["shopper"].as_str()), ("orders_by_store_v1", store)];
            for (table, of) in lists.into_iter().filter_map(|(table, of)| Some((table, of?))) {
                rows.insert((table.to_owned(), of.to_owned(), format!("{at:016x}/{}", event.subject)), json!({}));
            }
        }
        // Who sells a line is known from the grant on.
        _ if event.name == "holds-granted" => {
            let at = millis(text(value, "orderedAt")).cast_unsigned() ^ (1 << 63);
            for store in list(value, "lines").iter().filter_map(|line| line["store"].as_str()) {
                let place = format!("{at:016x}/{}", event.subject);
                rows.insert(("orders_by_store_v1".to_owned(), store.to_owned(), place), json!({}));
            }
        }
        _ => add_backorder(event, rows),
    }
}

/// An order stands in the list of each item that it waits for, and nowhere while it is to be planned.
fn add_backorder(event: &Event, rows: &mut BTreeMap<RowKey, Value>) {
    let (value, order) = (&event.value, &event.subject);
    if !matches!(event.name.as_str(), "shipments-due" | "shipments-backordered" | "sub-orders-planned") {
        return;
    }
    for part in list(value, "subOrders") {
        let (location, id) = (text(part, "location").to_owned(), text(part, "subOrderId"));
        let at = format!("{:016x}/{order}/{id}", event.millis());
        rows.insert(("orders_by_warehouse_v1".to_owned(), location, at), json!({}));
    }
    rows.retain(|(table, key, by), _| {
        !(table == "backorders_v1" && key == order || table == "backorders_by_item_v1" && by == order)
    });
    let lines = list(value, "lines");
    if event.name != "shipments-backordered" || lines.is_empty() {
        return;
    }
    let row = json!({
        "orderId": order, "position": event.position(), "time": event.time, "correlation": event.correlation,
        "revision": value["revision"], "lines": lines,
    });
    rows.insert(("backorders_v1".to_owned(), order.clone(), String::new()), row);
    for line in lines {
        let key = ("backorders_by_item_v1".to_owned(), text(line, "itemId").to_owned(), order.clone());
        rows.insert(key, json!({"since": event.time}));
    }
}

fn add_stock(event: &Event, rows: &mut BTreeMap<RowKey, Value>) {
    if event.value["stock"].is_null() {
        return;
    }
    let places: Vec<_> = places(&event.value).collect();
    for place in &places {
        let partition = format!("{}/{}", event.subject, text(place, "location"));
        rows.insert(("stock_history_v1".to_owned(), partition, seq_key(event.seq)), (*place).clone());
    }
    let page = ("ledger_v2".to_owned(), event.subject.clone(), seq_key(event.seq / PAGE_SEQS));
    let page = rows.entry(page).or_insert_with(|| json!([]));
    page.as_array_mut().into_iter().for_each(|entries| entries.push(entry(event, &places)));
}

/// Units of the parts of a list.
fn units_of(value: &Value, name: &str) -> i64 {
    list(value, name).iter().map(|part| number(part, "quantity")).sum()
}

/// An entry of the ledger.
fn entry(event: &Event, places: &[&Value]) -> Value {
    let (value, stock, none) = (&event.value, &event.value["stock"], &Value::Null);
    let quantity = match event.name.as_str() {
        "stock-counted" => number(value, "delta"),
        "hold-released" => number(value, "held") + number(value, "committed"),
        "units-uncommitted" => number(value, "committed") + units_of(value, "allocated") + units_of(value, "forwarded"),
        "shortfall-detected" => number(value, "missing"),
        _ => number(value, "quantity"),
    };
    let levels: Vec<_> = ["available", "onHand", "held", "committed", "allotted", "safety"]
        .iter()
        .map(|level| stock[*level].clone())
        .collect();
    let actor = value["feed"].as_str().map_or_else(|| event.actor.clone(), |feed| format!("supplier:{feed}"));
    let mut entry = json!({
        "s": event.seq, "p": event.partition, "t": event.millis(), "k": event.name.replace('-', "_"), "q": quantity,
        "l": levels, "a": actor, "c": event.causation,
    });
    let forward = &value["forward"];
    let hold = [&value["hold"], &value["shipmentOf"], &forward["hold"]].into_iter().find(|hold| !hold.is_null());
    let hold = hold.unwrap_or(none);
    let hold = match text(hold, "kind") {
        "order" => json!(format!("order/{}/{}", text(hold, "order"), hold["attempt"])),
        "drop" => json!(format!("drop/{}/{}", text(hold, "drop"), text(hold, "claim"))),
        "free" => json!(format!("free/{}/{}", text(hold, "caller"), text(hold, "id"))),
        _ => Value::Null,
    };
    // The document, or what of the order it is about.
    let reference = match event.name.as_str() {
        "stock-received" => &value["document"],
        "stock-dispatched" if !forward.is_null() => &forward["toSubOrder"],
        "transfer-received" | "transfer-lost" => &value["transfer"],
        "units-uncommitted" => &value["cancellation"],
        "units-allocated" | "units-deallocated" | "stock-shipped" => &value["subOrder"],
        "stock-restocked" => &value["returnId"],
        "units-allotted" | "allotment-returned" | "allotted-committed" => &value["allotment"],
        _ => &value["reference"],
    };
    let effect = match event.name.as_str() {
        "hold-granted" => none,
        "units-allocated" => &value["shipment"],
        _ => &value["effect"]["id"],
    };
    let released = match (number(value, "held"), number(value, "committed")) {
        (0, 0) => Value::Null,
        (0, _) => json!("committed"),
        _ => json!("held"),
    };
    let allotted = json!("allotted");
    let (from, to) = match event.name.as_str() {
        "units-uncommitted" if !value["into"].is_null() => (none, &allotted),
        "hold-released" => (&released, none),
        "stock-moved" => (&value["from"], &value["to"]),
        "stock-restocked" => (none, &value["condition"]),
        _ => (none, none),
    };
    let reason = if text(value, "reason").is_empty() { none } else { &value["reason"] };
    for (name, field) in [("h", &hold), ("e", effect), ("r", reference), ("w", reason), ("f", from), ("i", to)] {
        if !field.is_null() {
            entry[name] = field.clone();
        }
    }
    if !places.is_empty() {
        entry["b"] = json!(places);
    }
    entry
}
