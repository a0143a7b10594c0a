use super::*;
use schemas::{ItemId, Money, Quantity, Timestamp, item::Bucket};
use serde_json::json;

#[derive(Debug, PartialEq)]
struct Line {
    item: ItemId,
    quantity: Quantity,
}

#[derive(Debug, PartialEq)]
struct Order {
    name: String,
    price: Money,
    bucket: Option<Bucket>,
    at: Option<Timestamp>,
    lines: Vec<Line>,
}

fn line(fields: &mut Fields<'_>) -> Option<Line> {
    let item = fields.get("itemId", id(ItemId::parse));
    let quantity = fields.get("quantity", quantity);
    Some(Line { item: item?, quantity: quantity? })
}

fn order(fields: &mut Fields<'_>) -> Option<Order> {
    let name = fields.get("name", text(1..=5));
    let price = fields.get("price", price);
    let bucket = fields.opt("bucket", word());
    let at = fields.opt("at", time);
    let lines = fields.get("lines", list(1..=3, object(line)));
    Some(Order { name: name?, price: price?, bucket, at, lines: lines? })
}

fn good() -> Value {
    json!({"name": "abc", "price": {"amount": 5, "currency": "EUR"}, "lines": [{"itemId": "a", "quantity": 1}]})
}

fn faults(document: &Value) -> Vec<(String, String)> {
    let faults = read_object(document, order).expect_err("faulty");
    faults.iter().map(|fault| (fault.pointer.clone(), fault.code.to_string())).collect()
}

/// The faults of the good document with one field changed.
fn fault(pointer: &str, value: Value) -> Vec<(String, String)> {
    let mut document = good();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match document.pointer_mut(parent).expect("its parent") {
        Value::Object(map) => _ = map.insert(name.to_owned(), value),
        Value::Array(list) => list[name.parse::<usize>().expect("an index")] = value,
        other => panic!("{other} has no fields"),
    }
    faults(&document)
}

