//! The running projector between an embedded log and embedded views.

use crate::{
    damaged::Damaged,
    history::{granted, open},
};
use event_log::{
    Batch, CommitOutcome, EventLog, Lease, NewEvent,
    dead_letter::RedriveTarget,
    redrive::{REQUESTED, Redrive},
    sqlite::{SqliteLog, SqliteOptions},
};
use projector::{PartitionState, Projector, ProjectorError, ProjectorOptions};
use read_model::{
    ViewStore,
    views::{
        CONSUMER,
        dead_letters::{self, Letter},
        hold, ledger, stock,
    },
};
use schemas::{
    CommandId, CorrelationId, Envelope, Event, FreeHoldId, ItemId, ShardId, SubjectId, Timestamp, Topic,
    item::{ItemEvent, StockLevels},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::runtime::{Builder, Runtime};

pub struct House {
    runtime: Runtime,
    pub log: Arc<SqliteLog>,
    views: Arc<dyn ViewStore>,
    _directory: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let views = Arc::new(open(directory.path()));
        Self::over(views, directory)
    }

    /// Over these views, with a log in the directory.
    pub fn over(views: Arc<dyn ViewStore>, directory: tempfile::TempDir) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        Self { runtime, log: log(&directory.path().join("log")), views, _directory: directory }
    }

    /// The same log with other views.
    pub fn with(self, views: Arc<dyn ViewStore>) -> Self {
        Self { views, ..self }
    }

    pub fn start(&self) -> Result<Projector, ProjectorError> {
        let (log, views) = (Arc::clone(&self.log), Arc::clone(&self.views));
        Projector::start(ProjectorOptions { log, views, runtime: self.runtime.handle().clone() })
    }

    /// Waits as a query with a position does.
    pub fn wait(&self, shard: ShardId, seq: u64) {
        let key = (Topic::InventoryEvents, shard.0);
        let wait = async {
            loop {
                let changed = self.views.changed();
                let checkpoints = self.views.checkpoints(CONSUMER).await.expect("it reads");
                if checkpoints.get(&key).is_some_and(|at| at.seq >= seq) {
                    return;
                }
                changed.await;
            }
        };
        self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), wait).await }).expect("in time");
    }
}

fn log(directory: &Path) -> Arc<SqliteLog> {
    let mut options = SqliteOptions::new(directory);
    options.disk_reserve_bytes = 0;
    SqliteLog::open(options).expect("it opens")
}

pub fn lease(log: &SqliteLog) -> Box<dyn Lease> {
    let shard = event_log::shard_of(log.shards(), &schemas::AggregateKey::Item(item()));
    log.acquire(shard).expect("the shard is free")
}

fn item() -> ItemId {
    ItemId::parse("hot").expect("an id")
}

pub fn event(lease: &dyn Lease, seq: u64, value: Option<&[u8]>) -> NewEvent {
    let stock = StockLevels { held: seq, ..StockLevels::default() };
    let event = Event::Item(ItemEvent::HoldGranted(granted(seq as u8, stock)));
    NewEvent {
        topic: Topic::InventoryEvents,
        envelope: Envelope {
            event_type: event.event_type().into(),
            subject: item().as_str().to_owned(),
            time: Timestamp::from_millis(seq.cast_signed()),
            seq,
            epoch: lease.epoch(),
            actor: "service:erp".to_owned(),
            causation: CommandId::parse("cmd").expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        },
        value: value.map_or_else(|| serde_json::to_vec(&event).expect("events are JSON"), <[u8]>::to_vec),
    }
}

pub fn commit(lease: &mut dyn Lease, events: Vec<NewEvent>) {
    assert_eq!(lease.commit(Batch { events, ..Batch::default() }), CommitOutcome::Committed);
}

#[test]
fn what_is_committed_is_in_the_views_once_a_wait_for_it_ends() {
    commits_are_seen_after_a_wait(&House::open());
}

pub fn commits_are_seen_after_a_wait(house: &House) {
    let projector = house.start().expect("it starts");
    let mut lease = lease(&house.log);
    for seq in 1..=20 {
        let next = event(&*lease, seq, None);
        commit(&mut *lease, vec![next]);
        house.wait(lease.shard(), seq);
        let row = house.runtime.block_on(stock::get(&*house.views, &item())).expect("it reads").expect("it is there");
        assert_eq!((row.position.seq, row.levels.held), (seq, seq));
    }
    let (caller, id) = (SubjectId::parse("erp").expect("an id"), FreeHoldId::parse("hold-7").expect("an id"));
    assert!(house.runtime.block_on(hold::get(&*house.views, &item(), &caller, &id)).expect("it reads").is_some());
    let entries = house.runtime.block_on(ledger::page(&*house.views, &item(), None, 100)).expect("it reads");
    assert_eq!(entries.len(), 20);
    assert!(projector.status().is_healthy(), "{:?}", projector.status());
    projector.stop();
    let status = projector.status();
    assert_eq!((status.running, status.lag()), (false, 0));
}

