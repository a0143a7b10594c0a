//! The running state writer between an embedded log and embedded views.

use crate::{
    damaged::Damaged,
    history::{Step, block_on, fold_at, fold_batch, open, shards},
    replay::history,
    state::new_event,
};
use event_log::{
    Batch, CommitOutcome, EventLog, Lease, ReadFrom, Record,
    sqlite::{SqliteLog, SqliteOptions},
};
use projector::{
    Projector, ProjectorOptions,
    state::{STATE_CONSUMER, StateWriter, StateWriterOptions},
};
use read_model::{Checkpoints, ViewStore, sqlite::SqliteViews, views::CONSUMER};
use schemas::Topic;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const LONG: Duration = Duration::from_secs(60);

struct House {
    runtime: Runtime,
    log: Arc<SqliteLog>,
    views: Arc<SqliteViews>,
    leases: Vec<Box<dyn Lease>>,
    _directory: TempDir,
}

impl House {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let options = SqliteOptions {
            shards: shards(),
            disk_reserve_bytes: 0,
            ..SqliteOptions::new(directory.path().join("log"))
        };
        let log = SqliteLog::open(options).expect("it opens");
        let leases = shards().all().map(|shard| log.acquire(shard).expect("it is free")).collect();
        let views = Arc::new(open(directory.path()));
        Self { runtime, log, views, leases, _directory: directory }
    }

    fn commit(&mut self, record: &Record) {
        let lease = &mut self.leases[record.partition as usize];
        let events = vec![new_event(record, &**lease)];
        assert_eq!(lease.commit(Batch { events, ..Batch::default() }), CommitOutcome::Committed);
    }

    fn project(&self) -> Projector {
        let (log, views) = (Arc::clone(&self.log), Arc::clone(&self.views));
        Projector::start(ProjectorOptions { log, views, runtime: self.runtime.handle().clone() }).expect("it starts")
    }

    fn write(&self) -> StateWriter {
        self.write_on(self.log.clone())
    }

    fn write_on(&self, log: Arc<dyn EventLog>) -> StateWriter {
        let (views, runtime) = (self.views.clone(), self.runtime.handle().clone());
        StateWriter::start(StateWriterOptions { log, views, runtime }).expect("it starts")
    }

    /// The sequence of the last record of each key of a topic.
    fn last(&self, topic: Topic) -> BTreeMap<String, String> {
        let from: Vec<_> = shards().all().map(|shard| ReadFrom { topic, partition: shard.0, offset: 0 }).collect();
        let mut reader = self.log.reader(&from).expect("it reads");
        let mut last = BTreeMap::new();
        loop {
            let records = reader.poll(1 << 20, Duration::ZERO).expect("it reads");
            if records.is_empty() {
                return last;
            }
            for record in records {
                let seq = record.headers.into_iter().find(|(name, _)| name == "ce_sequence").expect("its seq").1;
                last.insert(record.key, String::from_utf8(seq).expect("text"));
            }
        }
    }

    /// Waits until the last record of a key has come so far.
    fn wait(&self, topic: Topic, key: &str, seq: u64) {
        let (wanted, until) = (format!("{seq:020}"), Instant::now() + LONG);
        while self.last(topic).get(key) != Some(&wanted) {
            assert!(Instant::now() < until, "{key} does not come to {seq}: {:?}", self.last(topic));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Two items of different partitions, listed and with stock.
fn two() -> [u8; 2] {
    let of = |number: u8| shards().of_key(&format!("item-{number}"));
    let second = (2..50).find(|number| of(*number) != of(1)).expect("there is one");
    [1, second]
}

fn life(number: u8) -> Vec<(u8, Step)> {
    vec![(number, Step::List(1)), (number, Step::Price(5)), (number, Step::Receive(1)), (number, Step::Grant(1))]
}

#[test]
fn states_follow_the_views_and_go_on_after_a_stop() {
    let mut house = House::open();
    let (projector, writer) = (house.project(), house.write());
    let records = history(&[life(1), vec![(1, Step::Grant(2)), (1, Step::Grant(3))]].concat());
    records[..4].iter().for_each(|record| house.commit(record));
    house.wait(Topic::ItemsState, "item-1", 4);
    house.wait(Topic::StockState, "item-1", 4);
    writer.stop();
    assert!(!writer.status().running);
    // It may stand before what was published: rows are read newer than the events that named them.
    let checkpoints = block_on(house.views.checkpoints(STATE_CONSUMER)).expect("it reads");
    assert!(checkpoints.values().any(|at| (1..=4).contains(&at.seq)), "{checkpoints:?}");
    records[4..].iter().for_each(|record| house.commit(record));
    let writer = house.write();
    house.wait(Topic::ItemsState, "item-1", 6);
    house.wait(Topic::StockState, "item-1", 6);
    let until = Instant::now() + LONG;
    while writer.status().lag > 0 {
        assert!(Instant::now() < until, "{:?}", writer.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((writer.status().running, writer.status().trouble), (true, None));
    projector.stop();
}

#[test]
fn views_that_stand_still_hold_up_their_own_partition_only() {
    let mut house = House::open();
    let writer = house.write();
    let [moves, stands] = two();
    let records = history(&[life(moves), life(stands)].concat());
    records.iter().for_each(|record| house.commit(record));
    let (moving, standing): (Vec<_>, Vec<_>) = house
        .read_events()
        .into_iter()
        .partition(|record| record.partition == shards().of_key(&format!("item-{moves}")).0);
    let mut fold = fold_at(&Checkpoints::new());
    fold_batch(&mut fold, &*house.views, moving);
    house.wait(Topic::StockState, &format!("item-{moves}"), 4);
    assert!(!house.last(Topic::StockState).contains_key(&format!("item-{stands}")));
    fold_batch(&mut fold, &*house.views, standing);
    house.wait(Topic::StockState, &format!("item-{stands}"), 4);
    house.wait(Topic::ItemsState, &format!("item-{stands}"), 4);
    writer.stop();
}

#[test]
fn a_damaged_partition_is_left_out_and_the_others_go_on() {
    let mut house = House::open();
    let _projector = house.project();
    let [good, bad] = two();
    let partition = shards().of_key(&format!("item-{bad}")).0;
    let writer = house.write_on(Arc::new(Damaged { log: Arc::clone(&house.log), partition }));
    let records = history(&[life(good), life(bad)].concat());
    records.iter().for_each(|record| house.commit(record));
    house.wait(Topic::StockState, &format!("item-{good}"), 4);
    assert!(writer.status().running);
    writer.stop();
    assert!(!house.last(Topic::StockState).contains_key(&format!("item-{bad}")));
}

#[test]
fn checkpoints_of_another_log_are_begun_anew() {
    let mut house = House::open();
    let _projector = house.project();
    let at = read_model::Checkpoint { seq: 900, offset: 900, epoch: 9 };
    let beyond: Checkpoints = shards().all().map(|shard| ((Topic::InventoryEvents, shard.0), at)).collect();
    block_on(house.views.write(STATE_CONSUMER, &[], &beyond)).expect("it writes");
    let _writer = house.write();
    history(&life(1)).iter().for_each(|record| house.commit(record));
    house.wait(Topic::StockState, "item-1", 4);
    assert_ne!(CONSUMER, STATE_CONSUMER);
}

impl House {
    fn read_events(&self) -> Vec<Record> {
        self.log.flush().expect("it is durable");
        let topic = Topic::InventoryEvents;
        let from: Vec<_> = shards().all().map(|shard| ReadFrom { topic, partition: shard.0, offset: 0 }).collect();
        let mut reader = self.log.reader(&from).expect("it reads");
        let mut all = Vec::new();
        loop {
            let records = reader.poll(1 << 20, Duration::ZERO).expect("it reads");
            if records.is_empty() {
                return all;
            }
            all.extend(records);
        }
    }
}
