//! A log, a store and projectors that are killed: what parking and redriving are tested in.

use crate::history::{Dumped, block_on, dump, open, shards};
use event_log::{
    DeadLetter, NewRecord, Record,
    dead_letter::RedriveTarget,
    redrive::{REQUESTED, Redrive},
};
use projector::{Fold, fold::Batch};
use read_model::{
    Checkpoints, RowWrite, ViewStore,
    fold::Fact,
    sqlite::SqliteViews,
    views::{
        self, CONSUMER,
        dead_letters::{self, Letter},
        parked::{self, Parked},
    },
};
use schemas::{Event, EventReadError, Position, Timestamp};

/// The mark of types that a newer build knows, and the one of those that only the newest does.
pub const NEWER: &str = "newer.";
pub const NEWEST: &str = "newest.";
pub const OLD: Reads = Reads::Old;

/// Which build reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Old,
    Newer,
    Newest,
}

fn newer(event_type: &str, value: &[u8]) -> Result<Event, EventReadError> {
    Event::read(event_type.strip_prefix(NEWER).unwrap_or(event_type), value)
}

fn newest(event_type: &str, value: &[u8]) -> Result<Event, EventReadError> {
    newer(event_type.strip_prefix(NEWEST).unwrap_or(event_type), value)
}

/// What an older build does not know.
pub mod old {
    use super::shards;
    use event_log::{Record, dead_letter::RedriveTarget};
    use schemas::Topic;

    pub fn mark(record: &mut Record, mark: &str) {
        let envelope = record.envelope.as_mut().expect("an event has one");
        envelope.event_type = format!("{mark}{}", envelope.event_type).into();
    }

    pub fn target(item: &str) -> RedriveTarget {
        RedriveTarget { topic: Topic::InventoryEvents, partition: shards().of_key(item).0, key: item.to_owned() }
    }
}

/// Where a projector dies while it writes a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    BeforeLetters,
    AfterLetters,
    HalfRows,
    NoCheckpoint,
    BeforeAfter,
    HalfAfter,
    BeforeOutcome,
}

pub struct Rig {
    events: Vec<Record>,
    dead: Vec<Record>,
    store: SqliteViews,
    directory: tempfile::TempDir,
    fold: Option<Fold>,
    reads: Reads,
}

