//! Snapshots: changed aggregates go to the snapshots topic now and then, so that a start is short.
//!
//! An aggregate is written only when enough has happened since: writing and restoring cost its size, not writing costs the
//! events that a start must read. So the bytes written stay in proportion to the events, however large an aggregate is,
//! and one that has only grown is not written at all: to replay its events is as quick as to restore it.
//! Every batch of snapshots holds a checkpoint that describes all snapshots after it, so any of them may be the last.

use super::{Mark, Saved, Shard};
use crate::snapshot::{Checkpoint, CheckpointTopic, SavedAggregate, encode, part_key};
use event_log::{Batch, NewSnapshot};
use schemas::{AggregateKey, Timestamp, Topic};
use std::collections::VecDeque;

/// Up to this size an aggregate is written whenever it has changed.
const SMALL_BYTES: u64 = 4 * 1_024;
/// As much at the end of a process, when nobody waits for the shard.
const SMALL_BYTES_AT_THE_END: u64 = 1 << 20;
/// What an entry of a state comes to in its snapshot, about: a hold, or an effect.
const BYTES_PER_ENTRY: u64 = 150;
/// What an event that is not in a snapshot costs, against the bytes of the snapshot before it.
const BYTES_PER_EVENT: u64 = 64;
/// A batch of snapshots ends after this many bytes; an aggregate is never split over two.
const BATCH_BYTES: usize = 1 << 20;
/// Places to begin reading from are remembered at this distance.
pub(crate) const MARK_EVERY: u64 = 1_000;

/// Where the writing of snapshots stands.
#[derive(Debug, Default)]
pub(super) struct Saving {
    /// Events since the last round began.
    pub events: u64,
    /// Of the last round.
    since: Option<Timestamp>,
    /// Still to be written in this round.
    round: VecDeque<AggregateKey>,
    /// Finished, and in a snapshot that may not be committed yet.
    evictable: Vec<AggregateKey>,
}

impl Saving {
    pub fn new(events: u64) -> Self {
        Self { events, ..Self::default() }
    }
}

impl Shard {
    /// Whether [`super::Input::Snapshot`] has something to do.
    pub fn wants_snapshot(&mut self, now: Timestamp) -> bool {
        if !self.saving.round.is_empty() {
            return true;
        }
        let since = *self.saving.since.get_or_insert(now);
        self.saving.events >= self.options.snapshot_every_events
            || (self.saving.events > 0 && since.plus_millis(self.options.snapshot_every_ms) <= now)
    }

    /// Whether [`Self::mark`] would help a later start.
    #[must_use]
    pub fn wants_mark(&self, topic: Topic) -> bool {
        let topic = self.state.topic(topic);
        topic.marks.back().is_none_or(|mark| mark.seq + MARK_EVERY <= topic.seq)
    }

    /// Notes that the committed part of `topic` ends at `end` now, before any further step.
    ///
    /// Offsets are the log's; a commit does not tell them. What is decided later stands at `end` or after it.
    pub fn mark(&mut self, topic: Topic, end: u64) {
        let topic = self.state.topic_mut(topic);
        topic.marks.push_back(Mark { seq: topic.seq, offset: end });
    }

