//! Stock of an item, over all locations and at each, by item id.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::{row, rows_of},
};
use schemas::{
    Event, ItemId, LocationId, Position, Timestamp,
    item::{ItemEvent, LocationLevels, StockLevels},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The stock of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockRow {
    /// The item.
    pub item_id: ItemId,
    /// The newest event in it.
    pub position: Position,
    /// When that was.
    pub time: Timestamp,
    /// Over all locations.
    pub levels: StockLevels,
    /// Every location that ever had stock of it.
    pub locations: BTreeMap<LocationId, LocationLevels>,
}

/// The table.
pub const TABLE: Table = Table { name: "stock_v1" };

/// The stock of an item; `None` where it never had any.
pub async fn get(store: &dyn ViewStore, item: &ItemId) -> Result<Option<StockRow>, StoreError> {
    row(store, TABLE, item.as_str()).await
}

/// The stock of items, in the order asked.
pub async fn get_many(store: &dyn ViewStore, items: &[ItemId]) -> Result<Vec<Option<StockRow>>, StoreError> {
    rows_of(store, TABLE, items.iter().map(ItemId::as_str)).await
}

/// The fold.
pub struct StockView;

impl View for StockView {
    type Row = StockRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            Event::Item(event) if levels(event).is_some() => {
                key.push_str(&fact.envelope.subject);
                Touch::Row
            }
            Event::Item(_)
            | Event::Order(_)
            | Event::Cart(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_)
            | Event::Shopper(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<StockRow>, fact: &Fact<'_>) {
        let Event::Item(event) = fact.event else { return };
        let Some(levels) = levels(event) else { return };
        let row = row.get_or_insert_with(|| StockRow {
            item_id: fact.item_id(),
            position: fact.position,
            time: fact.envelope.time,
            levels: *levels,
            locations: BTreeMap::new(),
        });
        row.position = fact.position;
        row.time = fact.envelope.time;
        row.levels = *levels;
        for place in places(event) {
            match row.locations.get_mut(&place.location) {
                Some(known) => known.clone_from(place),
                None => _ = row.locations.insert(place.location.clone(), place.clone()),
            }
        }
    }
}

/// The stock over all locations after an event; `None` where it does not touch stock.
#[must_use]
pub fn levels(event: &ItemEvent) -> Option<&StockLevels> {
    match event {
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => None,
        ItemEvent::HoldClosed(_) | ItemEvent::AllotmentVoided(_) | ItemEvent::SupplyRecorded(_) => None,
        ItemEvent::StockReceived(e) => Some(&e.stock),
        ItemEvent::StockCounted(e) => Some(&e.stock),
        ItemEvent::StockMoved(e) => Some(&e.stock),
        ItemEvent::StockDispatched(e) => Some(&e.stock),
        ItemEvent::TransferReceived(e) => Some(&e.stock),
        ItemEvent::TransferLost(e) => Some(&e.stock),
        ItemEvent::HoldGranted(e) => Some(&e.stock),
        ItemEvent::HoldCommitted(e) => Some(&e.stock),
        ItemEvent::HoldReleased(e) => Some(&e.stock),
        ItemEvent::HoldExpired(e) => Some(&e.stock),
        ItemEvent::UnitsUncommitted(e) => Some(&e.stock),
        ItemEvent::UnitsAllocated(e) => Some(&e.stock),
        ItemEvent::UnitsDeallocated(e) => Some(&e.stock),
        ItemEvent::StockShipped(e) => Some(&e.stock),
        ItemEvent::StockRestocked(e) => Some(&e.stock),
        ItemEvent::UnitsAllotted(e) => Some(&e.stock),
        ItemEvent::AllotmentReturned(e) => Some(&e.stock),
        ItemEvent::AllottedCommitted(e) => Some(&e.stock),
        ItemEvent::SafetySet(e) => Some(&e.stock),
        ItemEvent::ShortfallDetected(e) => Some(&e.stock),
    }
}

/// The locations that an event touched, after it.
#[must_use]
pub fn places(event: &ItemEvent) -> &[LocationLevels] {
    use std::slice::from_ref;
    match event {
        ItemEvent::StockReceived(e) => from_ref(&e.place),
        ItemEvent::StockCounted(e) => from_ref(&e.place),
        ItemEvent::StockMoved(e) => from_ref(&e.place),
        ItemEvent::TransferReceived(e) => from_ref(&e.place),
        ItemEvent::TransferLost(e) => from_ref(&e.place),
        ItemEvent::UnitsAllocated(e) => from_ref(&e.place),
        ItemEvent::UnitsDeallocated(e) => from_ref(&e.place),
        ItemEvent::StockRestocked(e) => from_ref(&e.place),
        ItemEvent::UnitsUncommitted(e) => &e.places,
        ItemEvent::StockShipped(e) => &e.places,
        ItemEvent::StockDispatched(e) => &e.places,
        ItemEvent::ItemListed(_)
        | ItemEvent::PriceChanged(_)
        | ItemEvent::ItemDelisted(_)
        | ItemEvent::HoldGranted(_)
        | ItemEvent::HoldCommitted(_)
        | ItemEvent::HoldReleased(_)
        | ItemEvent::HoldExpired(_)
        | ItemEvent::HoldClosed(_)
        | ItemEvent::UnitsAllotted(_)
        | ItemEvent::AllotmentReturned(_)
        | ItemEvent::AllottedCommitted(_)
        | ItemEvent::AllotmentVoided(_)
        | ItemEvent::SafetySet(_)
        | ItemEvent::ShortfallDetected(_)
        | ItemEvent::SupplyRecorded(_) => &[],
    }
}
