//! The provider decides later: whoever waits is told so.

use super::plan::{Plan, refuse};
use crate::Decided;
use schemas::order::{OrderRejection, PaymentPending, RecordPending};

/// Its decision may have come first, by webhook: then this is old news.
pub(super) fn record_pending(mut plan: Plan<'_>, command: &RecordPending) -> Decided {
    let Some(payment) = plan.order.payment(&command.payment_id) else {
        return refuse(OrderRejection::PaymentNotFound);
    };
    if payment.is_asked() {
        plan.record(PaymentPending { payment_id: command.payment_id.clone() });
    }
    plan.done()
}