impl Rig {
    pub fn new(events: Vec<Record>, reads: Reads) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path());
        let mut rig = Self { events, dead: Vec::new(), store, directory, fold: None, reads };
        rig.start(reads);
        rig
    }

    /// A projector of that build starts where the store is.
    pub fn start(&mut self, reads: Reads) {
        self.reads = reads;
        self.fold = Some(self.started(reads));
    }

    /// Another one beside it.
    pub fn started(&self, reads: Reads) -> Fold {
        let checkpoints = block_on(self.store.checkpoints(CONSUMER)).expect("it reads");
        let parked = block_on(parked::all(&self.store)).expect("it reads");
        let fold = Fold::new(views::all(), shards(), &checkpoints).with_parked(parked);
        match reads {
            Reads::Old => fold,
            Reads::Newer => fold.reading_by(newer),
            Reads::Newest => fold.reading_by(newest),
        }
    }

    /// Changes the projector that acts.
    pub fn swap(&mut self, other: &mut Fold) {
        std::mem::swap(self.fold.as_mut().expect("it runs"), other);
    }

    /// Where the one that acted has died: the one whose place it took.
    pub fn put_back(&mut self, fold: Fold) {
        self.fold = Some(fold);
    }

    /// The views are deleted.
    pub fn rebuild(&mut self) {
        self.directory = tempfile::tempdir().expect("a directory");
        self.store = open(self.directory.path());
        self.start(self.reads);
    }

    pub fn append(&mut self, events: Vec<Record>) {
        self.events.extend(events);
    }

    /// Reads, folds and obeys until nothing is left to do, with so many records at once; or until it dies. Whether it lives.
    pub fn run(&mut self, most: usize, crash: Option<Crash>) -> bool {
        loop {
            let (folded, lives) = self.turn(most, crash);
            if !lives || !folded {
                return lives;
            }
        }
    }

    /// One turn of the runner: whether anything was done, and whether it lives.
    pub fn turn(&mut self, most: usize, crash: Option<Crash>) -> (bool, bool) {
        let mut fold = self.fold.take().expect("it runs");
        let (mut done, mut lives) = (false, true);
        if let Some(from) = fold.again() {
            let here = |record: &&Record| (record.topic, record.partition) == (from.topic, from.partition);
            let later = self.events.iter().filter(here).filter(|record| record.offset >= from.offset);
            let records: Vec<_> = later.take(most).cloned().collect();
            let batch = fold.read_again(&records);
            (done, lives) = (true, self.write(&mut fold, batch, crash));
        }
        let asked = fold.asked();
        if lives && !asked.is_empty() {
            let rows = block_on(self.store.get(parked::TABLE, &asked)).expect("it reads");
            let batch = fold.obey(rows).expect("rows that can be read");
            done |= !batch.is_empty() || fold.again().is_some();
            lives = self.write(&mut fold, batch, crash);
        }
        let from = fold.read_from();
        let is_next = |record: &&Record| {
            from.iter()
                .any(|at| (at.topic, at.partition) == (record.topic, record.partition) && record.offset >= at.offset)
        };
        let records: Vec<_> = self.events.iter().chain(&self.dead).filter(is_next).take(most).cloned().collect();
        if lives && !records.is_empty() {
            let batch = fold.read(records);
            (done, lives) = (true, self.write(&mut fold, batch, crash));
        }
        self.fold = lives.then_some(fold);
        (done, lives)
    }

    /// Writes as the runner does; whether it lives.
    fn write(&mut self, fold: &mut Fold, mut batch: Batch, crash: Option<Crash>) -> bool {
        if batch.is_empty() {
            return true;
        }
        if crash == Some(Crash::BeforeLetters) {
            return false;
        }
        let (letters, after) = (batch.take_letters(), batch.take_after());
        self.publish(letters);
        if crash == Some(Crash::AfterLetters) {
            return false;
        }
        for needs in [Fold::needs, Fold::needs_more] {
            for needed in needs(fold, &batch) {
                let rows = block_on(self.store.get(needed.table, &needed.keys)).expect("it reads");
                fold.load(needed, rows).expect("the rows are readable");
            }
        }
        let (rows, checkpoints) = fold.fold(batch).expect("the rows are JSON");
        if crash == Some(Crash::HalfRows) {
            let half: Vec<_> = rows.into_iter().step_by(2).collect();
            self.put(&half, &Checkpoints::new());
            return false;
        }
        let has_died = crash == Some(Crash::NoCheckpoint);
        self.put(&rows, &if has_died { Checkpoints::new() } else { checkpoints });
        if has_died || (crash == Some(Crash::BeforeAfter) && !after.is_empty()) {
            return false;
        }
        if crash == Some(Crash::HalfAfter) && !after.is_empty() {
            let half: Vec<_> = after.rows.into_iter().step_by(2).collect();
            self.put(&half, &Checkpoints::new());
            return false;
        }
        self.put(&after.rows, &Checkpoints::new());
        if crash == Some(Crash::BeforeOutcome) && !after.records.is_empty() {
            return false;
        }
        self.publish(after.records);
        true
    }

    /// Of two checkpoints the later one stays, as where several projectors write.
    fn put(&self, rows: &[RowWrite], checkpoints: &Checkpoints) {
        let known = block_on(self.store.checkpoints(CONSUMER)).expect("it reads");
        let is_later = |at: &read_model::Checkpoint, known: Option<&read_model::Checkpoint>| {
            known.is_none_or(|known| (at.seq, at.offset) >= (known.seq, known.offset))
        };
        let later = checkpoints.iter().filter(|(place, at)| is_later(at, known.get(*place)));
        let later: Checkpoints = later.map(|(place, at)| (*place, *at)).collect();
        block_on(self.store.write(CONSUMER, rows, &later)).expect("it writes");
    }

    fn publish(&mut self, records: Vec<NewRecord>) {
        for NewRecord { topic, key, headers, value } in records {
            let partition = shards().of_key(&key).0;
            let offset = self.dead.iter().filter(|record| record.partition == partition).count() as u64;
            self.dead.push(Record { topic, partition, offset, key, envelope: None, headers, value });
        }
    }

    /// Asks for a redrive.
    pub fn ask(&mut self, of: &str, request: &str, target: &RedriveTarget) {
        let redrive = Redrive {
            of: of.to_owned(),
            request: request.to_owned(),
            by: "operator:op".to_owned(),
            at: Timestamp::from_millis(9_000_000),
            outcome: REQUESTED.to_owned(),
            detail: None,
            target: Some(target.clone()),
        };
        self.publish(vec![redrive.record(&target.key)]);
    }

    /// Asks for a redrive of whatever the store says is parked; how much.
    pub fn redrive_all(&mut self, request: &str) -> usize {
        let parked = self.parked();
        let letters: Vec<_> = self.letters().into_iter().map(|letter| (letter.id(), letter.key)).collect();
        for row in &parked {
            let key = letters.iter().find(|(id, _)| *id == row.letter).map(|(_, key)| key.clone());
            let (topic, partition) = (row.first.topic, row.first.partition);
            let key = key.expect("its letter came before it");
            self.ask(&row.letter, request, &RedriveTarget { topic, partition, key });
        }
        parked.len()
    }

    /// What the store says is parked.
    pub fn parked(&self) -> Vec<Parked> {
        let rows = block_on(parked::all(&self.store)).expect("it reads");
        rows.into_iter().filter(|row| row.state == parked::ParkedState::Parked).collect()
    }

    pub fn stopped(&self) -> Vec<String> {
        self.fold.iter().flat_map(Fold::stopped).map(ToString::to_string).collect()
    }

    /// The dead letters of the log, without redrives.
    pub fn letters(&self) -> Vec<DeadLetter> {
        let letters = self.dead.iter().map(|record| DeadLetter::read(record).expect("a letter"));
        letters.filter(|letter| Redrive::read(letter).is_none()).collect()
    }

    pub fn letters_of(&self, code: &str) -> usize {
        self.letters().iter().filter(|letter| letter.text("code") == Some(code)).count()
    }

    /// The newest outcome of a request, but for that it was asked.
    pub fn outcome(&self, request: &str) -> (String, String) {
        let redrives = self.dead.iter().filter_map(|record| Redrive::read(&DeadLetter::read(record)?));
        let mut of_it = redrives.filter(|redrive| redrive.request == request && redrive.outcome != REQUESTED);
        let newest = of_it.next_back().expect("an outcome");
        (newest.outcome, newest.detail.unwrap_or_default())
    }

    /// The letters that the views list, newest first.
    pub fn shown(&self) -> Vec<Letter> {
        let now = Timestamp::from_millis(9_000_000);
        let page = block_on(dead_letters::page(&self.store, None, now, None, 100)).expect("it reads");
        page.into_iter().filter_map(|(_, letter)| letter).collect()
    }

    /// Records of the topic of dead letters.
    pub fn on_record(&self) -> usize {
        self.dead.len()
    }

    pub fn is_dead(&self) -> bool {
        self.fold.is_none()
    }
}

