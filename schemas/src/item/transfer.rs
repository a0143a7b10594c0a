//! Units between two locations: the commands that send and receive them, and the events.
//!
//! A transfer is on its way from [`StockDispatched`] until all of it has arrived ([`TransferReceived`]) or is written off
//! ([`TransferLost`]). Units that one warehouse forwards to another for an order go the same way, with the hold attached:
//! they stay ordered, and are allocated where they arrive: then committed + allocated + on the way = ordered and not shipped.

use super::{HoldId, LocationLevels, StockLevels, SubOrderQuantity};
use crate::{
    effect::Effect,
    ids::{EffectId, LocationId, SubOrderId},
    quantity::Quantity,
};
use serde::{Deserialize, Serialize};

/// Sends sellable units of one location to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferStock {
    /// Its id is the move's.
    pub effect: Effect,
    /// From where.
    pub location: LocationId,
    /// To where: any other location, also one where the item never was.
    pub to_location: LocationId,
    /// How many.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
    /// A document.
    pub reference: String,
}

/// Books units of a transfer that arrived, and those that never will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveTransfer {
    /// Its id is the receipt's, unique among those of the transfer.
    pub effect: Effect,
    /// The move that sent the units.
    pub transfer: EffectId,
    /// Units that arrived, 0–1,000,000; without it all that is on the way and not lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Units that will never arrive, 0–1,000,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
}

/// Records ordered units that left for another warehouse, which ships them on. Internal, from the order.
///
/// What left is a fact: never refused for want of stock on record. The units stay ordered. What of them is not ordered
/// any more goes as a plain transfer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// Its id is the shipment's, unique among those of the hold.
    pub effect: Effect,
    /// Whose units.
    pub hold: HoldId,
    /// The sub-order that was shipped.
    pub sub_order: SubOrderId,
    /// The sub-order that ships them on.
    pub to_sub_order: SubOrderId,
    /// From where.
    pub location: LocationId,
    /// To where.
    pub to_location: LocationId,
    /// How many.
    pub quantity: Quantity,
}

/// Books all forwarded units of a shipment that are on the way: they arrived. Internal, from the order.
///
/// Never refused: what is not on the way any more changes nothing. What is found missing is counted there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveForward {
    /// Its id is the arrival's.
    pub effect: Effect,
    /// Whose units.
    pub hold: HoldId,
    /// The shipment that forwarded them.
    pub shipment: EffectId,
}

/// Units left for another location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockDispatched {
    /// Its id is the move's; of forwarded units the shipment's.
    pub effect: Effect,
    /// How many.
    pub quantity: Quantity,
    /// Why; not of forwarded units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A document; not of forwarded units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The order that they are forwarded for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<ForwardedUnits>,
    /// The item after it.
    pub stock: StockLevels,
    /// The locations that it touched, after it: first where the units left, then where they go.
    pub places: Vec<LocationLevels>,
}

/// Whose units are forwarded, and where they were taken from. What they do not sum up to was not ordered any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardedUnits {
    /// Whose units.
    pub hold: HoldId,
    /// The sub-order that was shipped.
    pub sub_order: SubOrderId,
    /// The sub-order that ships them on.
    pub to_sub_order: SubOrderId,
    /// Units of them that were allocated, and to what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocated: Vec<SubOrderQuantity>,
    /// Units of them that were committed.
    pub committed: u32,
    /// Units of them that were on their way under another shipment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<ForwardedQuantity>,
}

/// Ordered units of one shipment that is on its way to another warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardedQuantity {
    /// The shipment.
    pub shipment: EffectId,
    /// Units.
    pub quantity: Quantity,
}

/// Units that were on their way arrived; they are sellable there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferReceived {
    /// Its id is the receipt's.
    pub effect: Effect,
    /// The move or shipment that sent them.
    pub transfer: EffectId,
    /// How many.
    pub quantity: Quantity,
    /// Whose units were forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Units of them that are ordered: committed from here on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ordered: u32,
    /// The item after it.
    pub stock: StockLevels,
    /// The location after it.
    pub place: LocationLevels,
}

/// Units that were on their way will never arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferLost {
    /// Its id is the receipt's.
    pub effect: Effect,
    /// The move that sent them.
    pub transfer: EffectId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
    /// The location that waited for them, after it.
    pub place: LocationLevels,
}

// Serde hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(super) const fn is_zero(units: &u32) -> bool {
    *units == 0
}
