//! What a drop answers.

use super::{DropStatus, DropTerms, ItemPool, QueueLevels, SeedHash};
use crate::{
    ids::{DropId, StoreId, SubjectId},
    metadata::Metadata,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a drop answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content", rename_all = "snake_case")]
pub enum DropReply {
    /// Of Schedule, Change, Pause, Resume and Cancel.
    Drop(Box<DropState>),
    /// Of Join.
    Place(PlaceReply),
}

/// A drop after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DropState {
    /// The drop.
    pub drop_id: DropId,
    /// The store that offers it.
    pub store: StoreId,
    /// Its status.
    pub status: DropStatus,
    /// What it is.
    pub terms: DropTerms,
    /// The units of every item.
    pub pools: Vec<ItemPool>,
    /// The commitment to the draw's seed, once it is scheduled.
    pub seed_hash: Option<SeedHash>,
    /// Whether this command made it (or the one that it repeats).
    pub created: bool,
    /// The caller's own pairs.
    pub metadata: Metadata,
}

/// A place in the waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceReply {
    /// The drop.
    pub drop_id: DropId,
    /// Whose.
    pub shopper: SubjectId,
    /// The number of the place, in the order of joining.
    pub number: u64,
    /// The rank, once it is fixed.
    pub rank: Option<u64>,
    /// Until when the shopper may claim, where admitted.
    pub admitted_until: Option<Timestamp>,
    /// The waiting room.
    pub queue: QueueLevels,
    /// The drop's status.
    pub status: DropStatus,
}
