//! What a cart refuses, in the order of its checks.

use crate::ids::{ItemId, OrderId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal of a cart. The order is the order of the checks; the variant's name is the problem's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum CartRejection {
    /// Only a shopper or guest has a cart, and only their own.
    #[error("no such cart")]
    CartNotFound,
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// A checkout of the cart's lines is open: cancel it, or finish it.
    #[error("the cart is locked by the checkout of order {order_id}")]
    CartLocked {
        /// The order.
        order_id: OrderId,
    },
    /// The cart has as many lines as it takes.
    #[error("a cart takes at most {limit} lines")]
    TooManyLines {
        /// The most lines of a cart.
        limit: u32,
    },
    /// More units than one line may have.
    #[error("a line of item {item_id} takes at most 1,000,000 units")]
    ItemQuantityTooLarge {
        /// The item.
        item_id: ItemId,
    },
    /// Lines of one item name different prices that the buyer saw.
    #[error("the lines of item {item_id} expect different prices")]
    ExpectedPricesDiffer {
        /// The item.
        item_id: ItemId,
    },
    /// More than is available.
    #[error("{asked} asked for, {available} available")]
    InsufficientStock {
        /// Units asked for, with those in the cart.
        asked: u64,
        /// Units available.
        available: u64,
    },
    /// There is nothing to check out.
    #[error("the cart is empty")]
    CartEmpty,
    /// As many checkouts are open as a shopper may have.
    #[error("a shopper has at most {limit} open checkouts")]
    TooManyCheckouts {
        /// The most.
        limit: u32,
    },
    /// A cart cannot be merged into itself.
    #[error("a cart cannot be merged into itself")]
    OwnCart,
}
