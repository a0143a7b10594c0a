//! The stock ledger: every change of an item's stock with cause, actor and document.
//!
//! Every event that changes stock makes an entry, so on a hot item this view would be most of what is written. So a row
//! is a page of entries, its stored names are short, and a batch of a thousand events is some thirty writes.

mod change;
mod fold;

pub use fold::LedgerFold;

use crate::store::{Row, RowKey, Scan, StoreError, Table, ViewStore};
use schemas::{
    CommandId, EffectId, ItemId, Position, Timestamp, Topic,
    item::{Bucket, HoldId, LocationLevels, StockLevels},
};
use serde::{Deserialize, Serialize};

/// What happened to the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the event of that name")]
pub enum LedgerKind {
    StockReceived,
    StockCounted,
    StockMoved,
    StockDispatched,
    TransferReceived,
    TransferLost,
    HoldGranted,
    HoldCommitted,
    HoldReleased,
    HoldExpired,
    UnitsUncommitted,
    UnitsAllocated,
    UnitsDeallocated,
    StockShipped,
    StockRestocked,
    UnitsAllotted,
    AllotmentReturned,
    AllottedCommitted,
    SafetySet,
    ShortfallDetected,
}

/// What units were counted as, or are from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the bucket or total of that name")]
pub enum LedgerBucket {
    Sellable,
    Damaged,
    QualityControl,
    Held,
    Committed,
    Allotted,
}

impl From<Bucket> for LedgerBucket {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Sellable => Self::Sellable,
            Bucket::Damaged => Self::Damaged,
            Bucket::QualityControl => Self::QualityControl,
        }
    }
}

/// How many seqs a page spans: which page an event stands on follows from its seq alone, so that any replay writes the
/// same pages. Changing it needs another table.
const PAGE_SEQS: u64 = 32;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Where the event stands.
    pub position: Position,
    /// When it was decided.
    pub time: Timestamp,
    /// What happened.
    pub kind: LedgerKind,
    /// Units that it moved; of a count what it added or (below zero) took, of the safety stock the new number.
    pub quantity: i64,
    /// What they were counted as, where the kind does not say.
    pub from: Option<LedgerBucket>,
    /// What they are counted as from then on, where the kind does not say.
    pub to: Option<LedgerBucket>,
    /// Over all locations, after it.
    pub levels: StockLevels,
    /// The locations that it touched, after it.
    pub places: Vec<LocationLevels>,
    /// Role and pseudonym of who caused it; of what a supplier's system said, `supplier:` and its source.
    pub actor: String,
    /// The command that caused it.
    pub cause: CommandId,
    /// Whose units, as [`hold_text`] writes it.
    pub hold: Option<String>,
    /// The receipt, count, move, shipment or other effect that it is.
    pub effect: Option<EffectId>,
    /// A document, or a foreign system's reference.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// The stored form of a [`LedgerRow`].
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(rename = "s")]
    seq: u64,
    #[serde(rename = "p")]
    partition: u32,
    #[serde(rename = "t")]
    time_ms: i64,
    #[serde(rename = "k")]
    kind: LedgerKind,
    #[serde(rename = "q")]
    quantity: i64,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    from: Option<LedgerBucket>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    to: Option<LedgerBucket>,
    /// Available, on hand, held, committed, allotted, safety.
    #[serde(rename = "l")]
    levels: (i64, u64, u64, u64, u64, u64),
    #[serde(rename = "b", default, skip_serializing_if = "<[_]>::is_empty")]
    places: std::borrow::Cow<'a, [LocationLevels]>,
    #[serde(rename = "a", borrow)]
    actor: std::borrow::Cow<'a, str>,
    #[serde(rename = "c", borrow)]
    cause: std::borrow::Cow<'a, str>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(rename = "e", default, borrow, skip_serializing_if = "Option::is_none")]
    effect: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "r", default, borrow, skip_serializing_if = "Option::is_none")]
    reference: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "w", default, borrow, skip_serializing_if = "Option::is_none")]
    reason: Option<std::borrow::Cow<'a, str>>,
}

/// The table: partition item id, ordered by the number of the page.
pub const TABLE: Table = Table { name: "ledger_v2" };

/// The clustering key of a seq: 14 hexadecimal digits, for the numbers below 2^53.
#[must_use]
pub fn seq_key(seq: u64) -> String {
    // By hand: it is made for every event.
    (0..14).rev().map(|digit| char::from(b"0123456789abcdef"[(seq >> (4 * digit)) as usize & 15])).collect()
}

