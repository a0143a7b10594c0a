//! Two state writers at once, with crashes anywhere: in the end the last record of each key is its row.

use crate::{
    history::{SHARDS, block_on, fold_at, fold_batch, open, shards},
    replay::{checkpoints, history, steps},
};
use event_log::{
    Batch, CommitOutcome, EventLog, Lease, NewEvent, NewRecord, ReadFrom, Record,
    simulated::{Profile, Publishing, SimulatedLog, SimulatedOptions},
};
use projector::{
    Fold,
    state::{Publication, Round, STATE_CONSUMER, StateCore, StateRows},
};
use proptest::{collection::vec, prelude::*};
use read_model::{
    Checkpoints, ViewStore,
    sqlite::SqliteViews,
    views::{item, order, stock},
};
use schemas::{ItemId, OrderId, Topic, state::ItemState};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// So many events are committed.
    Commit(usize),
    /// The projector folds all of it.
    Fold,
    /// A writer takes its next step.
    Step(usize),
    /// A writer takes a whole round.
    Round(usize),
    /// The next call to publish fails, and so many records are written all the same.
    Unknown(usize),
    /// A writer dies. What it was about to write is lost, or lands later.
    Die(usize, bool),
    /// What a dead writer had sent is written now.
    Land,
    /// The views are deleted, with all checkpoints in them.
    LoseViews,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => (1..6usize).prop_map(Turn::Commit),
        4 => Just(Turn::Fold),
        8 => (0..2usize).prop_map(Turn::Step),
        3 => (0..2usize).prop_map(Turn::Round),
        2 => (0..3usize).prop_map(Turn::Unknown),
        3 => (0..2usize, any::<bool>()).prop_map(|(who, lands)| Turn::Die(who, lands)),
        1 => Just(Turn::Land),
        1 => Just(Turn::LoseViews),
    ];
    vec(turn, 0..80)
}

/// An event of a history, as its lease writes it.
pub fn new_event(record: &Record, lease: &dyn Lease) -> NewEvent {
    let mut envelope = record.envelope.clone().expect("an event");
    envelope.epoch = lease.epoch();
    NewEvent { topic: record.topic, envelope, value: record.value.clone().expect("an event") }
}

/// A writer, step by step.
struct Writer {
    core: StateCore,
    places: BTreeMap<(Topic, u32), u64>,
    /// What was looked up, and is to be written.
    round: Option<(Round, Vec<Publication>)>,
    written: Option<Checkpoints>,
}

impl Writer {
    fn start(store: &dyn ViewStore) -> Self {
        let checkpoints = block_on(store.checkpoints(STATE_CONSUMER)).expect("it reads");
        let core = StateCore::new(shards(), &checkpoints);
        Self { core, places: BTreeMap::new(), round: None, written: None }
    }

    /// Whether it had something to do.
    fn step(&mut self, log: &dyn EventLog, store: &dyn ViewStore) -> bool {
        if let Some(checkpoints) = self.written.take() {
            block_on(store.write(STATE_CONSUMER, &[], &checkpoints)).expect("it writes");
            return true;
        }
        if let Some((round, publications)) = self.round.take() {
            let records: Vec<NewRecord> = publications.iter().map(|publication| publication.record.clone()).collect();
            match log.publish(records) {
                Ok(()) => self.written = Some(round.checkpoints().clone()),
                // It starts over where the checkpoints are.
                Err(_) => *self = Self::start(store),
            }
            return true;
        }
        let (mut read, from) = (0, self.core.read_from());
        for place in &from {
            let known = self.places.get(&(place.topic, place.partition)).copied().unwrap_or(0);
            let from = ReadFrom { offset: place.offset.max(known), ..*place };
            let records = log.reader(&[from]).and_then(|mut reader| reader.poll(300, Duration::ZERO));
            let records = records.expect("it reads");
            read += records.len();
            self.core.read(records);
        }
        let round = self.core.ready(&checkpoints(store));
        if round.is_empty() {
            return read > 0;
        }
        let rows = block_on(StateRows::load(store, &round.keys())).expect("it reads");
        let publications = round.publications(&rows, "/stockfold");
        self.core.expect(&publications);
        self.round = Some((round, publications));
        true
    }
}

/// The sequence and the value of a record.
type Last = (u64, Option<Vec<u8>>);

/// A log, views, and who works on them.
struct World {
    log: Arc<SimulatedLog>,
    leases: Vec<Box<dyn Lease>>,
    directory: TempDir,
    store: SqliteViews,
    fold: Fold,
    writers: [Writer; 2],
    in_flight: Vec<NewRecord>,
    fate: Arc<Mutex<Publishing>>,
}

