//! Lists of items: all, by category, by store. They hold keys only; their pages are read from the item rows.

use crate::{
    fold::{Fact, Listing},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    Event, ItemId, StoreId,
    item::{ItemDelisted, ItemEvent, ItemListed},
};

/// All items in sale.
pub const ALL: Table = Table { name: "items_v1" };
/// Items in sale by category.
pub const BY_CATEGORY: Table = Table { name: "items_by_category_v1" };
/// Items in sale by store.
pub const BY_STORE: Table = Table { name: "items_by_store_v1" };

/// The one partition of the list of all items.
const EVERYTHING: &str = "all";

/// Which items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFilter {
    /// All that are in sale.
    All,
    /// Those of a category.
    Category(String),
    /// Those of a store.
    Store(StoreId),
}

/// Ids of items in sale after `after`, ordered by id; fewer than `limit` at the end.
pub async fn page(
    store: &dyn ViewStore,
    filter: &ListFilter,
    after: Option<&ItemId>,
    limit: usize,
) -> Result<Vec<ItemId>, StoreError> {
    let (table, partition) = match filter {
        ListFilter::All => (ALL, EVERYTHING),
        ListFilter::Category(category) => (BY_CATEGORY, category.as_str()),
        ListFilter::Store(store) => (BY_STORE, store.as_str()),
    };
    let after = after.map(ItemId::as_str);
    let rows = store.scan(Scan { table, partition, after, descending: false, limit }).await?;
    let read = |clustering: &str| ItemId::parse(clustering).map_err(|e| StoreError::Corrupt(e.to_string()));
    rows.iter().map(|row| read(&row.clustering)).collect()
}

/// The fold of the list of all items.
pub struct ByAll;
/// The fold of the lists by category.
pub struct ByCategory;
/// The fold of the lists by store.
pub struct ByStore;

impl Listing for ByAll {
    const TABLE: Table = ALL;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let keys = Keys { table: ALL, now: |_| Some(EVERYTHING), before: |_| None, last: |_| Some(EVERYTHING) };
        list(fact, &keys, rows);
    }
}

impl Listing for ByCategory {
    const TABLE: Table = BY_CATEGORY;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let keys = Keys {
            table: BY_CATEGORY,
            now: |e| e.catalog.category.as_deref(),
            before: |e| e.previous_category.as_deref(),
            last: |e| e.category.as_deref(),
        };
        list(fact, &keys, rows);
    }
}

impl Listing for ByStore {
    const TABLE: Table = BY_STORE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let keys = Keys {
            table: BY_STORE,
            now: |e| e.catalog.store.as_ref().map(StoreId::as_str),
            before: |e| e.previous_store.as_ref().map(StoreId::as_str),
            last: |e| e.store.as_ref().map(StoreId::as_str),
        };
        list(fact, &keys, rows);
    }
}

/// Under what a list keeps an item.
struct Keys {
    table: Table,
    /// Where a listing puts it.
    now: fn(&ItemListed) -> Option<&str>,
    /// Where it was until then.
    before: fn(&ItemListed) -> Option<&str>,
    /// Where a delisting takes it away.
    last: fn(&ItemDelisted) -> Option<&str>,
}

/// Writes the key under where the item is listed now, and deletes it where it was before.
fn list(fact: &Fact<'_>, keys: &Keys, rows: &mut Vec<RowWrite>) {
    let Event::Item(event) = fact.event else { return };
    let (put, delete) = match event {
        ItemEvent::ItemListed(e) => ((keys.now)(e), (keys.before)(e).filter(|&before| Some(before) != (keys.now)(e))),
        ItemEvent::ItemDelisted(e) => (None, (keys.last)(e)),
        ItemEvent::PriceChanged(_)
        | ItemEvent::StockReceived(_)
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
        | ItemEvent::SupplyRecorded(_) => return,
    };
    let item = &fact.envelope.subject;
    let write = |partition: &str, body: Option<Vec<u8>>| RowWrite {
        table: keys.table,
        key: RowKey { partition: partition.to_owned(), clustering: item.clone() },
        version: fact.version(),
        body,
    };
    rows.extend(delete.map(|partition| write(partition, None)));
    rows.extend(put.map(|partition| write(partition, Some(b"{}".to_vec()))));
}
