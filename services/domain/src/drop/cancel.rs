//! Calls a drop off: what nobody has claimed goes back at once. What is claimed may still be paid.

use super::{Phase, plan::Plan, refuse};
use crate::Decided;
use schemas::drop::{CancelDrop, DropCancelled, DropRejection};

pub(super) fn cancel(mut plan: Plan<'_>, command: &CancelDrop) -> Decided {
    if plan.drop.known.again(&command.effect)? {
        return plan.done();
    }
    match plan.phase {
        Phase::Cancelled => return plan.done(),
        Phase::New | Phase::Draft => return refuse(DropRejection::DropNotReady),
        Phase::Ended | Phase::Rejected => return refuse(DropRejection::DropOver { status: plan.status() }),
        Phase::Scheduled | Phase::Queueing | Phase::Open => {}
    }

    // From here it succeeds.
    plan.phase = Phase::Cancelled;
    plan.give_back_all();
    let (offer, pools) = (plan.drop.offer(), plan.all_pools());
    plan.record(DropCancelled {
        effect: command.effect.clone(),
        store: offer.store.clone(),
        terms: offer.terms.clone(),
        reason: command.reason.clone(),
        pools,
    });
    plan.done()
}
