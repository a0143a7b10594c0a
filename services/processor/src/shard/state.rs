//! What a shard knows: its aggregates, their deadlines, and how far each events topic is.

use domain::Aggregate;
use schemas::{AggregateKey, Timestamp, Topic};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// A place in an events topic: every event with a higher seq stands at this offset or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub seq: u64,
    pub offset: u64,
}

/// The newest snapshot of an aggregate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Of the last event in it; 0 = there is none.
    pub seq: u64,
    pub parts: u32,
    pub bytes: u64,
}

/// An aggregate in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub aggregate: Aggregate,
    /// Of its last event, in its topic.
    pub seq: u64,
    pub saved: Saved,
    /// The first event that is not in its snapshot.
    pub dirty_from: Option<u64>,
    due: Option<Timestamp>,
}

impl Entry {
    pub fn new(aggregate: Aggregate, saved: Saved) -> Self {
        Self { aggregate, seq: saved.seq, saved, dirty_from: None, due: None }
    }
}

/// One events topic of the shard.
#[derive(Debug, Default)]
pub(crate) struct TopicState {
    pub seq: u64,
    /// Of the last event.
    pub epoch: u64,
    /// Where to begin reading, oldest first; thinned out as snapshots make them needless.
    pub marks: VecDeque<Mark>,
    /// Aggregates with events that no snapshot holds, by the first such event.
    pub dirty: BTreeMap<u64, AggregateKey>,
}

impl TopicState {
    /// The first event that a recovery needs.
    pub fn needed(&self) -> u64 {
        self.dirty.first_key_value().map_or(self.seq + 1, |(seq, _)| *seq)
    }
}

/// All of it. The hash maps are looked up, never walked for a decision.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub live: HashMap<AggregateKey, Entry>,
    /// Finished aggregates that have left memory: where their snapshots are.
    pub finished: HashMap<AggregateKey, Saved>,
    pub deadlines: BTreeSet<(Timestamp, AggregateKey)>,
    topics: [TopicState; Topic::EVENTS.len()],
    /// Of the last event of any topic.
    pub last_time: Timestamp,
    /// Over all snapshots that stand in the topic.
    pub saved: crate::snapshot::SetDigest,
}

impl State {
    fn index(topic: Topic) -> usize {
        Topic::EVENTS.iter().position(|other| *other == topic).expect("aggregates write to events topics only")
    }

    pub fn topic(&self, topic: Topic) -> &TopicState {
        &self.topics[Self::index(topic)]
    }

    pub fn topic_mut(&mut self, topic: Topic) -> &mut TopicState {
        &mut self.topics[Self::index(topic)]
    }

    /// The seq of the aggregate's last event; 0 where nothing happened to it.
    pub fn seq_of(&self, key: &AggregateKey) -> u64 {
        self.live.get(key).map_or(0, |entry| entry.seq)
    }

    /// Notes that an aggregate has changed up to its topic's newest seq; `first` is the first event of the change.
    pub fn touched(&mut self, key: &AggregateKey, first: u64) {
        let topic = &mut self.topics[Self::index(key.topic())];
        let Some(entry) = self.live.get_mut(key) else { return };
        entry.seq = topic.seq;
        if entry.dirty_from.is_none() {
            entry.dirty_from = Some(first);
            topic.dirty.insert(first, key.clone());
        }
        self.reschedule(key);
    }

    /// Keeps the index of deadlines in step with the aggregate.
    pub fn reschedule(&mut self, key: &AggregateKey) {
        let Some(entry) = self.live.get_mut(key) else { return };
        let due = entry.aggregate.due();
        if due == entry.due {
            return;
        }
        if let Some(before) = std::mem::replace(&mut entry.due, due) {
            self.deadlines.remove(&(before, key.clone()));
        }
        if let Some(due) = due {
            self.deadlines.insert((due, key.clone()));
        }
    }
}