#[test]
fn what_came_while_it_was_stopped_is_folded_after_the_next_start() {
    let house = House::open();
    let mut lease = lease(&house.log);
    let first = house.start().expect("it starts");
    let next = event(&*lease, 1, None);
    commit(&mut *lease, vec![next]);
    house.wait(lease.shard(), 1);
    first.stop();
    let more = (2..=9).map(|seq| event(&*lease, seq, None)).collect();
    commit(&mut *lease, more);
    house.log.flush().expect("it is durable");
    let _second = house.start().expect("it starts");
    house.wait(lease.shard(), 9);
}

#[test]
fn an_event_that_cannot_be_read_parks_its_key_and_says_so() {
    let house = House::open();
    let mut lease = lease(&house.log);
    let projector = house.start().expect("it starts");
    let events = vec![event(&*lease, 1, None), event(&*lease, 2, Some(b"{\"no\":1}")), event(&*lease, 3, None)];
    commit(&mut *lease, events);
    house.wait(lease.shard(), 3);
    projector.stop();
    let status = projector.status();
    assert!(status.partitions.iter().all(|at| at.state == PartitionState::Running), "{status:?}");
    let [parked] = &*status.parked else { panic!("one is parked: {:?}", status.parked) };
    assert_eq!((parked.key.as_deref(), parked.first.seq), (Some("hot"), 2));
    assert!(parked.reason.contains("hold-granted"), "{parked:?}");
    let row = house.runtime.block_on(stock::get(&*house.views, &item())).expect("it reads").expect("it is there");
    assert_eq!(row.position.seq, 1);

    // It is asked for again, and again it cannot be read.
    let redrive = Redrive {
        of: parked.letter.clone(),
        request: "r".to_owned(),
        by: "operator:op".to_owned(),
        at: Timestamp::from_millis(5),
        outcome: REQUESTED.to_owned(),
        detail: None,
        target: Some(RedriveTarget {
            topic: Topic::InventoryEvents,
            partition: lease.shard().0,
            key: "hot".to_owned(),
        }),
    };
    house.log.publish(vec![redrive.record("hot")]).expect("it is published");
    let _projector = house.start().expect("it starts");
    let outcome = |letter: Option<Letter>| letter?.redrive.filter(|redrive| redrive.outcome != REQUESTED);
    let begun = std::time::Instant::now();
    let told = loop {
        let letter = house.runtime.block_on(dead_letters::get(&*house.views, &parked.letter)).expect("it reads");
        if let Some(told) = outcome(letter) {
            break told;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is told of the redrive");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!((told.outcome.as_str(), told.by.as_str()), ("still_parked", "operator:op"));
}

#[test]
fn no_checkpoint_passes_an_event_whose_letter_is_not_in_the_log() {
    let house = House::open();
    let mut lease = lease(&house.log);
    let log = Arc::new(Damaged { log: Arc::clone(&house.log), partition: u32::MAX });
    let (views, runtime) = (Arc::clone(&house.views), house.runtime.handle().clone());
    let projector = Projector::start(ProjectorOptions { log, views, runtime }).expect("it starts");
    let next = event(&*lease, 1, None);
    commit(&mut *lease, vec![next]);
    house.wait(lease.shard(), 1);
    let bad = event(&*lease, 2, Some(b"{\"no\":1}"));
    commit(&mut *lease, vec![bad]);
    let begun = std::time::Instant::now();
    while projector.status().trouble.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the letter was published: {:?}", projector.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    let checkpoints = house.runtime.block_on(house.views.checkpoints(CONSUMER)).expect("it reads");
    assert_eq!(checkpoints[&(Topic::InventoryEvents, lease.shard().0)].seq, 1);
}

#[test]
fn a_damaged_partition_stops_alone() {
    let house = House::open();
    let mut lease = lease(&house.log);
    let damaged = (0..16).find(|shard| *shard != lease.shard().0).expect("there are sixteen");
    let log = Arc::new(Damaged { log: Arc::clone(&house.log), partition: damaged });
    let views = Arc::clone(&house.views);
    let options = ProjectorOptions { log, views, runtime: house.runtime.handle().clone() };
    let projector = Projector::start(options).expect("it starts");
    for seq in 1..=3 {
        let next = event(&*lease, seq, None);
        commit(&mut *lease, vec![next]);
        house.wait(lease.shard(), seq);
    }
    let status = projector.status();
    let stopped: Vec<_> = status.partitions.iter().filter(|at| at.state != PartitionState::Running).collect();
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    assert_eq!((stopped[0].topic, stopped[0].partition), (Topic::InventoryEvents, damaged));
    assert!(matches!(&stopped[0].state, PartitionState::Stopped(why) if why.contains("checksum")), "{stopped:?}");
    assert!(status.running && !status.is_healthy());
}

#[test]
fn views_of_another_log_are_refused() {
    let house = House::open();
    let mut lease = lease(&house.log);
    let projector = house.start().expect("it starts");
    let next = event(&*lease, 1, None);
    commit(&mut *lease, vec![next]);
    house.wait(lease.shard(), 1);
    projector.stop();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let options = ProjectorOptions {
        log: log(elsewhere.path()),
        views: Arc::clone(&house.views),
        runtime: house.runtime.handle().clone(),
    };
    let refused = Projector::start(options).err().expect("it is refused");
    assert!(matches!(refused, ProjectorError::AheadOfLog { folded: 1, end: 0, .. }), "{refused}");
}
