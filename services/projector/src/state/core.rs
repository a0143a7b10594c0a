//! What is to be looked up and written. No IO, no clock.
//!
//! A round goes: [`StateCore::read`] records, [`StateCore::ready`] once the views have passed them, look up the rows of
//! [`Round::keys`], write [`Round::publications`], and keep [`Round::checkpoints`].

use super::{
    record::{Publication, Told},
    rows::StateRows,
};
use event_log::{
    DeadLetter, ReadFrom, Record,
    redrive::{REQUESTED, Redrive},
};
use read_model::{Checkpoint, Checkpoints};
use schemas::{ShardCount, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// A topic and a partition of it: of events, with whose states stand in the same partition of their topics; or of dead
/// letters, which tell what was redriven.
type Source = (Topic, u32);

/// The topics of events that states follow from, each with these.
#[must_use]
pub const fn sources() -> [(Topic, &'static [Topic]); 2] {
    [(Topic::InventoryEvents, &[Topic::ItemsState, Topic::StockState]), (Topic::OrdersEvents, &[Topic::OrdersState])]
}

/// The states that follow from a topic of events.
fn states_of(events: Topic) -> &'static [Topic] {
    sources().into_iter().find(|(source, _)| *source == events).map_or(&[], |(_, states)| states)
}

/// The topic of events that a topic of states follows from.
fn source_of(states: Topic) -> Option<Topic> {
    sources().into_iter().find(|(_, of)| of.contains(&states)).map(|(source, _)| source)
}

/// A topic of events, and a key in it.
type Key = (Topic, String);

/// Why a key is looked at.
#[derive(Debug, Default)]
struct Touched {
    /// The newest seq that is known to be in its row.
    seq: u64,
    /// Whether an event has changed it.
    changed: bool,
    /// The last record of each topic of states that was not ours.
    told: BTreeMap<Topic, Told>,
}

impl Touched {
    fn merge(&mut self, other: Self) {
        self.seq = self.seq.max(other.seq);
        self.changed |= other.changed;
        self.told.extend(other.told);
    }
}

/// What was read of a source and is not written yet.
#[derive(Debug, Default)]
struct Open {
    keys: BTreeMap<Key, Touched>,
    /// The views must have folded the source that far before the rows are looked up.
    floor: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// How far each of its topics was read.
    read: BTreeMap<Topic, Checkpoint>,
    open: Option<Open>,
    /// Whether the views were waited for in vain: nobody waits for them again before they have passed.
    held: bool,
    /// Whether one of its partitions cannot be read any further.
    stopped: bool,
}

/// See the module.
#[derive(Debug)]
pub struct StateCore {
    groups: BTreeMap<Source, Group>,
    /// What was written and has not been read again.
    expected: BTreeMap<(Topic, String), Told>,
}

impl StateCore {
    /// Goes on where the checkpoints are.
    #[must_use]
    pub fn new(shards: ShardCount, checkpoints: &Checkpoints) -> Self {
        let topics = sources().into_iter().map(|(topic, _)| topic).chain([Topic::DeadLetters]);
        let keys = topics.flat_map(|topic| shards.all().map(move |shard| (topic, shard.0)));
        let group = |source: Source| {
            let (topic, partition) = source;
            let topics = [topic].into_iter().chain(states_of(topic).iter().copied());
            let read = |topic: Topic| (topic, checkpoints.get(&(topic, partition)).copied().unwrap_or_default());
            (source, Group { read: topics.map(read).collect(), ..Group::default() })
        };
        Self { groups: keys.map(group).collect(), expected: BTreeMap::new() }
    }

    /// Where reading goes on. What was read of a source is written before more is read.
    #[must_use]
    pub fn read_from(&self) -> Vec<ReadFrom> {
        let going = self.groups.iter().filter(|(_, group)| group.open.is_none() && !group.stopped);
        let places = going.flat_map(|(&(_, partition), group)| {
            group.read.iter().map(move |(&topic, at)| ReadFrom { topic, partition, offset: at.offset })
        });
        places.collect()
    }

    /// Reads nothing more of a source one of whose partitions is damaged. The others go on.
    pub fn stop(&mut self, at: ReadFrom) {
        let source = source_of(at.topic).unwrap_or(at.topic);
        if let Some(group) = self.groups.get_mut(&(source, at.partition)) {
            group.stopped = true;
        }
    }

    /// Takes records as a reader gave them.
    pub fn read(&mut self, records: Vec<Record>) {
        for record in records {
            let source = source_of(record.topic).unwrap_or(record.topic);
            let Some(group) = self.groups.get_mut(&(source, record.partition)) else { continue };
            let Some(read) = group.read.get_mut(&record.topic) else { continue };
            if record.offset < read.offset {
                continue;
            }
            read.offset = record.offset + 1;
            let open = group.open.get_or_insert_default();
            if record.topic == Topic::DeadLetters {
                take_letter(open, &record);
            } else if record.topic == source {
                // What has no attributes stops the projector, and so the views, before it: nothing passes it.
                let Some(envelope) = &record.envelope else { continue };
                // An owner that was fenced has repeated it.
                if envelope.seq <= read.seq {
                    continue;
                }
                (read.seq, read.epoch) = (envelope.seq, envelope.epoch);
                open.floor = open.floor.max(envelope.seq);
                let touched = open.keys.entry((source, record.key)).or_default();
                (touched.seq, touched.changed) = (touched.seq.max(envelope.seq), true);
            } else {
                take_state(open, &mut self.expected, source, record);
            }
        }
    }

    /// The sources whose views are to be waited for, and how far these are.
    #[must_use]
    pub fn awaits(&self, views: &Checkpoints) -> Vec<((Topic, u32), u64)> {
        let waits = |(source, group): &(&Source, &Group)| {
            !group.held && group.open.as_ref().is_some_and(|open| !is_passed(open, source, views))
        };
        let seen = |(source, _): (&Source, &Group)| (*source, views.get(source).map_or(0, |at| at.seq));
        self.groups.iter().filter(waits).map(seen).collect()
    }

    /// Takes what the views have passed. The rest stays, and is in the way of nothing but its own source.
    pub fn ready(&mut self, views: &Checkpoints) -> Round {
        let mut round = Round::default();
        for (source, group) in &mut self.groups {
            if let Some(open) = group.open.take_if(|open| is_passed(open, source, views)) {
                let read = group.read.iter().map(|(topic, at)| ((*topic, source.1), *at));
                round.checkpoints.extend(read);
                for (key, touched) in open.keys {
                    round.touched.entry(key).or_default().merge(touched);
                }
            }
            group.held = group.open.is_some();
        }
        round
    }

    /// Notes what is about to be written, to know it when it is read again.
    pub fn expect(&mut self, publications: &[Publication]) {
        for publication in publications {
            let record = &publication.record;
            self.expected.insert((record.topic, record.key.clone()), publication.told);
        }
    }
}

fn is_passed(open: &Open, source: &Source, views: &Checkpoints) -> bool {
    views.get(source).map_or(0, |at| at.seq) >= open.floor
}

/// That a parked key was redriven: its rows have changed without an event, and are written when that is told.
fn take_letter(open: &mut Open, record: &Record) {
    let redrive = DeadLetter::read(record).and_then(|letter| Redrive::read(&letter));
    let Some(Redrive { outcome, target: Some(target), .. }) = redrive else { return };
    if outcome != REQUESTED && !states_of(target.topic).is_empty() {
        open.keys.entry((target.topic, target.key)).or_default().changed = true;
    }
}

/// A record of a topic of states: the last one of a key counts.
fn take_state(open: &mut Open, expected: &mut BTreeMap<(Topic, String), Told>, source: Topic, record: Record) {
    let told = Told::of(&record.headers, record.value.as_deref());
    let known = (record.topic, record.key);
    if !planted::bug!("states-unread") && expected.get(&known) != Some(&told) {
        // The views may be behind whoever wrote it: then the row is looked up when they are not.
        open.floor = open.floor.max(told.seq);
        let touched = open.keys.entry((source, known.1)).or_default();
        touched.seq = touched.seq.max(told.seq);
        touched.told.insert(known.0, told);
        return;
    }
    expected.remove(&known);
    if let Some(touched) = open.keys.get_mut(&(source, known.1)) {
        touched.told.remove(&known.0);
    }
}

/// What is looked up and written together.
#[derive(Debug, Default)]
pub struct Round {
    touched: BTreeMap<Key, Touched>,
    checkpoints: Checkpoints,
}

impl Round {
    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checkpoints.is_empty()
    }

    /// The keys to look up: items under [`Topic::InventoryEvents`], orders under [`Topic::OrdersEvents`].
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        self.touched.keys().cloned().collect()
    }

    /// How far its sources are done once it is written.
    #[must_use]
    pub const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// What to write where the rows are these; `source` is that of the namespace's events.
    #[must_use]
    pub fn publications(&self, rows: &StateRows, source: &str) -> Vec<Publication> {
        let mut out = Vec::new();
        for ((events, key), touched) in &self.touched {
            for topic in states_of(*events) {
                let told = touched.told.get(topic);
                if !touched.changed && told.is_none() {
                    continue;
                }
                let shown = rows.shown(*topic, key);
                if shown.differs(told) {
                    out.push(shown.publication(*topic, key, touched.seq, source));
                }
            }
        }
        out
    }
}
