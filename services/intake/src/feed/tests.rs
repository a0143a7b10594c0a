//! Every mode, and every way in which a message is none that can be used.

use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    Role, Timestamp,
    item::{FeedSource, ItemCommand, ItemKind, SupplyFact},
    supplier::*,
};
use serde_json::{Value, json};

type Headers = Vec<(String, Vec<u8>)>;

const ATTRIBUTES: [(&str, &str); 7] = [
    ("specversion", "1.0"),
    ("type", "stockfold.supplier.price-changed.v1"),
    ("source", "//erp.example/feeds/7"),
    ("id", "e-1"),
    ("subject", "tea"),
    ("sequence", "00042"),
    ("time", "2026-01-31T13:00:00+01:00"),
];

fn data() -> Value {
    json!({"price": {"amount": 250, "currency": "EUR"}})
}

/// The headers of a good record in binary mode with some changed; an empty value takes one away.
fn headers(changes: &[(&str, &str)]) -> Headers {
    let mut headers: Headers = vec![("content-type".to_owned(), b"application/json; charset=utf-8".to_vec())];
    headers.extend(ATTRIBUTES.map(|(name, value)| (format!("ce_{name}"), value.as_bytes().to_vec())));
    for (name, value) in changes {
        headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
        }
    }
    headers
}

fn binary(headers: &Headers, key: Option<&str>, value: &[u8]) -> Result<SupplierEvent, FeedError> {
    read(&Message::of_record(headers, Some(value)), key)
}

fn document(changes: &[(&str, Value)]) -> Value {
    let mut document = json!({"data": data(), "datacontenttype": "application/json"});
    for (name, value) in ATTRIBUTES {
        document[name] = json!(value);
    }
    for (name, value) in changes {
        document[*name] = value.clone();
    }
    document
}

fn structured(document: &Value) -> Result<SupplierEvent, FeedError> {
    let headers = vec![("Content-Type".to_owned(), b"application/CloudEvents+json; charset=UTF-8".to_vec())];
    read(&Message::of_record(&headers, Some(document.to_string().as_bytes())), Some("tea"))
}

/// The event of a type with this data.
fn of(kind: SupplierEventType, data: Value) -> Result<SupplierEvent, FeedError> {
    structured(&document(&[("type", json!(kind.name())), ("data", data)]))
}

fn pointers(error: &FeedError) -> Vec<(&str, &str)> {
    error.errors().iter().map(|fault| (fault.pointer.as_str(), &*fault.code)).collect()
}

#[test]
fn both_modes_say_the_same() {
    let event = binary(&headers(&[]), Some("tea"), data().to_string().as_bytes()).expect("good");
    assert_eq!(event.at, Timestamp::parse("2026-01-31T12:00:00Z").expect("a time"));
    assert_eq!((event.item.as_str(), event.sequence, event.id.as_str()), ("tea", 42, "e-1"));
    assert_eq!(structured(&document(&[])), Ok(event.clone()));
    // An integer is an integer, and null is absent.
    let numbers = document(&[("sequence", json!(42)), ("dataschema", Value::Null), ("mine", json!([1]))]);
    assert_eq!(structured(&numbers), Ok(event.clone()));
    let mut encoded = document(&[("data_base64", json!(STANDARD.encode(data().to_string())))]);
    encoded.as_object_mut().expect("an object").remove("data");
    assert_eq!(structured(&encoded), Ok(event.clone()));
    // A record without a key, data without a type, and extensions that nobody knows.
    let bare = headers(&[("content-type", ""), ("ce_partitionkey", "x"), ("mine", "y")]);
    assert_eq!(binary(&bare, None, data().to_string().as_bytes()), Ok(event));
}

#[test]
fn every_type_becomes_its_fact() {
    let catalog = json!({"name": "Tea", "kind": "digital", "price": {"amount": 1, "currency": "EUR"}, "file": "https://a/b",
        "store": "acme", "category": "drinks", "attributes": {"g": 100}, "images": ["https://a/1"], "metadata": {"a": "b"}});
    match of(SupplierEventType::ItemListed, catalog).expect("good").said {
        SupplyFact::Listed { catalog, price } => {
            assert_eq!((catalog.name.as_str(), catalog.kind, price.minor()), ("Tea", ItemKind::Digital, 1));
            assert_eq!(catalog.store.map(|store| store.to_string()).as_deref(), Some("acme"));
        }
        other => panic!("{other:?}"),
    }
    for nothing in [json!({}), Value::Null] {
        assert_eq!(of(SupplierEventType::ItemDelisted, nothing).expect("good").said, SupplyFact::Delisted);
    }
    let reported = of(SupplierEventType::StockReported, json!({"location": "main", "quantity": 0})).expect("good");
    assert!(matches!(reported.said, SupplyFact::StockReported { counted: 0, .. }), "{reported:?}");
    let received = json!({"location": "main", "quantity": 5, "document": "d-1"});
    match of(SupplierEventType::StockReceived, received).expect("good").said {
        SupplyFact::StockReceived { quantity, document, .. } => assert_eq!((quantity.get(), &*document), (5, "d-1")),
        other => panic!("{other:?}"),
    }
}

