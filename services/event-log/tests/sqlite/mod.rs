//! What only the embedded log promises: one process, one set of settings, files that survive.

mod damage;
mod published;

use crate::world::{
    LONG, Sink, Sqlite, World, command, event, events, lease, numbers, options, read, reply, seqs, take_all, try_read,
};
use event_log::{
    Batch, CommitOutcome, EventLog, LogError, ReadFrom, SubmitError,
    sqlite::{SqliteLog, SqliteOptions},
};
use rusqlite::Connection;
use schemas::{ShardCount, Topic};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

/// The message of a log that does not open.
fn refusal(options: SqliteOptions) -> LogError {
    SqliteLog::open(options).err().expect("it opened")
}

#[test]
fn a_second_owner_of_the_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(options(dir.path())).unwrap();
    assert!(matches!(refusal(options(dir.path())), LogError::Locked(_)));
    drop(log);
    SqliteLog::open(options(dir.path())).unwrap();
}

#[test]
fn other_settings_than_at_creation_are_refused_by_name() {
    let dir = TempDir::new().unwrap();
    drop(SqliteLog::open(options(dir.path())).unwrap());
    let good = options(dir.path());
    let cases = [
        (SqliteOptions { shards: ShardCount::new(16).unwrap(), ..good.clone() }, "created with 4 shards"),
        (SqliteOptions { namespace: "other".to_owned(), ..good.clone() }, "namespace `stockfold`"),
        (SqliteOptions { test_clock: true, ..good.clone() }, "created without --test-clock"),
    ];
    for (options, expected) in cases {
        match refusal(options) {
            LogError::Mismatch(text) => assert!(text.contains(expected), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    SqliteLog::open(good).unwrap();
}

#[test]
fn a_log_of_the_test_clock_needs_the_test_clock() {
    let dir = TempDir::new().unwrap();
    drop(SqliteLog::open(SqliteOptions { test_clock: true, ..options(dir.path()) }).unwrap());
    assert!(
        matches!(refusal(options(dir.path())), LogError::Mismatch(text) if text.contains("created with --test-clock"))
    );
}

#[test]
fn a_file_that_is_no_log_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("log.sqlite"), [7; 9_000]).unwrap();
    assert!(matches!(refusal(options(dir.path())), LogError::Corrupt(_)));
}

#[test]
fn a_newer_format_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(SqliteLog::open(options(dir.path())).unwrap());
    change(dir.path(), "UPDATE meta SET value = '2' WHERE key = 'format'");
    assert!(matches!(refusal(options(dir.path())), LogError::Corrupt(text) if text.contains("newer Stockfold")));
}

/// Changes the file behind the log's back.
fn change(dir: &Path, sql: &str) {
    Connection::open(dir.join("log.sqlite")).unwrap().execute_batch(sql).unwrap();
}

/// Looks into the file when it is told something.
struct Inspector {
    file: std::path::PathBuf,
    seen: parking_lot::Mutex<Vec<(u64, i64)>>,
}

impl event_log::ReplySink for Inspector {
    fn deliver(&self, replies: Vec<schemas::Reply>) {
        let file = Connection::open(&self.file).unwrap();
        let count = "SELECT coalesce(sum(count), 0) FROM batches WHERE id >> 59 = 3";
        let events = file.query_row(count, (), |row| row.get(0)).unwrap();
        self.seen.lock().extend(replies.iter().map(|reply| (reply.to.request, events)));
    }
}

#[test]
fn what_is_answered_stands_in_the_file() {
    let mut world = Sqlite::new();
    let log = world.open();
    let inspector = Arc::new(Inspector { file: world.dir.path().join("log.sqlite"), seen: Default::default() });
    let node = log.register(inspector.clone());
    let mut owner = lease(&*log, 1);
    for seq in 1..=30 {
        let batch = Batch { replies: vec![reply(node, seq)], ..events(&*owner, [seq]) };
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    let seen = inspector.seen.lock();
    assert_eq!(seen.len(), 30);
    assert!(seen.iter().all(|(request, events)| *events >= request.cast_signed()), "{seen:?}");
}

#[test]
fn a_failed_write_ends_the_process_and_answers_nobody() {
    let dir = TempDir::new().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let on_failure = Arc::new(move |error: &str| tell.send(error.to_owned()).unwrap());
    let log = SqliteLog::open(SqliteOptions { on_failure, ..options(dir.path()) }).unwrap();
    let sink = Arc::new(Sink::default());
    let node = log.register(sink.clone());
    let mut owner = lease(&*log, 1);
    change(dir.path(), "DROP VIEW record_batches; ALTER TABLE batches RENAME TO gone");
    let batch = Batch { replies: vec![reply(node, 1)], ..events(&*owner, [1]) };
    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    assert!(told.recv_timeout(LONG).unwrap().contains("batches"));
    assert!(log.wait_closed(LONG));
    assert!(sink.requests().is_empty());
    assert_eq!(owner.commit(events(&*owner, [2])), CommitOutcome::Fenced);
    assert!(owner.poll(1, LONG).unwrap().closed);
    assert_eq!(log.submit(command(1, 1)), Err(SubmitError::Unavailable));
    assert!(log.flush().is_err());
}

#[test]
fn below_the_disk_reserve_only_clients_are_refused() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(SqliteOptions { disk_reserve_bytes: u64::MAX, ..options(dir.path()) }).unwrap();
    assert_eq!(log.submit(command(2, 1)), Err(SubmitError::DiskReserve));
    assert_eq!(log.writable(), Err(SubmitError::DiskReserve));
    let (mut sender, mut receiver) = (lease(&*log, 1), lease(&*log, 2));
    let batch = Batch { internal: vec![command(2, 2)], ..events(&*sender, [1]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    assert_eq!(numbers(&receiver.poll(10, LONG).unwrap().commands), [2]);
    log.flush().unwrap();
    assert_eq!(read(&*log, Topic::InventoryEvents, 1).len(), 1);
}

#[test]
fn a_poll_wakes_when_a_command_comes() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    std::thread::scope(|scope| {
        let polled = scope.spawn(|| owner.poll(10, LONG).unwrap());
        log.submit(command(1, 1)).unwrap();
        assert_eq!(numbers(&polled.join().unwrap().commands), [1]);
    });
}

#[test]
fn a_waiting_poll_ends_when_another_owner_comes() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    std::thread::scope(|scope| {
        let polled = scope.spawn(move || owner.poll(10, LONG).unwrap());
        let _next = lease(&*log, 1);
        assert!(polled.join().unwrap().closed);
    });
}