impl World {
    fn new() -> Self {
        let log = SimulatedLog::new(SimulatedOptions::new(Profile::Cluster, shards()));
        let fate = Arc::new(Mutex::new(Publishing::Written));
        let next = Arc::clone(&fate);
        log.on_publish(Box::new(move |_| std::mem::replace(&mut *next.lock().expect("whole"), Publishing::Written)));
        let leases = shards().all().map(|shard| log.acquire(shard).expect("it is free")).collect();
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path());
        let writers = [Writer::start(&store), Writer::start(&store)];
        Self { log, leases, fold: fold_at(&Checkpoints::new()), writers, directory, store, in_flight: Vec::new(), fate }
    }

    fn commit(&mut self, record: &Record) {
        let lease = &mut self.leases[record.partition as usize];
        let events = vec![new_event(record, &**lease)];
        assert_eq!(lease.commit(Batch { events, ..Batch::default() }), CommitOutcome::Committed);
    }

    fn fold_all(&mut self) {
        let from: Vec<_> =
            self.fold.read_from().into_iter().filter(|from| Topic::EVENTS.contains(&from.topic)).collect();
        let records = self.log.reader(&from).and_then(|mut reader| reader.poll(usize::MAX, Duration::ZERO));
        fold_batch(&mut self.fold, &self.store, records.expect("it reads"));
        assert!(self.fold.stopped().next().is_none());
    }

    fn turn(&mut self, turn: Turn, left: &mut impl Iterator<Item = Record>) {
        match turn {
            Turn::Commit(count) => left.take(count).for_each(|record| self.commit(&record)),
            Turn::Fold => self.fold_all(),
            Turn::Step(who) => _ = self.writers[who].step(&*self.log, &self.store),
            Turn::Round(who) => (0..4).for_each(|_| _ = self.writers[who].step(&*self.log, &self.store)),
            Turn::Unknown(written) => *self.fate.lock().expect("whole") = Publishing::Failed { written },
            Turn::Die(who, lands) => {
                let dead = std::mem::replace(&mut self.writers[who], Writer::start(&self.store));
                if let Some((_, publications)) = dead.round.filter(|_| lands) {
                    self.in_flight.extend(publications.into_iter().map(|publication| publication.record));
                }
            }
            Turn::Land => {
                let landed = std::mem::take(&mut self.in_flight);
                // A failure that was meant for a writer may befall it: then it is lost.
                drop(self.log.publish(landed));
            }
            Turn::LoseViews => {
                self.directory = tempfile::tempdir().expect("a directory");
                self.store = open(self.directory.path());
                self.fold = fold_at(&Checkpoints::new());
                self.writers = [Writer::start(&self.store), Writer::start(&self.store)];
            }
        }
    }

    /// One writer is left, and goes on until there is nothing to do. What the dead had sent is written when it thinks so.
    fn settle(&mut self) {
        *self.fate.lock().expect("whole") = Publishing::Written;
        self.fold_all();
        self.rest();
        self.turn(Turn::Land, &mut std::iter::empty());
        self.rest();
    }

    fn rest(&mut self) {
        for _ in 0..10_000 {
            if !self.writers[0].step(&*self.log, &self.store) {
                return;
            }
        }
        panic!("it never rests");
    }

    /// The last record of each key.
    fn last(&self) -> BTreeMap<(Topic, String), Last> {
        let mut last = BTreeMap::new();
        for topic in Topic::STATES {
            for record in (0..SHARDS).flat_map(|partition| self.log.records(topic, partition)) {
                let seq = record.headers.iter().find(|(name, _)| name == "ce_sequence").expect("its seq");
                let seq = std::str::from_utf8(&seq.1).expect("text").parse().expect("a number");
                last.insert((topic, record.key), (seq, record.value));
            }
        }
        last
    }

    /// The same as the rows of the views have it: by topic and key the seq of the newest event.
    fn rows(&self) -> BTreeMap<(Topic, String), u64> {
        let mut rows = BTreeMap::new();
        for number in 0..4 {
            let item = ItemId::parse(&format!("item-{number}")).expect("an id");
            let order = OrderId::parse(&format!("order-{number}")).expect("an id");
            if let Some(row) = block_on(item::get(&self.store, &item)).expect("it reads")
                && row.published().is_some()
            {
                rows.insert((Topic::ItemsState, item.to_string()), row.seq);
            }
            if let Some(row) = block_on(stock::get(&self.store, &item)).expect("it reads") {
                rows.insert((Topic::StockState, item.to_string()), row.position.seq);
            }
            if let Some(row) = block_on(order::get(&self.store, &order)).expect("it reads") {
                rows.insert((Topic::OrdersState, order.to_string()), row.position.seq);
            }
        }
        rows
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whoever_writes_last_the_last_record_of_a_key_is_its_row(steps in steps(), turns in turns()) {
        let mut world = World::new();
        let mut left = history(&steps).into_iter();
        for turn in turns {
            world.turn(turn, &mut left);
        }
        left.for_each(|record| world.commit(&record));
        world.settle();
        let last = world.last();
        let told: BTreeMap<_, _> = last.iter().map(|(key, (seq, _))| (key.clone(), *seq)).collect();
        prop_assert_eq!(told, world.rows());
        for ((topic, key), (_, value)) in &last {
            let value: serde_json::Value = serde_json::from_slice(value.as_ref().expect("a row")).expect("JSON");
            let id = if *topic == Topic::OrdersState { "orderId" } else { "itemId" };
            prop_assert_eq!(&value[id], key.as_str());
        }
    }
}

