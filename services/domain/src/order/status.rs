//! What an order shows, and why it takes no more.

use super::{Order, Phase};
use schemas::{
    item::ItemKind,
    order::{OrderRejection, OrderStatus, PaymentStatus},
};

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
    if !order.all_open().is_empty() {
        return OrderStatus::Confirmed;
    }
    let physical = |line: &super::Line| line.priced.is_some_and(|priced| priced.kind == ItemKind::Physical);
    if order.lines.iter().any(|line| physical(line) && line.shipped > 0) {
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

/// Why an order with no pending payment is not paid: the newest payment was declined, or there is none that is enough.
pub(super) fn unpaid(order: &Order) -> OrderRejection {
    match order.payments.last() {
        Some(payment) if payment.shown.status == PaymentStatus::Declined => {
            OrderRejection::PaymentDeclined { reason: payment.shown.reason.clone().unwrap_or_default() }
        }
        Some(_) | None => OrderRejection::PaymentRequired,
    }
}
