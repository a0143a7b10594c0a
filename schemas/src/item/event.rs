//! Events of an item. What stands here stands in the log for ever.
//!
//! Every event that changes stock carries the levels after it, so that a view folds it without reckoning and a reader
//! of the log sees at each step what was available.

use super::{
    AllotmentReturned, AllotmentVoided, AllottedCommitted, Bucket, Catalog, FeedSource, ForwardedQuantity, HoldClosed,
    HoldId, LocationLevels, SourceVersion, StockDispatched, StockLevels, SubOrderQuantity, SupplyRecorded,
    TransferLost, TransferReceived, UnitsAllotted,
};
use crate::{
    effect::Effect,
    envelope::events,
    ids::{AllotmentId, CancellationId, EffectId, ReturnId, StoreId, SubOrderId},
    metadata::Metadata,
    money::Money,
    quantity::Quantity,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

events! {
    /// What happened to an item.
    ItemEvent {
        ItemListed = "stockfold.inventory.item-listed.v1",
        PriceChanged = "stockfold.inventory.price-changed.v1",
        ItemDelisted = "stockfold.inventory.item-delisted.v1",
        StockReceived = "stockfold.inventory.stock-received.v1",
        StockCounted = "stockfold.inventory.stock-counted.v1",
        StockMoved = "stockfold.inventory.stock-moved.v1",
        StockDispatched = "stockfold.inventory.stock-dispatched.v1",
        TransferReceived = "stockfold.inventory.transfer-received.v1",
        TransferLost = "stockfold.inventory.transfer-lost.v1",
        HoldGranted = "stockfold.inventory.hold-granted.v1",
        HoldCommitted = "stockfold.inventory.hold-committed.v1",
        HoldReleased = "stockfold.inventory.hold-released.v1",
        HoldExpired = "stockfold.inventory.hold-expired.v1",
        UnitsUncommitted = "stockfold.inventory.units-uncommitted.v1",
        UnitsAllocated = "stockfold.inventory.units-allocated.v1",
        UnitsDeallocated = "stockfold.inventory.units-deallocated.v1",
        StockShipped = "stockfold.inventory.stock-shipped.v1",
        StockRestocked = "stockfold.inventory.stock-restocked.v1",
        HoldClosed = "stockfold.inventory.hold-closed.v1",
        UnitsAllotted = "stockfold.inventory.units-allotted.v1",
        AllotmentReturned = "stockfold.inventory.allotment-returned.v1",
        AllottedCommitted = "stockfold.inventory.allotted-committed.v1",
        AllotmentVoided = "stockfold.inventory.allotment-voided.v1",
        SafetySet = "stockfold.inventory.safety-set.v1",
        ShortfallDetected = "stockfold.inventory.shortfall-detected.v1",
        SupplyRecorded = "stockfold.inventory.supply-recorded.v1",
    }
}

/// The item is in sale with these facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemListed {
    /// All facts.
    pub catalog: Catalog,
    /// 1, and one more with every change of facts or price.
    pub catalog_version: u64,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceVersion>,
    /// The category before, where the item was listed already: it keys a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_category: Option<String>,
    /// The store before, where the item was listed already: it keys a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_store: Option<StoreId>,
    /// Of a patch: what it is deduplicated by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// The item has another price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceChanged {
    /// The price from now on.
    pub price: Money,
    /// The price before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Money>,
    /// As in [`ItemListed`].
    pub catalog_version: u64,
}

/// The item is out of sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemDelisted {
    /// As in [`ItemListed`].
    pub catalog_version: u64,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceVersion>,
    /// The category that it was listed in: it keys a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The store that it was listed by: it keys a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// Units came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReceived {
    /// Its id is the receipt's.
    pub effect: Effect,
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
    /// The supplier's system that said so; none of what was booked here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedSource>,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// The sellable units of a location were counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockCounted {
    /// Its id is the count's; the shipment's where a shipment corrects the record.
    pub effect: Effect,
    /// What the count added (or, below zero, took).
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// The hold whose shipment corrects the record: then nobody counted, and no count is deduplicated by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment_of: Option<HoldId>,
    /// The supplier's system whose statement brings the record in line; then nobody counted here, and the id is the statement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedSource>,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// Units changed their bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockMoved {
    /// Its id is the move's.
    pub effect: Effect,
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
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// Units are reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldGranted {
    /// Under which id.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The authoritative price at the grant.
    pub unit_price: Money,
    /// A free hold's deadline, without the grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// A foreign system's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Of a free hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The item after it.
    pub stock: StockLevels,
}

/// Held units are ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldCommitted {
    /// Which.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
}

/// Held (or a free hold's committed) units are given back; of a hold that was not placed yet, a tombstone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldReleased {
    /// Which.
    pub hold: HoldId,
    /// Units that were held.
    pub held: u32,
    /// Units that were committed.
    pub committed: u32,
    /// The item after it.
    pub stock: StockLevels,
}

/// A free hold's deadline and the grace have passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldExpired {
    /// Which.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
}

/// Ordered units were given back by a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitsUncommitted {
    /// Which cancellation.
    pub cancellation: CancellationId,
    /// Whose units.
    pub hold: HoldId,
    /// Units that were committed.
    pub committed: u32,
    /// Units that were allocated, and to what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocated: Vec<SubOrderQuantity>,
    /// Units that are on their way to another warehouse: nobody's when they arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<ForwardedQuantity>,
    /// Into this allotment; else they are available to sell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<AllotmentId>,
    /// The item after it.
    pub stock: StockLevels,
    /// The locations that it touched, after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<LocationLevels>,
}

/// Ordered units are bound to a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitsAllocated {
    /// For which sub-order.
    pub sub_order: SubOrderId,
    /// Whose units.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The shipment that brought them from another warehouse; else the order asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<EffectId>,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// A count or a move took the units of an allocation; they are committed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitsDeallocated {
    /// For which sub-order.
    pub sub_order: SubOrderId,
    /// Whose units.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// Units left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockShipped {
    /// Its id is the shipment's.
    pub effect: Effect,
    /// Whose units.
    pub hold: HoldId,
    /// Of which sub-order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_order: Option<SubOrderId>,
    /// How many.
    pub quantity: Quantity,
    /// Units of them that were allocated here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocated: Vec<SubOrderQuantity>,
    /// Units of them that were on their way to another warehouse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<ForwardedQuantity>,
    /// Units of them that were committed.
    pub committed: u32,
    /// The item after it.
    pub stock: StockLevels,
    /// The locations that it touched, after it; the one that shipped is first.
    pub places: Vec<LocationLevels>,
}

/// Shipped units came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockRestocked {
    /// Its id is the restock's.
    pub effect: Effect,
    /// Of which return.
    pub return_id: ReturnId,
    /// Whose units.
    pub hold: HoldId,
    /// Into this bucket.
    pub condition: Bucket,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// Another number of units is kept back from sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SafetySet {
    /// How many.
    pub quantity: u32,
    /// How many before.
    pub previous: u32,
    /// The item after it.
    pub stock: StockLevels,
}

/// A count or a move left less than is promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShortfallDetected {
    /// Units that are promised and not there: the size of what is available below zero.
    pub missing: u64,
    /// The item after it.
    pub stock: StockLevels,
}
