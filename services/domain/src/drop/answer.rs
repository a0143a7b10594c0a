//! What a caller of a drop is told.

use super::{Drop, Phase, plan::Plan, pools, room::Stage, status};
use schemas::{
    Rejection, ReplyBody, SubjectId,
    drop::{DropRejection, DropReply, DropState, PlaceReply},
};

/// What a caller waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropWait {
    /// All items to answer.
    Scheduled,
}

/// The answer to a wait, once there is one.
#[must_use]
pub fn answer(drop: &Drop, wait: &DropWait) -> Option<Result<ReplyBody, Rejection>> {
    match (wait, drop.phase) {
        (DropWait::Scheduled, Phase::New) => Some(Err(Rejection::Drop(DropRejection::DropNotFound))),
        (DropWait::Scheduled, Phase::Draft) => None,
        (DropWait::Scheduled, Phase::Rejected) => {
            let refusals = drop.offer().refusals.clone();
            Some(Err(Rejection::Drop(DropRejection::DropRejected { refusals })))
        }
        (DropWait::Scheduled, Phase::Scheduled | Phase::Queueing | Phase::Open | Phase::Ended | Phase::Cancelled) => {
            let offer = drop.offer();
            let state = DropState {
                drop_id: drop.id.clone(),
                store: offer.store.clone(),
                status: status(drop.phase, drop.paused, &drop.pools),
                terms: offer.terms.clone(),
                pools: pools::shown(&offer.terms, &drop.pools),
                seed_hash: offer.seed_hash,
                created: true,
                metadata: offer.metadata.clone(),
            };
            Some(Ok(ReplyBody::Drop(DropReply::Drop(Box::new(state)))))
        }
    }
}

/// The drop as it is after a decision.
pub(super) fn state(plan: &Plan<'_>) -> DropState {
    let offer = plan.drop.offer();
    DropState {
        drop_id: plan.drop.id.clone(),
        store: offer.store.clone(),
        status: plan.status(),
        terms: plan.terms.clone().into_owned(),
        pools: plan.all_pools(),
        seed_hash: offer.seed_hash,
        created: false,
        metadata: offer.metadata.clone(),
    }
}

/// A shopper's place as it is after a decision.
pub(super) fn place(plan: &Plan<'_>, shopper: &SubjectId) -> PlaceReply {
    let (now, room) = (plan.cx.now, &plan.drop.room);
    let known = room.place(shopper);
    let joins = plan.queue.places > room.levels.places;
    let joined = plan.joined.as_ref().map(|(rank, _)| *rank);
    let rank = if joins { joined } else { known.and_then(|place| place.rank) };
    // Whoever waited and is not behind the next in line is admitted by this decision.
    let admitted = plan.admitted_until.filter(|_| rank.is_some_and(|rank| rank < plan.queue.next_rank));
    let stage = if joins { Some(Stage::Waits) } else { known.map(|place| place.stage) };
    let admitted_until = match stage {
        Some(Stage::Waits) => admitted,
        Some(Stage::Admitted(ends)) => Some(room.until(ends, now)),
        Some(Stage::Used | Stage::Expired) | None => None,
    };
    PlaceReply {
        drop_id: plan.drop.id.clone(),
        shopper: shopper.clone(),
        number: if joins { plan.queue.places } else { known.map_or(0, |place| place.number) },
        rank,
        admitted_until,
        queue: plan.queue,
        status: plan.status(),
    }
}
