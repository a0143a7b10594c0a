//! Reads the log as anybody may: events over HTTP, commands by Kafka's own consumer.

use super::fleet::Fleet;
use crate::{
    e2e::{cluster::console_of, engine::Ask, world::SHARDS},
    sim::{
        checker::{
            Key,
            evidence::{CARTS, Call, Event, Evidence, ITEMS, ORDERS},
        },
        model::{self, Model, Violations},
    },
};
use reqwest::Method;
use serde_json::Value;
use std::{collections::BTreeMap, thread};

/// The events that were read so far.
#[derive(Default)]
pub struct Tail {
    pub events: Vec<Event>,
    next: BTreeMap<(&'static str, u32), u64>,
}

impl Tail {
    /// Reads what the log has got since.
    pub async fn read(&mut self, fleet: &Fleet, token: &str) -> Result<(), String> {
        let apis = fleet.apis();
        let (_, api) = apis.first().ok_or("no process serves HTTP")?;
        let topics = [ITEMS, ORDERS, CARTS].into_iter();
        for (topic, partition) in topics.flat_map(|topic| (0..SHARDS).map(move |p| (topic, p))) {
            let from = self.next.entry((topic, partition)).or_default();
            let path = format!("/v1/log/{topic}?follow=false&partition={partition}&from={from}");
            let ask = Ask { token: Some(token), ..Ask::default() };
            let read = api.try_ask(Method::GET, &path, ask).await.map_err(|error| format!("{path}: {error}"))?;
            if !read.status.is_success() {
                return Err(format!("{path}: {read:?}"));
            }
            for event in lines(&read.body).map_err(|error| format!("{path}: {error}"))? {
                let event = event_of(topic, partition, event);
                *from = event.seq;
                self.events.push(event);
            }
        }
        Ok(())
    }
}

/// JSON by lines; the client reads a single line as JSON already.
fn lines(body: &Value) -> Result<Vec<Value>, serde_json::Error> {
    match body {
        Value::String(lines) => lines.lines().map(serde_json::from_str).collect(),
        event => Ok(vec![event.clone()]),
    }
}

fn event_of(topic: &str, partition: u32, mut event: Value) -> Event {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let (id, kind) = (text("id"), text("type"));
    let place = format!("{topic}/{partition}@");
    Event {
        topic: topic.to_owned(),
        partition,
        seq: id.strip_prefix(&place).and_then(|seq| seq.parse().ok()).unwrap_or(0),
        epoch: event["epoch"].as_u64().unwrap_or(0),
        name: kind.rsplit('.').nth(1).unwrap_or_default().to_owned(),
        subject: text("subject"),
        time: text("time"),
        actor: text("actor"),
        causation: text("causationid"),
        correlation: text("correlationid"),
        value: event["data"].take(),
    }
}

/// The events, and every command that stands in the log; without answers and views, which have another form over HTTP.
pub fn evidence(fleet: &Fleet, events: Vec<Event>) -> Evidence {
    let (commands, internal) = thread::scope(|scope| {
        let commands = scope.spawn(|| records(fleet, "commands.v1"));
        let internal = records(fleet, "internal.commands.v1");
        (commands.join().expect("it reads"), internal)
    });
    let call = |(request, mut command): (u64, Value)| Call {
        order: 0,
        request,
        client: 0,
        id: command["id"].as_str().unwrap_or_default().to_owned(),
        caller: command["caller"].take(),
        command: command["command"].take(),
        arrived: 0,
        waits: false,
    };
    Evidence { events, internal, calls: (1..).zip(commands).map(call).collect(), ..Evidence::default() }
}

/// What could not be decided: nothing of that kind was sent.
pub fn dead_letters(fleet: &Fleet) -> Vec<String> {
    records(fleet, "dead-letters.v1").iter().map(|letter| format!("a dead letter: {letter}")).collect()
}

/// The values of all committed records of a topic.
fn records(fleet: &Fleet, topic: &str) -> Vec<Value> {
    let topic = format!("{}.{topic}", fleet.home.namespace);
    let text = console_of(&fleet.brokers.bootstrap(), &topic, "read_committed", &["--timeout-ms", "10000"]);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{topic}: {error}: {line}")))
        .collect()
}

/// Every aggregate as the naive model folds it.
pub fn fold(events: &[Event]) -> BTreeMap<Key, Box<dyn Model>> {
    let mut models = BTreeMap::<Key, Box<dyn Model>>::new();
    // What it finds in passing, the checker finds again.
    let mut found = Violations::default();
    for event in events {
        let key = (event.topic.clone(), event.subject.clone());
        let model =
            models.entry(key).or_insert_with(|| model::of_topic(&event.topic, &event.subject).expect("a model"));
        model.take(event, &mut found);
    }
    models
}

/// What is still under way.
pub fn under_way(events: &[Event]) -> Vec<String> {
    let mut found = Violations::default();
    fold(events).values().for_each(|model| model.rested(&mut found));
    found.0.into_iter().map(|violation| violation.what).collect()
}
