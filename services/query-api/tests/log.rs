//! The log over HTTP.

use crate::{forgetful::Forgetful, world::*};
use axum::{
    body::{BodyDataStream, to_bytes},
    http::header,
};
use event_log::EventLog as _;
use futures_core::Stream as _;
use schemas::Role;
use serde_json::Value;
use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

const ANALYST: Option<(Role, &str)> = Some((Role::Analyst, "a"));

async fn text(world: &World, path: &str) -> String {
    let response = world.send(world.request(path, ANALYST)).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-ndjson", "{path}");
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn events(world: &World, path: &str) -> Vec<Value> {
    text(world, path).await.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["id"].as_str().expect("an id")).collect()
}

/// Two items with three events each.
fn some_events() -> World {
    let mut world = World::new();
    for item in ["mug", "cup"] {
        world.list(item, |_| {});
        world.receive(item, 4);
    }
    world
}

#[tokio::test]
async fn events_are_cloud_events_in_the_order_of_their_partition() {
    let world = some_events();
    let events = events(&world, "/v1/log/inventory.events.v1?follow=false").await;
    assert_eq!(events.len(), 6);
    let mug: Vec<&Value> = events.iter().filter(|event| event["subject"] == "mug").collect();
    assert_eq!(mug[0]["type"], "stockfold.inventory.item-listed.v1");
    assert_eq!(mug[2]["data"]["quantity"], 4);
    assert_eq!((&mug[0]["specversion"], &mug[0]["source"]), (&"1.0".into(), &"/stockfold".into()));
    let shard = world.shard_of("mug").0;
    assert!(mug[0]["id"].as_str().expect("an id").starts_with(&format!("inventory.events.v1/{shard}@")));
}

#[tokio::test]
async fn reading_resumes_after_what_was_seen() {
    let world = some_events();
    let all = events(&world, "/v1/log/inventory.events.v1?follow=false").await;
    let shard = world.shard_of("mug").0;
    let of_shard = format!("/v1/log/inventory.events.v1?follow=false&partition={shard}");
    let one = events(&world, &of_shard).await;
    let rest = events(&world, &format!("{of_shard}&from=1")).await;
    assert_eq!(ids(&rest), ids(&one)[1..]);
    let rest = events(&world, &format!("{of_shard}&from={}", one[1]["id"].as_str().expect("an id"))).await;
    assert_eq!(ids(&rest), ids(&one)[2..]);
    assert!(events(&world, &format!("{of_shard}&from=end")).await.is_empty());
    let seen = format!("/v1/log/inventory.events.v1?follow=false&from={}", ids(&one)[0]);
    assert_eq!(events(&world, &seen).await.len(), all.len() - 1);
}

#[tokio::test]
async fn one_key_or_one_type_can_be_asked_for() {
    let world = some_events();
    let path = "/v1/log/inventory.events.v1?follow=false";
    let of_mug = events(&world, &format!("{path}&key=mug")).await;
    assert_eq!(of_mug.len(), 3);
    assert!(of_mug.iter().all(|event| event["subject"] == "mug"), "{of_mug:?}");
    let received = events(&world, &format!("{path}&type=stockfold.inventory.stock-received.v1")).await;
    assert_eq!(received.len(), 2);
    let both = events(&world, &format!("{path}&key=mug&type=stockfold.inventory.stock-received.v1")).await;
    assert_eq!(ids(&both), ids(&of_mug)[2..]);
    assert!(events(&world, &format!("{path}&key=nothing")).await.is_empty());
}

