//! Events of a drop. What stands here stands in the log for ever.

use super::{AllotRefusal, ClaimFacts, DropStatus, DropTerms, ItemPool, QueueLevels, Seed, SeedHash};
use crate::{
    effect::Effect,
    envelope::events,
    ids::{CancellationId, ClaimId, ItemId, StoreId, SubjectId},
    metadata::Metadata,
    quantity::Quantity,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

events! {
    /// What happened to a drop.
    DropEvent {
        DropDrafted = "stockfold.drops.drop-drafted.v1",
        UnitsLent = "stockfold.drops.units-lent.v1",
        LoanRefused = "stockfold.drops.loan-refused.v1",
        DropScheduled = "stockfold.drops.drop-scheduled.v1",
        DropRejected = "stockfold.drops.drop-rejected.v1",
        DropChanged = "stockfold.drops.drop-changed.v1",
        QueueOpened = "stockfold.drops.queue-opened.v1",
        QueueJoined = "stockfold.drops.queue-joined.v1",
        DropOpened = "stockfold.drops.drop-opened.v1",
        PlacesDrawn = "stockfold.drops.places-drawn.v1",
        ShoppersAdmitted = "stockfold.drops.shoppers-admitted.v1",
        AdmissionsExpired = "stockfold.drops.admissions-expired.v1",
        ClaimGranted = "stockfold.drops.claim-granted.v1",
        ClaimCommitted = "stockfold.drops.claim-committed.v1",
        ClaimReleased = "stockfold.drops.claim-released.v1",
        ClaimUncommitted = "stockfold.drops.claim-uncommitted.v1",
        DropStatusChanged = "stockfold.drops.drop-status-changed.v1",
        DropPaused = "stockfold.drops.drop-paused.v1",
        DropResumed = "stockfold.drops.drop-resumed.v1",
        DropEnded = "stockfold.drops.drop-ended.v1",
        DropCancelled = "stockfold.drops.drop-cancelled.v1",
        DropClosed = "stockfold.drops.drop-closed.v1",
    }
}

/// A drop exists; its items are asked to lend their units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropDrafted {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The store that offers it.
    pub store: StoreId,
    /// What it is.
    pub terms: DropTerms,
    /// The time at which items that have not answered are given up.
    pub answers_due_at: Timestamp,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// An item lends its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitsLent {
    /// Which.
    pub item_id: ItemId,
}

/// An item does not lend its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoanRefused {
    /// Which.
    pub item_id: ItemId,
    /// Why.
    pub refusal: AllotRefusal,
}

/// All units are lent. The hash of the draw's seed is published before anybody can join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropScheduled {
    /// The store that offers it.
    pub store: StoreId,
    /// What it is.
    pub terms: DropTerms,
    /// The commitment to the draw's seed.
    pub seed_hash: SeedHash,
}

/// Some item did not lend its units; the others get theirs back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropRejected {
    /// Everything that was refused.
    pub refusals: Vec<LoanRefused>,
    /// The store that offers it.
    pub store: StoreId,
}

/// The store has changed the terms before the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropChanged {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The store that offers it.
    pub store: StoreId,
    /// What it is now.
    pub terms: DropTerms,
    /// What it was.
    pub previous: DropTerms,
}

/// The waiting room is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueOpened {
    /// The status: queueing, or paused where the store paused it before.
    pub status: DropStatus,
}

/// A shopper has a place in the waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueJoined {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Who.
    pub shopper: SubjectId,
    /// The number of the place, from 1 in the order of joining.
    pub number: u64,
    /// The rank, where the draw is over or there is none for it; who is early has one once it is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// The waiting room after it.
    pub queue: QueueLevels,
}

/// Claims are taken from now on. The seed of the draw is revealed: nobody can join early any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropOpened {
    /// The seed; its SHA-256 is the hash that was published.
    pub seed: Seed,
    /// How many joined early and are drawn.
    pub early: u64,
    /// The status: live, or paused where the store paused it before the start.
    pub status: DropStatus,
}

/// Ranks of those who joined early, in the order of `SHA-256(seed ‖ shopper)`; at most 1,000 in one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlacesDrawn {
    /// The rank of the first; the others follow densely.
    pub first_rank: u64,
    /// Who, in the order of their ranks.
    pub shoppers: Vec<SubjectId>,
}

/// Shoppers may claim, in the order of their ranks. At most 1,000 in one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShoppersAdmitted {
    /// Who, in the order of their ranks.
    pub shoppers: Vec<SubjectId>,
    /// Until when they may claim, unless nothing is free meanwhile: then it is later by that time.
    pub until: Timestamp,
    /// For how long the clocks of admissions have stood still until now, in all: they run while the status is `live`.
    #[serde(default)]
    pub stood_still_ms: u64,
    /// The waiting room after it.
    pub queue: QueueLevels,
}

/// Shoppers have let their admission pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionsExpired {
    /// Who.
    pub shoppers: Vec<SubjectId>,
    /// The waiting room after it.
    pub queue: QueueLevels,
}

/// Units are held for a shopper; the order of the claim is opened with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimGranted {
    /// Its id is the claim's.
    pub effect: Effect,
    /// The claim.
    #[serde(flatten)]
    pub claim: ClaimFacts,
    /// The item's units in the drop after it.
    pub pool: ItemPool,
    /// The waiting room after it: an admission is used up by a claim.
    pub queue: QueueLevels,
}

/// A claim is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimCommitted {
    /// The claim.
    pub claim: ClaimId,
    /// The item's units in the drop after it.
    pub pool: ItemPool,
}

/// A claim was not paid for: its units are free again, or went back to the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimReleased {
    /// The claim.
    pub claim: ClaimId,
    /// Whose.
    pub shopper: SubjectId,
    /// How many.
    pub quantity: Quantity,
    /// Whether the item has them back, because the drop is over.
    pub to_item: bool,
    /// The item's units in the drop after it.
    pub pool: ItemPool,
}

/// Units of a bought claim were cancelled: they are free again, or went back to the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimUncommitted {
    /// The claim.
    pub claim: ClaimId,
    /// Acted on once.
    pub cancellation: CancellationId,
    /// Whose.
    pub shopper: SubjectId,
    /// How many.
    pub quantity: Quantity,
    /// Whether the item has them back, because the drop is over.
    pub to_item: bool,
    /// The item's units in the drop after it.
    pub pool: ItemPool,
}

/// All units are claimed, or sold, or some are free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropStatusChanged {
    /// `live`, `all_held` or `sold_out`.
    pub status: DropStatus,
}

/// The store has stopped it for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropPaused {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Why; public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// It goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropResumed {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The status that it goes on with.
    pub status: DropStatus,
}

/// Its time is over: unclaimed units go back to their items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropEnded {
    /// The store that offers it.
    pub store: StoreId,
    /// The units of every item after it.
    pub pools: Vec<ItemPool>,
}

/// The store has called it off: unclaimed units go back to their items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropCancelled {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The store that offers it.
    pub store: StoreId,
    /// What it was.
    pub terms: DropTerms,
    /// Why; public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The units of every item after it.
    pub pools: Vec<ItemPool>,
}

/// The drop has been over for as long as ids are kept, and no claim is held: nothing more is expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropClosed {}
