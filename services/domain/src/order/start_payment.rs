//! Records that a payment begins, before the provider is asked.

use super::{
    OrderWait, Phase, money,
    plan::{Plan, refuse},
    status::ended,
};
use crate::Decided;
use schemas::{
    Money,
    order::{OrderRejection, PaymentStarted, StartPayment},
};

/// The most payments that may be started; money that comes in is recorded beyond it.
const MAX_PAYMENTS: u32 = 50;

pub(super) fn start_payment(mut plan: Plan<'_>, command: &StartPayment) -> Decided {
    if let Some(payment) = plan.order.payment(&command.payment_id) {
        // One that only its authorization told of has no content to differ from.
        let same = payment.effect.as_ref().is_none_or(|effect| effect.digest == command.effect.digest);
        return if same {
            plan.until(OrderWait::Payment(command.payment_id.clone()))
        } else {
            refuse(OrderRejection::IdempotencyKeyReused)
        };
    }
    if let Some(rejection) = ended(&plan.order) {
        return refuse(rejection);
    }
    if plan.order.is_external() {
        return refuse(OrderRejection::PaymentExternal);
    }
    if plan.order.phase == Phase::Confirmed || money::is_paid(&plan.order) {
        return refuse(OrderRejection::AlreadyPaid);
    }
    if plan.order.payments.len() >= MAX_PAYMENTS as usize {
        return refuse(OrderRejection::TooManyPayments { limit: MAX_PAYMENTS });
    }

    // From here it succeeds.
    let total = plan.order.total.expect("an order that awaits payment has a total");
    let paid = i64::try_from(money::unrefunded(&plan.order)).expect("less than the total");
    let amount = Money::new(total.minor() - paid, total.currency()).expect("at most the total");
    plan.record(PaymentStarted {
        effect: command.effect.clone(),
        payment_id: command.payment_id.clone(),
        amount,
        method_token: command.method_token.clone(),
        shipping_address: command.shipping_address.clone(),
    });
    plan.until(OrderWait::Payment(command.payment_id.clone()))
}
