//! Sub-orders of a warehouse, newest first. It holds keys only; what they have and how far they are stands in the order rows.

use crate::{
    fold::{Fact, Listing},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    Event, LocationId, OrderId, SubOrderId, Timestamp,
    order::{OrderEvent, SubOrdersPlanned},
};

/// The table: partition location, ordered by (planned at, order id, sub-order id).
pub const TABLE: Table = Table { name: "orders_by_warehouse_v1" };

/// Where a sub-order stands in the list: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubOrderPlace {
    /// When it was planned, by the engine's clock.
    pub planned_at: Timestamp,
    /// The order.
    pub order_id: OrderId,
    /// The part of it.
    pub sub_order_id: SubOrderId,
}

/// Sub-orders of a location after (older than) a place, newest first; fewer than `limit` at the end.
pub async fn page(
    store: &dyn ViewStore,
    location: &LocationId,
    after: Option<&SubOrderPlace>,
    limit: usize,
) -> Result<Vec<SubOrderPlace>, StoreError> {
    let after = after.map(|place| clustering(place.planned_at, place.order_id.as_str(), &place.sub_order_id));
    let partition = location.as_str();
    let rows = store.scan(Scan { table: TABLE, partition, after: after.as_deref(), descending: true, limit }).await?;
    let broken = |key: &str| StoreError::Corrupt(format!("{} {partition}: not a key: {key}", TABLE.name));
    rows.iter().map(|row| parse(&row.clustering).ok_or_else(|| broken(&row.clustering))).collect()
}

/// Milliseconds of the engine's clock, which are never negative. No id has a slash.
fn clustering(planned_at: Timestamp, order: &str, sub_order: &SubOrderId) -> String {
    format!("{:016x}/{order}/{sub_order}", planned_at.millis())
}

fn parse(clustering: &str) -> Option<SubOrderPlace> {
    let mut parts = clustering.splitn(3, '/');
    let millis = i64::from_str_radix(parts.next()?, 16).ok()?;
    let order_id = OrderId::parse(parts.next()?).ok()?;
    let sub_order_id = SubOrderId::parse(parts.next()?).ok()?;
    Some(SubOrderPlace { planned_at: Timestamp::from_millis(millis), order_id, sub_order_id })
}

/// The fold.
pub struct OrdersByWarehouse;

impl Listing for OrdersByWarehouse {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(planned) = planned(fact.event) else { return };
        rows.extend(planned.sub_orders.iter().map(|sub_order| {
            let clustering = clustering(fact.envelope.time, &fact.envelope.subject, &sub_order.sub_order_id);
            let key = RowKey { partition: sub_order.location.as_str().to_owned(), clustering };
            RowWrite { table: TABLE, key, version: fact.version(), body: Some(b"{}".to_vec()) }
        }));
    }
}

/// What an event says of sub-orders that begin. Their location never changes.
fn planned(event: &Event) -> Option<&SubOrdersPlanned> {
    let Event::Order(event) = event else { return None };
    match event {
        OrderEvent::SubOrdersPlanned(e) => Some(e),
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
        | OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
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
