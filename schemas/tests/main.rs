//! What is published and what is stored: JSON Schemas and samples, held against the Rust types.
//!
//! `make schemas` writes the JSON Schemas anew. Samples are never edited: they are what the log holds.

mod asyncapi;
mod compat;
mod mutate;
mod official;
mod props;
mod registry;

use schemas::Event;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// That a file is what the code says; with `UPDATE_SCHEMAS` it becomes so.
fn is_checked_in(path: &str, text: &str) {
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(folder(path), text).expect("schemas can be written");
    }
    let stored = fs::read_to_string(folder(path)).unwrap_or_default();
    assert!(stored == text, "schemas/{path} is not what the code says any more; see the change with `make schemas`");
}

#[test]
fn json_schemas_are_those_of_the_types() {
    let mut names = BTreeSet::new();
    for (name, published) in registry::all() {
        let text = format!("{}\n", serde_json::to_string_pretty(&published.schema).expect("a schema is JSON"));
        is_checked_in(&format!("json/{name}.json"), &text);
        names.insert(format!("{name}.json"));
    }
    for entry in fs::read_dir(folder("json")).expect("schemas/json exists") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        assert!(names.contains(&name), "schemas/json/{name} belongs to no type");
    }
}

#[test]
fn every_event_type_has_a_sample_that_reads_and_writes_as_stored() {
    for event_type in Event::types() {
        let path = folder("samples").join(format!("{event_type}.json"));
        let text = fs::read(&path).unwrap_or_else(|e| panic!("{event_type} has no sample: {e}"));
        let event = Event::read(event_type, &text).unwrap_or_else(|e| panic!("{event_type}: {e}"));
        assert_eq!(event.event_type(), event_type);
        let stored: Value = serde_json::from_slice(&text).expect("a sample is JSON");
        let written = serde_json::to_value(&event).expect("an event is JSON");
        assert_eq!(written, stored, "{event_type}: what is written is not what was stored");
    }
}

#[test]
fn samples_show_every_field_of_their_type() {
    for (name, published) in registry::all().iter().filter(|(name, _)| Event::types().any(|known| known == *name)) {
        let text = fs::read(folder("samples").join(format!("{name}.json"))).expect("a sample");
        let sample: Value = serde_json::from_slice(&text).expect("a sample is JSON");
        let fields = published.schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        for (field, _) in fields {
            assert!(sample.get(field).is_some(), "{name}: the sample lacks `{field}`");
        }
    }
}

#[test]
fn what_was_stored_before_a_field_was_known_is_read_and_written_as_it_was() {
    let later = [
        ("stockfold.inventory.allotted-committed.v1", "orderId"),
        ("stockfold.inventory.item-listed.v1", "file"),
        ("stockfold.inventory.stock-counted.v1", "feed"),
        ("stockfold.inventory.stock-received.v1", "feed"),
        ("stockfold.inventory.stock-shipped.v1", "forwarded"),
        ("stockfold.inventory.units-allocated.v1", "shipment"),
        ("stockfold.inventory.units-uncommitted.v1", "forwarded"),
        ("stockfold.orders.holds-granted.v1", "orderedAt"),
        ("stockfold.orders.holds-granted.v1", "store"),
        ("stockfold.orders.item-held.v1", "file"),
        ("stockfold.orders.item-held.v1", "store"),
        ("stockfold.orders.lines-cancelled.v1", "subOrders"),
        ("stockfold.orders.order-placed.v1", "drop"),
        ("stockfold.orders.order-placed.v1", "fromCart"),
    ];
    for (event_type, field) in later {
        let text = fs::read(folder("samples").join(format!("{event_type}.json"))).expect("a sample");
        let mut stored: Value = serde_json::from_slice(&text).expect("a sample is JSON");
        let fields = stored.as_object_mut().expect("an event is an object");
        fields.remove(field);
        fields.get_mut("catalog").and_then(Value::as_object_mut).map(|catalog| catalog.remove(field));
        let lines = fields.get_mut("lines").and_then(Value::as_array_mut).into_iter().flatten();
        lines.filter_map(Value::as_object_mut).for_each(|line| drop(line.remove(field)));
        let event = Event::read(event_type, stored.to_string().as_bytes()).expect("an event of an older log");
        assert_eq!(serde_json::to_value(&event).expect("an event is JSON"), stored, "{event_type}");
    }
}

#[test]
fn an_event_of_a_later_type_is_refused_by_name() {
    let error = Event::read("stockfold.orders.order-teleported.v9", b"{}").expect_err("no such type");
    assert!(error.to_string().contains("order-teleported.v9"));
}

#[test]
fn ids_are_read_strictly() {
    for bad in ["", "-a", "a b", "a\0", "ä", "a\u{202e}b", "a/b", &"x".repeat(65)] {
        assert!(schemas::ItemId::parse(bad).is_err(), "{bad:?}");
        assert!(serde_json::from_value::<schemas::ItemId>(Value::from(bad)).is_err(), "{bad:?}");
    }
    assert!(schemas::ItemId::parse("A1_.:-z").is_ok());
}

#[test]
fn quantities_and_money_have_bounds() {
    for bad in ["0", "-1", "1000001", "1.5", "1e3", "\"1\"", "null"] {
        assert!(serde_json::from_str::<schemas::Quantity>(bad).is_err(), "{bad}");
    }
    let money = |amount: &str, code: &str| format!(r#"{{"amount":{amount},"currency":"{code}"}}"#);
    for bad in [money("1.5", "EUR"), money("9007199254740992", "EUR"), money("1", "eur"), money("1", "XXZ")] {
        assert!(serde_json::from_str::<schemas::Money>(&bad).is_err(), "{bad}");
    }
    let most = serde_json::from_str::<schemas::Money>(&money("9007199254740991", "EUR")).expect("fits");
    assert_eq!(most.plus(most), Err(schemas::MoneyError::Overflow));
    assert_eq!(most.times(2), Err(schemas::MoneyError::Overflow));
}

#[test]
fn a_position_token_reads_as_it_was_written() {
    let text = "inventory.events.v1/3@12~orders.events.v1/0@7";
    let token = schemas::PositionToken::parse(text).expect("a token");
    assert_eq!(token.to_string(), text);
    for bad in ["x", "orders.events.v1/0", "orders.events.v1/0@-1", "orders.events.v2/0@1", &"~".repeat(5_000)] {
        assert!(schemas::PositionToken::parse(bad).is_err(), "{bad}");
    }
}
