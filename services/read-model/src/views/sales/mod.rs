//! Numbers of the shop: what is bought most of late, the turnover by day and store, and what is bought together.
//!
//! All of them are made of confirmed orders. A confirmation names no lines, so each order has a row of its own ([`sale`]), which
//! is read first; it names the rows of the numbers. Each of these has one source partition and the version of its newest
//! event, so that a replay counts nothing twice; partitions are summed when they are read. None tells of a person.

mod kept;
pub mod most_bought;
mod sale;
pub mod together;
pub mod turnover;

use crate::{
    fold::{Fact, FedBy, ViewFold},
    store::{Row, RowKey, RowWrite, StoreError, Table},
};
use kept::Kept;
use most_bought::{Bought, minute_of};
use sale::{Part, Sale, Step};
use schemas::{Currency, ItemId, StoreId, Topic};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use together::Together;
use turnover::{ByCurrency, Day, Takings};

/// The tables beside that of the sales.
pub const NUMBERS: [Table; 3] = [most_bought::TABLE, turnover::TABLE, together::TABLE];

/// Rows that stay in memory, in bytes as stored.
const SALE_BYTES: usize = 8 << 20;
const NUMBER_BYTES: usize = 4 << 20;

/// A change of a row by an event.
enum Change {
    Bought(most_bought::Change),
    Turnover(Currency, Takings),
    Together(Vec<ItemId>),
}

/// See the module.
pub struct SalesFold {
    sales: Kept<Sale>,
    bought: Kept<Bought>,
    turnover: Kept<ByCurrency>,
    together: Kept<Together>,
    /// What the batch at hand changes, in the order of its events, with their versions.
    changes: Vec<(RowKey, u64, Change)>,
}

impl Default for SalesFold {
    fn default() -> Self {
        Self {
            sales: Kept::new(sale::TABLE, SALE_BYTES),
            bought: Kept::new(most_bought::TABLE, NUMBER_BYTES),
            turnover: Kept::new(turnover::TABLE, NUMBER_BYTES),
            together: Kept::new(together::TABLE, NUMBER_BYTES),
            changes: Vec::new(),
        }
    }
}

fn sale_key(fact: &Fact<'_>) -> RowKey {
    RowKey::single(fact.envelope.subject.clone())
}

impl SalesFold {
    /// Notes what an event changes, as its order sees it.
    fn note(&mut self, fact: &Fact<'_>, step: Step<'_>) {
        let Some(sale) = self.sales.get(&sale_key(fact)) else { return };
        let noted = match step {
            Step::Placed(_) | Step::Granted(_) => return,
            Step::Confirmed => confirmed(sale, fact),
            Step::Cancelled(_) | Step::Returned(_) => taken_back(sale, step, fact),
            Step::Refunded(amount) if sale.confirmed_before(fact.position.seq).is_some() => {
                let refunded = Takings { refunded: amount.minor(), ..Takings::default() };
                vec![(day_key(fact, None), Change::Turnover(amount.currency(), refunded))]
            }
            Step::Refunded(_) => return,
        };
        self.changes.extend(noted.into_iter().map(|(key, change)| (key, fact.version(), change)));
    }

    fn is_kept(&self, key: &RowKey, change: &Change) -> bool {
        match change {
            Change::Bought(_) => self.bought.has(key),
            Change::Turnover(..) => self.turnover.has(key),
            Change::Together(_) => self.together.has(key),
        }
    }
}

const fn table_of(change: &Change) -> Table {
    match change {
        Change::Bought(_) => most_bought::TABLE,
        Change::Turnover(..) => turnover::TABLE,
        Change::Together(_) => together::TABLE,
    }
}

/// The takings of a store, on the day of the event.
fn day_key(fact: &Fact<'_>, store: Option<&StoreId>) -> RowKey {
    let store = store.filter(|_| !planted::bug!("turnover-of-no-store"));
    let late = if planted::bug!("turnover-of-another-day") { 86_400 } else { 0 };
    turnover::key(Day::of(fact.envelope.time.plus_seconds(late)), fact.position.partition, store)
}

fn confirmed(sale: &Sale, fact: &Fact<'_>) -> Vec<(RowKey, Change)> {
    let mut noted = vec![bought(minute_of(fact.envelope.time), 1, sale.parts(), fact)];
    let mut by_store: BTreeMap<Option<&StoreId>, Takings> = BTreeMap::new();
    for part in sale.parts() {
        let takings = by_store.entry(part.line.store.as_ref()).or_default();
        takings.orders = 1;
        takings.units += i64::from(part.units);
        takings.gross = takings.gross.saturating_add(part.amount);
    }
    if sale.of_order != 0 {
        let takings = by_store.entry(None).or_default();
        takings.gross = takings.gross.saturating_add(sale.of_order);
    }
    noted.extend(turnovers(sale, by_store, fact));
    let items = together::paired(sale.lines.iter().map(|line| &line.item_id));
    for item in items.iter().filter(|_| items.len() > 1) {
        let others = items.iter().filter(|other| *other != item).map(|other| (*other).clone()).collect();
        noted.push((together::key(item, fact.position.partition), Change::Together(others)));
    }
    noted
}

