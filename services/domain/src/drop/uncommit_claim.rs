//! Bought units are cancelled before they shipped: their item gives them back to the drop, or to everybody once it is over.

use super::{claims::Stage, plan::Plan};
use crate::Decision;
use schemas::{
    Quantity,
    drop::{ClaimUncommitted, UncommitClaim, allotment_of},
    item::{ItemCommand, Uncommit},
};

/// Once per cancellation, and never more than was bought: an order cancels what it has.
pub(super) fn uncommit_claim(mut plan: Plan<'_>, command: &UncommitClaim) -> Decision {
    let (id, drop, uncommit) = (&command.claim, plan.drop, &command.uncommit);
    let Some(claim) = drop.claims.get(id) else { return plan.silent() };
    let Stage::Bought { cancelled, cancellations } = &claim.stage else { return plan.silent() };
    let open = claim.quantity.get() - cancelled;
    let Ok(quantity) = Quantity::new(uncommit.quantity.get().min(open)) else { return plan.silent() };
    if cancellations.contains(&uncommit.cancellation) {
        return plan.silent();
    }
    let to_item = plan.is_over();
    plan.pools[claim.item].uncommit(quantity, to_item);
    let (shopper, pool) = (claim.shopper.clone(), plan.pool(claim.item));
    let cancellation = uncommit.cancellation.clone();
    plan.record(ClaimUncommitted { claim: id.clone(), cancellation, shopper, quantity, to_item, pool });
    let into = (!to_item).then(|| allotment_of(&drop.id, claim.item));
    plan.send(claim.item, ItemCommand::Uncommit(Uncommit { quantity, into, ..uncommit.clone() }));
    plan.silent()
}
