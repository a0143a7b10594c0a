//! Schedules a drop: asks every item at once to lend its units, and waits.

use super::{DropWait, Phase, answer, draw, is_of, plan::Plan, refuse, terms};
use crate::{Answer, Decided, Decision, Wait};
use schemas::{
    Quantity,
    drop::{DropDrafted, DropRejected, DropRejection, DropScheduled, LoanRefused, ScheduleDrop, allotment_of},
    item::{Allot, ItemCommand},
};
use std::borrow::Cow;

pub(super) fn schedule(mut plan: Plan<'_>, command: &ScheduleDrop) -> Decided {
    let caller = plan.cx.caller;
    let may = caller.is_trusted() || is_of(caller, &command.store);
    if !may || plan.drop.offer.as_ref().is_some_and(|offer| offer.store != command.store) {
        return refuse(DropRejection::DropNotFound);
    }
    if plan.drop.phase != Phase::New {
        return again(plan, command);
    }
    if let Err(rejection) = terms::check(&command.terms, None, plan.cx.now) {
        return refuse(rejection);
    }

    // From here it succeeds.
    let cx = plan.cx;
    plan.phase = Phase::Draft;
    plan.terms = Cow::Owned(command.terms.clone());
    plan.record(DropDrafted {
        effect: command.effect.clone(),
        store: command.store.clone(),
        terms: command.terms.clone(),
        answers_due_at: cx.now.plus_seconds(cx.policy.answer_timeout_seconds),
        metadata: command.metadata.clone(),
    });
    for (index, item) in command.terms.items.iter().enumerate() {
        let allot = Allot {
            allotment: allotment_of(&plan.drop.id, index),
            drop: plan.drop.id.clone(),
            quantity: item.quantity,
            store: Some(command.store.clone()),
            currency: Some(item.price.currency()),
        };
        plan.send(index, ItemCommand::Allot(allot));
    }
    Ok(plan.finish(Answer::Later(Wait::Drop(DropWait::Scheduled))))
}

/// The id is taken: by the same request, which joins the wait, or by another.
fn again(plan: Plan<'_>, command: &ScheduleDrop) -> Decided {
    let known = &plan.drop.offer().effect;
    if known.digest != command.effect.digest {
        let same_id = known.id == command.effect.id;
        return refuse(if same_id {
            DropRejection::IdempotencyKeyReused
        } else {
            DropRejection::ExistsWithDifferentContent
        });
    }
    match answer(plan.drop, &DropWait::Scheduled) {
        Some(Ok(body)) => Ok(plan.finish(Answer::Now(body))),
        Some(Err(refusal)) => Err(refusal),
        None => Ok(plan.finish(Answer::Later(Wait::Drop(DropWait::Scheduled)))),
    }
}

/// All items lend. The seed of the draw is fixed, and its hash is told.
pub(super) fn scheduled(mut plan: Plan<'_>) -> Decision {
    let offer = plan.drop.offer();
    let seed = draw::seed_of(&plan.cx.policy.draw_secret, &plan.drop.id);
    plan.phase = Phase::Scheduled;
    let seed_hash = draw::hash_of(&seed);
    plan.record(DropScheduled { store: offer.store.clone(), terms: offer.terms.clone(), seed_hash });
    plan.finish(Answer::Nobody)
}

/// Some do not. All give up, also who has not answered: an answer may be on its way.
pub(super) fn rejected(mut plan: Plan<'_>, refusals: Vec<LoanRefused>) -> Decision {
    let store = plan.drop.offer().store.clone();
    plan.phase = Phase::Rejected;
    plan.record(DropRejected { refusals, store });
    let quantities: Vec<Quantity> = plan.terms.items.iter().map(|item| item.quantity).collect();
    for (index, quantity) in quantities.into_iter().enumerate() {
        plan.give_back(index, quantity, "rejected");
    }
    plan.finish(Answer::Nobody)
}
