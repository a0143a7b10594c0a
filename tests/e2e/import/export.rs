//! `stockfold export` killed at random and resumed holds each event once, as the log has it; `stockfold tail` follows.

use super::{
    Shop, World,
    relay::{After, Relay},
    until, write_goods,
};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use rand::RngExt as _;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

const TOPIC: &str = "inventory.events.v1";

/// The parts of an export, with the day that they are under.
fn parts(out: &Path, ending: &str) -> Vec<(String, PathBuf)> {
    let mut parts = Vec::new();
    for day in std::fs::read_dir(out.join(TOPIC)).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let Some(name) = day.file_name().and_then(|name| name.to_str()?.strip_prefix("date=")).map(str::to_owned)
        else {
            continue;
        };
        for part in std::fs::read_dir(&day).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            assert!(part.to_str().is_some_and(|part| part.ends_with(ending)), "{part:?} is no part");
            parts.push((name.clone(), part));
        }
    }
    parts
}

/// The events of all parts; each once.
fn read(out: &Path, format: &str) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::new();
    for (day, part) in parts(out, format) {
        let file = std::fs::File::open(&part).expect("readable");
        let rows: Vec<Value> = match format {
            "ndjson" => BufReader::new(file)
                .lines()
                .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
                .collect(),
            _ => {
                let reader = SerializedFileReader::new(file).expect("Parquet");
                let rows = reader.get_row_iter(None).expect("rows");
                rows.map(|row| {
                    let row = row.expect("a row");
                    let text = |column: usize| row.get_string(column).expect("text").clone();
                    let data: Value = serde_json::from_str(&text(16)).expect("JSON");
                    json!({"id": text(0), "type": text(3), "subject": text(4), "sequence": text(8), "data": data,
                        "ms": row.get_timestamp_millis(5).expect("a time")})
                })
                .collect()
            }
        };
        for row in rows {
            assert!(row["time"].as_str().is_none_or(|time| time.starts_with(&day)), "{row} is not of {day}");
            let id = row["id"].as_str().expect("an id").to_owned();
            assert!(events.insert(id, row).is_none(), "an event is there twice");
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_killed_again_and_again_has_each_event_once() {
    let shop = Shop::open(World::Embedded);
    let file = shop.path("goods.ndjson");
    write_goods(&file, 5_000);
    shop.run(&["import", file.to_str().expect("UTF-8")]);
    for format in ["ndjson", "parquet"] {
        let told = shop.log(TOPIC).await;
        assert!(told.len() > 4_000);
        let out = shop.path(format);
        let arguments = ["export", TOPIC, "--format", format, "--out", out.to_str().expect("UTF-8"), "--json"];
        for _ in 0..12 {
            let mut export = shop.spawn(&shop.engine.url, &arguments);
            let pause = rand::rng().random_range(10..200);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let _ = export.kill();
            export.wait().expect("ended");
        }
        let output = shop.run(&arguments);
        assert!(output.status.success(), "{output:?}");
        let exported = read(&out, format);
        assert_eq!(exported.len(), told.len());
        for (id, event) in &told {
            let row = &exported[id];
            for field in ["type", "subject", "sequence", "data"] {
                assert_eq!(row[field], event[field], "{field} of {id}");
            }
        }
        // Again: what has come since, and nothing else.
        shop.engine.stock(&format!("new-{format}"), 100, 5).await;
        let more = super::summary(&shop.run(&arguments));
        assert!(more["events"].as_u64().is_some_and(|events| (2..100).contains(&events)), "{more}");
        assert_eq!(read(&out, format).len(), shop.log(TOPIC).await.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_follows_over_connections_that_are_lost() {
    let shop = Shop::open(World::Embedded);
    shop.engine.stock("mug", 100, 5).await;
    let relay = Relay::open(&shop.engine.url).await;
    let mut tail = shop.spawn(&relay.url, &["tail", TOPIC, "--from", "beginning", "--key", "mug"]);
    let (lines, seen) = std::sync::mpsc::channel();
    let output = tail.stdout.take().expect("stdout");
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).all(|line| lines.send(line).is_ok())
    });
    let mut events: Vec<Value> = Vec::new();
    let mut take = |count: usize| {
        while events.len() < count {
            let line = seen.recv_timeout(Duration::from_secs(60)).expect("an event comes");
            events.push(serde_json::from_str(&line).expect("JSON where no terminal is"));
        }
        events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    take(3);
    let connections = relay.connections();
    relay.set(After::Cut(0));
    until("it connects again", || relay.connections() > connections).await;
    relay.set(After::Never);
    shop.engine.stock("cup", 100, 5).await;
    let body = json!({"receiptId": "more", "location": "main", "quantity": 1, "document": "d"});
    shop.engine.post(&shop.engine.token("operator", "ops"), "", "/v1/items/mug/receipts", body).await;
    let ids = take(4);
    let _ = tail.kill();
    tail.wait().expect("ended");
    let of_mug: Vec<String> =
        shop.log(TOPIC).await.into_iter().filter(|(_, event)| event["subject"] == "mug").map(|(id, _)| id).collect();
    assert_eq!(ids, of_mug, "each once, in order");
}
