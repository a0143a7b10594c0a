//! The answer to a command.

use crate::{
    item::{ItemRejection, ItemReply},
    order::{OrderRejection, OrderReply},
    position::PositionToken,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where an answer goes: a node, and the request that waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReplyAddress {
    /// The node: a partition of the replies topic.
    pub node: u32,
    /// The request on that node.
    pub request: u64,
}

/// A business "no" of any aggregate. Part of the vocabulary: its name reaches the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(untagged)]
pub enum Rejection {
    /// An item's.
    #[error(transparent)]
    Item(ItemRejection),
    /// An order's.
    #[error(transparent)]
    Order(OrderRejection),
    /// The command could not be decided at all; it was dead-lettered.
    #[error(transparent)]
    Undecidable(Undecidable),
}

/// The refusal of a command that cannot be read, or that made a decision panic twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Undecidable {
    /// Kept in the dead letters for an operator.
    #[error("the command could not be processed and was kept for an operator")]
    CommandDeadLettered,
}

/// What a command that took effect, or was already true, answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aggregate", content = "reply", rename_all = "snake_case")]
pub enum ReplyBody {
    /// An item's.
    Item(ItemReply),
    /// An order's.
    Order(Box<OrderReply>),
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Who waits.
    pub to: ReplyAddress,
    /// How far the views must be to show what it did.
    pub positions: PositionToken,
    /// Done, or refused.
    pub outcome: Result<ReplyBody, Rejection>,
}
