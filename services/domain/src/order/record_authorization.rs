//! The provider authorized: recorded in every state, also of an order that nobody knows.

use super::plan::{Plan, refuse};
use crate::Decided;
use schemas::order::{OrderRejection, PaymentAuthorized, PaymentStatus, RecordAuthorization};

/// One payment is authorized once; another authorization under its id is refused by name.
pub(super) fn record_authorization(mut plan: Plan<'_>, command: &RecordAuthorization) -> Decided {
    let before = plan.order.payment(&command.payment_id);
    if let Some(payment) = before.filter(|payment| payment.shown.status == PaymentStatus::Authorized) {
        let same = payment.reference.as_ref() == Some(&command.provider_reference)
            && payment.shown.authorized == command.amount.minor()
            && payment.shown.amount.currency() == command.amount.currency();
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    // What was captured before fixes the currency.
    let captured = before.filter(|payment| payment.shown.captured > 0);
    if captured.is_some_and(|payment| payment.shown.amount.currency() != command.amount.currency()) {
        return refuse(OrderRejection::WrongCurrency);
    }
    if command.amount.minor() < 0 {
        return refuse(OrderRejection::PaymentNotFound);
    }

    // From here it succeeds.
    plan.record(PaymentAuthorized {
        payment_id: command.payment_id.clone(),
        amount: command.amount,
        provider_reference: command.provider_reference.clone(),
    });
    plan.confirm_if_paid();
    plan.rehold_if_paid();
    plan.done()
}
