//! What an order shows, and why it takes no more.

use super::{Order, Phase, fulfilment::Shipment};
use schemas::order::{OrderRejection, OrderStatus, PaymentStatus};

/// The status that an order shows. An expired order that holds again shows `holding`.
#[must_use]
pub fn status(order: &Order) -> OrderStatus {
    match order.phase {
        Phase::New => money_back(order, OrderStatus::Expired),
        Phase::Holding | Phase::Reholding => OrderStatus::Holding,
        Phase::AwaitingPayment => OrderStatus::AwaitingPayment,
        Phase::Confirmed => of_lines(order),
        Phase::Rejected => money_back(order, OrderStatus::Rejected),
        Phase::Expired => money_back(order, OrderStatus::Expired),
        Phase::Cancelled => money_back(order, OrderStatus::Cancelled),
    }
}

/// What has left and what is open; a digital line is delivered as it leaves.
fn of_lines(order: &Order) -> OrderStatus {
    if order.is_open() {
        OrderStatus::Confirmed
    } else if order.fulfilment.shipments.iter().any(Shipment::is_undelivered) {
        OrderStatus::Shipped
    } else {
        OrderStatus::Delivered
    }
}

fn money_back(order: &Order, ended: OrderStatus) -> OrderStatus {
    if order.refunds.is_empty() {
        ended
    } else if order.refunds.iter().all(|refund| refund.settled) {
        OrderStatus::Refunded
    } else {
        OrderStatus::Refunding
    }
}

/// Why an order that is not (or no longer) paid and submitted takes neither; `None` where it does or is confirmed.
pub(super) fn ended(order: &Order) -> Option<OrderRejection> {
    match order.phase {
        Phase::New => Some(OrderRejection::OrderNotFound),
        Phase::Rejected => Some(OrderRejection::OrderRejected { refusals: order.refusals.clone() }),
        Phase::Holding | Phase::Reholding => Some(OrderRejection::OrderNotReady { status: status(order) }),
        Phase::Expired => Some(OrderRejection::CheckoutExpired),
        Phase::Cancelled => Some(OrderRejection::OrderCancelled),
        Phase::AwaitingPayment | Phase::Confirmed => None,
    }
}

/// Refuses what only a confirmed order takes.
pub(super) fn confirmed(order: &Order) -> Result<(), OrderRejection> {
    match ended(order) {
        Some(rejection) => Err(rejection),
        None if order.phase == Phase::Confirmed => Ok(()),
        None => Err(OrderRejection::OrderNotReady { status: status(order) }),
    }
}

/// Why an order with no pending payment is not paid: the newest payment was declined, or there is none that is enough.
pub(super) fn unpaid(order: &Order) -> OrderRejection {
    match order.payments.last() {
        Some(payment) if payment.shown.status == PaymentStatus::Declined => {
            OrderRejection::PaymentDeclined { reason: payment.shown.reason.clone().unwrap_or_default() }
        }
        Some(_) | None => OrderRejection::PaymentRequired,
    }
}
