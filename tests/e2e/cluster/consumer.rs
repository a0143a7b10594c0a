//! A client that is not ours reads the topics.

use super::{Parts, proof::events};
use crate::e2e::checkout::{GOOD_CARD, payment};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_own_consumer_reads_cloud_events_in_plain_json() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector"), parts.start("payments")];
    let alice = parts.api.token("shopper", "alice");
    let cart = json!({"cart": [{"itemId": parts.items[0], "quantity": 1}, {"itemId": parts.items[1], "quantity": 2}]});
    let begun = parts.api.post(&alice, "b", "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url");
    let paid = parts.api.post(&alice, "p", pay_at, payment(GOOD_CARD)).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    let order = begun.body["orderId"].as_str().expect("an id");
    let submitted = parts.api.post(&alice, "s", &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
    let told = events(&parts, "orders.events.v1").await;
    let topic = format!("{}.orders.events.v1", parts.home.namespace);
    let read = consume(&topic, told.len());
    assert_eq!(read.len(), told.len());
    for event in &told {
        let id = event["id"].as_str().expect("an id");
        let (headers, data) = read.get(id).unwrap_or_else(|| panic!("{id} is not among {:?}", read.keys()));
        assert_eq!(json!(headers["ce_type"]), event["type"]);
        assert_eq!(json!(headers["ce_sequence"]), event["sequence"]);
        assert_eq!(data, &event["data"]);
    }
}

type Headers = BTreeMap<String, String>;

/// Reads so many committed records of a topic: headers and value, by `ce_id`.
fn consume(topic: &str, count: usize) -> BTreeMap<String, (Headers, Value)> {
    let count = count.to_string();
    let output = engines::kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        &[
            ["--bootstrap-server", engines::kafka().bootstrap()],
            ["--topic", topic],
            ["--isolation-level", "read_committed"],
            ["--property", "print.headers=true"],
            ["--property", "headers.separator=;"],
            ["--max-messages", &count],
            ["--timeout-ms", "30000"],
        ]
        .concat()
        .into_iter()
        .chain(["--from-beginning"])
        .collect::<Vec<_>>(),
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let record = |line: &str| {
        let (headers, value) = line.split_once('\t').expect("headers and value");
        let pairs = headers.split(';').filter_map(|header| header.split_once(':'));
        let headers: Headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let value: Value = serde_json::from_str(value).expect("plain JSON");
        (headers["ce_id"].clone(), (headers, value))
    };
    text.lines().map(record).collect()
}
