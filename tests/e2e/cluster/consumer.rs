//! A client that is not ours reads the topics.

use super::{Parts, proof::events};
use crate::e2e::checkout::{GOOD_CARD, payment};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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

/// How many records, of those that a client reads who asks for all of a topic, stand in transactions that were never
/// committed: at least one if there is any. Nobody may write meanwhile.
pub async fn never_committed(parts: &Parts, topic: &str) -> usize {
    let count = events(parts, topic).await.len();
    let topic = format!("{}.{topic}", parts.home.namespace);
    let (all, committed) = std::thread::scope(|scope| {
        let all = scope.spawn(|| places(&topic, "read_uncommitted", count + 1));
        let committed = places(&topic, "read_committed", count);
        (all.join().expect("it reads"), committed)
    });
    assert_eq!(committed.len(), count, "another client does not read what ours does");
    all.difference(&committed).count()
}

/// Partition and offset of so many records that can be read at this isolation, or of all where there are fewer.
fn places(topic: &str, isolation: &str, count: usize) -> BTreeSet<String> {
    let (count, properties) = (count.to_string(), ["print.partition=true", "print.offset=true", "print.value=false"]);
    let properties = properties.map(|property| ["--property", property]).concat();
    let end = ["--max-messages", &count, "--timeout-ms", "20000"];
    let text = console(topic, isolation, &[&end, &properties[..]].concat());
    text.lines().filter(|line| line.starts_with("Partition:")).map(str::to_owned).collect()
}

type Headers = BTreeMap<String, String>;

/// Reads so many committed records of a topic: headers and value, by `ce_id`.
fn consume(topic: &str, count: usize) -> BTreeMap<String, (Headers, Value)> {
    let count = count.to_string();
    let properties = ["--property", "print.headers=true", "--property", "headers.separator=;"];
    let end = ["--max-messages", &count, "--timeout-ms", "30000"];
    let text = console(topic, "read_committed", &[&properties[..], &end].concat());
    let record = |line: &str| {
        let (headers, value) = line.split_once('\t').expect("headers and value");
        let pairs = headers.split(';').filter_map(|header| header.split_once(':'));
        let headers: Headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let value: Value = serde_json::from_str(value).expect("plain JSON");
        (headers["ce_id"].clone(), (headers, value))
    };
    text.lines().map(record).collect()
}

/// What Kafka's console consumer prints of a topic, from its beginning.
fn console(topic: &str, isolation: &str, more: &[&str]) -> String {
    console_of(engines::kafka().bootstrap(), topic, isolation, more)
}

/// The same of these brokers.
pub(crate) fn console_of(brokers: &str, topic: &str, isolation: &str, more: &[&str]) -> String {
    let own = ["--bootstrap-server", brokers, "--topic", topic, "--from-beginning"];
    let own = [&own[..], &["--isolation-level", isolation], more].concat();
    let output = engines::kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &own);
    String::from_utf8(output.stdout).expect("UTF-8")
}
