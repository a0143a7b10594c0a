//! What a caller is told.

use super::{
    Order, OrderWait, PaymentState, Phase,
    status::{ended, status, unpaid},
};
use schemas::{
    PaymentId, Rejection, ReplyBody,
    order::{LineReply, OrderRejection, OrderReply, PaymentStatus},
};

/// The answer to a wait, once there is one; the same each time, though an order always shows what it is now.
#[must_use]
pub fn answer(order: &Order, wait: &OrderWait) -> Option<Result<ReplyBody, Rejection>> {
    let outcome = match wait {
        OrderWait::Placed => placed(order),
        OrderWait::Payment(id) => payment(order, id),
        OrderWait::Submitted => submitted(order),
        OrderWait::Refused(rejection) => Some(Err(rejection.clone())),
    };
    outcome.map(|outcome| outcome.map(|reply| ReplyBody::Order(Box::new(reply))).map_err(Rejection::Order))
}

type Outcome = Option<Result<OrderReply, OrderRejection>>;

fn placed(order: &Order) -> Outcome {
    match order.phase {
        Phase::New => Some(Err(OrderRejection::OrderNotFound)),
        Phase::Holding => None,
        Phase::Rejected => Some(Err(OrderRejection::OrderRejected { refusals: order.refusals.clone() })),
        // Cancelled before its items had answered: it never came about.
        Phase::Cancelled if order.total.is_none() => Some(Err(OrderRejection::OrderCancelled)),
        Phase::AwaitingPayment | Phase::Reholding | Phase::Confirmed | Phase::Expired | Phase::Cancelled => {
            Some(Ok(OrderReply { created: true, ..reply(order) }))
        }
    }
}

fn payment(order: &Order, id: &PaymentId) -> Outcome {
    let Some(payment) = order.payment(id) else { return Some(Err(OrderRejection::PaymentNotFound)) };
    match payment.shown.status {
        PaymentStatus::Pending if payment.is_asked() || planted::bug!("pending-waits-for-ever") => None,
        PaymentStatus::Pending | PaymentStatus::Authorized => {
            Some(Ok(OrderReply { payment_id: Some(id.clone()), ..reply(order) }))
        }
        PaymentStatus::Declined => {
            let reason = payment.shown.reason.clone().unwrap_or_default();
            Some(Err(OrderRejection::PaymentDeclined { reason }))
        }
    }
}

fn submitted(order: &Order) -> Outcome {
    if order.confirmed {
        return Some(Ok(reply(order)));
    }
    if order.is_asking() {
        return None;
    }
    if let Some(rejection) = ended(order) {
        return Some(Err(rejection));
    }
    if order.payments.iter().any(PaymentState::is_asked) {
        return None;
    }
    // What the provider decides later confirms it then: until that, this is how it stands.
    if order.payments.iter().any(PaymentState::is_pending) { Some(Ok(reply(order))) } else { Some(Err(unpaid(order))) }
}

/// The order as it stands; of one that only an authorization told of, its money.
pub(super) fn reply(order: &Order) -> OrderReply {
    let terms = order.terms.as_deref();
    let lines = terms.iter().flat_map(|terms| terms.lines.iter().zip(&order.lines));
    OrderReply {
        order_id: order.id.clone(),
        status: status(order),
        ordered_at: terms.map(|terms| terms.ordered_at).or(order.since).unwrap_or_default(),
        lines: lines
            .map(|(ordered, line)| LineReply {
                line_id: ordered.line_id.clone(),
                item_id: ordered.item_id.clone(),
                quantity: ordered.quantity,
                unit_price: line.priced.map(|priced| priced.unit_price).or(ordered.unit_price),
                kind: line.priced.map(|priced| priced.kind),
                store: line.store.clone(),
                cancelled: line.cancelled,
                shipped: line.shipped,
                returned: line.returned,
                metadata: ordered.metadata.clone(),
            })
            .collect(),
        adjustments: terms.map(|terms| terms.adjustments.clone()).unwrap_or_default(),
        total: order.total,
        expires_at: order.expires_at,
        payments: order.payments.iter().map(|payment| payment.shown.clone()).collect(),
        payment_id: None,
        created: false,
        metadata: terms.map(|terms| terms.metadata.clone()).unwrap_or_default(),
    }
}
