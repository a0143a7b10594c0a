//! The drop: a limited-time offer with units of its own, and the waiting room before it.
//!
//! Its items lend it their units; it grants claims on them, each of which opens an order, and gives back what nobody
//! bought. State stands here, then what is decided by command, one file each, then [`evolve`] and the clock. The state may
//! have a million places: no decision copies it, only the few numbers that it changes (see [`plan`]).

mod allot_answered;
mod answer;
mod cancel;
mod change;
mod claim;
mod claims;
mod clock;
mod commit_claim;
pub mod draw;
mod evolve;
mod join;
mod known;
mod pause;
mod plan;
mod pools;
mod release_claim;
mod room;
mod schedule;
mod terms;
#[cfg(test)]
mod tests;
mod uncommit_claim;

pub use answer::{DropWait, answer};
pub use clock::on_clock;
pub use draw::DrawSecret;
pub use evolve::evolve;

use crate::{Context, Decided};
use claims::Claims;
use known::Known;
use plan::Plan;
use pools::Pool;
use room::Room;
use schemas::{
    DropId, Effect, ItemId, Metadata, Rejection, Role, StoreId, SubjectId, Timestamp,
    drop::{AllotRefusal, DropCommand, DropRejection, DropStatus, DropTerms, LoanRefused, SeedHash},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most places that a waiting room ever has.
pub const MOST_PLACES: u64 = 1_000_000;
/// The most shoppers that one event names.
const MOST_IN_EVENT: usize = 1_000;
/// The most shoppers that one decision draws, admits or sends away: the rest follows a moment later.
const MOST_AT_ONCE: usize = 10 * MOST_IN_EVENT;

/// The state of a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drop {
    id: DropId,
    phase: Phase,
    /// The store has stopped it for a while.
    paused: bool,
    /// None until it is drafted.
    offer: Option<Offer>,
    /// What its items said, in the order of the terms.
    loans: Vec<Option<Loan>>,
    /// In the order of the terms; empty until all units are lent.
    pools: Vec<Pool>,
    claims: Claims,
    /// Units that a shopper has, held and bought less cancelled, while it runs.
    has: BTreeMap<SubjectId, u32>,
    room: Room,
    known: Known,
    /// Of the last step of the clock: the next one comes later, or the clock would stand still.
    stepped_at: Option<Timestamp>,
    /// When it is closed, once it is over.
    closes_at: Option<Timestamp>,
}

/// Where it stands. What is shown is [`DropStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    New,
    Draft,
    Scheduled,
    Queueing,
    Open,
    Ended,
    Cancelled,
    Rejected,
}

/// What it is, and who scheduled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    effect: Effect,
    store: StoreId,
    terms: DropTerms,
    answers_due_at: Timestamp,
    seed_hash: Option<SeedHash>,
    metadata: Metadata,
    /// Why it was rejected.
    refusals: Vec<LoanRefused>,
}

/// What an item said: it lends, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Loan {
    Lent,
    Refused(AllotRefusal),
}

impl Drop {
    /// A drop to which nothing has happened.
    #[must_use]
    pub fn new(id: DropId) -> Self {
        Self {
            id,
            phase: Phase::New,
            paused: false,
            offer: None,
            loans: Vec::new(),
            pools: Vec::new(),
            claims: Claims::default(),
            has: BTreeMap::new(),
            room: Room::new(),
            known: Known::default(),
            stepped_at: None,
            closes_at: None,
        }
    }