fn one(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

#[test]
fn reads_a_good_document() {
    let order = read_object(&good(), order).expect("good");
    assert_eq!((order.name.as_str(), order.price.minor(), order.bucket), ("abc", 5, None));
    assert_eq!(order.lines[0].quantity.get(), 1);
}

#[test]
fn null_is_absent() {
    assert_eq!(fault("/name", Value::Null), one("/name", "missing"));
    let mut document = good();
    document["bucket"] = Value::Null;
    assert!(read_object(&document, order).is_ok());
}

#[test]
fn tells_all_faults_at_once() {
    let document = json!({
        "name": "far too long",
        "price": {"amount": 1.5, "currency": "XXZ", "extra": 1},
        "bucket": "attic",
        "at": "yesterday",
        "lines": [{"itemId": "a\u{0}b", "quantity": 0}, 7, {"itemId": "b", "quantity": 2, "colour": "red"}],
        "a/b~c": true,
    });
    let mut found = faults(&document);
    found.sort();
    let mut expected: Vec<_> = [
        ("/a~1b~0c", "unknown_field"),
        ("/at", "invalid_time"),
        ("/bucket", "invalid_value"),
        ("/lines/0/itemId", "invalid_id"),
        ("/lines/0/quantity", "out_of_range"),
        ("/lines/1", "not_an_object"),
        ("/lines/2/colour", "unknown_field"),
        ("/name", "too_long"),
        ("/price/amount", "not_an_integer"),
        ("/price/currency", "invalid_currency"),
        ("/price/extra", "unknown_field"),
    ]
    .into_iter()
    .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn says_which_words_there_are() {
    let mut document = good();
    document["bucket"] = json!("attic");
    let faults = read_object(&document, order).expect_err("faulty");
    assert_eq!(faults[0].detail, "must be one of sellable, damaged, quality_control");
}

#[test]
fn refuses_quantities_that_are_none() {
    let cases = [
        (json!(0), "out_of_range"),
        (json!(-1), "out_of_range"),
        (json!(1_000_001), "out_of_range"),
        (json!(u64::MAX), "out_of_range"),
        (json!(1e30), "out_of_range"),
        (json!(1.5), "not_an_integer"),
        (json!(1.0), "not_an_integer"),
        (json!("1"), "not_an_integer"),
        (json!(true), "not_an_integer"),
        (json!([1]), "not_an_integer"),
    ];
    for (value, code) in cases {
        assert_eq!(fault("/lines/0/quantity", value.clone()), one("/lines/0/quantity", code), "{value}");
    }
}

#[test]
fn refuses_money_that_is_none() {
    let cases = [
        (json!(-1), "out_of_range"),
        (json!(9_007_199_254_740_992_i64), "out_of_range"),
        (json!(0.1), "not_an_integer"),
        (json!("5"), "not_an_integer"),
    ];
    for (value, code) in cases {
        assert_eq!(fault("/price/amount", value.clone()), one("/price/amount", code), "{value}");
    }
    for currency in ["eur", "", "EURO", "E\u{0}R"] {
        assert_eq!(fault("/price/currency", json!(currency)), one("/price/currency", "invalid_currency"));
    }
    assert_eq!(fault("/price", json!(5)), one("/price", "not_an_object"));
}

#[test]
fn refuses_ids_and_texts_that_could_mislead() {
    for id in ["", "-a", "a b", "a\u{0}", "a\u{202e}b", "ä", &"a".repeat(65)] {
        assert_eq!(fault("/lines/0/itemId", json!(id)), one("/lines/0/itemId", "invalid_id"), "{id:?}");
    }
    for name in ["a\u{0}", "a\u{202e}", "a\u{2066}", "a\n", "\u{7f}", "\u{feff}"] {
        assert_eq!(fault("/name", json!(name)), one("/name", "control_character"), "{name:?}");
    }
    assert_eq!(fault("/name", json!("")), one("/name", "too_short"));
    assert_eq!(fault("/name", json!(1)), one("/name", "not_a_text"));
}

#[test]
fn lists_are_bounded() {
    assert_eq!(fault("/lines", json!([])), one("/lines", "too_few"));
    assert_eq!(fault("/lines", json!([1, 2, 3, 4])), one("/lines", "too_many"));
    assert_eq!(fault("/lines", json!({})), one("/lines", "not_a_list"));
}

#[test]
fn a_bounded_number_of_faults_is_listed() {
    let map: Map<String, Value> = (0..5_000).map(|n| (format!("field{n}"), Value::Null)).collect();
    assert_eq!(faults(&Value::Object(map)).len(), MAX_FAULTS);
}

#[test]
fn metadata_is_checked_pair_by_pair() {
    let read = |document: Value| {
        let found = read_object(&document, |fields| fields.get("metadata", metadata));
        found.map_err(|faults| {
            faults.iter().map(|fault| (fault.pointer.clone(), fault.code.to_string())).collect::<Vec<_>>()
        })
    };
    assert_eq!(read(json!({"metadata": {"a": "b"}})).expect("good").pairs().len(), 1);
    let bad = json!({"metadata": {"a": 1, "b": "x".repeat(501), "c\n": "d"}});
    let codes: Vec<String> = read(bad).expect_err("faulty").into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["not_a_text", "too_long", "control_character"]);
    let many: Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(read(json!({"metadata": many})).expect_err("too many"), one("/metadata", "invalid_metadata"));
}

#[test]
fn free_objects_are_bounded_and_clean() {
    let read = |value: Value| {
        let document = json!({"attributes": value});
        read_object(&document, |fields| fields.get("attributes", free_object(40)))
            .map_err(|faults| faults[0].code.to_string())
    };
    assert!(read(json!({"size": 42, "colours": ["red"]})).is_ok());
    assert_eq!(read(json!({"a": "x".repeat(100)})).expect_err("large"), "too_large");
    assert_eq!(read(json!({"a": ["\u{202e}"]})).expect_err("misleading"), "control_character");
    assert_eq!(read(json!("text")).expect_err("no object"), "not_an_object");
}
