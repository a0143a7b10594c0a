//! The rows of lists that events of drops, follows and shoppers write, or take out.

use crate::sim::checker::evidence::{DROPS, Event, FOLLOWS, RowKey, SHOPPERS, list, millis, number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

type Rows = BTreeMap<RowKey, Value>;

pub fn add(event: &Event, rows: &mut Rows) {
    match event.topic.as_str() {
        DROPS => {
            add_drop(event, rows);
            add_places(event, rows);
        }
        FOLLOWS => add_follow(event, rows),
        SHOPPERS if event.value["channels"]["inApp"] == Value::Bool(true) => {
            let row = json!({"seq": event.seq, "toldAt": event.time, "notification": event.value["notification"]});
            put(rows, "inbox_v1", event.subject.clone(), format!("{:016x}", event.seq), row);
        }
        _ => {}
    }
}

fn put(rows: &mut Rows, table: &str, partition: String, clustering: String, row: Value) {
    rows.insert((table.to_owned(), partition, clustering), row);
}

/// A number so that all order bytewise.
fn ordered(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

/// A drop stands under its start, in the list of its store and, once it is scheduled, in that of all.
fn add_drop(event: &Event, rows: &mut Rows) {
    let (value, scheduled) = (&event.value, event.name != "drop-drafted");
    if !matches!(event.name.as_str(), "drop-drafted" | "drop-scheduled" | "drop-changed") {
        return;
    }
    let place = |terms: &Value| {
        let starts_at = millis(text(terms, "startsAt"));
        let day = ordered(starts_at.div_euclid(DAY_MS));
        (day, format!("{}/{}", ordered(starts_at), event.subject))
    };
    let store = text(value, "store").to_owned();
    if !value["previous"].is_null() {
        let (day, at) = place(&value["previous"]);
        rows.remove(&("drops_by_store_v1".to_owned(), store.clone(), at.clone()));
        rows.remove(&("drops_by_start_v1".to_owned(), day, at));
    }
    let (day, at) = place(&value["terms"]);
    put(rows, "drops_by_store_v1", store, at.clone(), json!({}));
    if scheduled {
        put(rows, "drops_by_start_v1", day.clone(), at, json!({}));
        put(rows, "drop_days_v1", "all".to_owned(), day, json!({}));
    }
}

/// Each thing that happens to a place is a row of its own.
fn add_places(event: &Event, rows: &mut Rows) {
    let value = &event.value;
    let mut mark = |shopper: &Value, what: &str, row: Value| {
        let partition = format!("{}/{}", event.subject, shopper.as_str().unwrap_or_default());
        put(rows, "queue_place_v1", partition, what.to_owned(), row);
    };
    match event.name.as_str() {
        "queue-joined" => {
            let row = json!({"number": value["number"], "joinedAt": event.time, "rank": value["rank"]});
            mark(&value["shopper"], "joined", row);
        }
        "places-drawn" => {
            for (rank, shopper) in (number(value, "firstRank")..).zip(list(value, "shoppers")) {
                mark(shopper, "drawn", json!({"rank": rank}));
            }
        }
        "shoppers-admitted" => {
            let row = json!({"until": value["until"], "stoodStillMs": value["stoodStillMs"]});
            list(value, "shoppers").iter().for_each(|shopper| mark(shopper, "admitted", row.clone()));
        }
        "admissions-expired" => {
            list(value, "shoppers").iter().for_each(|shopper| mark(shopper, "expired", json!({})));
        }
        "claim-granted" => mark(&value["shopper"], "claimed", json!({})),
        _ => {}
    }
}

/// A follow stands with the shopper and with the store, where it is counted.
fn add_follow(event: &Event, rows: &mut Rows) {
    let (store, shopper) = (text(&event.value, "store").to_owned(), event.subject.clone());
    let bucket = format!("{store}/{}", event.partition);
    let follows = event.name == "store-followed";
    if follows {
        put(rows, "follows_v1", shopper.clone(), store, json!({"followedAt": event.time}));
        put(rows, "followers_v1", bucket.clone(), shopper, json!({}));
    } else {
        rows.remove(&("follows_v1".to_owned(), shopper.clone(), store));
        rows.remove(&("followers_v1".to_owned(), bucket.clone(), shopper));
    }
    let key = ("follower_counts_v1".to_owned(), bucket, String::new());
    let row = rows.entry(key).or_insert_with(|| json!({"count": 0, "changes": 0}));
    row["count"] = json!(number(row, "count") + if follows { 1 } else { -1 });
    row["changes"] = json!(number(row, "changes") + 1);
}
