//! The fold core: from records of the log to rows of the views, batch by batch. No IO, no clock.
//!
//! A batch goes: [`Fold::read`] its records, [`Fold::needs`] rows of the store, [`Fold::load`] them, [`Fold::fold`].

use event_log::{ReadFrom, Record};
use read_model::{
    Checkpoint, Checkpoints, Row, RowKey, RowWrite, StoreError, Table,
    fold::{Fact, ViewFold},
};
use schemas::{Envelope, Event, EventReadError, Position, ShardCount, Topic};
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a partition is not read any further.
#[derive(Debug, Error)]
pub enum StopReason {
    /// An event is missing before it.
    #[error("the seq jumps from {newest} to {found}: an event is missing")]
    Gap {
        /// The newest seq before it.
        newest: u64,
        /// Its seq.
        found: u64,
    },
    /// The seq was there before, and not from an owner that was fenced: the history is forked.
    #[error("seq {found} of epoch {epoch} comes again after seq {newest} of epoch {newest_epoch}: a forked history")]
    Repeated {
        /// Its seq.
        found: u64,
        /// Its epoch.
        epoch: u64,
        /// The newest seq before it.
        newest: u64,
        /// The newest epoch before it.
        newest_epoch: u64,
    },
    /// An owner that was fenced wrote after its successor.
    #[error("epoch {epoch} follows epoch {newest_epoch}: an owner that was fenced has written")]
    EpochFell {
        /// Its epoch.
        epoch: u64,
        /// The newest epoch before it.
        newest_epoch: u64,
    },
    /// It has no attributes, or no value.
    #[error("the record is no event: it has no {0}")]
    NoEvent(&'static str),
    /// Its subject is not the key of an aggregate of that topic.
    #[error("`{0}` is not a key of this topic")]
    Subject(String),
    /// Its type belongs to another topic.
    #[error("a `{0}` does not belong to this topic")]
    Misplaced(&'static str),
    /// The log cannot read what it stored.
    #[error("{0}")]
    Damaged(String),
    /// Its value cannot be read.
    #[error(transparent)]
    Unreadable(#[from] EventReadError),
}

/// Where and why a partition stopped. It stays stopped; the others go on.
#[derive(Debug, Error)]
#[error("{topic}/{partition} at offset {offset}: {reason}")]
pub struct Stopped {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The offset of the record that cannot be folded.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: StopReason,
}

/// An event that was read and is next in its partition.
struct ReadEvent {
    position: Position,
    envelope: Envelope,
    event: Event,
}

impl ReadEvent {
    const fn fact(&self) -> Fact<'_> {
        Fact { position: self.position, envelope: &self.envelope, event: &self.event }
    }
}

/// Events of one batch, in the order of their partitions.
#[derive(Default)]
pub struct Batch {
    events: Vec<ReadEvent>,
    checkpoints: Checkpoints,
}

impl Batch {
    /// How many events are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether neither a row nor a checkpoint follows from it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checkpoints.is_empty()
    }

    fn facts(&self) -> Vec<Fact<'_>> {
        self.events.iter().map(ReadEvent::fact).collect()
    }
}

/// Rows of one view that are needed to fold a batch.
pub struct Needed {
    view: usize,
    /// Their table.
    pub table: Table,
    /// Their keys.
    pub keys: Vec<RowKey>,
}

#[derive(Default)]
struct Partition {
    at: Checkpoint,
    stopped: Option<Stopped>,
    /// Records of fenced owners that were passed over.
    ignored: u64,
}

/// The fold of all views over all partitions.
pub struct Fold {
    views: Vec<Box<dyn ViewFold>>,
    partitions: BTreeMap<(Topic, u32), Partition>,
}

impl Fold {
    /// Begins where the checkpoints are; the partitions are those of all event topics.
    #[must_use]
    pub fn new(views: Vec<Box<dyn ViewFold>>, shards: ShardCount, checkpoints: &Checkpoints) -> Self {
        let keys = Topic::EVENTS.into_iter().flat_map(|topic| shards.all().map(move |shard| (topic, shard.0)));
        let begin = |key: (Topic, u32)| {
            let at = checkpoints.get(&key).copied().unwrap_or_default();
            (key, Partition { at, stopped: None, ignored: 0 })
        };
        Self { views, partitions: keys.map(begin).collect() }
    }