fn taken_back(sale: &Sale, step: Step<'_>, fact: &Fact<'_>) -> Vec<(RowKey, Change)> {
    let Some(confirmed_at) = sale.confirmed_before(fact.position.seq) else { return Vec::new() };
    let (parts, of_order) = sale.taken_back(fact.position.seq);
    let is_cancelled = matches!(step, Step::Cancelled(_));
    let mut by_store: BTreeMap<Option<&StoreId>, Takings> = BTreeMap::new();
    let of_whole = (of_order != 0).then_some((None, 0, of_order));
    for (store, units, amount) in
        parts.iter().map(|part| (part.line.store.as_ref(), part.units, part.amount)).chain(of_whole)
    {
        let takings = by_store.entry(store).or_default();
        takings.units_back += i64::from(units);
        let back = if is_cancelled { &mut takings.cancelled } else { &mut takings.returned };
        *back = back.saturating_add(amount);
    }
    let mut noted = turnovers(sale, by_store, fact);
    if is_cancelled {
        noted.push(bought(minute_of(confirmed_at), -1, parts.into_iter(), fact));
    }
    noted
}

/// Units that a minute has more (1), or fewer (-1).
fn bought<'s>(minute: i64, sign: i64, parts: impl Iterator<Item = Part<'s>>, fact: &Fact<'_>) -> (RowKey, Change) {
    let mut items: BTreeMap<ItemId, i64> = BTreeMap::new();
    for part in parts {
        *items.entry(part.line.item_id.clone()).or_default() += sign * i64::from(part.units);
    }
    (most_bought::key(minute, fact.position.partition), Change::Bought(most_bought::Change { minute, items }))
}

fn turnovers(sale: &Sale, by_store: BTreeMap<Option<&StoreId>, Takings>, fact: &Fact<'_>) -> Vec<(RowKey, Change)> {
    let change = |(store, takings)| Some((day_key(fact, store), Change::Turnover(sale.currency?, takings)));
    by_store.into_iter().filter_map(change).collect()
}

impl ViewFold for SalesFold {
    fn table(&self) -> Table {
        sale::TABLE
    }

    fn fed_by(&self) -> FedBy {
        FedBy::ManyKeys(&[Topic::OrdersEvents])
    }

    /// The orders of which something is told that was not placed in this batch.
    fn needs(&mut self, facts: &[Fact<'_>]) -> Vec<RowKey> {
        let mut known: HashSet<&str> = HashSet::new();
        let mut keys = Vec::new();
        for fact in facts {
            let Some(step) = sale::step(fact.event) else { continue };
            if known.insert(&fact.envelope.subject) && !matches!(step, Step::Placed(_)) {
                keys.push(sale_key(fact));
            }
        }
        keys.retain(|key| !self.sales.has(key));
        keys
    }

    fn load(&mut self, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        self.sales.load(keys, rows)
    }

    fn needs_more(&mut self, facts: &[Fact<'_>]) -> Vec<(Table, Vec<RowKey>)> {
        for fact in facts {
            let Some(step) = sale::step(fact.event) else { continue };
            if !matches!(step, Step::Refunded(_))
                && let Some(row) = self.sales.newer(&sale_key(fact), fact.version())
            {
                sale::fold(row, step, fact);
            }
            self.note(fact, step);
        }
        let mut missing: BTreeMap<Table, BTreeSet<RowKey>> = BTreeMap::new();
        for (key, _, change) in &self.changes {
            if !self.is_kept(key, change) {
                missing.entry(table_of(change)).or_default().insert(key.clone());
            }
        }
        missing.into_iter().map(|(table, keys)| (table, keys.into_iter().collect())).collect()
    }

    fn load_more(&mut self, table: Table, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        if table == self.bought.table() {
            self.bought.load(keys, rows)
        } else if table == self.turnover.table() {
            self.turnover.load(keys, rows)
        } else {
            self.together.load(keys, rows)
        }
    }

    /// Nothing more: the orders were brought past the batch when they named the rows of the numbers.
    fn fold(&mut self, _: &Fact<'_>) {}

    fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError> {
        for (key, version, change) in self.changes.drain(..) {
            match change {
                Change::Bought(change) => {
                    self.bought.newer(&key, version).into_iter().for_each(|row| change.apply(row));
                }
                Change::Turnover(currency, takings) => {
                    let row = self.turnover.newer(&key, version).map(Option::get_or_insert_default);
                    row.into_iter().for_each(|row| row.entry(currency.code().to_owned()).or_default().add(&takings));
                }
                Change::Together(others) => {
                    self.together.newer(&key, version).into_iter().for_each(|row| together::count(row, &others));
                }
            }
        }
        self.sales.drain(rows)?;
        self.bought.drain(rows)?;
        self.turnover.drain(rows)?;
        self.together.drain(rows)
    }
}
