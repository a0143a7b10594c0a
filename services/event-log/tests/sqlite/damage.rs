//! Copies of a running log, torn ends, and damaged files.

use crate::world::{Sqlite, World, command, events, lease, options, read, seqs, try_read};
use event_log::{Batch, CommitOutcome, EventLog, LogError, NewSnapshot, sqlite::SqliteLog};
use rusqlite::Connection;
use schemas::Topic;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

#[test]
fn a_copy_of_the_running_directory_opens_with_all_that_was_answered() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    for seq in 1..=40 {
        let snapshots = vec![NewSnapshot { key: "a".to_owned(), value: Some(vec![seq as u8]) }];
        let batch = Batch { snapshots, internal: vec![command(2, seq as u32)], ..events(&*owner, [seq]) };
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    let copy = TempDir::new().unwrap();
    for file in ["log.sqlite", "log.sqlite-wal"] {
        std::fs::copy(world.dir.path().join(file), copy.path().join(file)).unwrap();
    }
    let log = SqliteLog::open(options(copy.path())).unwrap();
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), (1..=40).collect::<Vec<_>>());
    assert_eq!(lease(&*log, 2).poll(100, Duration::ZERO).unwrap().commands.len(), 40);
    let mut next = lease(&*log, 1);
    assert_eq!(next.snapshot("a").unwrap(), Some(vec![40]));
    assert!(next.epoch() > owner.epoch());
}

#[test]
fn a_torn_end_of_the_write_ahead_log_loses_only_what_was_torn() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    for seq in 1..=10 {
        assert_eq!(owner.commit(events(&*owner, [seq])), CommitOutcome::Committed);
        world.settle();
    }
    let copy = TempDir::new().unwrap();
    std::fs::copy(world.dir.path().join("log.sqlite"), copy.path().join("log.sqlite")).unwrap();
    let wal = std::fs::read(world.dir.path().join("log.sqlite-wal")).unwrap();
    std::fs::write(copy.path().join("log.sqlite-wal"), &wal[..wal.len() - 100]).unwrap();
    let log = SqliteLog::open(options(copy.path())).unwrap();
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), (1..=9).collect::<Vec<_>>());
}

/// A closed log of three batches of two events, damaged and opened again.
fn damaged(damage: impl FnOnce(&Connection)) -> (TempDir, Arc<SqliteLog>) {
    let mut world = Sqlite::new();
    {
        let log = world.open();
        let mut owner = lease(&*log, 1);
        for first in [1, 3, 5] {
            let batch = Batch { internal: vec![command(2, 1)], ..events(&*owner, first..first + 2) };
            assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        }
    }
    world.close();
    damage(&Connection::open(world.dir.path().join("log.sqlite")).unwrap());
    let log = SqliteLog::open(options(world.dir.path())).unwrap();
    (world.dir, log)
}

/// Changes the stored bytes of all batches of the topic with that code.
fn edit(file: &Connection, topic: i64, change: fn(&mut Vec<u8>)) {
    let mut select = file.prepare("SELECT id, data FROM batches WHERE id >> 59 = ?1").unwrap();
    let rows = select.query_map([topic], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    for (id, mut data) in rows.map(Result::unwrap).collect::<Vec<_>>() {
        change(&mut data);
        file.execute("UPDATE batches SET data = ?2 WHERE id = ?1", (id, data)).unwrap();
    }
}

#[test]
fn damaged_bytes_stop_the_reader() {
    stops(|file| edit(file, 3, |data| data[20] ^= 1), "checksum");
    stops(|file| edit(file, 3, |data| data.truncate(5)), "not a batch");
    stops(|file| edit(file, 3, |data| data[0] = 9), "newer version");
}

#[test]
fn missing_and_moved_batches_stop_the_reader() {
    let cases = [
        ("UPDATE batches SET count = count + 1 WHERE id >> 59 = 3", "not a batch"),
        ("UPDATE batches SET id = id + 9 WHERE id >> 59 = 3 AND id & 255 = 4", "events are missing"),
        ("DELETE FROM batches WHERE id >> 59 = 3 AND id & 255 = 2", "events are missing"),
        ("DELETE FROM batches WHERE id >> 59 = 3 AND id & 255 = 0", "events are missing"),
    ];
    for (sql, expected) in cases {
        stops(|file| file.execute_batch(sql).unwrap(), expected);
    }
}

fn stops(damage: impl FnOnce(&Connection), expected: &str) {
    let (_dir, log) = damaged(damage);
    match try_read(&*log, Topic::InventoryEvents, 1, 0) {
        Err(LogError::Corrupt(text)) => assert!(text.contains(expected), "{text}"),
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn damaged_internal_commands_stop_their_shard() {
    let (_dir, log) = damaged(|file| edit(file, 2, |data| data.truncate(40)));
    let mut lease = log.acquire(schemas::ShardId(2)).unwrap();
    assert!(matches!(lease.consume_from(lease.consumed()), Err(LogError::Corrupt(_))));
}

#[test]
fn missing_internal_commands_stop_their_shard() {
    for missing in ["id & 255 = 0", "id & 255 = 1"] {
        let (_dir, log) = damaged(|file| {
            let deleted = file.execute(&format!("DELETE FROM batches WHERE id >> 59 = 2 AND {missing}"), ()).unwrap();
            assert_eq!(deleted, 1);
        });
        let mut lease = log.acquire(schemas::ShardId(2)).unwrap();
        let outcome = lease.consume_from(lease.consumed());
        assert!(matches!(&outcome, Err(LogError::Corrupt(text)) if text.contains("missing")), "{missing}: {outcome:?}");
    }
}
