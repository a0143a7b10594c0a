//! Commands of a drop.

use super::{ClaimFacts, DropTerms};
use crate::{
    effect::Effect,
    ids::{AllotmentId, ClaimId, ItemId, OrderId, StoreId},
    metadata::Metadata,
    order::SubmitMode,
    quantity::Quantity,
    tagged::tagged,
};
use serde::{Deserialize, Serialize};

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a drop. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum DropCommand {
        Schedule(ScheduleDrop),
        Change(ChangeDrop),
        AllotAnswered(AllotAnswered),
        Pause(PauseDrop),
        Resume(ResumeDrop),
        Cancel(CancelDrop),
        Join(JoinQueue),
        Claim(ClaimUnits),
        CommitClaim(CommitClaim),
        ReleaseClaim(ReleaseClaim),
        UncommitClaim(UncommitClaim),
    }
}

/// Makes the drop and asks its items to lend their units; the answer waits for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleDrop {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The store that offers it.
    pub store: StoreId,
    /// What it is.
    pub terms: DropTerms,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Changes what the drop is, before it starts. Items and their quantities stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeDrop {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The fields that change, merged where it is decided (JSON merge patch of the terms).
    pub patch: serde_json::Map<String, serde_json::Value>,
}

/// An item's answer to the request to lend its units. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllotAnswered {
    /// Which item.
    pub item_id: ItemId,
    /// Under which allotment.
    pub allotment: AllotmentId,
    /// Why not; none where the units are lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<super::AllotRefusal>,
}

/// Stops claims and admissions for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseDrop {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Why; public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Goes on after a pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResumeDrop {
    /// Deduplicates the request.
    pub effect: Effect,
}

/// Calls the drop off: unclaimed units go back to their items at once; what is claimed may still be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelDrop {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Why; public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Takes the caller's place in the waiting room: one per shopper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinQueue {
    /// Deduplicates the request.
    pub effect: Effect,
}

/// Claims units of the drop for the caller. A refusal is answered by the drop, a grant by the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimUnits {
    /// Its id is the claim's.
    pub effect: Effect,
    /// The claim.
    pub claim: ClaimId,
    /// The order that it opens.
    pub order_id: OrderId,
    /// Of which item; may be left out where the drop has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    /// How many.
    pub quantity: Quantity,
    /// The number of the place that the caller's ticket names; refused where it is not the caller's newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// When the order is submitted.
    #[serde(default)]
    pub submit: SubmitMode,
    /// The caller's own pairs, of the order.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The order of a claim is confirmed. Internal; never refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitClaim {
    /// The claim.
    pub claim: ClaimId,
}

/// The order of a claim has ended unpaid: its units are free again. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseClaim {
    /// The claim.
    pub claim: ClaimId,
}

/// Units of a bought claim are cancelled before they shipped. Internal; the drop passes it on to the item, which gives
/// them back to the drop while it runs, else to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UncommitClaim {
    /// The claim.
    pub claim: ClaimId,
    /// What the item is asked; `into` is set by the drop.
    pub uncommit: crate::item::Uncommit,
}

/// What an order is opened with: see [`crate::order::OrderCommand::Open`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenOrder {
    /// Of the claim.
    pub effect: Effect,
    /// The drop.
    pub drop: crate::ids::DropId,
    /// What was claimed.
    pub claim: ClaimFacts,
    /// When it is submitted.
    #[serde(default)]
    pub submit: SubmitMode,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}
