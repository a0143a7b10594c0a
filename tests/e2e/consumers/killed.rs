//! Consumers that die at random positions while events go on, and are started again.

use super::documented::{LIMIT, Running, pasted, python, query, until};
use crate::e2e::{
    cluster::{Load, Parts, events, is_dense},
    world::World,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How often each consumer is killed.
const KILLS: u32 = 10;
const TOPIC: &str = "inventory.events.v1";

/// The numbers that decide when they die: `SEED` repeats them.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random)
}

/// A documented consumer, and where it keeps what it handled.
struct Consumer {
    name: &'static str,
    command: Box<dyn Fn() -> Command + Send>,
    handled: Box<dyn Fn() -> Vec<String> + Send>,
    /// What happens to it before its last run, so that what random kills hit seldom is met for sure.
    spoil: Box<dyn Fn() + Send>,
}

impl Consumer {
    /// Runs it, and kills it when it has told a number of events, or a moment after; again and again.
    fn is_killed(&self, random: &mut StdRng) {
        let (mut told, begun) = (0, Instant::now());
        for kill in 0..KILLS {
            let mut running = Running::start(&mut (self.command)());
            // Now and then before it has told any: while it starts, or finds its place.
            let lines = if random.random_bool(0.2) { 0 } else { random.random_range(1..100) };
            for _ in 0..lines {
                let line = running.line(LIMIT);
                assert!(line.is_some(), "{}: nothing comes after {told} lines and {kill} kills", self.name);
                told += 1;
            }
            // What it tells is not committed yet, and what is committed may not be known to Kafka.
            let most = [1_000, 10_000, 100_000, 1_000_000][random.random_range(0..4)];
            std::thread::sleep(Duration::from_micros(random.random_range(0..most)));
        }
        println!("{}: {KILLS} kills, {told} lines, {:?}", self.name, begun.elapsed());
    }

