//! Changes the terms of a drop before it starts, as a JSON merge patch (RFC 7396) that is merged here.

use super::{Phase, plan::Plan, refuse, terms};
use crate::{Decided, item};
use schemas::drop::{ChangeDrop, DropChanged, DropRejection, DropTerms};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The members of [`DropTerms`].
const FIELDS: [&str; 7] = ["title", "items", "startsAt", "endsAt", "limitPerShopper", "queueOpensAt", "admitAtOnce"];

pub(super) fn change(mut plan: Plan<'_>, command: &ChangeDrop) -> Decided {
    if plan.drop.known.again(&command.effect)? {
        return plan.done();
    }
    let after = merged(&plan.terms, &command.patch).and_then(|after| {
        terms::check(&after, Some(&plan.terms), plan.cx.now)?;
        Ok(after)
    });
    let after = match after {
        Ok(after) => after,
        Err(rejection) => return refuse(rejection),
    };
    match plan.drop.phase {
        Phase::New | Phase::Draft => return refuse(DropRejection::DropNotReady),
        Phase::Open => return refuse(DropRejection::DropStarted),
        Phase::Ended | Phase::Cancelled | Phase::Rejected => {
            return refuse(DropRejection::DropOver { status: plan.status() });
        }
        Phase::Queueing if after.queue_opens_at != plan.terms.queue_opens_at => {
            return refuse(invalid("/queueOpensAt", "the waiting room is open"));
        }
        Phase::Queueing | Phase::Scheduled => {}
    }
    if after == *plan.terms {
        return plan.done();
    }

    // From here it succeeds.
    let offer = plan.drop.offer();
    plan.terms = Cow::Owned(after.clone());
    plan.record(DropChanged {
        effect: command.effect.clone(),
        store: offer.store.clone(),
        terms: after,
        previous: offer.terms.clone(),
    });
    plan.done()
}

fn invalid(pointer: &str, detail: &str) -> DropRejection {
    DropRejection::TermsInvalid { pointer: pointer.to_owned(), detail: detail.to_owned() }
}

/// The terms as the patch makes them. Items stay, with their quantities and currency: those are lent.
fn merged(before: &DropTerms, patch: &Map<String, Value>) -> Result<DropTerms, DropRejection> {
    if let Some(field) = patch.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(invalid("", &format!("unknown field `{field}`")));
    }
    let unreadable = |error: serde_json::Error| invalid("", &error.to_string());
    let mut document = serde_json::to_value(before).map_err(unreadable)?;
    if let Value::Object(fields) = &mut document {
        item::merge(fields, patch);
    }
    let after: DropTerms = serde_json::from_value(document).map_err(unreadable)?;
    if !terms::same_items(before, &after) {
        return Err(invalid("/items", "items, their quantities and their currency stay; a price may change"));
    }
    Ok(after)
}
