//! How a shard's state is rebuilt: newest checkpoint, the snapshots that it relies on, then the events after them.

use crate::{
    shard::{Entry, MARK_EVERY, Mark, Saved, Shard, ShardOptions, State},
    snapshot::{Checkpoint, Part, SavedAggregate},
};
use domain::Aggregate;
use event_log::{Consumed, ReadFrom, Record};
use schemas::{AggregateKey, Envelope, Event, EventReadError, Timestamp, Topic};
use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};
use thiserror::Error;

/// Why a shard cannot be recovered. All of it stops the shard: a processor never skips an event.
#[derive(Debug, Error)]
pub enum RecoveryError {
    /// A record of an events topic is no event, or of an aggregate that has no such events.
    #[error("{topic}/{partition}, offset {offset}, is not an event")]
    NotAnEvent {
        /// Its topic.
        topic: Topic,
        /// Its partition.
        partition: u32,
        /// Its offset.
        offset: u64,
    },
    /// An event cannot be read.
    #[error("{topic}@{seq} cannot be read: {source}")]
    Unreadable {
        /// Its topic.
        topic: Topic,
        /// Its seq.
        seq: u64,
        /// Why.
        source: EventReadError,
    },
    /// An event does not fit the state that the events before it made.
    #[error("{topic}@{seq} does not fit the state of `{subject}`")]
    Unfit {
        /// Its topic.
        topic: Topic,
        /// Its seq.
        seq: u64,
        /// Its aggregate.
        subject: String,
    },
    /// Events are missing.
    #[error("{topic}: seq {expected} is missing, {found} follows")]
    Gap {
        /// The topic.
        topic: Topic,
        /// The seq that should have followed.
        expected: u64,
        /// The seq that did.
        found: u64,
    },
    /// Two owners wrote the same seq, or an event's epoch is too old or too new: a forked history.
    #[error("{topic}@{seq} of epoch {epoch} does not follow epoch {previous}: the history forks")]
    Fork {
        /// The topic.
        topic: Topic,
        /// The seq.
        seq: u64,
        /// Its epoch.
        epoch: u64,
        /// The epoch of what stands before it, or of the lease.
        previous: u64,
    },
    /// The log ends before what a checkpoint has seen.
    #[error("{topic} ends at seq {found}, but a checkpoint has seen {expected}")]
    Truncated {
        /// The topic.
        topic: Topic,
        /// What the checkpoint has seen.
        expected: u64,
        /// The last seq.
        found: u64,
    },
    /// A snapshot that the index names is not there.
    #[error("the snapshot `{0}` is missing")]
    Snapshot(String),
}

/// The first half: takes the records of the snapshots topic.
#[derive(Debug)]
pub struct Recovery {
    options: ShardOptions,
    epoch: u64,
    checkpoint: Option<Checkpoint>,
    parts: HashMap<String, Part>,
}

impl Recovery {
    /// A shard under a lease of this epoch.
    #[must_use]
    pub fn new(options: ShardOptions, epoch: u64) -> Self {
        Self { options, epoch, checkpoint: None, parts: HashMap::new() }
    }

    /// Takes a record of the snapshots topic; a later one of the same key takes its place.
    pub fn snapshot(&mut self, record: Record) {
        if record.key == Checkpoint::KEY {
            self.checkpoint = record.value.as_deref().and_then(Checkpoint::read);
            return;
        }
        match record.value.and_then(Part::read) {
            Some(part) => self.parts.insert(record.key, part),
            None => self.parts.remove(&record.key),
        };
    }

    /// Builds what the snapshots say; where one is missing that the checkpoint relies on, nothing: then all is replayed.
    #[must_use]
    pub fn replay(self) -> Replay {
        let Self { options, epoch, checkpoint, parts } = self;
        let loaded = checkpoint.and_then(|checkpoint| load(&checkpoint, parts).map(|loaded| (checkpoint, loaded)));
        let mut replay = Replay {
            options,
            epoch,
            state: State::default(),
            stored: HashMap::new(),
            consumed: Consumed::default(),
            seen: [0; Topic::EVENTS.len()],
            from: Topic::EVENTS.map(|topic| (topic, 0)),
            repeats: 0,
            replayed: 0,
        };
        if let Some((checkpoint, (live, stored))) = loaded {
            replay.begin_at(&checkpoint, live, stored);
        }
        replay
    }
}

