//! Items: catalog facts, price and what is available, by item id.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::{row, rows_of},
};
use schemas::{
    Event, ItemId, Money, Timestamp,
    item::{Catalog, ItemEvent},
};
use serde::{Deserialize, Serialize};

/// An item as buyers see it. Facts and price are known once it was listed; stock may come before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRow {
    /// The item.
    pub item_id: ItemId,
    /// The seq of the newest event in it: the row version of the ETag.
    pub seq: u64,
    /// All facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// The price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Whether it is in sale.
    pub listed: bool,
    /// 0 before it is listed, and one more with every change of facts or price.
    pub catalog_version: u64,
    /// When facts, price or sale changed last.
    pub changed_at: Timestamp,
    /// Available to sell; below zero only while a shortfall is on record.
    pub available: i64,
}

impl ItemRow {
    /// Facts and price, once both are known: before that nobody outside sees the item.
    #[must_use]
    pub fn published(&self) -> Option<(&Catalog, Money)> {
        self.catalog.as_ref().zip(self.price)
    }
}

/// The table.
pub const TABLE: Table = Table { name: "item_v1" };

/// An item.
pub async fn get(store: &dyn ViewStore, item: &ItemId) -> Result<Option<ItemRow>, StoreError> {
    row(store, TABLE, item.as_str()).await
}

/// Items, in the order asked.
pub async fn get_many(store: &dyn ViewStore, items: &[ItemId]) -> Result<Vec<Option<ItemRow>>, StoreError> {
    rows_of(store, TABLE, items.iter().map(ItemId::as_str)).await
}

/// The fold.
pub struct ItemView;

impl View for ItemView {
    type Row = ItemRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            Event::Item(_) => {
                key.push_str(&fact.envelope.subject);
                Touch::Row
            }
            Event::Order(_)
            | Event::Cart(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_)
            | Event::Shopper(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<ItemRow>, fact: &Fact<'_>) {
        let Event::Item(event) = fact.event else { return };
        let row = row.get_or_insert_with(|| ItemRow {
            item_id: fact.item_id(),
            seq: 0,
            catalog: None,
            price: None,
            listed: false,
            catalog_version: 0,
            changed_at: fact.envelope.time,
            available: 0,
        });
        row.seq = fact.position.seq;
        apply(row, event, fact.envelope.time);
    }
}

fn apply(row: &mut ItemRow, event: &ItemEvent, time: Timestamp) {
    let catalog_version = match event {
        ItemEvent::ItemListed(e) => {
            row.catalog = Some(e.catalog.clone());
            row.listed = true;
            e.catalog_version
        }
        ItemEvent::PriceChanged(e) => {
            row.price = Some(e.price);
            e.catalog_version
        }
        ItemEvent::ItemDelisted(e) => {
            row.listed = false;
            e.catalog_version
        }
        ItemEvent::StockReceived(_)
        | ItemEvent::StockCounted(_)
        | ItemEvent::StockMoved(_)
        | ItemEvent::StockDispatched(_)
        | ItemEvent::TransferReceived(_)
        | ItemEvent::TransferLost(_)
        | ItemEvent::HoldGranted(_)
        | ItemEvent::HoldCommitted(_)
        | ItemEvent::HoldReleased(_)
        | ItemEvent::HoldExpired(_)
        | ItemEvent::UnitsUncommitted(_)
        | ItemEvent::UnitsAllocated(_)
        | ItemEvent::UnitsDeallocated(_)
        | ItemEvent::StockShipped(_)
        | ItemEvent::StockRestocked(_)
        | ItemEvent::HoldClosed(_)
        | ItemEvent::UnitsAllotted(_)
        | ItemEvent::AllotmentReturned(_)
        | ItemEvent::AllottedCommitted(_)
        | ItemEvent::AllotmentVoided(_)
        | ItemEvent::SafetySet(_)
        | ItemEvent::ShortfallDetected(_)
        | ItemEvent::SupplyRecorded(_) => {
            if let Some(levels) = super::stock::levels(event) {
                row.available = levels.available;
            }
            return;
        }
    };
    row.catalog_version = catalog_version;
    row.changed_at = time;
}
