//! What every view has in common: rows folded in memory, so that a batch writes a hot row once.
//!
//! A row folds from itself and the event alone. Its version is the seq of the newest event in it; what is not newer is
//! skipped, so that a replay or a zombie changes nothing. Sans-IO: whoever drives this loads and writes the rows.

use crate::store::{Row, RowKey, RowWrite, StoreError, Table};
use schemas::{Envelope, Event, ItemId, OrderId, Position, Topic};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, HashMap};

/// An event with where it stands: all that a fold may know beside its row.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// Topic, partition and seq.
    pub position: Position,
    /// The attributes.
    pub envelope: &'a Envelope,
    /// What happened.
    pub event: &'a Event,
}

impl Fact<'_> {
    /// The version that a row has once this event is in it.
    #[must_use]
    pub const fn version(&self) -> u64 {
        version(self.position.seq)
    }

    /// The item of an item's event.
    ///
    /// # Panics
    /// If the subject is no id: whoever reads the log refuses such an event.
    #[must_use]
    pub fn item_id(&self) -> ItemId {
        ItemId::parse(&self.envelope.subject).expect("the subject of an item's event is its id")
    }

    /// The order of an order's event.
    ///
    /// # Panics
    /// As [`Self::item_id`].
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        OrderId::parse(&self.envelope.subject).expect("the subject of an order's event is its id")
    }
}

/// The version of a row whose newest event has this seq. The low four bits are free for several writes of one event.
#[must_use]
pub const fn version(seq: u64) -> u64 {
    seq * 16
}

/// What an event means to a view whose rows change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Nothing.
    None,
    /// A row changes.
    Row,
    /// A row changes, and the event alone says all that it will hold: the row as it was need not be read.
    FreshRow,
}

/// Whose events the rows of a view follow from: what becomes of it when one of them cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FedBy {
    /// What an event makes of a row rests on earlier events of its own key only: such a key is parked alone.
    OneKey,
    /// Rows rest on events of several keys: the view stands still in a partition of these topics from the event on that cannot
    /// be read.
    ManyKeys(&'static [Topic]),
}

/// A view whose rows change: an event changes at most one of them, and each row is the one of its partition.
pub trait View: Send + 'static {
    /// The row, stored as JSON.
    type Row: Serialize + DeserializeOwned + Send;
    /// Where its rows are.
    const TABLE: Table;
    /// Whose events its rows follow from.
    const FED_BY: FedBy = FedBy::OneKey;
    /// Whether the event changes a row. If so its partition key is appended to `key`, which comes empty.
    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch;
    /// Brings the row past the event. `None` is a row that is not there.
    fn fold(row: &mut Option<Self::Row>, fact: &Fact<'_>);
}

/// A view whose rows are written by one event each and never folded further: a ledger, or a list of keys. No event of another
/// key is missed by them ([`FedBy::OneKey`]).
pub trait Listing: Send + 'static {
    /// Where its rows are.
    const TABLE: Table;
    /// The rows that the event writes or deletes.
    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>);
}

