//! The end of an order's hold: the command that says so, and the event.

use super::HoldId;
use serde::{Deserialize, Serialize};

/// Ends a hold of which nothing is open and nothing more is announced to come back: the order's return window is over.
///
/// Never refused. What was announced in time and comes later is restocked all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseHold {
    /// Which.
    pub hold: HoldId,
}

/// The item need not remember a hold any longer; no stock changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldClosed {
    /// Which.
    pub hold: HoldId,
}
