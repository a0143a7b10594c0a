//! What an order answers.

use super::{Adjustment, OrderStatus, Payment};
use crate::{
    ids::{ItemId, LineId, OrderId, PaymentId, StoreId},
    item::ItemKind,
    metadata::Metadata,
    money::Money,
    quantity::Quantity,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A line as the order knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineReply {
    /// The line.
    pub line_id: LineId,
    /// What.
    pub item_id: ItemId,
    /// How many were ordered.
    pub quantity: Quantity,
    /// The price of one unit, once it is known.
    pub unit_price: Option<Money>,
    /// Whether it ships, once it is known.
    pub kind: Option<ItemKind>,
    /// The store that sells it, once that is known; none of what the shop itself sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Units cancelled.
    pub cancelled: u32,
    /// Units shipped or delivered digitally.
    pub shipped: u32,
    /// Units returned.
    pub returned: u32,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// An order after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderReply {
    /// The order.
    pub order_id: OrderId,
    /// Its status.
    pub status: OrderStatus,
    /// Business time.
    pub ordered_at: Timestamp,
    /// The lines.
    pub lines: Vec<LineReply>,
    /// The adjustments.
    pub adjustments: Vec<Adjustment>,
    /// What is to be paid, once the prices are known.
    pub total: Option<Money>,
    /// What the buyer is told of the deadline.
    pub expires_at: Option<Timestamp>,
    /// The payments.
    pub payments: Vec<Payment>,
    /// The payment that the command was about.
    pub payment_id: Option<PaymentId>,
    /// Whether the order was made by this command (or by the one that it repeats).
    pub created: bool,
    /// The caller's own pairs.
    pub metadata: Metadata,
}

/// What lines come to with the adjustments that are theirs alone; `None` while a price is not known, where there is no line,
/// and where it is no amount ([`Money`]).
#[must_use]
pub fn subtotal(lines: &[LineReply], adjustments: &[Adjustment]) -> Option<Money> {
    let currency = lines.first()?.unit_price?.currency();
    let is_theirs = |adjustment: &&Adjustment| {
        let line = adjustment.line_id.as_ref().filter(|_| !adjustment.included);
        line.is_some_and(|id| lines.iter().any(|line| line.line_id == *id))
    };
    let amounts = lines.iter().map(|line| Some((line.unit_price?, line.quantity.get())));
    let adjusted = adjustments.iter().filter(is_theirs).map(|adjustment| Some((adjustment.amount, 1)));
    let mut sum = 0_i128;
    for amount in amounts.chain(adjusted) {
        let (amount, units) = amount.filter(|(amount, _)| amount.currency() == currency)?;
        sum += i128::from(amount.minor()) * i128::from(units);
    }
    Money::new(i64::try_from(sum).ok()?, currency).ok()
}
