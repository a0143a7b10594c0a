//! Events of a cart. What stands here stands in the log for ever.

use super::{CartLine, CartOutcome};
use crate::{
    effect::Effect,
    envelope::events,
    ids::{ItemId, OrderId, SubjectId},
    metadata::Metadata,
    order::{OrderLine, SubmitMode},
};
use serde::{Deserialize, Serialize};

events! {
    /// What happened to a cart.
    CartEvent {
        CartLineSet = "stockfold.carts.cart-line-set.v1",
        CartLineRemoved = "stockfold.carts.cart-line-removed.v1",
        CheckoutBegun = "stockfold.carts.checkout-begun.v1",
        CheckoutJoined = "stockfold.carts.checkout-joined.v1",
        CheckoutPlaced = "stockfold.carts.checkout-placed.v1",
        CheckoutEnded = "stockfold.carts.checkout-ended.v1",
        MergeBegun = "stockfold.carts.merge-begun.v1",
        CartHandedOver = "stockfold.carts.cart-handed-over.v1",
        CartMerged = "stockfold.carts.cart-merged.v1",
    }
}

/// A line is in the cart as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLineSet {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The whole line.
    pub line: CartLine,
}

/// An item is in the cart no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLineRemoved {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub item_id: ItemId,
}

/// A checkout begins. Where it is of the cart's own lines, the cart is locked until the order has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutBegun {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The order that it makes.
    pub order_id: OrderId,
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// Whether these are the cart's own lines.
    pub of_cart: bool,
    /// When it is submitted.
    pub submit: SubmitMode,
    /// Older checkouts of the same items, which must make way first, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<OrderId>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Another request asked to check out the cart while this checkout was open: it is told the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutJoined {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The order of the checkout that is open.
    pub order_id: OrderId,
}

/// Every older checkout has made way or goes on: the order is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutPlaced {
    /// The order.
    pub order_id: OrderId,
}

/// A checkout's order has ended for the cart, which is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutEnded {
    /// The order.
    pub order_id: OrderId,
    /// How it ended.
    pub outcome: CartOutcome,
    /// The lines that the cart has now: without what was bought.
    pub lines: Vec<CartLine>,
}

/// A guest's cart was asked for its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeBegun {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Whose cart.
    pub guest: SubjectId,
}

/// This cart gave its lines away and is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartHandedOver {
    /// Of the merge.
    pub effect: Effect,
    /// To whose cart.
    pub to: SubjectId,
    /// What it held.
    pub lines: Vec<CartLine>,
}

/// The lines of a guest's cart have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartMerged {
    /// Of the merge.
    pub effect: Effect,
    /// From whose cart.
    pub guest: SubjectId,
    /// The lines that the cart has now.
    pub lines: Vec<CartLine>,
}
