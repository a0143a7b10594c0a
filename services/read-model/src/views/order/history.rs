//! What an order's row remembers of what happened.

use super::{HistoryEntry, OrderRow};
use crate::fold::Fact;
use schemas::{
    Effect, Money, PaymentId, ShipmentId,
    order::{DueLine, LineQuantity, OrderEvent},
};

/// Entries kept from the beginning of a history.
const HISTORY_FIRST: usize = 32;
/// Entries kept in all.
const HISTORY_MOST: usize = 256;

/// Adds to the history; a long one loses what follows its beginning.
pub(super) fn remember(row: &mut OrderRow, event: &OrderEvent, fact: &Fact<'_>) {
    let mut entry = blank(event, fact);
    match event {
        OrderEvent::ItemHeld(_) | OrderEvent::ItemRefused(_) | OrderEvent::SubOrderAllocated(_) => return,
        OrderEvent::PaymentStarted(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::PaymentAuthorized(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::CaptureDue(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::PaymentCaptured(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::RefundDue(e) => {
            money(&mut entry, &e.payment_id, e.amount);
            entry.refund_id = Some(e.refund_id.clone());
        }
        OrderEvent::RefundSettled(e) => {
            money(&mut entry, &e.payment_id, e.amount);
            entry.refund_id = Some(e.refund_id.clone());
        }
        OrderEvent::PaymentPending(e) => entry.payment_id = Some(e.payment_id.clone()),
        OrderEvent::PaymentAttemptFailed(e) => {
            entry.payment_id = Some(e.payment_id.clone());
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::CaptureFailed(e) => {
            entry.payment_id = Some(e.payment_id.clone());
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::OperatorRefunded(e) => {
            entry.amount = Some(e.amount);
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::OrderCancelled(e) => entry.reason.clone_from(&e.reason),
        OrderEvent::LinesCancelled(e) => {
            entry.reason.clone_from(&e.reason);
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::OrderPlaced(_)
        | OrderEvent::HoldsGranted(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::OrderConfirmed(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_)
        | OrderEvent::SubOrdersPlanned(_)
        | OrderEvent::ReturnWindowClosed(_)
        | OrderEvent::DropUnitsOrdered(_) => {}
        OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentShipped(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnReceived(_) => parcels(&mut entry, event),
    }
    row.history.push(entry);
    if row.history.len() > HISTORY_MOST {
        row.history.remove(HISTORY_FIRST);
        row.history_left_out += 1;
    }
}

fn money(entry: &mut HistoryEntry, payment: &PaymentId, amount: Money) {
    entry.payment_id = Some(payment.clone());
    entry.amount = Some(amount);
}

/// `stockfold.orders.order-placed.v1` is `order_placed`.
fn name(event: &OrderEvent) -> String {
    event.event_type().split('.').nth(2).unwrap_or_default().replace('-', "_")
}

/// An entry that says no more than what happened, when and by whom.
fn blank(event: &OrderEvent, fact: &Fact<'_>) -> HistoryEntry {
    HistoryEntry {
        position: fact.position,
        time: fact.envelope.time,
        what: name(event),
        actor: fact.envelope.actor.clone(),
        payment_id: None,
        refund_id: None,
        amount: None,
        reason: None,
        lines: Vec::new(),
        sub_order_id: None,
        shipment_ids: Vec::new(),
        return_id: None,
        location: None,
    }
}

/// What an entry says of sub-orders, shipments and returns.
fn parcels(entry: &mut HistoryEntry, event: &OrderEvent) {
    let shipment = |effect: &Effect| vec![ShipmentId::parse(effect.id.as_str()).expect("ids follow one rule")];
    match event {
        OrderEvent::ShipmentsDue(e) => entry.lines = units(&e.lines),
        OrderEvent::ShipmentsBackordered(e) => entry.lines = units(&e.lines),
        // Why it was refused stands in the log: how much lies where is not the buyer's to know.
        OrderEvent::AllocationRefused(e) => {
            entry.sub_order_id = Some(e.sub_order.clone());
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::SubOrderDeallocated(e) => {
            entry.sub_order_id = Some(e.sub_order.clone());
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::ShipmentShipped(e) => {
            entry.sub_order_id = Some(e.sub_order.clone());
            entry.shipment_ids = shipment(&e.effect);
            entry.location = Some(e.location.clone());
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::ShipmentForwarded(e) => {
            entry.sub_order_id = Some(e.sub_order.clone());
            entry.shipment_ids = shipment(&e.effect);
            entry.location = Some(e.location.clone());
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::ForwardReceived(e) => {
            entry.shipment_ids = vec![e.shipment.clone()];
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::ShipmentsDelivered(e) => entry.shipment_ids.clone_from(&e.shipments),
        OrderEvent::ReturnRequested(e) => {
            entry.return_id = Some(e.return_id.clone());
            entry.reason = Some(e.reason.clone());
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::ReturnReceived(e) => {
            entry.return_id = Some(e.return_id.clone());
            entry.location = Some(e.location.clone());
            entry.lines.clone_from(&e.lines);
        }
        other => unreachable!("{other:?} is not of sub-orders"),
    }
}

fn units(lines: &[DueLine]) -> Vec<LineQuantity> {
    lines.iter().map(|line| LineQuantity { line_id: line.line_id.clone(), quantity: line.quantity }).collect()
}