/// A hold in one word: `order/<order>/<attempt>`, `drop/<drop>/<claim>` or `free/<caller>/<id>`. No id holds a slash.
#[must_use]
pub fn hold_text(hold: &HoldId) -> String {
    match hold {
        HoldId::Order { order, attempt, .. } => format!("order/{order}/{attempt}"),
        HoldId::Drop { drop, claim } => format!("drop/{drop}/{claim}"),
        HoldId::Free { caller, id } => ["free/", caller.as_str(), "/", id.as_str()].concat(),
    }
}

/// Entries of an item before the seq `before`, newest first; fewer than `limit` at the end.
pub async fn page(
    store: &dyn ViewStore,
    item: &ItemId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let partition = item.as_str();
    // The page of the newest entry wanted, and those before it.
    let mut after = before.map(|before| seq_key(before.div_ceil(PAGE_SEQS)));
    let mut entries = Vec::new();
    loop {
        // Pages hold anything from one entry to all of their span: ask for few, then for more.
        let pages = (limit - entries.len()).div_ceil(PAGE_SEQS as usize) + 1;
        let scan = Scan { table: TABLE, partition, after: after.as_deref(), descending: true, limit: pages };
        let rows = store.scan(scan).await?;
        let is_last = rows.len() < pages;
        after = rows.last().map(|row| row.clustering.clone());
        for row in rows {
            let newest_first = read(partition, row)?.into_iter().rev();
            entries.extend(newest_first.filter(|entry| before.is_none_or(|before| entry.position.seq < before)));
        }
        if is_last || entries.len() >= limit {
            entries.truncate(limit);
            return Ok(entries);
        }
    }
}

/// The newest entry at or before a seq.
pub async fn at_seq(store: &dyn ViewStore, item: &ItemId, seq: u64) -> Result<Option<LedgerRow>, StoreError> {
    Ok(page(store, item, seq.checked_add(1), 1).await?.pop())
}

/// The newest entry at or before a time. Times rise with the seq, so it is found by halving.
pub async fn at_time(store: &dyn ViewStore, item: &ItemId, time: Timestamp) -> Result<Option<LedgerRow>, StoreError> {
    let Some(newest) = page(store, item, None, 1).await?.pop() else { return Ok(None) };
    if newest.time <= time {
        return Ok(Some(newest));
    }
    // Entries at or before `low` are not later than the time, `high` and what follows it are.
    let (mut low, mut high, mut found) = (0, newest.position.seq, None);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match at_seq(store, item, middle).await? {
            Some(entry) if entry.position.seq > low && entry.time > time => high = entry.position.seq,
            Some(entry) if entry.position.seq > low => {
                low = middle;
                found = Some(entry);
            }
            Some(_) | None => low = middle,
        }
    }
    Ok(found)
}

/// The entries of a page, oldest first.
fn read(partition: &str, row: Row) -> Result<Vec<LedgerRow>, StoreError> {
    let key = RowKey { partition: partition.to_owned(), clustering: row.clustering };
    let broken = |what: String| StoreError::Corrupt(format!("{} {key:?}: {what}", TABLE.name));
    let stored: Vec<Stored<'_>> = serde_json::from_slice(&row.body).map_err(|e| broken(e.to_string()))?;
    stored.into_iter().map(|entry| entry.read().map_err(|e| broken(e.to_string()))).collect()
}

impl Stored<'_> {
    fn read(self) -> Result<LedgerRow, schemas::ParseError> {
        let (available, on_hand, held, committed, allotted, safety) = self.levels;
        Ok(LedgerRow {
            position: Position { topic: Topic::InventoryEvents, partition: self.partition, seq: self.seq },
            time: Timestamp::from_millis(self.time_ms),
            kind: self.kind,
            quantity: self.quantity,
            from: self.from,
            to: self.to,
            levels: StockLevels { available, on_hand, held, committed, allotted, safety },
            places: self.places.into_owned(),
            actor: self.actor.into_owned(),
            cause: CommandId::parse(&self.cause)?,
            hold: self.hold,
            effect: self.effect.map(|id| EffectId::parse(&id)).transpose()?,
            reference: self.reference.map(std::borrow::Cow::into_owned),
            reason: self.reason.map(std::borrow::Cow::into_owned),
        })
    }
}