/// All rows of views.
pub fn seen(rig: &Rig) -> Vec<Dumped> {
    of_views(dump(rig.directory.path()))
}

/// What views look like into which exactly these events were folded, at once.
pub fn fresh(records: Vec<Record>) -> Vec<Dumped> {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let read = |record: &Record| {
        let envelope = record.envelope.clone().expect("an event has one");
        let event = newest(&envelope.event_type, record.value.as_deref().expect("a value")).expect("an event");
        (Position { topic: record.topic, partition: record.partition, seq: envelope.seq }, envelope, event)
    };
    let events: Vec<_> = records.iter().map(read).collect();
    let facts: Vec<_> =
        events.iter().map(|(position, envelope, event)| Fact { position: *position, envelope, event }).collect();
    let mut rows = Vec::new();
    for mut view in views::all() {
        let keys = view.needs(&facts);
        let none = vec![None; keys.len()];
        view.load(keys, none).expect("nothing is readable");
        for (table, keys) in view.needs_more(&facts) {
            let none = vec![None; keys.len()];
            view.load_more(table, keys, none).expect("nothing is readable");
        }
        facts.iter().for_each(|fact| view.fold(fact));
        view.drain(&mut rows).expect("the rows are JSON");
    }
    block_on(store.write(CONSUMER, &rows, &Checkpoints::new())).expect("it writes");
    of_views(dump(directory.path()))
}

/// Rows that one of them does not have.
pub fn differences(seen: &[Dumped], expected: &[Dumped]) -> Vec<String> {
    let told = |name: &str, row: &Dumped| {
        let (table, partition, clustering, version, body) = row;
        let body = body.as_deref().map(String::from_utf8_lossy);
        format!("{name}: {table} {partition} {clustering} {version} {body:?}")
    };
    let missing = expected.iter().filter(|row| !seen.contains(row)).map(|row| told("expected", row));
    seen.iter().filter(|row| !expected.contains(row)).map(|row| told("seen", row)).chain(missing).collect()
}

fn of_views(rows: Vec<Dumped>) -> Vec<Dumped> {
    let ours = [parked::TABLE, dead_letters::LETTERS, dead_letters::LIST, dead_letters::MINUTES];
    rows.into_iter().filter(|row| ours.iter().all(|table| table.name != row.0)).collect()
}
