//! The stock ledger: every change of an item's stock with cause, actor and document.
//!
//! A row is written for every event that changes stock, so on a hot item this view is most of what is written: its
//! stored names are short.

use crate::{
    fold::{Fact, Listing},
    store::{Row, RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
    views::stock,
};
use schemas::{
    CommandId, EffectId, Event, ItemId, Position, Timestamp, Topic,
    item::{HoldId, ItemEvent, LocationLevels, StockLevels},
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

/// An entry of the ledger. Its seq is its key, so the stored form has the partition only.
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
    /// Over all locations, after it.
    pub levels: StockLevels,
    /// The locations that it touched, after it.
    pub places: Vec<LocationLevels>,
    /// Role and pseudonym of who caused it.
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
    #[serde(rename = "p")]
    partition: u32,
    #[serde(rename = "t")]
    time_ms: i64,
    #[serde(rename = "k")]
    kind: LedgerKind,
    #[serde(rename = "q")]
    quantity: i64,
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

/// The table: partition item id, ordered by seq.
pub const TABLE: Table = Table { name: "ledger_v1" };

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
    let after = before.map(seq_key);
    let partition = item.as_str();
    let scan = Scan { table: TABLE, partition, after: after.as_deref(), descending: true, limit };
    store.scan(scan).await?.into_iter().map(|row| read(partition, row)).collect()
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

fn read(partition: &str, row: Row) -> Result<LedgerRow, StoreError> {
    let key = RowKey { partition: partition.to_owned(), clustering: row.clustering };
    let broken = |what: &str| StoreError::Corrupt(format!("{} {key:?}: {what}", TABLE.name));
    let stored: Stored<'_> = serde_json::from_slice(&row.body).map_err(|e| broken(&e.to_string()))?;
    let seq = u64::from_str_radix(&key.clustering, 16).map_err(|e| broken(&e.to_string()))?;
    let (available, on_hand, held, committed, allotted, safety) = stored.levels;
    Ok(LedgerRow {
        position: Position { topic: Topic::InventoryEvents, partition: stored.partition, seq },
        time: Timestamp::from_millis(stored.time_ms),
        kind: stored.kind,
        quantity: stored.quantity,
        levels: StockLevels { available, on_hand, held, committed, allotted, safety },
        places: stored.places.into_owned(),
        actor: stored.actor.into_owned(),
        cause: CommandId::parse(&stored.cause).map_err(|e| broken(&e.to_string()))?,
        hold: stored.hold,
        effect: stored.effect.map(|id| EffectId::parse(&id)).transpose().map_err(|e| broken(&e.to_string()))?,
        reference: stored.reference.map(std::borrow::Cow::into_owned),
        reason: stored.reason.map(std::borrow::Cow::into_owned),
    })
}

/// The fold.
pub struct Ledger;

impl Listing for Ledger {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Event::Item(event) = fact.event else { return };
        let (Some(change), Some(levels)) = (change(event), stock::levels(event)) else { return };
        let stored = Stored {
            partition: fact.position.partition,
            time_ms: fact.envelope.time.millis(),
            kind: change.kind,
            quantity: change.quantity,
            levels: (levels.available, levels.on_hand, levels.held, levels.committed, levels.allotted, levels.safety),
            places: stock::places(event).into(),
            actor: fact.envelope.actor.as_str().into(),
            cause: fact.envelope.causation.as_str().into(),
            hold: change.hold.map(hold_text),
            effect: change.effect.map(|id| id.as_str().into()),
            reference: change.reference.map(Into::into),
            reason: change.reason.map(Into::into),
        };
        let mut body = Vec::with_capacity(320);
        serde_json::to_writer(&mut body, &stored).expect("strings and numbers are always JSON");
        let key = RowKey { partition: fact.envelope.subject.clone(), clustering: seq_key(fact.position.seq) };
        rows.push(RowWrite { table: TABLE, key, version: fact.version(), body: Some(body) });
    }
}

/// What the ledger tells of an event beside the levels.
struct Change<'e> {
    kind: LedgerKind,
    quantity: i64,
    hold: Option<&'e HoldId>,
    effect: Option<&'e EffectId>,
    reference: Option<&'e str>,
    reason: Option<&'e str>,
}

