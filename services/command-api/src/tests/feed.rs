//! Suppliers' events over HTTP: what is taken stands in their topic as it was sent, and what is wrong is told at once.

use super::harness::{Answer, Api};
use event_log::{ReadFrom, Record};
use schemas::{Role, Topic};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/v1/supplier-events";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn event(item: &str, sequence: u64) -> Value {
    json!({"specversion": "1.0", "type": "stockfold.supplier.price-changed.v1", "source": "//erp.example", "id": "e-1",
        "subject": item, "time": "2026-01-31T12:00:00Z", "sequence": sequence.to_string(),
        "data": {"price": {"amount": 250, "currency": "EUR"}}})
}

async fn send(api: &Api, media_type: &str, body: impl Into<String>) -> Answer {
    api.call(Role::Supplier, "s", "POST", PATH).raw(media_type, body.into()).send().await
}

/// All records of the suppliers' topic.
fn records(api: &Api) -> Vec<Record> {
    let log = api.submitter.log();
    let from = log.shards().all().map(|shard| ReadFrom { topic: Topic::SupplierItems, partition: shard.0, offset: 0 });
    let from: Vec<ReadFrom> = from.collect();
    let mut reader = log.reader(&from).expect("a reader");
    let (mut records, wanted) =
        (Vec::new(), from.iter().map(|at| log.end(at.topic, at.partition).expect("an end")).sum::<u64>());
    while (records.len() as u64) < wanted {
        records.extend(reader.poll(1 << 20, Duration::from_millis(10)).expect("records"));
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_one_piece_stands_in_the_topic_byte_for_byte() {
    let api = Api::undecided().await;
    let body = format!(" {}\n", event("tea", 7));
    let taken = send(&api, "application/cloudevents+json; charset=utf-8", body.clone()).await.expect(202);
    let partition = api.submitter.log().shards().of_key("tea").0;
    let expected = json!({"events": [{"id": "e-1", "source": "//erp.example", "sequence": 7, "itemId": "tea",
        "topic": "supplier.items.v1", "partition": partition}]});
    assert_eq!(taken, expected);
    let records = records(&api);
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].key.as_str(), records[0].partition), ("tea", partition));
    assert_eq!(records[0].value.as_deref(), Some(body.as_bytes()));
    let content_type = ("content-type".to_owned(), b"application/cloudevents+json; charset=utf-8".to_vec());
    assert_eq!(records[0].headers, [content_type]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_headers_stands_in_the_topic_with_kafkas_names_for_them() {
    let api = Api::undecided().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = api.call(Role::Service, "erp", "POST", PATH).header("traceparent", traceparent);
    let attributes = [
        ("specversion", "1.0"),
        ("type", "stockfold.supplier.item-delisted.v1"),
        ("source", "\"//erp\""),
        ("id", "caf%C3%A9"),
        ("subject", "tea"),
        ("time", "2026-01-31T12:00:00Z"),
        ("sequence", "7"),
    ];
    let call = attributes.iter().fold(call, |call, (name, value)| call.header(&format!("Ce-{name}"), value));
    call.send().await.expect(202);
    let records = records(&api);
    assert_eq!((records.len(), records[0].value.as_deref()), (1, Some(&b""[..])));
    let header =
        |name: &str| records[0].headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!(header("ce_id").as_deref(), Some("caf\u{e9}".as_bytes()));
    assert_eq!(header("ce_source").as_deref(), Some(&b"//erp"[..]));
    assert_eq!(header("traceparent").as_deref(), Some(traceparent.as_bytes()));
    assert_eq!(records[0].headers.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_as_a_whole_or_told_every_fault() {
    let api = Api::undecided().await;
    let good: Vec<Value> = (0..20).map(|n| event(&format!("i-{}", n % 3), n)).collect();
    let taken = send(&api, BATCH, json!(good).to_string()).await.expect(202);
    assert_eq!(taken["events"].as_array().map(Vec::len), Some(20));
    // In the order of the batch, item by item.
    let records = records(&api);
    for item in ["i-0", "i-1", "i-2"] {
        let own = records.iter().filter(|record| record.key == item);
        let sequences = own.map(|record| {
            let event: Value = serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
            event["sequence"].as_str().expect("text").parse::<u64>().expect("a number")
        });
        assert!(sequences.is_sorted(), "{item}");
    }
    let mut bad = good.clone();
    bad[3]["sequence"] = Value::Null;
    bad[3]["data"]["price"]["amount"] = json!(-1);
    bad[5]["specversion"] = json!("0.3");
    bad[7] = json!(7);
    let refused = send(&api, BATCH, json!(bad).to_string()).await;
    refused.problem(400, "invalid_events");
    assert_eq!(refused.pointers(), ["/3/sequence", "/3/data/price/amount", "/5", "/7"]);
    let codes: Vec<Value> =
        refused.json()["errors"].as_array().expect("errors").iter().map(|e| e["code"].clone()).collect();
    assert_eq!(codes[2..], [json!("unsupported_spec_version"), json!("not_a_cloud_event")]);
    for (body, code) in
        [("[]", "not_a_batch"), ("{}", "not_a_batch"), ("[", "invalid_json"), ("[{\"a\":1,\"a\":2}]", "invalid_json")]
    {
        send(&api, BATCH, body).await.problem(400, code);
    }
    send(&api, BATCH, json!(vec![event("tea", 1); 1_001]).to_string()).await.problem(400, "not_a_batch");
    assert_eq!(self::records(&api).len(), 20, "nothing of them was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_told_by_its_code() {
    let api = Api::undecided().await;
    let changed = |name: &str, value: Value| {
        let mut event = event("tea", 1);
        event[name] = value;
        event.to_string()
    };
    let cases = [
        (STRUCTURED, changed("time", Value::Null), 400, "time_missing"),
        (STRUCTURED, changed("type", json!("com.example.eaten")), 400, "unknown_type"),
        (STRUCTURED, changed("data", json!({"price": 1, "x": 2})), 400, "invalid_data"),
        (STRUCTURED, changed("datacontenttype", json!("text/xml")), 415, "unsupported_content_type"),
        (STRUCTURED, "{".to_owned(), 400, "invalid_json"),
        ("application/cloudevents+avro", String::new(), 415, "unsupported_content_type"),
        ("application/json", event("tea", 1).to_string(), 400, "not_a_cloud_event"),
        (STRUCTURED, "x".repeat((1 << 20) + 1), 413, "body_too_large"),
    ];
    for (media_type, body, status, code) in cases {
        send(&api, media_type, body).await.problem(status, code);
    }
    let twice = api.call(Role::Supplier, "s", "POST", PATH).raw(STRUCTURED, event("tea", 1).to_string());
    twice.header("content-type", "text/plain").send().await.problem(400, "invalid_content_type");
    let query =
        api.call(Role::Supplier, "s", "POST", &format!("{PATH}?now=1")).raw(STRUCTURED, event("tea", 1).to_string());
    assert_eq!(query.send().await.status, 400);
    for role in [Role::Shopper, Role::Analyst] {
        let call = api.call(role, "s", "POST", PATH).raw(STRUCTURED, event("tea", 1).to_string());
        call.send().await.problem(403, "forbidden");
    }
    assert!(records(&api).is_empty());
}
