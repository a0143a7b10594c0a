//! The buyer's last word: it confirms what is paid, and waits for a payment that is pending.

use super::{
    OrderWait, Phase, money,
    plan::{Plan, refuse},
    status::{ended, unpaid},
};
use crate::Decided;
use schemas::order::{OrderRejection, OrderSubmitted, SubmitOrder};

pub(super) fn submit(mut plan: Plan<'_>, command: &SubmitOrder) -> Decided {
    if let Some(submitted) = &plan.order.submitted {
        let known = submitted.effect.as_ref().filter(|effect| effect.id == command.effect.id);
        if known.is_some_and(|effect| effect.digest != command.effect.digest) {
            return refuse(OrderRejection::IdempotencyKeyReused);
        }
        // Submitted is submitted, under whichever id.
        return plan.until(OrderWait::Submitted);
    }
    if let Some(rejection) = ended(&plan.order) {
        return refuse(rejection);
    }
    let pending = plan.order.payments.iter().any(super::PaymentState::is_pending);
    if !money::is_paid(&plan.order) && !pending {
        return refuse(unpaid(&plan.order));
    }

    // From here it succeeds.
    debug_assert_eq!(plan.order.phase, Phase::AwaitingPayment, "a confirmed order was submitted");
    plan.record(OrderSubmitted { effect: Some(command.effect.clone()) });
    plan.confirm_if_paid();
    plan.until(OrderWait::Submitted)
}
