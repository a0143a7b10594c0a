//! Free holds: what a foreign system has reserved, private to it. By item, caller and the caller's id.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::row,
};
use schemas::{
    Event, FreeHoldId, ItemId, Metadata, Money, Quantity, SubjectId, Timestamp,
    item::{HoldGranted, HoldId, HoldStatus, ItemEvent},
};
use serde::{Deserialize, Serialize};

/// A free hold as its owner sees it. One is written for every grant, so the stored names are short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// The caller's id for it.
    #[serde(rename = "i")]
    pub hold_id: FreeHoldId,
    /// The seq of the newest event in it.
    #[serde(rename = "n")]
    pub seq: u64,
    /// Its state.
    #[serde(rename = "s")]
    pub status: HoldStatus,
    /// Units.
    #[serde(rename = "q")]
    pub quantity: Quantity,
    /// The price at the grant.
    #[serde(rename = "p")]
    pub unit_price: Money,
    /// Until when it is reserved; committing ends the deadline.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Available to sell after the grant.
    #[serde(rename = "v")]
    pub available: i64,
    /// Units of it that have left.
    #[serde(rename = "o")]
    pub shipped: u32,
    /// The caller's reference.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The caller's own pairs.
    #[serde(rename = "m", default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The table.
pub const TABLE: Table = Table { name: "hold_v1" };

/// A caller's own hold on an item.
pub async fn get(
    store: &dyn ViewStore,
    item: &ItemId,
    caller: &SubjectId,
    hold: &FreeHoldId,
) -> Result<Option<HoldRow>, StoreError> {
    let mut key = String::new();
    write_key(&mut key, item.as_str(), caller, hold);
    row(store, TABLE, &key).await
}

// One partition per hold: a hot item may have millions. No id holds a slash.
fn write_key(key: &mut String, item: &str, caller: &SubjectId, hold: &FreeHoldId) {
    for part in [item, "/", caller.as_str(), "/", hold.as_str()] {
        key.push_str(part);
    }
}

/// The fold.
pub struct HoldView;

impl View for HoldView {
    type Row = HoldRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        let Event::Item(event) = fact.event else { return Touch::None };
        let Some(HoldId::Free { caller, id }) = hold(event) else { return Touch::None };
        write_key(key, &fact.envelope.subject, caller, id);
        if matches!(event, ItemEvent::HoldGranted(_)) { Touch::FreshRow } else { Touch::Row }
    }

    fn fold(row: &mut Option<HoldRow>, fact: &Fact<'_>) {
        let Event::Item(event) = fact.event else { return };
        if let ItemEvent::HoldGranted(e) = event {
            *row = granted(e, fact.position.seq);
            return;
        }
        // A hold that was released before it was placed: nobody has seen it.
        let Some(row) = row else { return };
        row.seq = fact.position.seq;
        match event {
            ItemEvent::HoldCommitted(_) => row.status = HoldStatus::Committed,
            ItemEvent::HoldReleased(_) => row.status = HoldStatus::Released,
            ItemEvent::HoldExpired(_) => row.status = HoldStatus::Expired,
            ItemEvent::StockShipped(e) => {
                row.shipped = row.shipped.saturating_add(e.quantity.get());
                let all = row.shipped >= row.quantity.get();
                row.status = if all { HoldStatus::Shipped } else { HoldStatus::Committed };
            }
            ItemEvent::HoldGranted(_)
            | ItemEvent::UnitsUncommitted(_)
            | ItemEvent::UnitsAllocated(_)
            | ItemEvent::UnitsDeallocated(_)
            | ItemEvent::StockRestocked(_)
            | ItemEvent::HoldClosed(_)
            | ItemEvent::AllottedCommitted(_)
            | ItemEvent::AllotmentVoided(_)
            | ItemEvent::ItemListed(_)
            | ItemEvent::PriceChanged(_)
            | ItemEvent::ItemDelisted(_)
            | ItemEvent::StockReceived(_)
            | ItemEvent::StockCounted(_)
            | ItemEvent::StockMoved(_)
            | ItemEvent::StockDispatched(_)
            | ItemEvent::TransferReceived(_)
            | ItemEvent::TransferLost(_)
            | ItemEvent::UnitsAllotted(_)
            | ItemEvent::AllotmentReturned(_)
            | ItemEvent::SafetySet(_)
            | ItemEvent::ShortfallDetected(_)
            | ItemEvent::SupplyRecorded(_) => {}
        }
    }
}

fn granted(event: &HoldGranted, seq: u64) -> Option<HoldRow> {
    let HoldId::Free { id, .. } = &event.hold else { return None };
    Some(HoldRow {
        hold_id: id.clone(),
        seq,
        status: HoldStatus::Active,
        quantity: event.quantity,
        unit_price: event.unit_price,
        expires_at: event.expires_at,
        available: event.stock.available,
        shipped: 0,
        reference: event.reference.clone(),
        metadata: event.metadata.clone(),
    })
}

/// The hold that an event is about.
fn hold(event: &ItemEvent) -> Option<&HoldId> {
    match event {
        ItemEvent::HoldGranted(e) => Some(&e.hold),
        ItemEvent::HoldCommitted(e) => Some(&e.hold),
        ItemEvent::HoldReleased(e) => Some(&e.hold),
        ItemEvent::HoldExpired(e) => Some(&e.hold),
        ItemEvent::UnitsUncommitted(e) => Some(&e.hold),
        ItemEvent::UnitsAllocated(e) => Some(&e.hold),
        ItemEvent::UnitsDeallocated(e) => Some(&e.hold),
        ItemEvent::StockShipped(e) => Some(&e.hold),
        ItemEvent::StockRestocked(e) => Some(&e.hold),
        ItemEvent::HoldClosed(e) => Some(&e.hold),
        ItemEvent::AllottedCommitted(e) => Some(&e.hold),
        ItemEvent::AllotmentVoided(_)
        | ItemEvent::ItemListed(_)
        | ItemEvent::PriceChanged(_)
        | ItemEvent::ItemDelisted(_)
        | ItemEvent::StockReceived(_)
        | ItemEvent::StockCounted(_)
        | ItemEvent::StockMoved(_)
        | ItemEvent::StockDispatched(_)
        | ItemEvent::TransferReceived(_)
        | ItemEvent::TransferLost(_)
        | ItemEvent::UnitsAllotted(_)
        | ItemEvent::AllotmentReturned(_)
        | ItemEvent::SafetySet(_)
        | ItemEvent::ShortfallDetected(_)
        | ItemEvent::SupplyRecorded(_) => None,
    }
}
