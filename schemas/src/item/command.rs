//! Commands of an item.

use super::{
    Bucket, Catalog, CloseHold, Forward, HoldId, ReceiveForward, ReceiveTransfer, SourceVersion, Supply, TransferStock,
};
use crate::{
    effect::Effect,
    ids::{AllotmentId, CancellationId, DropId, LocationId, OrderId, ReturnId, StoreId, SubOrderId},
    metadata::Metadata,
    money::{Currency, Money},
    quantity::Quantity,
    tagged::tagged,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of an item. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum ItemCommand {
        List(ListItem),
        Patch(PatchItem),
        Delist(DelistItem),
        Receive(ReceiveStock),
        Count(CountStock),
        Move(MoveStock),
        Transfer(TransferStock),
        ReceiveTransfer(ReceiveTransfer),
        PlaceHold(PlaceHold),
        CommitHold(CommitHold),
        ReleaseHold(ReleaseHold),
        Uncommit(Uncommit),
        Allocate(Allocate),
        Ship(ShipStock),
        Forward(Forward),
        ReceiveForward(ReceiveForward),
        Restock(Restock),
        CloseHold(CloseHold),
        Allot(Allot),
        ReturnAllotment(ReturnAllotment),
        CommitAllotted(CommitAllotted),
        SetSafety(SetSafety),
        Supply(Supply),
    }
}

/// Lists an item, or replaces its catalog facts and price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListItem {
    /// All facts.
    pub catalog: Catalog,
    /// The price, zero or more.
    pub price: Money,
    /// Where it comes from; without it the command always applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceVersion>,
    /// `If-Match`: the catalog version that the editor saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

/// Merges a JSON merge patch (RFC 7396) into the catalog facts and price.
///
/// The document patched is [`PatchDocument`] as JSON; `kind` cannot change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchItem {
    /// The merge patch.
    pub patch: serde_json::Map<String, serde_json::Value>,
    /// Deduplicates the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// `If-Match`: the catalog version that the editor saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

/// What a merge patch patches: the facts and the price side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchDocument {
    /// All facts.
    #[serde(flatten)]
    pub catalog: Catalog,
    /// The price.
    pub price: Money,
}

/// Takes an item out of sale; its stock stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DelistItem {
    /// Where it comes from; without it the command always applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceVersion>,
}

/// Books units that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveStock {
    /// Its id is the receipt's.
    pub effect: Effect,
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantity: Quantity,
    /// The delivery note or the like.
    pub document: String,
    /// Business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Sets the sellable units of a location to what was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountStock {
    /// Its id is the count's.
    pub effect: Effect,
    /// Where.
    pub location: LocationId,
    /// Sellable units found, 0–1,000,000,000.
    pub counted: u64,
    /// Sellable units on record when the counting began: if they changed since, the count is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Why it was counted.
    pub reason: String,
}

/// Moves units of a location from one bucket to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoveStock {
    /// Its id is the move's.
    pub effect: Effect,
    /// Where.
    pub location: LocationId,
    /// Out of this bucket.
    pub from: Bucket,
    /// Into this one.
    pub to: Bucket,
    /// How many.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
    /// A document.
    pub reference: String,
}

/// Reserves units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceHold {
    /// Under which id.
    pub hold: HoldId,
    /// How many; of an order the sum of its lines of the item.
    pub quantity: Quantity,
    /// The price that the buyer saw; refused if it is another now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_price: Option<Money>,
    /// The caller's store, where it may only take its own items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_store: Option<StoreId>,
    /// A free hold's own life, 1–2,592,000 s; orders and drops keep their deadline themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// A foreign system's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Of a free hold; what an order or drop sends is deduplicated by the hold's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// Turns held units into ordered ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitHold {
    /// Which.
    pub hold: HoldId,
}

/// Gives back held units; a free hold's committed units too, as far as they have not shipped.
///
/// Before the hold was placed it leaves a tombstone that refuses the placing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseHold {
    /// Which.
    pub hold: HoldId,
}

/// Gives back ordered units of a cancellation. Never refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uncommit {
    /// Which cancellation.
    pub cancellation: CancellationId,
    /// Whose units.
    pub hold: HoldId,
    /// How many in all.
    pub quantity: Quantity,
    /// Allocations to take first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<SubOrderQuantity>,
    /// Units on their way to another warehouse to take first: the order knows of which shipment they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<super::ForwardedQuantity>,
    /// Into this allotment; else they are available to sell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<AllotmentId>,
}

/// Units of one sub-order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderQuantity {
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// Units.
    pub quantity: Quantity,
}

/// Binds ordered units to a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allocate {
    /// For which sub-order.
    pub sub_order: SubOrderId,
    /// Whose units.
    pub hold: HoldId,
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantity: Quantity,
}

/// Records units that left.
///
/// Of an order what left is a fact: never refused for want of stock on record. Of a free hold it allocates and ships at
/// once, and is refused where an allocation would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipStock {
    /// Its id is the shipment's.
    pub effect: Effect,
    /// Whose units.
    pub hold: HoldId,
    /// Of which sub-order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_order: Option<SubOrderId>,
    /// From where.
    pub location: LocationId,
    /// How many; without it all that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
}

/// Books shipped units that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restock {
    /// Its id is the restock's.
    pub effect: Effect,
    /// Of which return.
    pub return_id: ReturnId,
    /// Whose units.
    pub hold: HoldId,
    /// Where.
    pub location: LocationId,
    /// Into this bucket.
    pub condition: Bucket,
    /// How many.
    pub quantity: Quantity,
}

/// Lends units to a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allot {
    /// Under which id.
    pub allotment: AllotmentId,
    /// To which drop.
    pub drop: DropId,
    /// How many.
    pub quantity: Quantity,
    /// The store of the drop, which must own the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// The currency of the drop's prices, which must be the item's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// Takes back units lent to a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnAllotment {
    /// Its id is the return's.
    pub effect: Effect,
    /// Which allotment.
    pub allotment: AllotmentId,
    /// How many.
    pub quantity: Quantity,
}

/// Turns allotted units into ordered ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitAllotted {
    /// Which allotment.
    pub allotment: AllotmentId,
    /// Under which hold they are ordered from now on.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The order that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

/// Sets the units that are kept back from sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetSafety {
    /// 0–1,000,000.
    pub quantity: u32,
}
