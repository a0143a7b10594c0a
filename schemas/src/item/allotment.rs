//! Events of units that an item lends to drops.

use super::{HoldId, StockLevels};
use crate::{
    effect::Effect,
    ids::{AllotmentId, DropId, OrderId},
    quantity::Quantity,
};
use serde::{Deserialize, Serialize};

/// Units are lent to a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitsAllotted {
    /// Under which id.
    pub allotment: AllotmentId,
    /// To which drop.
    pub drop: DropId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
}

/// Units lent to a drop came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllotmentReturned {
    /// Its id is the return's.
    pub effect: Effect,
    /// Which allotment.
    pub allotment: AllotmentId,
    /// How many.
    pub quantity: Quantity,
    /// The item after it.
    pub stock: StockLevels,
}

/// Units lent to a drop are ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllottedCommitted {
    /// Which allotment.
    pub allotment: AllotmentId,
    /// Under which hold they are ordered from now on.
    pub hold: HoldId,
    /// How many.
    pub quantity: Quantity,
    /// The order that they are for; none in events of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The item after it.
    pub stock: StockLevels,
}

/// Units were asked back before they were lent: under this id none ever are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllotmentVoided {
    /// Which allotment.
    pub allotment: AllotmentId,
}