    /// Where reading goes on, in every partition that has not stopped.
    #[must_use]
    pub fn read_from(&self) -> Vec<ReadFrom> {
        let going = self.partitions.iter().filter(|(_, at)| at.stopped.is_none());
        going.map(|(&(topic, partition), p)| ReadFrom { topic, partition, offset: p.at.offset }).collect()
    }

    /// The partitions that have stopped, and why.
    pub fn stopped(&self) -> impl Iterator<Item = &Stopped> {
        self.partitions.values().filter_map(|partition| partition.stopped.as_ref())
    }

    /// Stops a partition of which nothing more can be read.
    pub fn stop(&mut self, at: ReadFrom, reason: StopReason) {
        let ReadFrom { topic, partition, offset } = at;
        if let Some(stopping) = self.partitions.get_mut(&(topic, partition)) {
            stopping.stopped.get_or_insert(Stopped { topic, partition, offset, reason });
        }
    }

    /// Records of fenced owners that were passed over, in all partitions.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.partitions.values().map(|partition| partition.ignored).sum()
    }

    /// Takes records as a reader gave them, up to what stops their partition.
    pub fn read(&mut self, records: Vec<Record>) -> Batch {
        let mut batch = Batch { events: Vec::with_capacity(records.len()), checkpoints: Checkpoints::new() };
        for record in records {
            let key = (record.topic, record.partition);
            let Some(partition) = self.partitions.get_mut(&key) else { continue };
            if partition.stopped.is_some() || record.offset < partition.at.offset {
                continue;
            }
            let offset = record.offset;
            match partition.take(record) {
                Ok(event) => {
                    batch.events.extend(event);
                    batch.checkpoints.insert(key, partition.at);
                }
                Err(reason) => {
                    partition.stopped = Some(Stopped { topic: key.0, partition: key.1, offset, reason });
                }
            }
        }
        batch
    }

    /// The rows to read before the batch can be folded: those that are not in memory.
    pub fn needs(&mut self, batch: &Batch) -> Vec<Needed> {
        let facts = batch.facts();
        let needs = |(view, fold): (usize, &mut Box<dyn ViewFold>)| {
            let keys = fold.needs(&facts);
            (!keys.is_empty()).then(|| Needed { view, table: fold.table(), keys })
        };
        self.views.iter_mut().enumerate().filter_map(needs).collect()
    }

    /// Takes what the store has under the keys that were needed, in their order.
    pub fn load(&mut self, needed: Needed, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        self.views[needed.view].load(needed.keys, rows)
    }

    /// Folds the batch into the rows to write and the checkpoints that follow them.
    pub fn fold(&mut self, batch: Batch) -> Result<(Vec<RowWrite>, Checkpoints), StoreError> {
        let facts = batch.facts();
        let mut rows = Vec::new();
        for view in &mut self.views {
            facts.iter().for_each(|fact| view.fold(fact));
            view.drain(&mut rows)?;
        }
        Ok((rows, batch.checkpoints))
    }
}

impl Partition {
    /// Moves past a record; what is next in the partition is an event, what a fenced owner repeats is nothing.
    fn take(&mut self, record: Record) -> Result<Option<ReadEvent>, StopReason> {
        let envelope = record.envelope.ok_or(StopReason::NoEvent("attributes"))?;
        let Checkpoint { seq: newest, epoch: newest_epoch, .. } = self.at;
        let (found, epoch) = (envelope.seq, envelope.epoch);
        if found <= newest {
            if epoch >= newest_epoch && !planted::bug!("fold-without-epoch") {
                return Err(StopReason::Repeated { found, epoch, newest, newest_epoch });
            }
            self.at.offset = record.offset + 1;
            self.ignored += 1;
            return Ok(None);
        }
        if found > newest + 1 && !planted::bug!("fold-without-seq") {
            return Err(StopReason::Gap { newest, found });
        }
        if epoch < newest_epoch {
            return Err(StopReason::EpochFell { epoch, newest_epoch });
        }
        let value = record.value.ok_or(StopReason::NoEvent("value"))?;
        if Event::aggregate(record.topic, &envelope.subject).is_none() {
            return Err(StopReason::Subject(envelope.subject));
        }
        let event = Event::read(&envelope.event_type, &value)?;
        if event.topic() != record.topic {
            return Err(StopReason::Misplaced(event.event_type()));
        }
        self.at = Checkpoint { seq: found, offset: record.offset + 1, epoch };
        let position = Position { topic: record.topic, partition: record.partition, seq: found };
        Ok(Some(ReadEvent { position, envelope, event }))
    }
}