    /// Writes the next changed aggregates and a checkpoint; `None` where nothing has changed.
    pub(super) fn save(&mut self, all: bool) -> Option<Batch> {
        if self.saving.round.is_empty() {
            self.begin_round(all);
        }
        let mut batch = Batch { consumed: self.consumed, ..Batch::default() };
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let Some(key) = self.saving.round.pop_front() else { break };
            bytes += self.save_one(key, &mut batch.snapshots);
        }
        if batch.snapshots.is_empty() {
            return None;
        }
        let checkpoint = self.checkpoint();
        batch.snapshots.push(NewSnapshot { key: Checkpoint::KEY.to_owned(), value: Some(checkpoint.encode()) });
        Some(batch)
    }

    fn begin_round(&mut self, all: bool) {
        self.saving.events = 0;
        self.saving.since = Some(self.state.last_time);
        for topic in Topic::EVENTS {
            let topic = self.state.topic(topic);
            for (first, key) in &topic.dirty {
                if self.is_worth_saving(key, topic.seq - first + 1, all) {
                    self.saving.round.push_back(key.clone());
                }
            }
        }
    }

    /// `unsaved` counts the events of the topic from the first that is not in its snapshot: what it makes a start read.
    fn is_worth_saving(&self, key: &AggregateKey, unsaved: u64, at_the_end: bool) -> bool {
        let Some(entry) = self.state.live.get(key) else { return false };
        let bytes = entry.saved.bytes.max((entry.aggregate.entries() as u64).saturating_mul(BYTES_PER_ENTRY));
        let small = if at_the_end { SMALL_BYTES_AT_THE_END } else { SMALL_BYTES };
        bytes <= small || unsaved.saturating_mul(BYTES_PER_EVENT) >= bytes
    }

    /// All parts of one aggregate, and tombstones for parts that it no longer has; how many bytes that is.
    fn save_one(&mut self, key: AggregateKey, snapshots: &mut Vec<NewSnapshot>) -> usize {
        let Some(entry) = self.state.live.get_mut(&key) else { return 0 };
        let Some(first) = entry.dirty_from.take() else { return 0 };
        let finished = entry.aggregate.is_finished();
        let seq = if planted::bug!("snapshot-newer-than-log") { entry.seq - 1 } else { entry.seq };
        let parts = encode(&key, seq, finished, &entry.aggregate);
        let count = u32::try_from(parts.len()).expect("an aggregate has fewer than 2^32 parts");
        let bytes: usize = parts.iter().map(Vec::len).sum();
        let before = std::mem::replace(&mut entry.saved, Saved { seq, parts: count, bytes: bytes as u64 });
        self.state.saved.replace(&key, before, entry.saved);
        self.state.topic_mut(key.topic()).dirty.remove(&first);
        for (part, value) in (0..).zip(parts) {
            snapshots.push(NewSnapshot { key: part_key(&key, part), value: Some(value) });
        }
        for part in count..before.parts {
            snapshots.push(NewSnapshot { key: part_key(&key, part), value: None });
        }
        if finished {
            self.saving.evictable.push(key);
        }
        bytes
    }

    fn checkpoint(&mut self) -> Checkpoint {
        let topics = Topic::EVENTS.map(|name| {
            let topic = self.state.topic_mut(name);
            let needed = topic.needed();
            while topic.marks.get(1).is_some_and(|mark| mark.seq < needed) {
                topic.marks.pop_front();
            }
            let offset = topic.marks.front().filter(|mark| mark.seq < needed).map_or(0, |mark| mark.offset);
            CheckpointTopic { topic: name.name().to_owned(), seq: topic.seq, needed, offset }
        });
        Checkpoint::new(topics.into(), self.consumed, self.state.last_time, self.state.saved)
    }

    /// After a commit: what is finished and saved leaves memory; where its snapshot is stays known.
    pub(super) fn evict(&mut self) {
        for key in std::mem::take(&mut self.saving.evictable) {
            if self.waiters.contains(&key) {
                self.saving.evictable.push(key);
                continue;
            }
            let Some(entry) = self.state.live.get(&key) else { continue };
            if entry.dirty_from.is_none() && entry.aggregate.due().is_none() && entry.aggregate.is_finished() {
                let saved = entry.saved;
                self.state.live.remove(&key);
                if !planted::bug!("evicted-and-forgotten") {
                    self.state.finished.insert(key, saved);
                }
            }
        }
    }

    /// Aggregates that these commands name and that must be brought back with [`Self::restore`] first.
    #[must_use]
    pub fn missing(&self, commands: &[event_log::Received]) -> Vec<AggregateKey> {
        if self.state.finished.is_empty() {
            return Vec::new();
        }
        let mut missing: Vec<_> = commands.iter().map(|received| received.envelope.command.aggregate()).collect();
        missing.retain(|key| self.state.finished.contains_key(key));
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// The keys of the snapshot of an aggregate that has left memory, in the order of its parts.
    #[must_use]
    pub fn snapshot_keys(&self, key: &AggregateKey) -> Vec<String> {
        let parts = self.state.finished.get(key).map_or(0, |saved| saved.parts);
        (0..parts).map(|part| part_key(key, part)).collect()
    }

    /// Brings back an aggregate that has left memory, from the parts that stand at [`Self::snapshot_keys`].
    pub fn restore(&mut self, key: AggregateKey, parts: Vec<Vec<u8>>) -> Result<(), crate::RecoveryError> {
        let Some(saved) = self.state.finished.get(&key).copied() else { return Ok(()) };
        let found = SavedAggregate::from_parts(parts)
            .filter(|found| found.key == key && found.seq == saved.seq)
            .ok_or_else(|| crate::RecoveryError::Snapshot(part_key(&key, 0)))?;
        let aggregate = found.read().ok_or_else(|| crate::RecoveryError::Snapshot(part_key(&key, 0)))?;
        self.state.finished.remove(&key);
        self.state.live.insert(key.clone(), super::Entry::new(aggregate, saved));
        self.saving.evictable.push(key);
        Ok(())
    }
}
