//! The cart: one per shopper or guest, known by the pseudonym. It holds no stock.

mod command;
mod event;
mod rejection;
mod reply;

pub use command::*;
pub use event::*;
pub use rejection::*;
pub use reply::*;

use crate::{ids::ItemId, money::Money, order::OrderRefusal, quantity::Quantity};
use serde::{Deserialize, Serialize};

/// A line of a cart: one per item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLine {
    /// What.
    pub item_id: ItemId,
    /// How many.
    pub quantity: Quantity,
    /// The price that the shopper saw; a checkout is refused if it is another then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_unit_price: Option<Money>,
}

/// How an order ended for the cart that it was placed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum CartOutcome {
    /// The order is confirmed: what was bought leaves the cart.
    Confirmed,
    /// Some item refused.
    Rejected {
        /// Everything that was refused.
        refusals: Vec<OrderRefusal>,
    },
    /// The checkout was not paid and submitted in time.
    Expired,
    /// The checkout was cancelled.
    Cancelled,
}