/// What is published as the contract is what is read.
#[test]
fn the_published_payloads_are_those_that_are_read() {
    let price = serde_json::from_value(data()["price"].clone()).expect("money");
    let location = schemas::LocationId::parse("main").expect("an id");
    let listed = ItemListedData {
        name: "Tea".to_owned(),
        description: Some("Green.\nDry.".to_owned()),
        category: Some("drinks".to_owned()),
        store: Some(schemas::StoreId::parse("acme").expect("an id")),
        kind: ItemKind::Digital,
        price,
        attributes: json!({"g": 100}).as_object().expect("an object").clone(),
        images: vec!["https://a/1".to_owned()],
        file: Some("https://a/b".to_owned()),
        metadata: schemas::Metadata::new([("a".to_owned(), "b".to_owned())].into()).expect("few"),
    };
    let quantity = schemas::Quantity::new(5).expect("a quantity");
    let payloads = [
        (SupplierEventType::ItemListed, serde_json::to_value(&listed)),
        (SupplierEventType::PriceChanged, serde_json::to_value(PriceChangedData { price })),
        (SupplierEventType::ItemDelisted, serde_json::to_value(ItemDelistedData {})),
        (
            SupplierEventType::StockReported,
            serde_json::to_value(StockReportedData { location: location.clone(), quantity: 7 }),
        ),
        (
            SupplierEventType::StockReceived,
            serde_json::to_value(StockReceivedData { location, quantity, document: "d".to_owned() }),
        ),
    ];
    for (kind, payload) in payloads {
        let payload = payload.expect("plain data");
        of(kind, payload.clone()).unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        let mut more = payload;
        more["colour"] = json!("red");
        let refused = of(kind, more).expect_err("a field that nobody reads");
        assert_eq!((refused.code(), pointers(&refused)), ("invalid_data", vec![("/data/colour", "unknown_field")]));
    }
}

#[test]
fn each_fault_has_its_code() {
    let good = data().to_string();
    let cases: [(&str, &[(&str, &str)]); 23] = [
        ("not_a_cloud_event", &[("ce_specversion", "")]),
        ("unsupported_spec_version", &[("ce_specversion", "0.3")]),
        ("unsupported_content_type", &[("content-type", "application/avro")]),
        ("unsupported_content_type", &[("content-type", "text/json")]),
        ("unsupported_content_type", &[("content-type", "application/cloudevents+avro")]),
        ("unsupported_content_type", &[("content-type", "application/cloudevents-batch+json")]),
        ("attribute_missing", &[("ce_type", "")]),
        ("unknown_type", &[("ce_type", "stockfold.supplier.item-eaten.v1")]),
        ("unknown_type", &[("ce_type", "stockfold.supplier.price-changed.v2")]),
        ("attribute_missing", &[("ce_source", "")]),
        ("attribute_invalid", &[("ce_source", "a b")]),
        ("attribute_missing", &[("ce_id", "")]),
        ("attribute_invalid", &[("ce_id", "a\u{7}")]),
        ("attribute_missing", &[("ce_subject", "")]),
        ("attribute_invalid", &[("ce_subject", "no id")]),
        ("subject_mismatch", &[("ce_subject", "coffee")]),
        ("sequence_missing", &[("ce_sequence", "")]),
        ("sequence_invalid", &[("ce_sequence", "-1")]),
        ("sequence_invalid", &[("ce_sequence", "1e3")]),
        ("sequence_invalid", &[("ce_sequence", "9007199254740992")]),
        ("time_missing", &[("ce_time", "")]),
        ("time_invalid", &[("ce_time", "yesterday")]),
        ("time_invalid", &[("ce_time", "1800-01-01T00:00:00Z")]),
    ];
    for (code, changes) in cases {
        let error = binary(&headers(changes), Some("tea"), good.as_bytes()).expect_err("bad");
        assert_eq!(error.code(), code, "{changes:?}: {error}");
    }
    for bad in ["{", "", "{\"price\":1,\"price\":2}", "{} x", "\u{feff}{}", &"[".repeat(100)] {
        let error = binary(&headers(&[]), Some("tea"), bad.as_bytes()).expect_err("bad");
        assert_eq!(error.code(), if bad.is_empty() { "invalid_data" } else { "invalid_json" }, "{bad}");
    }
    let large = vec![b' '; MAX_EVENT_BYTES + 1];
    assert_eq!(binary(&headers(&[]), None, &large).expect_err("large").code(), "too_large");
    let tombstone = read(&Message::of_record(&headers(&[]), None), Some("tea")).expect_err("nothing");
    assert_eq!(tombstone.code(), "tombstone");
    assert_eq!(binary(&Headers::new(), None, b"{}").expect_err("nothing").code(), "not_a_cloud_event");
}

