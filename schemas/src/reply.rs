//! The answer to a command.

use crate::{
    cart::{CartRejection, CartReply},
    drop::{DropRejection, DropReply},
    follows::{FollowsRejection, FollowsReply},
    item::{ItemRejection, ItemReply},
    order::{OrderRejection, OrderReply},
    position::PositionToken,
    shopper::{ShopperRejection, ShopperReply},
    store::{StoreRejection, StoreReply},
    warehouse::{WarehouseRejection, WarehouseReply},
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
    /// A cart's.
    #[error(transparent)]
    Cart(CartRejection),
    /// A store's.
    #[error(transparent)]
    Store(StoreRejection),
    /// A warehouse's.
    #[error(transparent)]
    Warehouse(WarehouseRejection),
    /// A drop's.
    #[error(transparent)]
    Drop(DropRejection),
    /// Of what a shopper follows.
    #[error(transparent)]
    Follows(FollowsRejection),
    /// A shopper's.
    #[error(transparent)]
    Shopper(ShopperRejection),
    /// The command could not be decided at all; it was dead-lettered.
    #[error(transparent)]
    Undecidable(Undecidable),
}

/// The refusal of a command that cannot be decided, whatever its aggregate would say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Undecidable {
    /// Kept in the dead letters for an operator.
    #[error("the command could not be processed and was kept for an operator")]
    CommandDeadLettered,
    /// What follows from it is more than a record of the log can hold; it was kept in the dead letters too.
    #[error("what follows from the command is larger than the log can hold; nothing has changed")]
    TooLarge,
}

/// What a command that took effect, or was already true, answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aggregate", content = "reply", rename_all = "snake_case")]
pub enum ReplyBody {
    /// An item's.
    Item(ItemReply),
    /// An order's.
    Order(Box<OrderReply>),
    /// A cart's.
    Cart(CartReply),
    /// A store's.
    Store(StoreReply),
    /// A warehouse's.
    Warehouse(WarehouseReply),
    /// A drop's.
    Drop(DropReply),
    /// Of what a shopper follows.
    Follows(FollowsReply),
    /// A shopper's.
    Shopper(ShopperReply),
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
