//! Stock after an event: part of every event that changes it.

use crate::ids::LocationId;
use serde::{Deserialize, Serialize};

/// The stock of an item over all locations, after an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockLevels {
    /// Available to sell; below zero only while a shortfall is on record.
    pub available: i64,
    /// Sellable, damaged and in quality control.
    pub on_hand: u64,
    /// Reserved by active holds.
    pub held: u64,
    /// Ordered, not yet bound to a location.
    pub committed: u64,
    /// Lent to drops.
    pub allotted: u64,
    /// Kept back from sale.
    pub safety: u64,
}

/// The stock of an item at one location, after an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationLevels {
    /// Where.
    pub location: LocationId,
    /// Can be sold; allocated units stay in it until they ship.
    pub sellable: u64,
    /// Cannot be sold.
    pub damaged: u64,
    /// Waits for a look.
    pub quality_control: u64,
    /// Bound to sub-orders.
    pub allocated: u64,
    /// On its way here.
    pub incoming: u64,
    /// Units of these that are ordered: they are allocated when they arrive.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forwarded: u64,
}

// Serde hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(units: &u64) -> bool {
    *units == 0
}