#[tokio::test]
async fn states_are_served_with_what_their_headers_say_and_null_where_they_are_gone() {
    let world = some_events();
    let headers = [
        ("ce_type", "stockfold.items.item-state.v1"),
        ("ce_time", "2026-01-01T00:00:00Z"),
        ("ce_sequence", "00000000000000000007"),
    ];
    let headers: event_log::Headers = headers.map(|(name, value)| (name.to_owned(), value.into())).into();
    let record = |value: Option<&str>| event_log::NewRecord {
        topic: schemas::Topic::ItemsState,
        key: "mug".to_owned(),
        headers: headers.clone(),
        value: value.map(|text| text.as_bytes().to_vec()),
    };
    world.log.publish(vec![record(Some("{\"itemId\":\"mug\"}")), record(None)]).expect("published");
    let states = events(&world, "/v1/log/items.state.v1?follow=false").await;
    let last = states.last().expect("a record");
    assert_eq!(
        (&last["data"], &last["subject"], &last["type"]),
        (&Value::Null, &"mug".into(), &"stockfold.items.item-state.v1".into())
    );
    assert_eq!((&last["sequence"], &last["time"]), (&"00000000000000000007".into(), &"2026-01-01T00:00:00Z".into()));
    let id = last["id"].as_str().expect("an id");
    assert!(events(&world, &format!("/v1/log/items.state.v1?follow=false&from={id}")).await.is_empty());
}

#[tokio::test]
async fn a_stream_follows_the_tail_and_ends_with_the_process() {
    let mut world = some_events();
    let response = world.send(world.request("/v1/log/inventory.events.v1", ANALYST)).await;
    let mut chunks = response.into_body().into_data_stream();
    let mut seen = String::new();
    while seen.lines().count() < 6 {
        seen.push_str(&next(&mut chunks).await.expect("what is there"));
    }
    let position = world.receive("mug", 1);
    let told = next(&mut chunks).await.expect("what comes");
    assert!(told.contains(&format!("\"id\":\"{position}\"")), "{told}");
    world.stop.send(true).expect("a stream that listens");
    assert_eq!(next(&mut chunks).await, None);
}

async fn next(chunks: &mut BodyDataStream) -> Option<String> {
    let chunk = poll_fn(|context| Pin::new(&mut *chunks).poll_next(context)).await?;
    Some(String::from_utf8(chunk.expect("a chunk").to_vec()).expect("text"))
}

#[tokio::test]
async fn server_sent_events_resume_by_their_id() {
    let world = some_events();
    let sse = |request: axum::http::request::Builder| request.header("accept", "text/event-stream");
    let path = "/v1/log/inventory.events.v1?follow=false";
    let first =
        to_bytes(world.send(sse(world.request(path, ANALYST))).await.into_body(), 1 << 24).await.expect("a body");
    let first = String::from_utf8(first.to_vec()).expect("text");
    assert_eq!(first.matches("data: ").count(), 6);
    let id = first.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().expect("an id");
    let again = sse(world.request(path, ANALYST)).header("last-event-id", id);
    let again = to_bytes(world.send(again).await.into_body(), 1 << 24).await.expect("a body");
    assert!(again.is_empty());
}

#[tokio::test]
async fn the_log_is_for_analysts_and_operators() {
    let world = some_events();
    let path = "/v1/log/inventory.events.v1?follow=false";
    world.refused(path, None, 401, "unauthenticated").await;
    for caller in [(Role::Shopper, "alice"), (Role::Service, "erp"), (Role::Store, "s1")] {
        world.refused(path, Some(caller), 403, "forbidden").await;
    }
    for topic in ["commands.v1", "internal.commands.v1", "snapshots.v1", "replies.v1", "nothing"] {
        world.refused(&format!("/v1/log/{topic}"), ANALYST, 404, "unknown_topic").await;
    }
    let path = "/v1/log/inventory.events.v1";
    for query in ["partition=4", "partition=-1", "from=7", "from=nonsense", "follow=maybe"] {
        world.refused(&format!("{path}?{query}"), ANALYST, 400, "invalid_query").await;
    }
    let foreign = format!("{path}?partition=1&from=inventory.events.v1/2@1");
    world.refused(&foreign, ANALYST, 400, "invalid_position").await;
}