    /// Runs it until it has handled as many events, and looks whether they are these, each once.
    fn comes_to(&self, ids: &BTreeSet<String>) {
        let count = ids.len();
        let running = Running::start(&mut (self.command)());
        until(&format!("{} does not get to {count} events: {}", self.name, (self.handled)().len()), || {
            (self.handled)().len() >= count
        });
        drop(running);
        let handled = (self.handled)();
        let distinct: BTreeSet<String> = handled.iter().cloned().collect();
        assert_eq!(handled.len(), distinct.len(), "{} handled an event twice", self.name);
        assert_eq!(distinct.difference(ids).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", self.name);
        assert_eq!(ids.difference(&distinct).collect::<Vec<_>>(), Vec::<&String>::new(), "{} lost them", self.name);
    }
}

/// The ids in the table of a consumer in Python.
fn table(database: PathBuf) -> Box<dyn Fn() -> Vec<String> + Send> {
    Box::new(move || {
        // Killed before it had made the table.
        if query(&database, "select 1 from sqlite_master where name = 'events'").is_empty() {
            return Vec::new();
        }
        let rows = query(&database, "select id from events");
        rows.iter().map(|row| row[0].as_str().expect("text").to_owned()).collect()
    })
}

fn with_kafka_in_python(folder: &Path, topic: &str) -> Consumer {
    let (program, database) = (pasted("consume.py", folder), folder.join("consume.sqlite"));
    let (topic, handled) = (topic.to_owned(), table(database.clone()));
    // Kafka forgets how far the group was, as after a long silence: all comes again.
    let (other, code) = (program.clone(), fs::read_to_string(&program).expect("it was written"));
    let spoil = move || fs::write(&other, code.replace("my-warehouse", "my-other-warehouse")).expect("written");
    let command = move || python(&program, &[engines::kafka().bootstrap(), database.to_str().expect("UTF-8"), &topic]);
    Consumer { name: "consume.py", command: Box::new(command), handled, spoil: Box::new(spoil) }
}

fn with_kafka_in_java(folder: &Path, topic: &str) -> Consumer {
    let (program, file) = (pasted("Consume.java", folder), folder.join("consume.tsv"));
    let (topic, handled, torn) = (topic.to_owned(), file.clone(), file.clone());
    // A line that a crash cut off.
    let spoil = move || {
        let mut file = fs::OpenOptions::new().append(true).open(&torn).expect("it is there");
        file.write_all(b"0\t1000000\tinventory.events.v1/0@1").expect("written");
    };
    let command = move || {
        let mut java = engines::java_program(&program);
        java.args([engines::kafka().bootstrap(), &topic]).arg(&file);
        java
    };
    let handled = move || {
        let text = fs::read_to_string(&handled).unwrap_or_default();
        // A line that is being written has no end.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| line.split('\t').nth(2).expect("an id").to_owned()).collect()
    };
    Consumer { name: "Consume.java", command: Box::new(command), handled: Box::new(handled), spoil: Box::new(spoil) }
}

fn over_http(folder: &Path, api: &str, token: String) -> Consumer {
    let (program, database) = (pasted("follow.py", folder), folder.join("follow.sqlite"));
    let (api, handled) = (format!("{api}/v1"), table(database.clone()));
    let command = move || {
        let mut python = python(&program, &[&api, TOPIC, database.to_str().expect("UTF-8")]);
        python.env("STOCKFOLD_TOKEN", &token);
        python
    };
    Consumer { name: "follow.py", command: Box::new(command), handled, spoil: Box::new(|| {}) }
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    is_dense(events);
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

/// That each of them comes to these events.
async fn all_come_to(consumers: Vec<Consumer>, ids: BTreeSet<String>, seed: u64) -> Vec<Consumer> {
    let checked = tokio::task::spawn_blocking(move || {
        consumers.iter().for_each(|consumer| consumer.comes_to(&ids));
        consumers
    });
    checked.await.unwrap_or_else(|fault| panic!("SEED={seed}: {fault}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_that_are_killed_at_random_positions_handle_every_event_once() {
    let (seed, folder) = (seed(), tempfile::tempdir().expect("a folder"));
    println!("SEED={seed}");
    let parts = Parts::open().await;
    let processor = parts.start("processor");
    let load = Load::start(&parts);
    let topic = format!("{}.{TOPIC}", parts.home.namespace);
    let consumers = [
        with_kafka_in_python(folder.path(), &topic),
        with_kafka_in_java(folder.path(), &topic),
        over_http(folder.path(), &parts.api.url, parts.api.token("analyst", "my-warehouse")),
    ];
    let killed = consumers.into_iter().zip(0_u64..).map(|(consumer, number)| {
        tokio::task::spawn_blocking(move || {
            consumer.is_killed(&mut StdRng::seed_from_u64(seed ^ (number << 32)));
            consumer
        })
    });
    let killed: Vec<_> = killed.collect();
    // Whoever writes dies too: what it had not committed is in the topic, and nobody may see it.
    processor.kill();
    let _processor = parts.start("processor");
    let mut consumers = Vec::new();
    for consumer in killed {
        consumers.push(consumer.await.unwrap_or_else(|fault| panic!("SEED={seed}: {fault}")));
    }
    let holds = load.end().await;
    assert!(holds.len() > 100, "only {} holds", holds.len());
    let consumers = all_come_to(consumers, ids(&events(&parts, TOPIC).await), seed).await;
    consumers.iter().for_each(|consumer| (consumer.spoil)());
    // One more event in each partition: who has that has passed all that was before it.
    let (more, begun) = (Load::named(&parts, "more-"), Instant::now());
    more.goes_on(begun, 1).await;
    more.end().await;
    all_come_to(consumers, ids(&events(&parts, TOPIC).await), seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_without_kafka_that_is_killed_handles_every_event_once() {
    let (seed, folder) = (seed(), tempfile::tempdir().expect("a folder"));
    println!("SEED={seed}");
    let engine = std::sync::Arc::new(World::Embedded.start(&[]));
    let (stop, writer) =
        (std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)), std::sync::Arc::clone(&engine));
    let stopped = std::sync::Arc::clone(&stop);
    let writing = tokio::spawn(async move {
        let token = writer.token("operator", "ops");
        writer.stock("mug", 100, 0).await;
        for n in 0.. {
            if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            let body = json!({"receiptId": format!("r-{n}"), "location": "main", "quantity": 1, "document": "d"});
            let received = writer.post(&token, "", "/v1/items/mug/receipts", body).await;
            assert!(received.status.is_success(), "{received:?}");
        }
    });
    let consumer = over_http(folder.path(), &engine.url, engine.token("analyst", "my-warehouse"));
    let killed = tokio::task::spawn_blocking(move || {
        consumer.is_killed(&mut StdRng::seed_from_u64(seed));
        consumer
    });
    let consumer = killed.await.unwrap_or_else(|fault| panic!("SEED={seed}: {fault}"));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writing.await.expect("it wrote");
    let log = engine.get(Some(&engine.token("operator", "ops")), &format!("/v1/log/{TOPIC}?follow=false"), "").await;
    let lines = log.body.as_str().expect("lines").lines();
    let ids = ids(&lines.map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<_>>());
    all_come_to(vec![consumer], ids, seed).await;
}
