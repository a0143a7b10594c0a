//! The order of a claim is confirmed: its units are bought, and its item orders them.

use super::{claims::Stage, plan::Plan};
use crate::Decision;
use schemas::{
    drop::{ClaimCommitted, CommitClaim, allotment_of},
    item::{CommitAllotted, HoldId, ItemCommand},
};

/// Never refused, also after the end.
///
/// # Panics
/// If an order commits what it does not hold. It commits only what was granted to it and what it has not released: such
/// a command is a bug, and must not be refused where nobody would hear it.
pub(super) fn commit_claim(mut plan: Plan<'_>, command: &CommitClaim) -> Decision {
    let (drop, id) = (plan.drop, &command.claim);
    let claim = drop.claims.get(id).unwrap_or_else(|| panic!("{id} is bought, and was not granted"));
    match claim.stage {
        Stage::Held => {}
        Stage::Bought { .. } => return plan.silent(),
        Stage::Released(_) => panic!("{id} is bought, and was given back"),
    }
    plan.pools[claim.item].commit(claim.quantity);
    let pool = plan.pool(claim.item);
    plan.record(ClaimCommitted { claim: id.clone(), pool });
    let commit = CommitAllotted {
        allotment: allotment_of(&drop.id, claim.item),
        hold: HoldId::Drop { drop: drop.id.clone(), claim: id.clone() },
        quantity: claim.quantity,
        order_id: Some(claim.order_id.clone()),
    };
    plan.send(claim.item, ItemCommand::CommitAllotted(commit));
    plan.silent()
}
