//! The provider declined: the shopper may try again until the deadline.

use super::plan::{Plan, refuse};
use crate::Decided;
use schemas::order::{OrderRejection, PaymentAttemptFailed, RecordDecline};

/// Only a payment that waits can be declined: money that came in stays on record.
pub(super) fn record_decline(mut plan: Plan<'_>, command: &RecordDecline) -> Decided {
    let Some(payment) = plan.order.payment(&command.payment_id) else {
        return refuse(OrderRejection::PaymentNotFound);
    };
    if payment.is_pending() {
        plan.record(PaymentAttemptFailed { payment_id: command.payment_id.clone(), reason: command.reason.clone() });
    }
    plan.done()
}