#[test]
fn a_reader_wakes_when_its_partition_grows() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let mut reader = log.reader(&[ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset: 0 }]).unwrap();
    std::thread::scope(|scope| {
        let records = scope.spawn(move || reader.poll(1 << 20, LONG).unwrap());
        assert_eq!(owner.commit(events(&*owner, [1])), CommitOutcome::Committed);
        assert_eq!(seqs(&records.join().unwrap()), [1]);
    });
}

#[test]
fn hand_overs_wait_for_room_and_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(SqliteOptions { queue_bytes: 300, tail_bytes: 2_000, ..options(dir.path()) }).unwrap();
    std::thread::scope(|scope| {
        for shard in 0..4 {
            let mut owner = lease(&*log, shard);
            scope.spawn(move || {
                for seq in 1..=200 {
                    assert_eq!(owner.commit(events(&*owner, [seq])), CommitOutcome::Committed);
                }
            });
        }
    });
    log.flush().unwrap();
    for shard in 0..4 {
        // More than the memory holds: the beginning comes from the file, the end from memory.
        assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, shard)), (1..=200).collect::<Vec<_>>());
    }
}

#[test]
fn commands_that_arrive_while_a_new_owner_loads_come_once_and_in_order() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut sender = lease(&*log, 1);
    std::thread::scope(|scope| {
        let sent = scope.spawn(move || {
            for n in 1..=500 {
                let batch = Batch { internal: vec![command(2, n)], ..events(&*sender, [n.into()]) };
                assert_eq!(sender.commit(batch), CommitOutcome::Committed);
            }
        });
        for _ in 0..20 {
            let mut receiver = lease(&*log, 2);
            let some = numbers(&receiver.poll(1_000, Duration::ZERO).unwrap().commands);
            assert_eq!(some, (1..=some.len() as u32).collect::<Vec<_>>());
        }
        sent.join().unwrap();
    });
    let all = take_all(&mut *lease(&*log, 2));
    assert_eq!(all, (1..=500).collect::<Vec<_>>());
}

#[test]
fn consumed_internal_commands_leave_the_file() {
    let mut world = Sqlite::new();
    {
        let log = world.open();
        let (mut sender, mut receiver) = (lease(&*log, 1), lease(&*log, 2));
        let mut consumed = receiver.consumed();
        for seq in 1..=60 {
            let internal = (1..=100).map(|n| command(2, n)).collect();
            assert_eq!(sender.commit(Batch { internal, ..events(&*sender, [seq]) }), CommitOutcome::Committed);
            for received in receiver.poll(1_000, Duration::ZERO).unwrap().commands {
                consumed.pass(received.source);
            }
            assert_eq!(receiver.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
        }
        world.settle();
        let left = read(&*log, Topic::InternalCommands, 2);
        assert!(left.len() < 2_100, "{} commands stand", left.len());
        assert_eq!(log.end(Topic::InternalCommands, 2).unwrap(), 6_000);
    }
    world.close();
    let log = world.open();
    assert_eq!(log.end(Topic::InternalCommands, 2).unwrap(), 6_000);
    let mut next = lease(&*log, 2);
    assert!(next.poll(10, Duration::ZERO).unwrap().commands.is_empty());
    assert_eq!(next.consumed().internal, 6_000);
}

#[test]
fn an_answer_to_an_earlier_life_of_the_process_reaches_nobody() {
    let mut world = Sqlite::new();
    let before = world.open().register(Arc::new(Sink::default()));
    world.close();
    let log = world.open();
    let sink = Arc::new(Sink::default());
    assert_ne!(log.register(sink.clone()), before);
    let mut owner = lease(&*log, 1);
    let batch = Batch { replies: vec![reply(before, 1)], ..events(&*owner, [1]) };
    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    world.settle();
    assert!(sink.requests().is_empty());
}

#[test]
fn a_log_from_the_disk_is_read_from_any_record_in_any_portion() {
    let mut world = Sqlite::new();
    {
        let log = world.open();
        let mut owner = lease(&*log, 1);
        // The last batch is large enough to be compressed.
        for (first, last) in [(1, 3), (4, 4), (5, 200)] {
            let batch = events(&*owner, first..=last);
            assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        }
    }
    world.close();
    let log = world.open();
    for offset in [0, 1, 2, 3, 4, 5, 100, 199, 200] {
        let rest = try_read(&*log, Topic::InventoryEvents, 1, offset).unwrap();
        assert_eq!(seqs(&rest), (offset + 1..=200).collect::<Vec<_>>());
    }
}

#[test]
fn a_fresh_reader_gets_both_topics_of_one_batch() {
    let mut world = Sqlite::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let mut batch = events(&*owner, [1, 2]);
    batch.events.insert(1, event(&*owner, Topic::OrdersEvents, 1));
    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    world.settle();
    assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, 1)), [1, 2]);
    assert_eq!(seqs(&read(&*log, Topic::OrdersEvents, 1)), [1]);
}
