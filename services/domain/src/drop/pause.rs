//! Stops claims and admissions for a while, and goes on. Before the start it opens as paused.

use super::{Phase, plan::Plan, refuse};
use crate::Decided;
use schemas::drop::{DropPaused, DropRejection, DropResumed, PauseDrop, ResumeDrop};

pub(super) fn pause(mut plan: Plan<'_>, command: &PauseDrop) -> Decided {
    if plan.drop.known.again(&command.effect)? {
        return plan.done();
    }
    check(&plan).or_else(refuse)?;
    if plan.paused {
        return plan.done();
    }

    // From here it succeeds.
    plan.paused = true;
    plan.record(DropPaused { effect: command.effect.clone(), reason: command.reason.clone() });
    plan.done()
}

pub(super) fn resume(mut plan: Plan<'_>, command: &ResumeDrop) -> Decided {
    if plan.drop.known.again(&command.effect)? {
        return plan.done();
    }
    check(&plan).or_else(refuse)?;
    if !plan.paused {
        return plan.done();
    }

    // From here it succeeds.
    plan.paused = false;
    let status = plan.status();
    plan.record(DropResumed { effect: command.effect.clone(), status });
    plan.done()
}

/// That it is scheduled, and not over.
fn check(plan: &Plan<'_>) -> Result<(), DropRejection> {
    match plan.phase {
        Phase::New | Phase::Draft => Err(DropRejection::DropNotReady),
        Phase::Ended | Phase::Cancelled | Phase::Rejected => Err(DropRejection::DropOver { status: plan.status() }),
        Phase::Scheduled | Phase::Queueing | Phase::Open => Ok(()),
    }
}
