//! What the passing of time does to a drop: one step at a time, each of a bounded number of shoppers.

use super::{Drop, MOST_AT_ONCE, MOST_IN_EVENT, Phase, allot_answered::refusals, draw, plan::Plan, pools, schedule};
use crate::{Answer, Context, Decision};
use schemas::{
    SubjectId, Timestamp,
    drop::{AdmissionsExpired, DropClosed, DropEnded, DropOpened, PlacesDrawn, QueueOpened},
};

/// When the next step is due, were it alone.
pub(super) fn due(drop: &Drop) -> Option<Timestamp> {
    let terms = || drop.terms();
    match drop.phase {
        Phase::New | Phase::Rejected => None,
        Phase::Draft => Some(drop.offer().answers_due_at),
        Phase::Scheduled => Some(terms().queue_opens_at.unwrap_or(terms().starts_at)),
        Phase::Queueing => Some(terms().starts_at),
        Phase::Open => {
            let rest = (drop.room.is_drawing() || has_room(drop)).then_some(drop.stepped_at).flatten();
            [Some(terms().ends_at), rest, drop.room.due()].into_iter().flatten().min()
        }
        Phase::Ended | Phase::Cancelled => drop.closes_at.filter(|_| pools::held(&drop.pools) == 0),
    }
}

/// Whether more could be admitted, and wait: a decision admits only so many.
fn has_room(drop: &Drop) -> bool {
    let most = pools::free(&drop.pools).min(drop.terms().admit_at_once.map_or(u64::MAX, u64::from));
    !drop.paused && drop.room.levels.admitted < most && drop.room.waiting(0).next().is_some()
}

/// Opens the waiting room, opens the drop, draws, lets admissions pass on, ends and closes it; or gives up items that have
/// not answered. Nothing before it is due.
#[must_use]
pub fn on_clock(drop: &Drop, cx: Context<'_>) -> Decision {
    let plan = Plan::new(drop, cx);
    if drop.due().is_none_or(|due| cx.now < due) {
        return plan.finish(Answer::Nobody);
    }
    match drop.phase {
        Phase::Draft => schedule::rejected(plan, refusals(drop, &drop.loans)),
        Phase::Scheduled if drop.terms().queue_opens_at.is_some() => open_queue(plan),
        Phase::Scheduled | Phase::Queueing => open(plan),
        Phase::Open if drop.terms().ends_at <= cx.now => end(plan),
        Phase::Open if drop.room.is_drawing() => draw_next(plan),
        // Also where only more are to be admitted, which every decision does.
        Phase::Open => pass_on(plan),
        Phase::Ended | Phase::Cancelled => close(plan),
        Phase::New | Phase::Rejected => unreachable!("only what waits has a deadline"),
    }
}

fn open_queue(mut plan: Plan<'_>) -> Decision {
    plan.phase = Phase::Queueing;
    let status = plan.status();
    plan.record(QueueOpened { status });
    plan.finish(Answer::Nobody)
}

/// The seed is revealed. It is made anew, so that it stands nowhere before.
fn open(mut plan: Plan<'_>) -> Decision {
    plan.phase = Phase::Open;
    let seed = draw::seed_of(&plan.cx.policy.draw_secret, &plan.drop.id);
    let (early, status) = (plan.queue.places, plan.status());
    plan.record(DropOpened { seed, early, status });
    plan.finish(Answer::Nobody)
}

/// Nobody is admitted before all are drawn.
fn draw_next(mut plan: Plan<'_>) -> Decision {
    let next: Vec<SubjectId> = plan.drop.room.next_drawn().take(MOST_AT_ONCE).cloned().collect();
    let mut first_rank = plan.drop.room.next_drawn_rank();
    for some in next.chunks(MOST_IN_EVENT) {
        plan.record(PlacesDrawn { first_rank, shoppers: some.to_vec() });
        first_rank += some.len() as u64;
    }
    plan.finish(Answer::Nobody)
}

/// Who let the admission pass makes way for the next in rank.
fn pass_on(mut plan: Plan<'_>) -> Decision {
    let expired: Vec<SubjectId> = plan.drop.room.expired(plan.cx.now).take(MOST_AT_ONCE).cloned().collect();
    for some in expired.chunks(MOST_IN_EVENT) {
        plan.queue.admitted -= some.len() as u64;
        let queue = plan.queue;
        plan.record(AdmissionsExpired { shoppers: some.to_vec(), queue });
    }
    plan.silent()
}

fn end(mut plan: Plan<'_>) -> Decision {
    plan.phase = Phase::Ended;
    plan.give_back_all();
    let (store, pools) = (plan.drop.offer().store.clone(), plan.all_pools());
    plan.record(DropEnded { store, pools });
    plan.finish(Answer::Nobody)
}

fn close(mut plan: Plan<'_>) -> Decision {
    plan.record(DropClosed {});
    plan.finish(Answer::Nobody)
}
