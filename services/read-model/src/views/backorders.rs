//! Orders with units that no warehouse had: what is missing, by order, and who waits for an item.
//!
//! Whoever plans shipments finds them here when stock comes, so that nobody reads the log from its start for them. An order is
//! in the lists of exactly the items of its newest [`ShipmentsBackordered`], and in none while it waits for a plan.

use crate::{
    fold::{Fact, Listing, decode, encode},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
    views::rows_of,
};
use schemas::{
    CorrelationId, Event, ItemId, OrderId, Position, Timestamp,
    order::{DueLine, OrderEvent, ShipmentsBackordered},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// By order.
pub const TABLE: Table = Table { name: "backorders_v1" };
/// Orders by item.
pub const BY_ITEM: Table = Table { name: "backorders_by_item_v1" };

/// Rows that one read of a list takes.
const PAGE: usize = 500;

/// What an order misses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackorderRow {
    /// The order.
    pub order_id: OrderId,
    /// The event that says so.
    pub position: Position,
    /// When that was.
    pub time: Timestamp,
    /// The request that it belongs to.
    pub correlation: CorrelationId,
    /// Which plan of the order is wanted.
    pub revision: u32,
    /// What is missing.
    pub lines: Vec<DueLine>,
}

/// An order that waits for an item, in the order of the waiting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    /// The order.
    pub order_id: OrderId,
}

/// A row of the list of an item.
#[derive(Serialize, Deserialize)]
struct ListRow {
    since: Timestamp,
}

/// What orders miss, in the order asked; `None` for those that miss nothing or have it planned right now.
pub async fn get_many(store: &dyn ViewStore, orders: &[OrderId]) -> Result<Vec<Option<BackorderRow>>, StoreError> {
    rows_of(store, TABLE, orders.iter().map(OrderId::as_str)).await
}

/// Those who wait for an item, the longest first, after `after`; fewer than `limit` at the end.
///
/// Reads the whole list, page by page, and keeps `limit` of it.
pub async fn waiting(
    store: &dyn ViewStore,
    item: &ItemId,
    after: Option<&Waiting>,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let mut longest = BTreeSet::new();
    let mut last: Option<String> = None;
    loop {
        let scan =
            Scan { table: BY_ITEM, partition: item.as_str(), after: last.as_deref(), descending: false, limit: PAGE };
        let rows = store.scan(scan).await?;
        for row in &rows {
            let key = RowKey { partition: item.as_str().to_owned(), clustering: row.clustering.clone() };
            let ListRow { since } = decode(BY_ITEM, &key, &row.body)?;
            let order_id = OrderId::parse(&row.clustering).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            let found = Waiting { since, order_id };
            if after.is_none_or(|after| found > *after) {
                longest.insert(found);
            }
            if longest.len() > limit {
                longest.pop_last();
            }
        }
        match rows.last() {
            Some(row) if rows.len() == PAGE => last = Some(row.clustering.clone()),
            Some(_) | None => return Ok(longest.into_iter().collect()),
        }
    }
}

/// The fold of what orders miss.
pub struct Backorders;
/// The fold of the lists by item.
pub struct BackordersByItem;

impl Listing for Backorders {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(change) = change(fact.event) else { return };
        let key = RowKey::single(fact.envelope.subject.clone());
        let row = change.missing.filter(|missing| !missing.lines.is_empty()).map(|missing| BackorderRow {
            order_id: fact.order_id(),
            position: fact.position,
            time: fact.envelope.time,
            correlation: fact.envelope.correlation.clone(),
            revision: missing.revision,
            lines: missing.lines.clone(),
        });
        let body = row.map(|row| encode(TABLE, &key, &row).expect("a row of words and numbers is JSON"));
        rows.push(RowWrite { table: TABLE, key, version: fact.version(), body });
    }
}

impl Listing for BackordersByItem {
    const TABLE: Table = BY_ITEM;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(change) = change(fact.event) else { return };
        let items = |lines: &'_ [DueLine]| lines.iter().map(|line| line.item_id.clone()).collect::<BTreeSet<_>>();
        let now = change.missing.map(|missing| items(&missing.lines)).unwrap_or_default();
        let before: BTreeSet<ItemId> = items(change.lines).into_iter().chain(change.gone.iter().cloned()).collect();
        let mut write = |item: &ItemId, row: Option<ListRow>| {
            let key = RowKey { partition: item.as_str().to_owned(), clustering: fact.envelope.subject.clone() };
            let body = row.map(|row| encode(BY_ITEM, &key, &row).expect("a time is JSON"));
            rows.push(RowWrite { table: BY_ITEM, key, version: fact.version(), body });
        };
        before.difference(&now).for_each(|item| write(item, None));
        now.iter().for_each(|item| write(item, Some(ListRow { since: fact.envelope.time })));
    }
}

/// What an event changes of what an order waits for.
struct Change<'a> {
    /// What is missing from now on; nothing, or what waits for a plan, is in no list.
    missing: Option<&'a ShipmentsBackordered>,
    /// What was, or is, without sub-order.
    lines: &'a [DueLine],
    /// Items that were.
    gone: &'a [ItemId],
}

fn change(event: &Event) -> Option<Change<'_>> {
    let Event::Order(event) = event else { return None };
    match event {
        OrderEvent::ShipmentsDue(e) => Some(Change { missing: None, lines: &e.lines, gone: &e.gone }),
        OrderEvent::ShipmentsBackordered(e) => Some(Change { missing: Some(e), lines: &e.lines, gone: &e.gone }),
        OrderEvent::SubOrdersPlanned(e) => Some(Change { missing: None, lines: &e.inputs.lines, gone: &[] }),
        OrderEvent::OrderPlaced(_)
        | OrderEvent::ItemHeld(_)
        | OrderEvent::ItemRefused(_)
        | OrderEvent::HoldsGranted(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::PaymentStarted(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::PaymentAttemptFailed(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::OrderConfirmed(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::CaptureDue(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::OrderCancelled(_)
        | OrderEvent::LinesCancelled(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_)
        | OrderEvent::SubOrderAllocated(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentShipped(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnReceived(_)
        | OrderEvent::ReturnWindowClosed(_)
        | OrderEvent::DropUnitsOrdered(_)
        | OrderEvent::RefundDue(_)
        | OrderEvent::RefundSettled(_)
        | OrderEvent::OperatorRefunded(_) => None,
    }
}
