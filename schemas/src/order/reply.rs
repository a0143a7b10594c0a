//! What an order answers.

use super::{Adjustment, OrderStatus, Payment};
use crate::{
    ids::{ItemId, LineId, OrderId, PaymentId},
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
