//! What the events say to fulfilment.

use read_model::views::stock::places;
use schemas::{
    Event, EventReadError,
    item::ItemEvent,
    order::{DueLine, OrderEvent},
};

/// News.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Units of an order wait for a plan.
    Missing(Missing),
    /// A plan of that revision is recorded.
    Planned {
        /// Which.
        revision: u32,
    },
    /// An order has no more to ship.
    Ended,
    /// An item has units at some location that nobody has.
    Freed,
}

/// Units of an order that belong to no sub-order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Which plan is wanted.
    pub revision: u32,
    /// All of them.
    pub lines: Vec<DueLine>,
    /// Whether nobody had them the last time: only a plan that ships something is worth sending.
    pub is_backorder: bool,
    /// How often in a row warehouses refused them.
    pub refusals: u32,
}

/// What an event says; `None` for most of them, which are not even read.
pub(crate) fn hear(event_type: &str, value: &[u8]) -> Result<Option<Heard>, EventReadError> {
    if !concerns_us(event_type) {
        return Ok(None);
    }
    Ok(match Event::read(event_type, value)? {
        Event::Order(event) => of_order(event),
        Event::Item(event) => frees(&event).then_some(Heard::Freed),
        Event::Cart(_)
        | Event::Store(_)
        | Event::Warehouse(_)
        | Event::Drop(_)
        | Event::Follows(_)
        | Event::Shopper(_) => None,
    })
}

fn concerns_us(event_type: &str) -> bool {
    matches!(
        event_type,
        "stockfold.orders.shipments-due.v1"
            | "stockfold.orders.shipments-backordered.v1"
            | "stockfold.orders.sub-orders-planned.v1"
            | "stockfold.orders.order-cancelled.v1"
            | "stockfold.inventory.stock-received.v1"
            | "stockfold.inventory.stock-counted.v1"
            | "stockfold.inventory.stock-moved.v1"
            | "stockfold.inventory.stock-restocked.v1"
            | "stockfold.inventory.transfer-received.v1"
            | "stockfold.inventory.units-uncommitted.v1"
            | "stockfold.inventory.units-deallocated.v1"
    )
}

fn of_order(event: OrderEvent) -> Option<Heard> {
    match event {
        OrderEvent::ShipmentsDue(e) => Some(Heard::Missing(Missing {
            revision: e.revision,
            lines: e.lines,
            is_backorder: false,
            refusals: e.refusals,
        })),
        OrderEvent::ShipmentsBackordered(e) => {
            Some(Heard::Missing(Missing { revision: e.revision, lines: e.lines, is_backorder: true, refusals: 0 }))
        }
        OrderEvent::SubOrdersPlanned(e) => Some(Heard::Planned { revision: e.revision }),
        OrderEvent::OrderCancelled(_) => Some(Heard::Ended),
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

/// Whether a location that it touched has units now that nobody has.
fn frees(event: &ItemEvent) -> bool {
    places(event).iter().any(|place| place.sellable > place.allocated)
}

#[cfg(test)]
mod tests {
    use super::concerns_us;
    use schemas::{item::ItemEvent, order::OrderEvent};

    #[test]
    fn every_type_that_is_read_is_a_type_of_the_log() {
        let read = |types: &[&str]| types.iter().filter(|event_type| concerns_us(event_type)).count();
        assert_eq!((read(OrderEvent::TYPES), read(ItemEvent::TYPES)), (4, 7));
    }
}