    /// The earliest time at which [`on_clock`] has something to say.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let due = clock::due(self)?;
        Some(self.stepped_at.map_or(due, |at| due.max(at.plus_millis(1))))
    }

    /// How many entries its state has, about.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.room.len() + self.claims.len() + self.known.len() + self.has.len()
    }

    /// Whether it never came about, or is over, paid for, and no id is remembered that somebody might use again.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self.phase {
            Phase::New | Phase::Rejected => true,
            Phase::Draft | Phase::Scheduled | Phase::Queueing | Phase::Open => false,
            Phase::Ended | Phase::Cancelled => self.closes_at.is_none(),
        }
    }

    fn offer(&self) -> &Offer {
        self.offer.as_ref().expect("a drop that is not new has been drafted")
    }

    fn terms(&self) -> &DropTerms {
        &self.offer().terms
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Cancelled)
    }

    /// Units that a shopper has of it.
    fn units_of(&self, shopper: &SubjectId) -> u32 {
        self.has.get(shopper).copied().unwrap_or(0)
    }

    /// The place of an item in the terms.
    fn item_index(&self, item: &ItemId) -> Option<usize> {
        self.terms().items.iter().position(|offered| offered.item_id == *item)
    }
}

/// The status that is shown.
fn status(phase: Phase, paused: bool, pools: &[Pool]) -> DropStatus {
    match phase {
        Phase::New | Phase::Draft => DropStatus::Draft,
        Phase::Rejected => DropStatus::Rejected,
        Phase::Ended => DropStatus::Ended,
        Phase::Cancelled => DropStatus::Cancelled,
        Phase::Scheduled | Phase::Queueing | Phase::Open if paused => DropStatus::Paused,
        Phase::Scheduled => DropStatus::Scheduled,
        Phase::Queueing => DropStatus::Queueing,
        Phase::Open => pools::status(pools),
    }
}

/// Decides a command. Pure and total; what it refuses is a [`DropRejection`].
pub fn decide(drop: &Drop, command: &DropCommand, cx: Context<'_>) -> Decided {
    let plan = || Plan::new(drop, cx);
    match command {
        DropCommand::Schedule(command) => schedule::schedule(plan(), command),
        DropCommand::Change(command) => change::change(owned(plan())?, command),
        DropCommand::Pause(command) => pause::pause(owned(plan())?, command),
        DropCommand::Resume(command) => pause::resume(owned(plan())?, command),
        DropCommand::Cancel(command) => cancel::cancel(owned(plan())?, command),
        DropCommand::Join(command) => join::join(for_shopper(plan())?, command),
        DropCommand::Claim(command) => claim::claim(for_shopper(plan())?, command),
        // No edge takes these from outside: their caller is whoever began the chain.
        DropCommand::AllotAnswered(command) => Ok(allot_answered::allot_answered(plan(), command)),
        DropCommand::CommitClaim(command) => Ok(commit_claim::commit_claim(plan(), command)),
        DropCommand::ReleaseClaim(command) => Ok(release_claim::release_claim(plan(), command)),
        DropCommand::UncommitClaim(command) => Ok(uncommit_claim::uncommit_claim(plan(), command)),
    }
}

/// Passes what its store, or somebody who acts for the shop, asks of a drop that was drafted.
fn owned(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    let caller = plan.cx.caller;
    let is_own = |offer: &Offer| caller.is_trusted() || is_of(caller, &offer.store);
    if plan.drop.offer.as_ref().is_some_and(is_own) { Ok(plan) } else { refuse(DropRejection::DropNotFound) }
}

/// Whether a caller acts for a store.
fn is_of(caller: &schemas::Caller, store: &StoreId) -> bool {
    caller.role == Role::Store && caller.store.as_ref() == Some(store)
}

/// Passes what a shopper asks of a drop that they can know of.
fn for_shopper(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    match plan.drop.phase {
        Phase::New | Phase::Rejected => refuse(DropRejection::DropNotFound),
        _ if plan.cx.caller.role != Role::Shopper => refuse(DropRejection::DropNotFound),
        Phase::Draft | Phase::Scheduled | Phase::Queueing | Phase::Open | Phase::Ended | Phase::Cancelled => Ok(plan),
    }
}

/// A refusal of the drop.
fn refuse<T>(rejection: DropRejection) -> Result<T, Rejection> {
    Err(Rejection::Drop(rejection))
}
