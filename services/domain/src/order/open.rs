//! Opens the order of a drop's claim: its units are held there already, so that it begins with the checkout.

use super::{OrderWait, Phase, item_answered::grant_at, plan::Plan};
use crate::{Answer, Decision, Wait};
use schemas::{
    Command, LineId, Metadata,
    drop::{DropClaim, DropCommand, OpenOrder, ReleaseClaim},
    item::ItemKind,
    order::{OrderLine, OrderOwner, OrderPlaced, OrderRejection, PaymentMode, PricedLine},
};

/// It answers the claim, also when the drop asks again. Never refused where the drop would not hear it: a claim of which
/// nothing comes is given back.
pub(super) fn open(mut plan: Plan<'_>, command: &OpenOrder) -> Decision {
    if plan.order.phase != Phase::New {
        return again(&plan, command);
    }
    let (cx, claim) = (plan.cx, &command.claim);
    let line_id = LineId::parse("1").expect("a digit is an id");
    plan.record(OrderPlaced {
        effect: command.effect.clone(),
        owner: OrderOwner { shopper: Some(claim.shopper.clone()), placed_by: cx.caller.clone() },
        channel: None,
        ordered_at: cx.now,
        lines: vec![OrderLine {
            line_id: line_id.clone(),
            item_id: claim.item_id.clone(),
            quantity: claim.quantity,
            unit_price: Some(claim.unit_price),
            expected_unit_price: None,
            metadata: Metadata::default(),
        }],
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: command.submit,
        from_cart: false,
        drop: Some(origin(command)),
        expires_in_seconds: cx.policy.checkout_seconds,
        answers_due_at: cx.now.plus_seconds(cx.policy.answer_timeout_seconds),
        metadata: command.metadata.clone(),
    });
    let priced = PricedLine {
        line_id,
        unit_price: claim.unit_price,
        // Only what has stock is lent to a drop.
        kind: ItemKind::Physical,
        store: Some(claim.store.clone()),
    };
    grant_at(&mut plan, vec![priced]);
    Decision { answer: Answer::Later(Wait::Order(OrderWait::Placed)), ..plan.silent() }
}

fn origin(command: &OpenOrder) -> DropClaim {
    DropClaim { drop: command.drop.clone(), claim: command.claim.claim.clone() }
}

/// The id is taken: by the same claim, which is answered as it stands, or by another order.
fn again(plan: &Plan<'_>, command: &OpenOrder) -> Decision {
    let is_same = plan.order.claim() == Some(&origin(command))
        && plan.order.terms.as_ref().is_some_and(|terms| terms.effect.digest == command.effect.digest);
    let wait = if is_same { OrderWait::Placed } else { OrderWait::Refused(OrderRejection::ExistsWithDifferentContent) };
    // A drop that has forgotten the claim, and granted it anew, would hold its units for ever: what has ended unpaid will
    // not end again.
    let is_kept = is_same && (plan.order.phase == Phase::AwaitingPayment || plan.order.confirmed);
    let DropClaim { drop, claim } = origin(command);
    let release = Command::Drop { drop, command: DropCommand::ReleaseClaim(ReleaseClaim { claim }) };
    let sends = if is_kept { Vec::new() } else { vec![release] };
    Decision { events: Vec::new(), sends, answer: Answer::Later(Wait::Order(wait)) }
}
