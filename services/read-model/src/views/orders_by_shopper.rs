//! Orders of a shopper, newest first. It holds keys only; status and lines are read from the order rows.

use crate::{
    fold::{Fact, Listing},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    Event, OrderId, SubjectId, Timestamp,
    order::{OrderEvent, OrderPlaced},
};

/// The table: partition shopper, ordered by (ordered at, order id).
pub const TABLE: Table = Table { name: "orders_by_shopper_v1" };

/// Where an order stands in the list: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlace {
    /// Business time.
    pub ordered_at: Timestamp,
    /// The order.
    pub order_id: OrderId,
}

/// Orders of a shopper after (older than) a place, newest first; fewer than `limit` at the end.
pub async fn page(
    store: &dyn ViewStore,
    shopper: &SubjectId,
    after: Option<&OrderPlace>,
    limit: usize,
) -> Result<Vec<OrderPlace>, StoreError> {
    page_of(store, TABLE, shopper.as_str(), after, limit).await
}

/// The same of any list of orders that is keyed like this one.
pub(super) async fn page_of(
    store: &dyn ViewStore,
    table: Table,
    partition: &str,
    after: Option<&OrderPlace>,
    limit: usize,
) -> Result<Vec<OrderPlace>, StoreError> {
    let after = after.map(|place| clustering(place.ordered_at, &place.order_id));
    let scan = Scan { table, partition, after: after.as_deref(), descending: true, limit };
    let rows = store.scan(scan).await?;
    let broken = |key: &str| StoreError::Corrupt(format!("{} {partition}: not a key: {key}", table.name));
    rows.iter().map(|row| parse(&row.clustering).ok_or_else(|| broken(&row.clustering))).collect()
}

/// Milliseconds with the sign bit turned, so that they order bytewise also before 1970.
fn clustering(ordered_at: Timestamp, order: &OrderId) -> String {
    format!("{:016x}/{order}", ordered_at.millis().cast_unsigned() ^ (1 << 63))
}

fn parse(clustering: &str) -> Option<OrderPlace> {
    let (millis, order) = clustering.split_once('/')?;
    let millis = u64::from_str_radix(millis, 16).ok()? ^ (1 << 63);
    let order_id = OrderId::parse(order).ok()?;
    Some(OrderPlace { ordered_at: Timestamp::from_millis(millis.cast_signed()), order_id })
}

/// The fold.
pub struct OrdersByShopper;

impl Listing for OrdersByShopper {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(placed) = placed(fact) else { return };
        let shopper = placed.owner.shopper.as_ref();
        rows.extend(shopper.map(|shopper| entry(TABLE, shopper.as_str(), placed.ordered_at, fact)));
    }
}

/// What an event says of an order that begins.
pub(super) fn placed<'f>(fact: &Fact<'f>) -> Option<&'f OrderPlaced> {
    let Event::Order(event) = fact.event else { return None };
    match event {
        OrderEvent::OrderPlaced(e) => Some(e),
        OrderEvent::ItemHeld(_)
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
        | OrderEvent::SubOrdersPlanned(_)
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

/// An order's place in a list.
pub(super) fn entry(table: Table, partition: &str, ordered_at: Timestamp, fact: &Fact<'_>) -> RowWrite {
    let key = RowKey { partition: partition.to_owned(), clustering: clustering(ordered_at, &fact.order_id()) };
    RowWrite { table, key, version: fact.version(), body: Some(b"{}".to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_times_do_also_before_1970() {
        let order = OrderId::parse("o-1").expect("an id");
        let times = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis);
        let keys = times.map(|time| clustering(time, &order));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| parse(&key).expect("a key").ordered_at), times);
    }
}
