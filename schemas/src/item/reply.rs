//! What an item answers.

use super::HoldStatus;
use crate::{ids::FreeHoldId, metadata::Metadata, money::Money, quantity::Quantity, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The answer of an item to a command that took effect, or was already true.
///
/// A repeat is answered the same, but for a hold, which is told as it is by then: who acts on a hold that is over would
/// sell what is not reserved any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ItemReply {
    /// Of List, Patch, Delist.
    Catalog {
        /// Whether the item was new.
        created: bool,
        /// The catalog version after it.
        catalog_version: u64,
        /// Whether a newer version of the source was known, so that nothing changed.
        stale: bool,
    },
    /// Of Receive, Count, Move, Restock, Allot and the like.
    Stock {
        /// Available to sell after it.
        available: i64,
        /// On hand after it.
        on_hand: u64,
    },
    /// Of a free hold.
    Hold(HoldReply),
    /// Of SetSafety.
    Safety {
        /// Units kept back.
        quantity: u32,
        /// Available to sell after it.
        available: i64,
    },
    /// Of what another aggregate asked; nobody outside waits for it.
    Done,
}

/// A free hold as its owner sees it, after the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldReply {
    /// The caller's id for it.
    pub hold_id: FreeHoldId,
    /// Its state.
    pub status: HoldStatus,
    /// Units.
    pub quantity: Quantity,
    /// The price at the grant.
    pub unit_price: Money,
    /// Until when it is reserved; committing ends the deadline.
    pub expires_at: Option<Timestamp>,
    /// Available to sell after the command; `None` of a digital item, which has no stock.
    pub available: Option<i64>,
    /// Units of it that have left.
    pub shipped: u32,
    /// The caller's reference.
    pub reference: Option<String>,
    /// The caller's own pairs.
    pub metadata: Metadata,
}