/// The fold of one view over batches, whatever its rows are.
///
/// For a batch: [`Self::needs`], then [`Self::load`] with what the store has; the same with [`Self::needs_more`] and
/// [`Self::load_more`]; then [`Self::fold`] of each fact in order, then [`Self::drain`].
pub trait ViewFold: Send {
    /// Where the rows are.
    fn table(&self) -> Table;
    /// Whose events the rows follow from.
    fn fed_by(&self) -> FedBy {
        FedBy::OneKey
    }
    /// The rows to read before these facts can be folded; those in memory are not among them.
    fn needs(&mut self, facts: &[Fact<'_>]) -> Vec<RowKey>;
    /// Takes what the store has under the keys that were needed.
    fn load(&mut self, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError>;
    /// Rows of other tables that are named only by what was loaded. Asked once for a batch, after [`Self::load`].
    fn needs_more(&mut self, _facts: &[Fact<'_>]) -> Vec<(Table, Vec<RowKey>)> {
        Vec::new()
    }
    /// Takes what the store has under the keys of one of these tables.
    fn load_more(&mut self, table: Table, _keys: Vec<RowKey>, _rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        Err(StoreError::Corrupt(format!("{}: nobody asked for rows of it", table.name)))
    }
    /// Folds one fact.
    fn fold(&mut self, fact: &Fact<'_>);
    /// Adds the rows that changed since the last call, and lets old ones leave memory.
    fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError>;
}

/// A row in memory, decoded.
struct Cached<R> {
    version: u64,
    row: Option<R>,
    changed: bool,
    /// The size of its stored form, or 0 before that is known.
    weight: usize,
}

impl<R> Cached<R> {
    const ABSENT: Self = Self { version: 0, row: None, changed: false, weight: 0 };
}

/// Folds a [`View`], with the rows of late in memory so that a hot one is not read again for every batch.
///
/// Rows live in two generations: the young one is what was touched lately; when it has grown to the bound it becomes the
/// old one, and what was the old one leaves. So at most twice the bound stays.
pub struct Folded<V: View> {
    young: HashMap<String, Cached<V::Row>>,
    old: HashMap<String, Cached<V::Row>>,
    changed: Vec<String>,
    weight: usize,
    bound: usize,
    /// Where keys are built, so that a row in memory is found without an allocation.
    key: String,
}

impl<V: View> Folded<V> {
    /// With at most about twice `bound` bytes of rows in memory, counted as stored.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        let (young, old, key) = (HashMap::new(), HashMap::new(), String::new());
        Self { young, old, changed: Vec::new(), weight: 0, bound, key }
    }

    /// Makes a row young, if it is in memory.
    fn recall(&mut self, key: &str) -> bool {
        if self.young.contains_key(key) {
            return true;
        }
        match self.old.remove_entry(key) {
            Some((key, row)) => {
                self.weight += row.weight;
                self.young.insert(key, row);
                true
            }
            None => false,
        }
    }

    /// The keys of rows that are not in memory, with the index of the first fact that changes each.
    fn missing(&mut self, facts: &[Fact<'_>]) -> BTreeMap<String, usize> {
        let mut missing = BTreeMap::new();
        let (mut key, mut last) = (std::mem::take(&mut self.key), String::new());
        for (index, fact) in facts.iter().enumerate() {
            key.clear();
            if V::touch(fact, &mut key) == Touch::Row && key != last {
                if !self.recall(&key) && !missing.contains_key(&key) {
                    missing.insert(key.clone(), index);
                }
                std::mem::swap(&mut key, &mut last);
            }
        }
        self.key = key;
        missing
    }
}

impl<V: View> ViewFold for Folded<V> {
    fn table(&self) -> Table {
        V::TABLE
    }

    fn fed_by(&self) -> FedBy {
        V::FED_BY
    }

    fn needs(&mut self, facts: &[Fact<'_>]) -> Vec<RowKey> {
        let mut missing = self.missing(facts);
        // What is made in this batch before it is changed is not in the store.
        let mut key = String::new();
        for (index, fact) in facts.iter().enumerate() {
            if missing.is_empty() {
                break;
            }
            key.clear();
            if V::touch(fact, &mut key) == Touch::FreshRow && missing.get(&key).is_some_and(|&first| index < first) {
                missing.remove(&key);
            }
        }
        missing.into_keys().map(RowKey::single).collect()
    }

    fn load(&mut self, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        for (key, stored) in keys.into_iter().zip(rows) {
            let Some(stored) = stored else { continue };
            let row = decode(V::TABLE, &key, &stored.body)?;
            let weight = key.partition.len() + stored.body.len();
            self.weight += weight;
            let cached = Cached { version: stored.version, row: Some(row), changed: false, weight };
            self.young.insert(key.partition, cached);
        }
        Ok(())
    }

    fn fold(&mut self, fact: &Fact<'_>) {
        self.key.clear();
        if V::touch(fact, &mut self.key) == Touch::None {
            return;
        }
        let cached = match self.young.get_mut(&self.key) {
            Some(cached) => cached,
            None => self.young.entry(self.key.clone()).or_insert(Cached::ABSENT),
        };
        if cached.version >= fact.version() && !planted::bug!("counter-in-view") {
            return;
        }
        if !cached.changed {
            self.changed.push(self.key.clone());
        }
        V::fold(&mut cached.row, fact);
        cached.version = fact.version();
        cached.changed = true;
    }

    fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError> {
        rows.reserve(self.changed.len());
        for key in self.changed.drain(..) {
            let Some(cached) = self.young.get_mut(&key) else { continue };
            let key = RowKey::single(key);
            let body = cached.row.as_ref().map(|row| encode(V::TABLE, &key, row)).transpose()?;
            let weight = key.partition.len() + body.as_ref().map_or(0, Vec::len);
            self.weight = self.weight - cached.weight + weight;
            cached.weight = weight;
            cached.changed = false;
            rows.push(RowWrite { table: V::TABLE, key, version: cached.version, body });
        }
        if self.weight > self.bound {
            // The room of the map that leaves is used again.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.weight = 0;
        }
        Ok(())
    }
}

/// Folds a [`Listing`]: nothing to read, nothing to remember.
pub struct Listed<L: Listing> {
    rows: Vec<RowWrite>,
    listing: std::marker::PhantomData<fn() -> L>,
}

impl<L: Listing> Default for Listed<L> {
    fn default() -> Self {
        Self { rows: Vec::new(), listing: std::marker::PhantomData }
    }
}

impl<L: Listing> ViewFold for Listed<L> {
    fn table(&self) -> Table {
        L::TABLE
    }

    fn needs(&mut self, _: &[Fact<'_>]) -> Vec<RowKey> {
        Vec::new()
    }

    fn load(&mut self, _: Vec<RowKey>, _: Vec<Option<Row>>) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, fact: &Fact<'_>) {
        L::list(fact, &mut self.rows);
    }

    fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError> {
        rows.append(&mut self.rows);
        Ok(())
    }
}

/// The stored form of a row.
pub(crate) fn encode<R: Serialize>(table: Table, key: &RowKey, row: &R) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row).map_err(|error| StoreError::Corrupt(format!("{} {key:?}: {error}", table.name)))
}

/// Reads the stored form of a row.
pub(crate) fn decode<R: DeserializeOwned>(table: Table, key: &RowKey, body: &[u8]) -> Result<R, StoreError> {
    serde_json::from_slice(body).map_err(|error| StoreError::Corrupt(format!("{} {key:?}: {error}", table.name)))
}
