//! Published records in the file: beside an earlier version's, with little disk, and damaged.

use super::change;
use crate::world::{LONG, Sqlite, World, events, item_of, lease, options, read, try_read};
use event_log::{
    Batch, CommitOutcome, EventLog, LogError, NewDeadLetter, NewRecord,
    sqlite::{SqliteLog, SqliteOptions},
};
use rusqlite::Connection;
use schemas::Topic;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;

fn record(topic: Topic, value: &str) -> NewRecord {
    let key = item_of(1).to_string();
    NewRecord { topic, key, headers: Vec::new(), value: Some(value.as_bytes().to_vec()) }
}

/// What an earlier version knows of a file.
const EARLIER: &str = "
DROP TABLE states;
DROP VIEW record_batches;
CREATE VIEW record_batches AS SELECT
    CASE id >> 59 WHEN 1 THEN 'commands.v1' WHEN 3 THEN 'inventory.events.v1' END AS topic,
    (id >> 47) & 4095 AS partition, id & 140737488355327 AS first_offset, count, data FROM batches;
";

#[test]
fn a_directory_of_an_earlier_version_goes_on() {
    let mut world = Sqlite::new();
    {
        let log = world.open();
        let mut owner = lease(&*log, 1);
        let letter = NewDeadLetter::new("old", "why", b"", serde_json::Map::new());
        let batch = Batch { dead_letters: vec![letter], ..events(&*owner, [1, 2]) };
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    world.close();
    change(world.dir.path(), EARLIER);
    for round in 0..2 {
        let log = world.open();
        for topic in [Topic::DeadLetters, Topic::SupplierItems, Topic::ItemsState, Topic::OrdersState] {
            log.publish(vec![record(topic, &round.to_string())]).unwrap();
        }
        assert_eq!(read(&*log, Topic::InventoryEvents, 1).len(), 2);
        let letters = read(&*log, Topic::DeadLetters, 1);
        assert_eq!((letters.len(), letters[0].key.as_str()), (round + 2, "old"));
        assert_eq!(read(&*log, Topic::SupplierItems, 1).len(), round + 1);
        assert_eq!(read(&*log, Topic::ItemsState, 1).len(), 1);
        drop(log);
        world.close();
    }
    let file = Connection::open(world.dir.path().join("log.sqlite")).unwrap();
    let mut named = file.prepare("SELECT DISTINCT topic FROM record_batches ORDER BY topic").unwrap();
    let topics: Vec<String> = named.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(topics, ["dead-letters.v1", "inventory.events.v1", "supplier.items.v1"]);
}

#[test]
fn the_view_for_people_is_made_once() {
    let mut world = Sqlite::new();
    let version = |dir: &Path| {
        let file = Connection::open(dir.join("log.sqlite")).unwrap();
        file.query_row("PRAGMA schema_version", (), |row| row.get::<_, i64>(0)).unwrap()
    };
    world.open();
    world.close();
    let made = version(world.dir.path());
    world.open();
    world.close();
    assert_eq!(version(world.dir.path()), made, "a start changes nothing in a file that is as it should be");
}

#[test]
fn below_the_reserve_nothing_is_published() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(SqliteOptions { disk_reserve_bytes: u64::MAX, ..options(dir.path()) }).unwrap();
    let refused = log.publish(vec![record(Topic::SupplierItems, "1")]).unwrap_err();
    assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
    assert!(read(&*log, Topic::SupplierItems, 1).is_empty());
}

#[test]
fn a_publish_waits_for_room_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(SqliteOptions { queue_bytes: 300, ..options(dir.path()) }).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..50).for_each(|n| log.publish(vec![record(Topic::SupplierItems, &n.to_string())]).unwrap())
            });
        }
    });
    assert_eq!(read(&*log, Topic::SupplierItems, 1).len(), 200);
}

#[test]
fn whoever_publishes_is_told_when_the_log_cannot_be_written() {
    let dir = TempDir::new().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let on_failure = Arc::new(move |error: &str| tell.send(error.to_owned()).unwrap());
    let log = SqliteLog::open(SqliteOptions { on_failure, ..options(dir.path()) }).unwrap();
    change(dir.path(), "DROP VIEW record_batches; ALTER TABLE batches RENAME TO gone");
    for _ in 0..2 {
        let refused = log.publish(vec![record(Topic::SupplierItems, "1")]).unwrap_err();
        assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
    }
    assert!(told.recv_timeout(LONG).unwrap().contains("batches"));
}

#[test]
fn a_damaged_state_is_told_and_not_given() {
    let mut world = Sqlite::new();
    world.open().publish(vec![record(Topic::StockState, "1")]).unwrap();
    world.close();
    change(world.dir.path(), "UPDATE states SET data = zeroblob(length(data))");
    let log = world.open();
    let told = try_read(&*log, Topic::StockState, 1, 0).unwrap_err();
    assert!(matches!(&told, LogError::Corrupt(text) if text.contains("stock.state.v1/1")), "{told}");
}
