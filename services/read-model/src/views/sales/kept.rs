//! Rows in memory while they are folded.

use crate::{
    fold::{decode, encode},
    store::{Row, RowKey, RowWrite, StoreError, Table},
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;

struct KeptRow<R> {
    version: u64,
    row: Option<R>,
    changed: bool,
    /// Bytes of its stored form, or 0 before that is known.
    weight: usize,
}

/// Rows of one table; when they are too many all leave, and are read again where they are needed.
pub(super) struct Kept<R> {
    table: Table,
    rows: HashMap<RowKey, KeptRow<R>>,
    changed: Vec<RowKey>,
    weight: usize,
    bound: usize,
}

impl<R: Serialize + DeserializeOwned> Kept<R> {
    /// With about `bound` bytes of rows between two batches.
    pub(super) fn new(table: Table, bound: usize) -> Self {
        Self { table, rows: HashMap::new(), changed: Vec::new(), weight: 0, bound }
    }

    pub(super) fn table(&self) -> Table {
        self.table
    }

    pub(super) fn has(&self, key: &RowKey) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn get(&self, key: &RowKey) -> Option<&R> {
        self.rows.get(key)?.row.as_ref()
    }

    /// Takes what the store has.
    pub(super) fn load(&mut self, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        for (key, stored) in keys.into_iter().zip(rows) {
            let Some(stored) = stored else { continue };
            let row = Some(decode(self.table, &key, &stored.body)?);
            let weight = key.partition.len() + stored.body.len();
            self.weight += weight;
            self.rows.insert(key, KeptRow { version: stored.version, row, changed: false, weight });
        }
        Ok(())
    }

    /// The row, to be brought past the event of that version; none where the event is in it.
    pub(super) fn newer(&mut self, key: &RowKey, version: u64) -> Option<&mut Option<R>> {
        if !self.rows.contains_key(key) {
            let absent = KeptRow { version: 0, row: None, changed: false, weight: 0 };
            self.rows.insert(key.clone(), absent);
        }
        let kept = self.rows.get_mut(key).expect("it was just put there");
        if kept.version >= version && !planted::bug!("sale-counted-twice") {
            return None;
        }
        if !kept.changed {
            kept.changed = true;
            self.changed.push(key.clone());
        }
        kept.version = version;
        Some(&mut kept.row)
    }

    /// Adds the rows that changed since the last call.
    pub(super) fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError> {
        for key in self.changed.drain(..) {
            let Some(kept) = self.rows.get_mut(&key) else { continue };
            let body = kept.row.as_ref().map(|row| encode(self.table, &key, row)).transpose()?;
            let weight = key.partition.len() + body.as_ref().map_or(0, Vec::len);
            self.weight = self.weight - kept.weight + weight;
            kept.weight = weight;
            kept.changed = false;
            rows.push(RowWrite { table: self.table, key, version: kept.version, body });
        }
        if self.weight > self.bound {
            self.rows.clear();
            self.weight = 0;
        }
        Ok(())
    }
}
