//! A newer checkout of the same shopper wants the units that this one holds.

use super::{Phase, plan::Plan};
use crate::Decision;
use schemas::{
    Command, SubjectId,
    cart::{CartCommand, Superseded},
    order::{OrderCancelled, PaymentStatus, SupersedeOrder},
};

/// Makes way, unless a payment is pending or authorized; the cart, which asks, is answered in any case, and each time.
pub(super) fn supersede(mut plan: Plan<'_>, command: &SupersedeOrder) -> Decision {
    let waits = matches!(plan.order.phase, Phase::Holding | Phase::AwaitingPayment);
    let is_paying = plan.order.payments.iter().any(|payment| payment.shown.status != PaymentStatus::Declined);
    if waits && !is_paying {
        plan.record(OrderCancelled { effect: None, reason: Some("superseded".to_owned()) });
        plan.release_holds();
    }
    plan.tell_cart();
    let shopper = plan.order.terms.as_ref().and_then(|terms| terms.owner.shopper.clone());
    let shopper: SubjectId = shopper.unwrap_or_else(|| plan.cx.caller.subject.clone());
    let answer = Superseded { order_id: plan.order.id.clone(), by: command.by.clone() };
    plan.ask(Command::Cart { shopper, command: CartCommand::Superseded(answer) });
    plan.silent()
}
