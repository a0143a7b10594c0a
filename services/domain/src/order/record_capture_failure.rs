//! The provider cannot take the money, for good: what has not shipped is cancelled.

use super::{
    Phase,
    plan::{Plan, refuse},
};
use crate::Decided;
use schemas::{
    CancellationId, PaymentId,
    order::{CaptureFailed, OrderRejection, RecordCaptureFailure},
};
use uuid::Uuid;

/// The namespace of the ids of cancellations that nobody asked for.
const CANCELLATION_IDS: Uuid = Uuid::from_u128(0x8f52_0d36_1b7c_4a09_a4e3_5d91_77bc_02f8);

pub(super) fn record_capture_failure(mut plan: Plan<'_>, command: &RecordCaptureFailure) -> Decided {
    let Some(payment) = plan.order.payment(&command.payment_id) else {
        return refuse(OrderRejection::PaymentNotFound);
    };
    if payment.capture_failed || payment.shown.captured > 0 {
        return plan.done();
    }

    // From here it succeeds.
    let counted_on = payment.is_capture_open();
    plan.record(CaptureFailed { payment_id: command.payment_id.clone(), reason: command.reason.clone() });
    let open = plan.order.all_open();
    if counted_on && plan.order.phase == Phase::Confirmed && !open.is_empty() {
        let cancellation = cancellation_id(&plan, &command.payment_id);
        plan.cancel_lines(cancellation, None, open, Some(command.reason.clone()));
    }
    plan.done()
}

/// The same whenever it is decided again.
fn cancellation_id(plan: &Plan<'_>, payment: &PaymentId) -> CancellationId {
    let id = Uuid::new_v5(&CANCELLATION_IDS, format!("{}/{payment}", plan.order.id).as_bytes());
    CancellationId::parse(&id.to_string()).expect("a UUID is an id")
}
