//! Where an engine keeps things, byte by byte.

use crate::e2e::world::{Home, World};
use cql::{Consistency, Cql, CqlConfig, Keyspace};
use event_log::{
    EventLog as _, ReadFrom,
    sqlite::{SqliteLog, SqliteOptions},
};
use read_model::views;
use schemas::{ShardCount, Topic};
use std::{fs, path::Path, time::Duration};

/// Bytes by the place that they were found in.
#[derive(Default)]
pub struct Places(Vec<(String, Vec<u8>)>);

fn has(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|window| window == needle)
}

impl Places {
    pub fn add(&mut self, name: String, content: Vec<u8>) {
        self.0.push((name, content));
    }

    /// It is in a place of each of these kinds.
    pub fn have_in(&self, kinds: &[&str], needle: &[u8]) {
        for kind in kinds {
            let mut places = self.0.iter().filter(|(name, _)| name.contains(kind));
            assert!(places.any(|(_, content)| has(content, needle)), "the search finds nothing in {kind}");
        }
    }

    /// Nowhere is any of them.
    pub fn have_none(&self, needles: &[Vec<u8>]) {
        assert!(!self.0.is_empty(), "a search of nothing finds nothing");
        for (name, content) in &self.0 {
            let found = needles.iter().find(|needle| has(content, needle));
            assert!(found.is_none(), "{name} has {:?}", found.map(|needle| String::from_utf8_lossy(needle)));
        }
    }

    /// All that an engine that has ended left behind: its files, its log as readers see it, and its tables.
    pub async fn at_rest(world: World, home: &Home) -> Self {
        let mut places = Self::default();
        files(home.data(), &mut places);
        match world {
            World::Embedded => tokio::task::block_in_place(|| records(home.data(), &mut places)),
            World::Cluster => {
                tokio::task::block_in_place(|| topics(&home.namespace, &mut places));
                rows(&home.namespace, &mut places).await;
            }
        }
        places
    }
}

fn files(directory: &Path, places: &mut Places) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, places);
        } else {
            places.add(path.display().to_string(), fs::read(&path).expect("a file"));
        }
    }
}

/// Every record of the embedded log: its file may hold them in another form.
fn records(data: &Path, places: &mut Places) {
    let shards = ShardCount::new(16).expect("a count");
    let options = SqliteOptions { shards, disk_reserve_bytes: 0, ..SqliteOptions::new(data) };
    let log = SqliteLog::open(options).expect("the log of an engine that has ended");
    for topic in Topic::ALL {
        for shard in shards.all() {
            let from = ReadFrom { topic, partition: shard.0, offset: 0 };
            let Ok(mut reader) = log.reader(&[from]) else { continue };
            let mut content = Vec::new();
            while let Ok(records) = reader.poll(usize::MAX, Duration::ZERO) {
                if records.is_empty() {
                    break;
                }
                for record in records {
                    content.extend_from_slice(record.key.as_bytes());
                    content.extend_from_slice(format!("{:?}{:?}", record.headers, record.envelope).as_bytes());
                    content.extend(record.value.into_iter().flatten());
                }
            }
            places.add(format!("{topic}/{}", shard.0), content);
        }
    }
    log.close();
}

/// Every record of every topic, committed or not, with key and headers, as Kafka's own client reads them.
fn topics(namespace: &str, places: &mut Places) {
    let all = format!("{namespace}\\..*");
    let arguments = [
        "--bootstrap-server",
        engines::kafka().bootstrap(),
        "--include",
        &all,
        "--from-beginning",
        "--isolation-level",
        "read_uncommitted",
        "--timeout-ms",
        "15000",
        "--property",
        "print.key=true",
        "--property",
        "print.headers=true",
    ];
    let output = engines::kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &arguments);
    places.add("topics".to_owned(), output.stdout);
}

async fn connect(keyspace: &str) -> Cql {
    let nodes = engines::cql().nodes().split(',');
    let mut config = CqlConfig::new(nodes, Keyspace::parse(keyspace).expect("a name"));
    config.allow_unsafe = true;
    config.request_timeout = Duration::from_secs(30);
    Cql::connect(&config, Consistency::Quorum).await.expect("connected")
}

async fn rows(namespace: &str, places: &mut Places) {
    let cql = connect(namespace).await;
    for table in views::tables() {
        let select = cql.prepare(&format!("SELECT p, c, b FROM {{keyspace}}.\"{}\"", table.name)).await;
        let found: Vec<(String, String, Vec<u8>)> =
            cql.read(&select.expect("prepared"), ()).await.expect("all rows of a small table");
        let content = found.into_iter().flat_map(|(p, c, b)| [p.into_bytes(), c.into_bytes(), b].concat());
        places.add(table.name.to_owned(), content.collect());
    }
    let cql = connect(&format!("{namespace}_keys")).await;
    let select = cql.prepare("SELECT subject, secret FROM {keyspace}.subject_keys").await.expect("prepared");
    let found: Vec<(String, Vec<u8>)> = cql.read(&select, ()).await.expect("the keys");
    let content = found.into_iter().flat_map(|(subject, secret)| [subject.into_bytes(), secret].concat());
    places.add("subject_keys".to_owned(), content.collect());
}

/// The views are gone: they are to be made again from the log.
pub async fn delete_views(world: World, home: &Home) {
    if world == World::Embedded {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(home.data().join(format!("views.sqlite{suffix}")));
        }
        return;
    }
    let cql = connect(&home.namespace).await;
    for table in views::tables().iter().map(|table| table.name).chain(["checkpoints"]) {
        let truncate = cql.prepare(&format!("TRUNCATE {{keyspace}}.\"{table}\"")).await.expect("prepared");
        cql.write(&truncate, ()).await.expect("truncated");
    }
}
