//! The projectors, and the store that they write to: a map that loses writes, takes them twice, or takes half of them.
//!
//! Two projectors may fold the same partitions at once, one of them from where the checkpoints were long ago.

use super::{Tally, bump, checker::evidence::RowKey as Key, random::Random, swarm::Faults};
use event_log::{EventLog, simulated::SimulatedLog};
use projector::Fold;
use read_model::{Checkpoints, Row, RowWrite, views};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// The rows, with their versions; a tombstone has no body.
type Rows = BTreeMap<Key, (u64, Option<Vec<u8>>)>;

/// The store, and the projectors that fill it.
#[derive(Default)]
pub struct Views {
    rows: Rows,
    checkpoints: Checkpoints,
    projectors: [Option<Fold>; 2],
    /// Writes of the past that arrive once more.
    late: Vec<Vec<RowWrite>>,
}

impl Views {
    /// One projector folds about so many records; in good weather (`None`) nothing happens to what it writes.
    pub fn project(
        &mut self,
        log: &SimulatedLog,
        which: usize,
        records: usize,
        weather: Option<&Faults>,
        random: &mut Random,
        tally: &mut Tally,
    ) {
        let checkpoints = &self.checkpoints;
        let fold = self.projectors[which].take();
        let mut fold = fold.unwrap_or_else(|| Fold::new(views::all(), log.shards(), checkpoints));
        let mut reader = log.reader(&fold.read_from()).expect("partitions that exist");
        let mut taken = reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read");
        taken.truncate(records);
        let batch = fold.read(taken);
        for needs in [Fold::needs, Fold::needs_more] {
            for needed in needs(&mut fold, &batch) {
                let rows = needed.keys.iter().map(|key| {
                    let name = needed.table.name.to_owned();
                    let (version, body) = self.rows.get(&(name, key.partition.clone(), key.clustering.clone()))?;
                    Some(Row { clustering: key.clustering.clone(), version: *version, body: body.clone()? })
                });
                let rows = rows.collect();
                fold.load(needed, rows).expect("rows that can be read");
            }
        }
        let (rows, checkpoints) = fold.fold(batch).expect("events that can be folded");
        if let Some(stopped) = fold.stopped().next() {
            panic!("views-equal-fold: a view stopped: {stopped}");
        }
        if let Some(parked) = fold.parked().next() {
            panic!("views-equal-fold: an event cannot be read: {parked:?}");
        }
        if self.write(rows, weather, random, tally) {
            for (place, at) in checkpoints {
                let known = self.checkpoints.entry(place).or_default();
                if at.seq >= known.seq {
                    *known = at;
                }
            }
            self.projectors[which] = Some(fold);
        }
    }

    /// Writes rows; whether the projector lives to write the checkpoint.
    fn write(&mut self, rows: Vec<RowWrite>, weather: Option<&Faults>, random: &mut Random, tally: &mut Tally) -> bool {
        let Some(faults) = weather else {
            self.late.drain(..).flatten().for_each(|row| put(&mut self.rows, row));
            rows.into_iter().for_each(|row| put(&mut self.rows, row));
            return true;
        };
        if random.per_mille(faults.view_lost) {
            bump(tally, "fault: view write lost");
            return false;
        }
        if random.per_mille(faults.view_doubled) {
            bump(tally, "fault: view write doubled");
            self.late.push(rows.clone());
        }
        if random.per_mille(faults.view_half) {
            bump(tally, "fault: view write half applied");
            let most = usize::try_from(random.below(rows.len() as u64 + 1)).expect("a few");
            rows.into_iter().take(most).for_each(|row| put(&mut self.rows, row));
            return false;
        }
        rows.into_iter().for_each(|row| put(&mut self.rows, row));
        if !self.late.is_empty() && random.chance(30) {
            let at = usize::try_from(random.below(self.late.len() as u64)).expect("a few");
            self.late.swap_remove(at).into_iter().for_each(|row| put(&mut self.rows, row));
        }
        true
    }

    /// How far the views are in a partition: what a query with a token waits for.
    pub fn folded(&self, topic: schemas::Topic, partition: u32) -> u64 {
        self.checkpoints.get(&(topic, partition)).map_or(0, |at| at.seq)
    }

    /// A row as a query reads it.
    pub fn row(&self, table: &str, key: &str) -> Option<Value> {
        let (_, body) = self.rows.get(&(table.to_owned(), key.to_owned(), String::new()))?;
        body.as_ref().map(|body| serde_json::from_slice(body).expect("a row is JSON"))
    }

    /// All rows.
    pub fn all(&self) -> BTreeMap<Key, Value> {
        let json = |body: &Vec<u8>| serde_json::from_slice(body).expect("a row is JSON");
        let rows = self.rows.iter().filter_map(|(key, (_, body))| Some((key.clone(), json(body.as_ref()?))));
        rows.collect()
    }
}

/// The higher version of a row wins, in any order.
fn put(rows: &mut Rows, row: RowWrite) {
    let entry = rows.entry((row.table.name.to_owned(), row.key.partition, row.key.clustering)).or_default();
    if row.version >= entry.0 {
        *entry = (row.version, row.body);
    }
}
