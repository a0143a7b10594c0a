//! The provider took the money: recorded in every state.

use super::plan::{Plan, refuse};
use crate::Decided;
use schemas::order::{OrderRejection, PaymentCaptured, RecordCapture};

/// A payment is captured once.
pub(super) fn record_capture(mut plan: Plan<'_>, command: &RecordCapture) -> Decided {
    let Some(payment) = plan.order.payment(&command.payment_id) else {
        return refuse(OrderRejection::PaymentNotFound);
    };
    if payment.shown.captured > 0 || command.amount.minor() <= 0 {
        return plan.done();
    }
    if payment.shown.amount.currency() != command.amount.currency() {
        return refuse(OrderRejection::WrongCurrency);
    }

    // From here it succeeds.
    plan.record(PaymentCaptured { payment_id: command.payment_id.clone(), amount: command.amount });
    plan.confirm_if_paid();
    plan.rehold_if_paid();
    plan.done()
}