impl<'e> Change<'e> {
    fn new(kind: LedgerKind, quantity: impl Into<i64>) -> Self {
        Self { kind, quantity: quantity.into(), hold: None, effect: None, reference: None, reason: None }
    }

    fn of(self, hold: &'e HoldId) -> Self {
        Self { hold: Some(hold), ..self }
    }

    fn by(self, effect: &'e schemas::Effect) -> Self {
        Self { effect: Some(&effect.id), ..self }
    }

    fn under(self, reference: &'e str) -> Self {
        Self { reference: Some(reference), ..self }
    }

    fn because(self, reason: &'e str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

fn change(event: &ItemEvent) -> Option<Change<'_>> {
    use LedgerKind as Kind;
    Some(match event {
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => return None,
        ItemEvent::StockReceived(e) => {
            Change::new(Kind::StockReceived, e.quantity.get()).by(&e.effect).under(&e.document)
        }
        ItemEvent::StockCounted(e) => Change {
            hold: e.shipment_of.as_ref(),
            ..Change::new(Kind::StockCounted, e.delta).by(&e.effect).because(&e.reason)
        },
        ItemEvent::StockMoved(e) => {
            let change = Change::new(Kind::StockMoved, e.quantity.get()).by(&e.effect);
            change.under(&e.reference).because(&e.reason)
        }
        ItemEvent::HoldGranted(e) => {
            Change { reference: e.reference.as_deref(), ..Change::new(Kind::HoldGranted, e.quantity.get()).of(&e.hold) }
        }
        ItemEvent::HoldCommitted(e) => Change::new(Kind::HoldCommitted, e.quantity.get()).of(&e.hold),
        ItemEvent::HoldReleased(e) => {
            Change::new(Kind::HoldReleased, i64::from(e.held) + i64::from(e.committed)).of(&e.hold)
        }
        ItemEvent::HoldExpired(e) => Change::new(Kind::HoldExpired, e.quantity.get()).of(&e.hold),
        ItemEvent::UnitsUncommitted(e) => {
            let allocated: i64 = e.allocated.iter().map(|part| i64::from(part.quantity.get())).sum();
            let change = Change::new(Kind::UnitsUncommitted, i64::from(e.committed) + allocated);
            change.of(&e.hold).under(e.cancellation.as_str())
        }
        ItemEvent::UnitsAllocated(e) => {
            Change::new(Kind::UnitsAllocated, e.quantity.get()).of(&e.hold).under(e.sub_order.as_str())
        }
        ItemEvent::UnitsDeallocated(e) => {
            Change::new(Kind::UnitsDeallocated, e.quantity.get()).of(&e.hold).under(e.sub_order.as_str())
        }
        ItemEvent::StockShipped(e) => Change {
            reference: e.sub_order.as_ref().map(schemas::SubOrderId::as_str),
            ..Change::new(Kind::StockShipped, e.quantity.get()).of(&e.hold).by(&e.effect)
        },
        ItemEvent::StockRestocked(e) => {
            let change = Change::new(Kind::StockRestocked, e.quantity.get()).of(&e.hold).by(&e.effect);
            change.under(e.return_id.as_str())
        }
        ItemEvent::UnitsAllotted(e) => Change::new(Kind::UnitsAllotted, e.quantity.get()).under(e.allotment.as_str()),
        ItemEvent::AllotmentReturned(e) => {
            Change::new(Kind::AllotmentReturned, e.quantity.get()).by(&e.effect).under(e.allotment.as_str())
        }
        ItemEvent::AllottedCommitted(e) => {
            Change::new(Kind::AllottedCommitted, e.quantity.get()).of(&e.hold).under(e.allotment.as_str())
        }
        ItemEvent::SafetySet(e) => Change::new(Kind::SafetySet, e.quantity),
        // Beyond what any stock can be short of.
        ItemEvent::ShortfallDetected(e) => {
            Change::new(Kind::ShortfallDetected, i64::try_from(e.missing).unwrap_or(i64::MAX))
        }
    })
}