type Loaded = (HashMap<AggregateKey, Entry>, HashMap<AggregateKey, SavedAggregate>);

/// The aggregates of a checkpoint; `None` where the set is another one, or a state cannot be read.
fn load(checkpoint: &Checkpoint, parts: HashMap<String, Part>) -> Option<Loaded> {
    let mut by_key: HashMap<AggregateKey, BTreeMap<u32, Part>> = HashMap::new();
    for part in parts.into_values() {
        by_key.entry(part.aggregate().clone()).or_default().insert(part.number(), part);
    }
    let mut digest = crate::snapshot::SetDigest::default();
    let mut live = HashMap::with_capacity(by_key.len());
    let mut stored = HashMap::new();
    for (key, parts) in by_key {
        let Some(found) = SavedAggregate::complete(parts.into_values().collect()) else { continue };
        digest.replace(&key, Saved::default(), found.saved());
        if found.finished {
            stored.insert(key, found);
        } else {
            live.insert(key, Entry::new(found.read()?, found.saved()));
        }
    }
    (digest == checkpoint.saved).then_some((live, stored))
}

/// The second half: takes the events, of each topic in order.
#[derive(Debug)]
pub struct Replay {
    options: ShardOptions,
    epoch: u64,
    state: State,
    /// Finished aggregates of the checkpoint: read only if an event follows.
    stored: HashMap<AggregateKey, SavedAggregate>,
    consumed: Consumed,
    /// The newest seq of each topic that the checkpoint has seen.
    seen: [u64; Topic::EVENTS.len()],
    from: [(Topic, u64); Topic::EVENTS.len()],
    repeats: u64,
    replayed: u64,
}

impl Replay {
    fn begin_at(
        &mut self,
        checkpoint: &Checkpoint,
        live: HashMap<AggregateKey, Entry>,
        stored: HashMap<AggregateKey, SavedAggregate>,
    ) {
        self.state.live = live;
        self.state.finished = stored.iter().map(|(key, found)| (key.clone(), found.saved())).collect();
        self.stored = stored;
        self.state.saved = checkpoint.saved;
        self.state.last_time = checkpoint.last_time;
        self.consumed = checkpoint.consumed();
        for (index, topic) in Topic::EVENTS.into_iter().enumerate() {
            let Some(known) = checkpoint.topics.iter().find(|known| known.topic == topic.name()) else { continue };
            self.seen[index] = known.seq;
            self.from[index] = (topic, known.offset);
            let state = self.state.topic_mut(topic);
            state.seq = known.needed - 1;
            state.marks.push_back(Mark { seq: known.needed - 1, offset: known.offset });
        }
    }

    /// Where to begin reading each events topic.
    #[must_use]
    pub fn from(&self) -> Vec<ReadFrom> {
        let partition = self.options.shard.0;
        self.from.iter().map(|&(topic, offset)| ReadFrom { topic, partition, offset }).collect()
    }

    /// The epoch's own state may not be older than what an earlier one wrote; checks that a record follows.
    ///
    /// `Ok(false)`: a repeat by an owner that had been fenced, or what stands before the first event needed.
    fn follows(&mut self, topic: Topic, envelope: &Envelope) -> Result<bool, RecoveryError> {
        let Envelope { seq, epoch, .. } = *envelope;
        let state = self.state.topic_mut(topic);
        let fork = |previous| RecoveryError::Fork { topic, seq, epoch, previous };
        if epoch >= self.epoch {
            return Err(fork(self.epoch));
        }
        // Epoch 0 = nothing has been read: reading begins before the first event needed.
        if seq <= state.seq {
            if state.epoch == 0 {
                return Ok(false);
            }
            if epoch >= state.epoch && !planted::bug!("fork-replayed") {
                return Err(fork(state.epoch));
            }
            self.repeats += 1;
            return Ok(false);
        }
        if seq > state.seq + 1 && !planted::bug!("replay-over-gap") {
            return Err(RecoveryError::Gap { topic, expected: state.seq + 1, found: seq });
        }
        if epoch < state.epoch {
            return Err(fork(state.epoch));
        }
        state.seq = seq;
        state.epoch = epoch;
        Ok(true)
    }

