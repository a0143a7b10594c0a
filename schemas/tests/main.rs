//! What is published and what is stored: JSON Schemas and samples, held against the Rust types.
//!
//! `make schemas` writes the JSON Schemas anew. Samples are never edited: they are what the log holds.

mod mutate;
mod props;

use schemas::{
    Event,
    cart::{CartCommand, CartEvent, CartRejection},
    drop::{DropCommand, DropEvent, DropRejection},
    follows::{FollowsCommand, FollowsEvent, FollowsRejection},
    item::{ItemCommand, ItemEvent, ItemRejection},
    order::{OrderCommand, OrderEvent, OrderRejection},
    shopper::{ShopperCommand, ShopperEvent, ShopperRejection},
    store::{StoreCommand, StoreEvent, StoreRejection},
    warehouse::{WarehouseCommand, WarehouseEvent, WarehouseRejection},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn published() -> Vec<(String, schemars::Schema)> {
    let events = [
        ItemEvent::schemas(),
        OrderEvent::schemas(),
        CartEvent::schemas(),
        StoreEvent::schemas(),
        WarehouseEvent::schemas(),
        DropEvent::schemas(),
        FollowsEvent::schemas(),
        ShopperEvent::schemas(),
    ];
    let events = events.into_iter().flatten();
    let mut all: Vec<_> = events.map(|(name, schema)| (name.to_owned(), schema)).collect();
    all.push(("stockfold.inventory.commands.v1".to_owned(), schemars::schema_for!(ItemCommand)));
    all.push(("stockfold.orders.commands.v1".to_owned(), schemars::schema_for!(OrderCommand)));
    all.push(("stockfold.carts.commands.v1".to_owned(), schemars::schema_for!(CartCommand)));
    all.push(("stockfold.stores.commands.v1".to_owned(), schemars::schema_for!(StoreCommand)));
    all.push(("stockfold.warehouses.commands.v1".to_owned(), schemars::schema_for!(WarehouseCommand)));
    all.push(("stockfold.drops.commands.v1".to_owned(), schemars::schema_for!(DropCommand)));
    all.push(("stockfold.follows.commands.v1".to_owned(), schemars::schema_for!(FollowsCommand)));
    all.push(("stockfold.shoppers.commands.v1".to_owned(), schemars::schema_for!(ShopperCommand)));
    all.push(("stockfold.inventory.rejections.v1".to_owned(), schemars::schema_for!(ItemRejection)));
    all.push(("stockfold.orders.rejections.v1".to_owned(), schemars::schema_for!(OrderRejection)));
    all.push(("stockfold.carts.rejections.v1".to_owned(), schemars::schema_for!(CartRejection)));
    all.push(("stockfold.stores.rejections.v1".to_owned(), schemars::schema_for!(StoreRejection)));
    all.push(("stockfold.warehouses.rejections.v1".to_owned(), schemars::schema_for!(WarehouseRejection)));
    all.push(("stockfold.drops.rejections.v1".to_owned(), schemars::schema_for!(DropRejection)));
    all.push(("stockfold.follows.rejections.v1".to_owned(), schemars::schema_for!(FollowsRejection)));
    all.push(("stockfold.shoppers.rejections.v1".to_owned(), schemars::schema_for!(ShopperRejection)));
    all
}

#[test]
fn json_schemas_are_those_of_the_types() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut names = BTreeSet::new();
    for (name, schema) in published() {
        let path = folder("json").join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is JSON"));
        if update {
            fs::write(&path, &text).expect("schemas/json can be written");
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{name}: schemas/json has drifted from the type; see the change with `make schemas`");
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
    for (name, schema) in published().into_iter().filter(|(name, _)| Event::types().any(|known| known == name)) {
        let text = fs::read(folder("samples").join(format!("{name}.json"))).expect("a sample");
        let sample: Value = serde_json::from_slice(&text).expect("a sample is JSON");
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
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
