//! An operator gives back part of what is kept: a void as far as it is not captured.

use super::{
    Order, Phase, money,
    plan::{Plan, refuse},
};
use crate::Decided;
use schemas::{
    Money,
    order::{OperatorRefunded, OrderRejection, RefundByOperator},
};

pub(super) fn refund_by_operator(mut plan: Plan<'_>, command: &RefundByOperator) -> Decided {
    if let Some(effect) = plan.order.operator_refunds.iter().find(|effect| effect.id == command.effect.id) {
        let same = effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    let currency = plan.order.currency().unwrap_or_else(|| command.amount.currency());
    if currency != command.amount.currency() {
        return refuse(OrderRejection::WrongCurrency);
    }
    let refundable = refundable(&plan.order);
    if !(1..=refundable).contains(&command.amount.minor()) {
        let refundable = Money::new(refundable, currency).expect("at most the total");
        return refuse(OrderRejection::RefundTooLarge { refundable });
    }

    // From here it succeeds.
    plan.record(OperatorRefunded {
        effect: command.effect.clone(),
        amount: command.amount,
        reason: command.reason.clone(),
    });
    plan.done()
}

/// What is kept from confirmation on. Before it nothing is the shop's: a checkout is cancelled instead.
fn refundable(order: &Order) -> i64 {
    match order.phase {
        Phase::Confirmed => money::kept(order).unwrap_or(0),
        Phase::New
        | Phase::Holding
        | Phase::AwaitingPayment
        | Phase::Reholding
        | Phase::Rejected
        | Phase::Expired
        | Phase::Cancelled => 0,
    }
}
