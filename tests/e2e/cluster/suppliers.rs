//! Suppliers who write the topic themselves, with a client that is not ours, and the service that reads it on its own.

use super::{LIMIT, Parts};
use crate::e2e::{
    engine::Engine,
    feeds::{event, facts, logged, until},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Instant;

/// Between headers, key and value, between two headers, and between the name and the value of one.
const MARKS: [&str; 3] = ["\t", ",", "="];

/// A line of Kafka's console producer.
fn line(headers: &[(&str, &str)], key: &str, value: &str) -> String {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}{}{value}", MARKS[2])).collect();
    [headers.join(MARKS[1]).as_str(), key, value].join(MARKS[0])
}

/// Produces lines with Kafka's own console producer.
fn produce(parts: &Parts, lines: &[String]) {
    let topic = format!("{}.supplier.items.v1", parts.home.namespace);
    // A tab stands between headers, key and value unless it is told otherwise.
    let properties =
        ["parse.headers=true", "parse.key=true", "headers.separator=,", "headers.key.separator==", "null.marker=NULL"];
    let mut arguments = vec!["--bootstrap-server", engines::kafka().bootstrap(), "--topic", &topic];
    properties.iter().for_each(|property| arguments.extend(["--property", property]));
    let input = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let output = engines::kafka_tool_fed("org.apache.kafka.tools.ConsoleProducer", &arguments, input.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The headers of an event in binary mode.
fn binary<'a>(kind: &'a str, sequence: &'a str, item: &'a str, time: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_type", kind),
        ("ce_source", "//erp"),
        ("ce_id", "e"),
        ("ce_subject", item),
        ("ce_sequence", sequence),
        ("ce_time", time),
    ]
}

const STRUCTURED: [(&str, &str); 1] = [("content-type", "application/cloudevents+json")];

/// Waits for so many dead letters of suppliers' records; their data.
async fn letters(api: &Engine, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let letters: Vec<Value> =
            logged(api, "dead-letters.v1").await.into_iter().map(|letter| letter["data"].clone()).collect();
        if letters.len() >= count {
            return letters;
        }
        assert!(began.elapsed() < LIMIT, "{} letters of {count}: {letters:#?}", letters.len());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_writes_is_taken_in_both_modes_and_what_is_bad_is_kept() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector")];
    // Two at once do the same work twice, and it takes effect once.
    let inbound = [parts.start("inbound"), parts.start("inbound")];
    let time = "2025-01-01T10:00:00Z";
    let listed = facts("Tea", "physical", 100).to_string();
    let reported = |quantity: u32| json!({"location": "main", "quantity": quantity}).to_string();
    let listing = "stockfold.supplier.item-listed.v1";
    let report = "stockfold.supplier.stock-reported.v1";
    let received = json!({"location": "main", "quantity": 5, "document": "d"});
    let mut unnamed = binary(report, "5", "tea", time);
    unnamed.retain(|(name, _)| *name != "ce_source");
    // Each bad one with its code; what it was stands beside it.
    let bad = [
        ("not_a_cloud_event", line(&[("a", "b")], "tea", "{}"), "{}"),
        (
            "invalid_json",
            line(&binary(report, "5", "tea", time), "tea", "{\"location\": \"m\u{e4}in\""),
            "{\"location\": \"m\u{e4}in\"",
        ),
        ("subject_mismatch", line(&binary(report, "5", "tea", time), "cup", &reported(1)), ""),
        ("sequence_invalid", line(&binary(report, "five", "tea", time), "tea", &reported(1)), ""),
        ("time_invalid", line(&binary(report, "5", "tea", "today"), "tea", &reported(1)), ""),
        ("unknown_type", line(&binary("com.example.eaten", "5", "tea", time), "tea", "{}"), ""),
        ("attribute_missing", line(&unnamed, "tea", &reported(1)), ""),
        ("unsupported_content_type", line(&[("content-type", "application/cloudevents+avro")], "tea", "avro"), "avro"),
        ("invalid_data", line(&binary(report, "5", "tea", time), "tea", "{\"location\":\"main\"}"), ""),
        ("tombstone", line(&STRUCTURED, "tea", "NULL"), ""),
    ];
    let structured = event("//erp", 3, 30, "tea", "stock-received", received).to_string();
    let good = [
        line(&binary(listing, "1", "tea", time), "tea", &listed),
        line(&binary(report, "2", "tea", time), "tea", &reported(7)),
        line(&STRUCTURED, "tea", &structured),
    ];
    let mut lines = vec![good[0].clone()];
    lines.extend(bad.iter().map(|(_, line, _)| line.clone()));
    lines.extend([good[1].clone(), good[1].clone(), good[2].clone()]);
    produce(&parts, &lines);
    let is_so = |facts: &Value, stock: &Value| facts["name"] == "Tea" && stock["onHand"] == json!(12);
    until(&parts.api, "tea", is_so).await;
    // Of two services each tells of what it could not use, with the same place.
    let letters = letters(&parts.api, 2 * bad.len()).await;
    for (code, _, original) in &bad {
        let own: Vec<&Value> = letters.iter().filter(|letter| letter["code"] == json!(code)).collect();
        assert_eq!(own.len(), 2, "{code}: {letters:#?}");
        assert_eq!((&own[0]["from"], &own[0]["original"]), (&own[1]["from"], &own[1]["original"]));
        if !original.is_empty() {
            assert_eq!(own[0]["original"], json!(original), "{code}");
        }
    }
    // Both die, and what was written meanwhile is taken by whoever comes next.
    inbound.iter().for_each(Engine::kill);
    let more = [line(&binary(report, "4", "tea", "2025-01-01T11:00:00Z"), "tea", &reported(40))];
    produce(&parts, &more);
    let again = parts.start("inbound");
    until(&parts.api, "tea", |_, stock| stock["onHand"] == json!(40)).await;
    let ready = again.get(None, "/readyz", "").await;
    assert_eq!(ready.status, StatusCode::OK, "{ready:?}");
}
