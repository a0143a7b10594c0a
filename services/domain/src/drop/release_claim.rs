//! The order of a claim has ended unpaid: its units go to the next in line, or back to their item once the drop is over.

use super::{claims::Stage, plan::Plan};
use crate::Decision;
use schemas::drop::{ClaimReleased, ReleaseClaim};

/// What is not held any more yields nothing: an order may say twice that it has ended.
pub(super) fn release_claim(mut plan: Plan<'_>, command: &ReleaseClaim) -> Decision {
    let (id, drop) = (&command.claim, plan.drop);
    let Some(claim) = drop.claims.get(id).filter(|claim| claim.stage == Stage::Held) else { return plan.silent() };
    let to_item = plan.is_over();
    plan.pools[claim.item].release(claim.quantity, to_item);
    let (shopper, quantity, pool) = (claim.shopper.clone(), claim.quantity, plan.pool(claim.item));
    plan.record(ClaimReleased { claim: id.clone(), shopper, quantity, to_item, pool });
    if to_item && !planted::bug!("claim-after-end-kept") {
        plan.give_back(claim.item, quantity, &format!("claim/{id}"));
    }
    plan.silent()
}
