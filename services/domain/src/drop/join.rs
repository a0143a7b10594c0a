//! Takes the caller's place in the waiting room: one per shopper, and a new one at the end once it was used or let pass.

use super::{MOST_PLACES, Phase, plan::Plan, refuse, room::Place};
use crate::Decided;
use schemas::drop::{DropRejection, JoinQueue, QueueJoined};

pub(super) fn join(mut plan: Plan<'_>, command: &JoinQueue) -> Decided {
    let (drop, shopper) = (plan.drop, &plan.cx.caller.subject);
    let place = drop.room.place(shopper);
    if drop.known.again(&command.effect)? && place.is_some() {
        return plan.place(shopper);
    }
    match plan.phase {
        Phase::New | Phase::Draft => return refuse(DropRejection::DropNotReady),
        Phase::Ended | Phase::Cancelled | Phase::Rejected => {
            return refuse(DropRejection::DropOver { status: plan.status() });
        }
        Phase::Scheduled | Phase::Queueing | Phase::Open => {}
    }
    if plan.terms.queue_opens_at.is_none() {
        return refuse(DropRejection::NoQueue);
    }
    if plan.phase == Phase::Scheduled {
        return refuse(DropRejection::QueueClosed { status: plan.status() });
    }
    if place.is_some_and(Place::is_open) {
        return plan.place(shopper);
    }
    if plan.queue.places >= MOST_PLACES {
        return refuse(DropRejection::QueueFull);
    }
    let (limit, has) = (plan.terms.limit_per_shopper.get(), drop.units_of(shopper));
    if has >= limit {
        return refuse(DropRejection::LimitReached { limit, has });
    }

    // From here it succeeds.
    plan.queue.places += 1;
    let number = plan.queue.places;
    // Who is late goes by the order of joining, behind all who are drawn.
    let rank = (plan.phase == Phase::Open).then_some(number);
    plan.joined = rank.map(|rank| (rank, shopper.clone()));
    let (effect, queue) = (command.effect.clone(), plan.queue);
    plan.record(QueueJoined { effect, shopper: shopper.clone(), number, rank, queue });
    plan.place(shopper)
}
