//! Whatever comes is read or refused by name, and never more than that.

use super::*;
use crate::json;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

/// Names that mean something, and others.
fn name() -> impl Strategy<Value = String> {
    let known = [
        "ce_specversion",
        "ce_type",
        "ce_source",
        "ce_id",
        "ce_subject",
        "ce_sequence",
        "ce_time",
        "ce_",
        "content-type",
        "Content-Type",
        "ce_traceparent",
        "ce_datacontenttype",
    ];
    prop_oneof![9 => select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,12}"]
}

/// Values that mean something, and others.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "1.0",
        "stockfold.supplier.item-listed.v1",
        "stockfold.supplier.item-delisted.v1",
        "//a",
        "tea",
        "7",
        "2026-01-31T12:00:00Z",
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents",
    ];
    prop_oneof![
        8 => select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
        1 => "\\PC{0,40}".prop_map(String::into_bytes),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|number| json!(f64::from(number) / 8.0)),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let names = prop_oneof![
            "[a-z]{1,8}",
            select(vec!["data", "type", "price", "specversion", "data_base64", "time"]).prop_map(str::to_owned)
        ];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((names, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn is_told(read: &Result<SupplierEvent, FeedError>) -> bool {
    match read {
        Ok(event) => event.sequence <= schemas::money::MAX_EXACT.unsigned_abs(),
        Err(error) => !error.code().is_empty() && error.errors().len() <= crate::fields::MAX_FAULTS,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_bytes_and_headers_come_they_are_read_or_refused(
        headers in vec((name(), value()), 0..12),
        body in prop_oneof![vec(any::<u8>(), 0..200), any_json().prop_map(|value| value.to_string().into_bytes()), value()],
        key in proptest::option::of("\\PC{0,8}"),
    ) {
        let read = read(&Message::of_record(&headers, Some(&body)), key.as_deref());
        prop_assert!(is_told(&read), "{:?}", read);
    }

    #[test]
    fn whatever_document_comes_it_is_read_or_refused(document in any_json()) {
        prop_assert!(is_told(&read_document(document)));
    }

    #[test]
    fn whatever_a_header_of_http_holds_it_is_decoded_or_not(bytes in vec(any::<u8>(), 0..60)) {
        if let Some(text) = decoded(&bytes) {
            prop_assert!(text.len() <= bytes.len());
        }
    }

    #[test]
    fn canonical_json_means_the_same(document in any_json()) {
        let canonical = json::canonical(&document);
        prop_assert_eq!(json::canonical(&json::parse(&canonical).expect("JSON")), canonical);
    }
}
