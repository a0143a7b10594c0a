//! The fold core: from records of the log to rows of the views, batch by batch. No IO, no clock.
//!
//! A batch goes: [`Fold::read`] its records, publish its letters ([`Batch::take_letters`]), [`Fold::needs`] rows of the store,
//! [`Fold::load`] them, the same with [`Fold::needs_more`], then [`Fold::fold`], and what comes after that
//! ([`Batch::take_after`]). Where keys are redriven, a batch of what was read before ([`Fold::again`]) goes the same way.

mod batch;
mod letters;
mod partition;
mod redrive;
mod stop;

pub use batch::{After, Batch, Needed};
pub use partition::{MOST_PARKED, ReadValue};
pub use stop::{StopReason, Stopped, Unreadable};

use event_log::{ReadFrom, Record};
use letters::{Letters, Request};
use partition::{Partition, Rules, Taken};
use read_model::{
    Checkpoints, Row, RowKey, RowWrite, StoreError,
    fold::{FedBy, ViewFold},
    views::parked::{self, Parked},
};
use schemas::{Event, ShardCount, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// The fold of all views over all partitions.
pub struct Fold {
    views: Vec<Box<dyn ViewFold>>,
    partitions: BTreeMap<(Topic, u32), Partition>,
    letters: BTreeMap<u32, Letters>,
    /// Topics of which views are fed by several keys.
    mixed: BTreeSet<Topic>,
    read: ReadValue,
}

impl Fold {
    /// Begins where the checkpoints are; the partitions are those of all event topics, and of the dead letters.
    #[must_use]
    pub fn new(views: Vec<Box<dyn ViewFold>>, shards: ShardCount, checkpoints: &Checkpoints) -> Self {
        let keys = Topic::EVENTS.into_iter().flat_map(|topic| shards.all().map(move |shard| (topic, shard.0)));
        let at = |key: &(Topic, u32)| checkpoints.get(key).copied().unwrap_or_default();
        let begin = |key: (Topic, u32)| (key, Partition { at: at(&key), ..Partition::default() });
        let topics = |view: &dyn ViewFold| match view.fed_by() {
            FedBy::OneKey => &[][..],
            FedBy::ManyKeys(topics) => topics,
        };
        let mixed = views.iter().flat_map(|view| topics(&**view)).copied().collect();
        let letters = shards.all().map(|shard| (shard.0, Letters::at(at(&(Topic::DeadLetters, shard.0)))));
        Self { partitions: keys.map(begin).collect(), letters: letters.collect(), views, mixed, read: Event::read }
    }

    /// Goes on with what the store says is parked. What another projector has redriven meanwhile is folded again from there, and
    /// views that stand still for no key that is parked.
    #[must_use]
    pub fn with_parked(mut self, rows: Vec<Parked>) -> Self {
        for row in rows {
            if let Some(partition) = self.partitions.get_mut(&(row.first.topic, row.first.partition)) {
                partition.adopt(row);
            }
        }
        self.partitions.values_mut().for_each(Partition::begin_pass_of_redriven);
        self
    }

    /// Reads values by this instead of [`Event::read`].
    #[must_use]
    pub fn reading_by(mut self, read: ReadValue) -> Self {
        self.read = read;
        self
    }

    /// Where reading goes on, in every partition that has not stopped.
    #[must_use]
    pub fn read_from(&self) -> Vec<ReadFrom> {
        let going = self.partitions.iter().filter(|(_, at)| at.stopped.is_none());
        let events = going.map(|(&(topic, partition), p)| ReadFrom { topic, partition, offset: p.at.offset });
        let letters = self.letters.iter();
        let topic = Topic::DeadLetters;
        let letters = letters.map(|(&partition, letters)| ReadFrom { topic, partition, offset: letters.read });
        events.chain(letters).collect()
    }

    /// The partitions that have stopped, and why.
    pub fn stopped(&self) -> impl Iterator<Item = &Stopped> {
        self.partitions.values().filter_map(|partition| partition.stopped.as_ref())
    }

    /// The keys that are parked, and (without a key) where views stand still.
    pub fn parked(&self) -> impl Iterator<Item = &Parked> {
        self.partitions.values().flat_map(Partition::waiting)
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

    const fn rules(read: ReadValue, is_mixed: bool) -> Rules {
        Rules { read, is_mixed }
    }

    /// Takes records as a reader gave them, up to what stops their partition.
    pub fn read(&mut self, records: Vec<Record>) -> Batch {
        let mut batch = Batch { events: Vec::with_capacity(records.len()), ..Batch::default() };
        for record in records {
            let key = (record.topic, record.partition);
            if record.topic == Topic::DeadLetters {
                if let Some(letters) = self.letters.get_mut(&record.partition) {
                    letters.take(&record, &mut batch);
                }
                continue;
            }
            let Some(partition) = self.partitions.get_mut(&key) else { continue };
            if partition.stopped.is_some() || record.offset < partition.at.offset {
                continue;
            }
            let taken = partition.take(&record, Self::rules(self.read, self.mixed.contains(&key.0)));
            match taken {
                Ok(Taken::Nothing) => {}
                Ok(Taken::Event(event)) => batch.events.push(*event),
                Ok(Taken::Parked { letter, changed }) => {
                    batch.letters.push(letter.into_record());
                    batch.rows.extend(changed.iter().map(Parked::row));
                }
                Err(reason) => {
                    let (topic, partition_number) = key;
                    let offset = record.offset;
                    partition.stopped = Some(Stopped { topic, partition: partition_number, offset, reason });
                    continue;
                }
            }
            batch.checkpoints.insert(key, partition.at);
        }
        batch
    }

    /// Where a pass over what is parked reads on, if one is under way.
    #[must_use]
    pub fn again(&self) -> Option<ReadFrom> {
        let pass = |(&(topic, partition), p): (&(Topic, u32), &Partition)| {
            Some(ReadFrom { topic, partition, offset: p.pass.as_ref()?.next.offset })
        };
        self.partitions.iter().find_map(pass)
    }

    /// Takes records from [`Self::again`] on, in order.
    pub fn read_again(&mut self, records: &[Record]) -> Batch {
        let mut batch = Batch::default();
        let Some(ReadFrom { topic, partition: number, .. }) = self.again() else { return batch };
        let rules = Self::rules(self.read, self.mixed.contains(&topic));
        let Some(partition) = self.partitions.get_mut(&(topic, number)) else { return batch };
        let ours = records.iter().filter(|record| (record.topic, record.partition) == (topic, number));
        ours.for_each(|record| partition.read_again(record, rules, &mut batch));
        if partition.has_passed()
            && let Some((after, requests)) = partition.end_pass(topic, number)
        {
            batch.after = after;
            for Request { offset, partition, .. } in requests {
                if let Some(letters) = self.letters.get_mut(&partition) {
                    letters.under_way.retain(|place| *place != offset);
                }
            }
        }
        batch
    }

    /// The rows of the store that requests are about, which are to be obeyed with [`Self::obey`].
    #[must_use]
    pub fn asked(&self) -> Vec<RowKey> {
        let pending = self.letters.values().flat_map(|letters| &letters.pending);
        let targets = pending.filter_map(|request| request.redrive.target.as_ref());
        let keys = targets
            .flat_map(|at| [Some(at.key.as_str()), None].map(|key| parked::row_key(at.topic, at.partition, key)));
        keys.collect()
    }

    /// Obeys what was asked for, with the rows of the store under [`Self::asked`]: begins a pass, or says that nothing is parked.
    pub fn obey(&mut self, rows: Vec<Option<Row>>) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        let mut rows = rows.into_iter();
        let pending: Vec<Request> = self.letters.values_mut().flat_map(|letters| letters.pending.drain(..)).collect();
        let mut waiting = Vec::new();
        for request in pending {
            let stored: Vec<Row> = rows.by_ref().take(2).flatten().collect();
            let Some(target) = &request.redrive.target else { continue };
            let Some(partition) = self.partitions.get_mut(&(target.topic, target.partition)) else { continue };
            if partition.pass.is_some() {
                waiting.push(request);
                continue;
            }
            let mut is_ahead = false;
            for row in stored {
                let row = parked::read(&row.clustering, &row.body)?;
                is_ahead |= row.state == parked::ParkedState::Parked && row.offset >= partition.at.offset;
                if row.offset < partition.at.offset {
                    partition.adopt(row);
                }
            }
            if partition.is_behind(&target.key) && partition.begin_pass(vec![request.clone()]) {
                if let Some(letters) = self.letters.get_mut(&request.partition) {
                    letters.under_way.push(request.offset);
                }
            } else if is_ahead {
                // Whoever parked it is further: once this is there, it knows.
                waiting.push(request);
            } else if !request.is_answered {
                batch.after.records.push(letters::nothing_parked(&request.redrive).record(&target.key));
            }
        }
        for request in waiting {
            if let Some(letters) = self.letters.get_mut(&request.partition) {
                letters.pending.push(request);
            }
        }
        Ok(batch)
    }

    /// The rows to read before the batch can be folded: those that are not in memory.
    pub fn needs(&mut self, batch: &Batch) -> Vec<Needed> {
        let facts = batch.facts();
        let needs = |(view, fold): (usize, &mut Box<dyn ViewFold>)| {
            let keys = fold.needs(facts.of(fold.fed_by()));
            (!keys.is_empty()).then(|| Needed { view, table: fold.table(), keys, is_more: false })
        };
        self.views.iter_mut().enumerate().filter_map(needs).collect()
    }

    /// The rows that are named only by what was loaded: to be asked for once, after the others, and loaded as they are.
    pub fn needs_more(&mut self, batch: &Batch) -> Vec<Needed> {
        let facts = batch.facts();
        let needs = |(view, fold): (usize, &mut Box<dyn ViewFold>)| {
            let more = fold.needs_more(facts.of(fold.fed_by())).into_iter();
            more.map(move |(table, keys)| Needed { view, table, keys, is_more: true }).collect::<Vec<_>>()
        };
        self.views.iter_mut().enumerate().flat_map(needs).collect()
    }

    /// Takes what the store has under the keys that were needed, in their order.
    pub fn load(&mut self, needed: Needed, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        let view = &mut self.views[needed.view];
        if needed.is_more { view.load_more(needed.table, needed.keys, rows) } else { view.load(needed.keys, rows) }
    }

    /// Folds the batch into the rows to write and the checkpoints that follow them.
    pub fn fold(&mut self, mut batch: Batch) -> Result<(Vec<RowWrite>, Checkpoints), StoreError> {
        let mut rows = std::mem::take(&mut batch.rows);
        let facts = batch.facts();
        for view in &mut self.views {
            facts.of(view.fed_by()).iter().for_each(|fact| view.fold(fact));
            view.drain(&mut rows)?;
        }
        drop(facts);
        Ok((rows, batch.checkpoints))
    }
}
