//! Commands of a cart.

use super::CartOutcome;
use crate::{
    effect::Effect,
    ids::{ItemId, OrderId, SubjectId},
    metadata::Metadata,
    money::Money,
    order::{OrderLine, SubmitMode},
    quantity::Quantity,
    tagged::tagged,
};
use serde::{Deserialize, Serialize};

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a cart. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum CartCommand {
        SetLine(SetCartLine),
        AddUnits(AddUnits),
        RemoveUnits(RemoveUnits),
        Checkout(Checkout),
        OrderEnded(OrderEnded),
        Superseded(Superseded),
        Merge(MergeCart),
        HandOver(HandOverCart),
        TakeOver(TakeOverCart),
    }
}

/// Sets the quantity of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetCartLine {
    /// Deduplicates the request.
    pub effect: Effect,
    /// What.
    pub item_id: ItemId,
    /// How many; none removes the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// The price that the shopper saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_unit_price: Option<Money>,
    /// Units that the view says are available to others' eyes; none of a digital item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<u64>,
}

/// Adds units of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddUnits {
    /// Deduplicates the request.
    pub effect: Effect,
    /// What.
    pub item_id: ItemId,
    /// How many more.
    pub quantity: Quantity,
    /// Units that the view says are available; none of a digital item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<u64>,
}

/// Takes units of an item out; all of them where there are fewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoveUnits {
    /// Deduplicates the request.
    pub effect: Effect,
    /// What.
    pub item_id: ItemId,
    /// How many fewer.
    pub quantity: Quantity,
}

/// Places an order of what stands in the cart, or in the request. The order answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The order that it makes.
    pub order_id: OrderId,
    /// The lines of the request; without them the cart's own, which it locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<OrderLine>>,
    /// When it is submitted.
    #[serde(default)]
    pub submit: SubmitMode,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// An order that was placed from this cart has ended for it. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderEnded {
    /// Which.
    pub order_id: OrderId,
    /// How.
    pub outcome: CartOutcome,
}

/// The answer of an order that was asked to make way for a newer checkout of its shopper. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Superseded {
    /// The older order: it has ended, or goes on because a payment was started.
    pub order_id: OrderId,
    /// The newer one, which waits for it.
    pub by: OrderId,
}

/// Merges the cart of a guest into this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeCart {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Whose cart; the edge has checked the guest's token.
    pub guest: SubjectId,
}

/// A guest's cart gives its lines away. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandOverCart {
    /// Of the merge.
    pub effect: Effect,
    /// To whose cart.
    pub to: SubjectId,
}

/// The lines of a guest's cart arrive. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakeOverCart {
    /// Of the merge.
    pub effect: Effect,
    /// From whose cart.
    pub guest: SubjectId,
    /// What it held; empty where it is locked or was merged before.
    pub lines: Vec<super::CartLine>,
}
