//! Valid JSON made wrong, for tests of whatever reads it.

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

/// Values that some reader may stumble over.
pub fn odd() -> impl Strategy<Value = Value> {
    let texts = ["", " ", "\u{0}", "\u{202e}x", "\u{feff}", "-1", "1e999", "null", "../..", "%00", "a/b", "ä", "🦀"];
    let times =
        ["0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "1969-12-31T23:59:59.999+23:59"];
    let numbers = [json!(-1), json!(0), json!(1.5), json!(1e300), json!(i64::MIN), json!(u64::MAX), json!(1_000_001)];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(numbers.to_vec()),
        proptest::sample::select(texts.to_vec()).prop_map(Value::from),
        proptest::sample::select(times.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (1_usize..40_000).prop_map(|length| Value::from("x".repeat(length))),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[{"a": [null]}]]])),
        (1_usize..300).prop_map(|length| Value::from(vec![json!({"a": 1}); length])),
        (1_usize..60).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!([inner]))),
    ]
}

/// The JSON pointers of all values in a document, the document itself first.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            pointers(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), found))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes one value of a document: another in its place, one field less, one more, or itself one level deeper.
fn change(document: &mut Value, place: Index, how: u8, new: Value, name: String) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let place = document.pointer_mut(&all[place.index(all.len())]).expect("it was just found");
    match (how, place) {
        (0, Value::Object(fields)) => {
            let first = fields.keys().next().cloned();
            first.map(|first| fields.remove(&first));
        }
        (1, Value::Object(fields)) => _ = fields.insert(name, new),
        (2, Value::Array(list)) => list.push(new),
        (3, place) => *place = json!([place.take()]),
        (4, place) => *place = Value::Object(Map::from_iter([(name, place.take())])),
        (_, place) => *place = new,
    }
}

/// The text of a document with up to three of its values changed, and now and then a byte of the text.
pub fn mutated(valid: Value) -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<Index>(), 0_u8..8, odd(), "[a-zA-Z~/\u{0}]{0,8}"), 1..=3);
    let byte = proptest::option::weighted(0.2, (any::<Index>(), any::<u8>()));
    (changes, byte).prop_map(move |(changes, byte)| {
        let mut document = valid.clone();
        changes.into_iter().for_each(|(place, how, new, name)| change(&mut document, place, how, new, name));
        let mut text = document.to_string().into_bytes();
        if let Some((place, byte)) = byte {
            let at = place.index(text.len());
            text[at] = byte;
        }
        text
    })
}
