//! The projector over a store that is a map: folded in pieces with crashes, and folded again at once, it shows the same.

use super::random::Random;
use event_log::{EventLog, simulated::SimulatedLog};
use projector::Fold;
use read_model::{Checkpoints, Row, RowWrite, views};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

/// Table, partition and clustering key.
type Key = (&'static str, String, String);

/// The rows, with their versions.
type Rows = BTreeMap<Key, (u64, Option<Vec<u8>>)>;

/// The store, and the projector that fills it.
#[derive(Default)]
pub struct Views {
    rows: Rows,
    checkpoints: Checkpoints,
    fold: Option<Fold>,
}

impl Views {
    /// Folds about so many records; a crash may come before the rows are written, or between rows and checkpoint.
    pub fn project(&mut self, log: &SimulatedLog, records: usize, random: &mut Random, deadly: u64) {
        let checkpoints = &self.checkpoints;
        let mut fold = self.fold.take().unwrap_or_else(|| Fold::new(views::all(), log.shards(), checkpoints));
        let mut reader = log.reader(&fold.read_from()).expect("partitions that exist");
        let mut taken = reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read");
        taken.truncate(records);
        let batch = fold.read(taken);
        for needed in fold.needs(&batch) {
            let rows = needed.keys.iter().map(|key| {
                let (version, body) =
                    self.rows.get(&(needed.table.name, key.partition.clone(), key.clustering.clone()))?;
                let (version, body) = (*version, body.clone()?);
                Some(Row { clustering: key.clustering.clone(), version, body })
            });
            let rows = rows.collect();
            fold.load(needed, rows).expect("rows that can be read");
        }
        let (rows, checkpoints) = fold.fold(batch).expect("events that can be folded");
        if let Some(stopped) = fold.stopped().next() {
            panic!("a view stopped: {stopped}");
        }
        if random.chance(deadly) {
            return;
        }
        rows.into_iter().for_each(|row| self.write(row));
        if random.chance(deadly) {
            return;
        }
        self.checkpoints.extend(checkpoints);
        self.fold = Some(fold);
    }

    fn write(&mut self, row: RowWrite) {
        let entry = self.rows.entry((row.table.name, row.key.partition, row.key.clustering)).or_default();
        if row.version >= entry.0 {
            *entry = (row.version, row.body);
        }
    }

    /// Catches up, and compares with views that saw everything at once.
    pub fn check(&mut self, log: &SimulatedLog, random: &mut Random) {
        self.project(log, usize::MAX, random, 0);
        let mut fresh = Self::default();
        fresh.project(log, usize::MAX, random, 0);
        assert_eq!(self.checkpoints, fresh.checkpoints, "the checkpoints of the views");
        for (one, other) in self.rows.iter().zip(&fresh.rows) {
            assert_eq!(readable(one), readable(other), "a row of a view");
        }
        assert_eq!(self.rows.len(), fresh.rows.len(), "rows of the views");
    }
}

fn readable<'a>((key, (version, body)): (&'a Key, &'a (u64, Option<Vec<u8>>))) -> (&'a Key, u64, Option<Cow<'a, str>>) {
    (key, *version, body.as_deref().map(String::from_utf8_lossy))
}