#[test]
fn headers_that_cannot_be_read_are_told() {
    let mut twice = headers(&[]);
    twice.push(("ce_sequence".to_owned(), b"43".to_vec()));
    let mut raw = headers(&[("ce_id", "")]);
    raw.push(("ce_id".to_owned(), vec![0xff]));
    for (headers, code, pointer) in [(twice, "sequence_invalid", "/sequence"), (raw, "attribute_invalid", "/id")] {
        let error = binary(&headers, Some("tea"), data().to_string().as_bytes()).expect_err("bad");
        assert_eq!((error.code(), pointers(&error)[0].0), (code, pointer));
    }
}

#[test]
fn a_document_that_is_no_event_is_told() {
    let cases = [
        (json!([]), "not_a_cloud_event"),
        (json!(7), "not_a_cloud_event"),
        (json!({}), "not_a_cloud_event"),
        (document(&[("specversion", json!("2.0"))]), "unsupported_spec_version"),
        (document(&[("datacontenttype", json!("application/xml"))]), "unsupported_content_type"),
        (document(&[("data_base64", json!("e30="))]), "not_a_cloud_event"),
        (document(&[("data", Value::Null), ("data_base64", json!("%%"))]), "invalid_json"),
        (document(&[("data", Value::Null), ("data_base64", json!("eyI="))]), "invalid_json"),
        (document(&[("data", Value::Null), ("data_base64", json!(5))]), "not_a_cloud_event"),
        (document(&[("data", Value::Null)]), "invalid_data"),
        (document(&[("data", json!("{}"))]), "invalid_data"),
        (document(&[("id", json!({}))]), "attribute_invalid"),
        (document(&[("sequence", json!(1.5))]), "sequence_invalid"),
    ];
    for (document, code) in cases {
        assert_eq!(structured(&document).expect_err("bad").code(), code, "{document}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let bad = document(&[
        ("type", json!("stockfold.supplier.item-listed.v1")),
        ("source", json!("")),
        ("sequence", json!("x")),
        ("time", Value::Null),
        ("data", json!({"name": "", "price": {"amount": -1, "currency": "EUR"}, "colour": "red"})),
    ]);
    let error = structured(&bad).expect_err("bad");
    let expected = [
        ("/source", "invalid_value"),
        ("/sequence", "invalid_value"),
        ("/time", "missing"),
        ("/data/name", "too_short"),
        ("/data/kind", "missing"),
        ("/data/price/amount", "out_of_range"),
        ("/data/colour", "unknown_field"),
    ];
    assert_eq!(pointers(&error), expected);
    assert_eq!((error.code(), error.to_string().as_str()), ("attribute_invalid", "7 faults; `errors` lists them"));
}

#[test]
fn headers_of_http_are_decoded() {
    let cases: [(&[u8], Option<&str>); 6] = [
        (b"tea", Some("tea")),
        (b"\"tea\"", Some("tea")),
        (b"caf%C3%A9 %25", Some("caf\u{e9} %")),
        (b"100%", Some("100%")),
        (b"%zz%4", Some("%zz%4")),
        (b"%FF", None),
    ];
    for (sent, meant) in cases {
        assert_eq!(decoded(sent).as_deref(), meant, "{sent:?}");
    }
}

#[test]
fn an_event_that_comes_again_is_the_same_command_whoever_read_it() {
    let ours = SourcePseudonyms::of(&crate::MacKey::new(b"secret"));
    let statement = |document: &Value| structured(document).expect("good").into_statement(&ours);
    let first = statement(&document(&[]));
    assert_eq!(statement(&document(&[("id", json!("another"))])), first);
    assert_eq!((first.caller.role, first.item.as_str()), (Role::Supplier, "tea"));
    for other in [("sequence", json!("43")), ("source", json!("//other"))] {
        assert_ne!(statement(&document(&[other])).id, first.id);
    }
    let changed = statement(&document(&[("data", json!({"price": {"amount": 251, "currency": "EUR"}}))]));
    let effect = |statement: &Statement| match &statement.command {
        ItemCommand::Supply(supply) => supply.effect.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(changed.id, first.id);
    assert_eq!(effect(&changed).id, effect(&first).id);
    assert_ne!(effect(&changed).digest, effect(&first).digest);
    let source = FeedSource::parse("//erp.example/feeds/7").expect("a source");
    let theirs = SourcePseudonyms::of(&crate::MacKey::new(b"another"));
    assert_eq!(ours.caller(&source), first.caller);
    assert_ne!(theirs.caller(&source).subject, first.caller.subject);
}
