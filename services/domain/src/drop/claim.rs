//! Claims units: grants them and opens the order, which answers; a refusal is answered here.

use super::{
    Phase,
    plan::Plan,
    pools, refuse,
    room::{Place, Stage},
};
use crate::{Decided, Decision};
use schemas::{
    Command,
    drop::{ClaimFacts, ClaimGranted, ClaimUnits, DropRejection, DropStatus, OpenOrder},
    order::OrderCommand,
};

pub(super) fn claim(mut plan: Plan<'_>, command: &ClaimUnits) -> Decided {
    if let Some(decided) = again(&plan, command) {
        return decided.map(|open| Decision { sends: vec![open], ..plan.silent() });
    }
    let index = match check(&plan, command) {
        Ok(index) => index,
        Err(rejection) => return refuse(rejection),
    };

    // From here it succeeds.
    if plan.terms.queue_opens_at.is_some() {
        plan.queue.admitted -= 1;
    }
    plan.pools[index].claim(command.quantity);
    let claim = facts(&plan, command, index);
    let (pool, queue) = (plan.pool(index), plan.queue);
    plan.record(ClaimGranted { effect: command.effect.clone(), claim: claim.clone(), pool, queue });
    plan.ask(open(&plan, command, claim));
    Ok(plan.silent())
}

/// A claim that was granted before only asks its order again.
fn again(plan: &Plan<'_>, command: &ClaimUnits) -> Option<Result<Command, schemas::Rejection>> {
    if let Err(rejection) = plan.drop.known.again(&command.effect) {
        return Some(Err(rejection));
    }
    let known = plan.drop.claims.get(&command.claim)?;
    if known.digest != command.effect.digest || known.shopper != plan.cx.caller.subject {
        return Some(refuse(DropRejection::IdempotencyKeyReused));
    }
    let facts =
        ClaimFacts { order_id: known.order_id.clone(), quantity: known.quantity, ..facts(plan, command, known.item) };
    Some(Ok(open(plan, command, facts)))
}

/// The checks in the order of [`DropRejection`]; which item it is of.
fn check(plan: &Plan<'_>, command: &ClaimUnits) -> Result<usize, DropRejection> {
    let (drop, terms, shopper) = (plan.drop, &plan.terms, &plan.cx.caller.subject);
    match plan.phase {
        Phase::New | Phase::Draft => return Err(DropRejection::DropNotReady),
        Phase::Open if !plan.paused => {}
        Phase::Scheduled | Phase::Queueing | Phase::Open | Phase::Ended | Phase::Cancelled | Phase::Rejected => {
            return Err(DropRejection::NotLive { status: plan.status() });
        }
    }
    let index = match &command.item_id {
        None if terms.items.len() == 1 => 0,
        None => return Err(DropRejection::ItemRequired),
        Some(item_id) => {
            drop.item_index(item_id).ok_or_else(|| DropRejection::ItemNotOffered { item_id: item_id.clone() })?
        }
    };
    // A ticket of an older place is worth nothing.
    let is_named = |place: &Place| {
        planted::bug!("ticket-of-old-place") || command.place.is_none_or(|number| number == place.number)
    };
    let is_admitted = |place: &Place| matches!(place.stage, Stage::Admitted(_)) && is_named(place);
    let is_open = terms.queue_opens_at.is_none() || planted::bug!("claim-without-admission");
    if !is_open && !drop.room.place(shopper).is_some_and(is_admitted) {
        return Err(DropRejection::NotAdmitted);
    }
    let has = if planted::bug!("drop-limit-of-paid") { drop.claims.bought_by(shopper) } else { drop.units_of(shopper) };
    let limit = terms.limit_per_shopper.get();
    if u64::from(has) + command.quantity.units() > u64::from(limit) {
        return Err(DropRejection::LimitReached { limit, has });
    }
    let levels = plan.pools[index].levels;
    if levels.remaining < command.quantity.get() {
        let is_sold_out = pools::status(&plan.pools[index..=index]) == DropStatus::SoldOut;
        return Err(if is_sold_out {
            DropRejection::SoldOut
        } else {
            DropRejection::AllHeld { remaining: levels.remaining }
        });
    }
    Ok(index)
}

fn facts(plan: &Plan<'_>, command: &ClaimUnits, index: usize) -> ClaimFacts {
    let item = &plan.terms.items[index];
    ClaimFacts {
        claim: command.claim.clone(),
        order_id: command.order_id.clone(),
        shopper: plan.cx.caller.subject.clone(),
        item_id: item.item_id.clone(),
        quantity: command.quantity,
        unit_price: item.price,
        store: plan.drop.offer().store.clone(),
    }
}

fn open(plan: &Plan<'_>, command: &ClaimUnits, claim: ClaimFacts) -> Command {
    let order = claim.order_id.clone();
    let opened = OpenOrder {
        effect: command.effect.clone(),
        drop: plan.drop.id.clone(),
        claim,
        submit: command.submit,
        metadata: command.metadata.clone(),
    };
    Command::Order { order, command: OrderCommand::Open(opened) }
}