    /// Takes a record of an events topic.
    pub fn event(&mut self, record: &Record) -> Result<(), RecoveryError> {
        let (topic, offset) = (record.topic, record.offset);
        let not_an_event = || RecoveryError::NotAnEvent { topic, partition: record.partition, offset };
        let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else { return Err(not_an_event()) };
        if !self.follows(topic, envelope)? {
            return Ok(());
        }
        let seq = envelope.seq;
        self.state.last_time = self.state.last_time.max(envelope.time);
        let marks = &mut self.state.topic_mut(topic).marks;
        if marks.back().is_none_or(|mark| mark.seq + MARK_EVERY <= seq) {
            marks.push_back(Mark { seq, offset: offset + 1 });
        }
        let key = Event::aggregate(topic, &envelope.subject).ok_or_else(not_an_event)?;
        if self.seq_of(&key) >= seq && !planted::bug!("replay-into-snapshot") {
            return Ok(());
        }
        let event = Event::read(&envelope.event_type, value).map_err(|source| RecoveryError::Unreadable {
            topic,
            seq,
            source,
        })?;
        let unfit = || RecoveryError::Unfit { topic, seq, subject: envelope.subject.clone() };
        if !self.wake(&key)? || !self.evolve(&key, &event, envelope.time) {
            return Err(unfit());
        }
        self.replayed += 1;
        self.state.touched(&key, seq);
        Ok(())
    }

    fn seq_of(&self, key: &AggregateKey) -> u64 {
        self.state.finished.get(key).map_or_else(|| self.state.seq_of(key), |saved| saved.seq)
    }

    /// Brings the aggregate into memory; `false` where its snapshot cannot be read.
    fn wake(&mut self, key: &AggregateKey) -> Result<bool, RecoveryError> {
        if let Some(saved) = self.state.finished.remove(key) {
            let Some(aggregate) = self.stored.remove(key).and_then(|stored| stored.read()) else { return Ok(false) };
            self.state.live.insert(key.clone(), Entry::new(aggregate, saved));
        }
        Ok(true)
    }

    fn evolve(&mut self, key: &AggregateKey, event: &Event, time: Timestamp) -> bool {
        let entry = self.state.live.entry(key.clone());
        let entry = entry.or_insert_with(|| Entry::new(Aggregate::new(key), Saved::default()));
        let policy = &self.options.policy;
        catch_unwind(AssertUnwindSafe(|| entry.aggregate.evolve(event, time, policy))).is_ok()
    }

    /// How many repeats of fenced owners were ignored.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// How many events were applied.
    #[must_use]
    pub fn replayed(&self) -> u64 {
        self.replayed
    }

    /// The shard, once the events are read to the end; `consumed` is what the lease says of the commands.
    pub fn finish(mut self, consumed: Consumed) -> Result<Shard, RecoveryError> {
        for (index, topic) in Topic::EVENTS.into_iter().enumerate() {
            let found = self.state.topic(topic).seq;
            if found < self.seen[index] && !planted::bug!("shorter-log-accepted") {
                return Err(RecoveryError::Truncated { topic, expected: self.seen[index], found });
            }
        }
        let keys: Vec<_> = self.state.live.keys().cloned().collect();
        if !planted::bug!("deadline-lost-at-recovery") {
            keys.iter().for_each(|key| self.state.reschedule(key));
        }
        let consumed = Consumed {
            commands: consumed.commands.max(self.consumed.commands),
            internal: consumed.internal.max(self.consumed.internal)
                + u64::from(planted::bug!("internal-command-skipped")),
        };
        Ok(Shard::new(self.options, self.epoch, self.state, consumed, self.replayed))
    }
}