#[tokio::test]
async fn dead_letters_are_served_as_the_topic_of_the_log_that_they_are() {
    let mut world = some_events();
    let first = world.bury("mug", r#"{"reason":"it panicked twice","command":{"id":"c-1"}}"#);
    let second = world.bury("mug", r#"{"reason":"it panicked twice","command":{"id":"c-2"}}"#);
    let path = "/v1/log/dead-letters.v1?follow=false";
    let letters = events(&world, path).await;
    let shard = world.shard_of("mug").0;
    let of_mug = |seq: u32| format!("dead-letters.v1/{shard}@{seq}");
    assert_eq!((first.to_string(), second.to_string()), (of_mug(1), of_mug(2)));
    assert_eq!(ids(&letters), [of_mug(1), of_mug(2)]);
    let letter = &letters[0];
    assert_eq!((&letter["specversion"], &letter["source"]), (&"1.0".into(), &"/stockfold".into()));
    assert_eq!((&letter["type"], &letter["subject"]), (&"stockfold.dead-letter.v1".into(), &"mug".into()));
    assert_eq!(letter["sequence"], "00000000000000000001");
    assert_eq!(
        (&letter["data"]["reason"], &letter["data"]["command"]["id"]),
        (&"it panicked twice".into(), &"c-1".into())
    );
    // It resumes as any other, by the id or by the number in a partition.
    assert_eq!(ids(&events(&world, &format!("{path}&from={}", of_mug(1))).await), [of_mug(2)]);
    assert_eq!(ids(&events(&world, &format!("{path}&partition={shard}&from=1")).await), [of_mug(2)]);
    assert!(events(&world, &format!("{path}&from={}", of_mug(2))).await.is_empty());
    assert!(events(&world, &format!("{path}&from=end")).await.is_empty());
    world.refused(path, Some((Role::Service, "erp")), 403, "forbidden").await;
}

#[tokio::test]
async fn what_is_not_named_can_be_read_from_its_end() {
    let world = some_events();
    let path = "/v1/log/inventory.events.v1?follow=false";
    let shard = world.shard_of("mug").0;
    let after_first = events(&world, &format!("{path}&from=end~inventory.events.v1/{shard}@1")).await;
    let of_shard = events(&world, &format!("{path}&partition={shard}&from=1")).await;
    assert_eq!(ids(&after_first), ids(&of_shard), "and nothing of the other partitions");
    let response = world.send(world.request(path, ANALYST)).await;
    assert_eq!(response.headers()["stockfold-partitions"], world.log.shards().get().to_string());
}

#[tokio::test]
async fn dead_letters_that_the_log_no_longer_has_do_not_keep_the_end_away() {
    let mut world = World::over(|log| Arc::new(Forgetful(log)));
    world.bury("mug", "{}");
    let read = events(&world, "/v1/log/dead-letters.v1?follow=false");
    assert!(tokio::time::timeout(Duration::from_secs(20), read).await.expect("an end").is_empty());
}

#[tokio::test]
async fn a_stream_of_dead_letters_follows_the_tail() {
    let mut world = some_events();
    world.bury("mug", "{}");
    let sse = world.request("/v1/log/dead-letters.v1", ANALYST).header("accept", "text/event-stream");
    let mut chunks = world.send(sse).await.into_body().into_data_stream();
    let told = next(&mut chunks).await.expect("what is there");
    let shard = world.shard_of("mug").0;
    assert!(told.contains(&format!("id: dead-letters.v1/{shard}@1\n")), "{told}");
    let position = world.bury("mug", "{}");
    let told = next(&mut chunks).await.expect("what comes");
    assert!(told.contains(&format!("\"id\":\"{position}\"")), "{told}");
    assert!(!told.contains("@1\""), "nothing is told twice: {told}");
}

#[tokio::test]
async fn a_position_of_dead_letters_is_none_that_a_view_can_wait_for() {
    let world = some_events();
    let shard = world.shard_of("mug").0;
    let request =
        world.request("/v1/items/mug", None).header("stockfold-at-least", format!("dead-letters.v1/{shard}@1"));
    assert_eq!(world.send(request).await.status(), 400);
}