/// All that a writer has written, in order.
fn written(world: &World) -> Vec<Record> {
    Topic::STATES.into_iter().flat_map(|topic| (0..SHARDS).flat_map(move |at| world.log.records(topic, at))).collect()
}

#[test]
fn a_hot_row_is_written_once_for_all_that_gathered() {
    use crate::history::Step;
    let mut world = World::new();
    let mut steps = vec![(1, Step::List(1)), (1, Step::Price(5)), (1, Step::Receive(1))];
    steps.extend((0..200).map(|at| (1, Step::Grant(at))));
    for record in history(&steps) {
        world.commit(&record);
    }
    world.fold_all();
    // All of it in one poll.
    let writer = &mut world.writers[0];
    let from = writer.core.read_from();
    let records = world.log.reader(&from).and_then(|mut reader| reader.poll(usize::MAX, Duration::ZERO));
    writer.core.read(records.expect("it reads"));
    world.settle();
    let topics: Vec<_> = written(&world).iter().map(|record| record.topic).collect();
    assert_eq!(topics, [Topic::ItemsState, Topic::StockState]);
}

#[test]
fn what_was_written_is_written_again_after_its_checkpoints_are_lost_and_stays_the_same() {
    use crate::history::Step;
    let mut world = World::new();
    let steps = [(1, Step::List(1)), (1, Step::Price(5)), (1, Step::Receive(1)), (2, Step::Place), (2, Step::Cancel)];
    for record in history(&steps) {
        world.commit(&record);
    }
    world.settle();
    let before = world.last();
    assert_eq!(before.len(), 3);
    world.turn(Turn::LoseViews, &mut std::iter::empty());
    world.settle();
    assert_eq!(world.last(), before);
}

#[test]
fn a_record_says_what_it_is() {
    use crate::history::Step;
    let mut world = World::new();
    for record in history(&[(1, Step::List(1)), (1, Step::Price(5)), (1, Step::Grant(1))]) {
        world.commit(&record);
    }
    world.settle();
    let all = written(&world);
    let told: BTreeMap<&str, &str> =
        all[0].headers.iter().map(|(name, value)| (name.as_str(), std::str::from_utf8(value).expect("text"))).collect();
    let expected = [
        ("ce_dataschema", "urn:stockfold:schema:stockfold.items.item-state.v1"),
        ("ce_id", "items.state.v1/item-1@3"),
        ("ce_sequence", "00000000000000000003"),
        ("ce_source", "/stockfold"),
        ("ce_specversion", "1.0"),
        ("ce_subject", "item-1"),
        ("ce_time", "1970-01-01T00:16:40.003Z"),
        ("ce_type", "stockfold.items.item-state.v1"),
        ("content-type", "application/json"),
    ];
    assert_eq!(told, expected.into());
    let state: ItemState = serde_json::from_slice(all[0].value.as_ref().expect("a row")).expect("it is one");
    assert_eq!((state.item_id.as_str(), state.available, state.listed), ("item-1", Some(1), true));
}

#[test]
fn what_has_no_row_any_more_is_ended_by_a_tombstone() {
    let mut world = World::new();
    let stranger = NewRecord {
        topic: Topic::ItemsState,
        key: "item-9".to_owned(),
        headers: Vec::new(),
        value: Some(b"{}".to_vec()),
    };
    world.log.publish(vec![stranger]).expect("it is written");
    world.settle();
    let last = world.last_values();
    assert_eq!(last, [(Topic::ItemsState, "item-9".to_owned(), None)].into());
}

impl World {
    fn last_values(&self) -> BTreeSet<(Topic, String, Option<Vec<u8>>)> {
        let mut last = BTreeMap::new();
        for record in written(self) {
            last.insert((record.topic, record.key), record.value);
        }
        last.into_iter().map(|((topic, key), value)| (topic, key, value)).collect()
    }
}

#[test]
fn views_that_were_waited_for_in_vain_are_not_waited_for_again() {
    use crate::history::Step;
    let mut world = World::new();
    for record in history(&[(1, Step::List(1)), (1, Step::Price(5))]) {
        world.commit(&record);
    }
    let none = Checkpoints::new();
    let core = &mut world.writers[0].core;
    let records = world.log.reader(&core.read_from()).and_then(|mut reader| reader.poll(usize::MAX, Duration::ZERO));
    core.read(records.expect("it reads"));
    let [(source, 0)] = core.awaits(&none)[..] else { panic!("{:?}", core.awaits(&none)) };
    assert!(core.ready(&none).is_empty());
    assert!(core.awaits(&none).is_empty());
    assert!(core.read_from().iter().all(|from| (from.topic, from.partition) != source));
    world.fold_all();
    world.settle();
    assert_eq!(world.last().len(), 1);
    assert!(world.writers[0].core.read_from().iter().any(|from| (from.topic, from.partition) == source));
}
