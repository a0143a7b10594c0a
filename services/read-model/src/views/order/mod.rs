//! Orders, by order id.

mod fold;
mod history;
mod of_store;
mod parcels;

pub use fold::OrderView;
pub use parcels::{ReceiptRow, ReturnPart, ReturnRow, ShipmentRow, SubOrderPart, SubOrderRow, SubOrderStatus};

use crate::{
    store::{StoreError, Table, ViewStore},
    views::{row, rows_of},
};
use schemas::{
    ItemId, LineId, LocationId, Metadata, Money, OrderId, PaymentId, Personal, Position, RefundId, ReturnId,
    ShipmentId, SubOrderId, Timestamp,
    order::{
        Address, Adjustment, LineQuantity, LineReply, OrderOwner, OrderRefusal, OrderStatus, Payment, PaymentMode,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An order. Money may be on record for an id that was never placed; then there is no owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow {
    /// The order.
    pub order_id: OrderId,
    /// The newest event in it.
    pub position: Position,
    /// Whose it is, and who placed it; `None` before it was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OrderOwner>,
    /// What it shows.
    pub status: OrderStatus,
    /// What its last step left it in: what it shows follows from that, its lines and its money.
    state: OrderStatus,
    /// When it was placed, by the engine's clock.
    pub placed_at: Timestamp,
    /// Business time.
    pub ordered_at: Timestamp,
    /// Where it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who takes the money.
    pub payment: PaymentMode,
    /// Whether the buyer has said the last word.
    pub submitted: bool,
    /// The lines.
    pub lines: Vec<LineReply>,
    /// Where the files of its digital items are, as the items named them when they were held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<ItemId, String>,
    /// The adjustments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// What is to be paid, once the prices are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// What the buyer is told of the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why it was rejected, or could not hold again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<OrderRefusal>,
    /// The payments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// Where it goes: the newest address that a payment came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Personal<Address>>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The parts that warehouses ship.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_orders: Vec<SubOrderRow>,
    /// Ordered units that belong to no sub-order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<LineQuantity>,
    /// Whether these wait for stock; else they are being planned.
    #[serde(default)]
    pub backordered: bool,
    /// What comes, or came, back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnRow>,
    /// Whether the time for returns is over.
    #[serde(default)]
    pub return_window_closed: bool,
    /// What happened, oldest first, without the items' single answers: the first ones and the last ones.
    pub history: Vec<HistoryEntry>,
    /// Entries that were left out of the middle of the history.
    #[serde(default)]
    pub history_left_out: u64,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Where the event stands.
    pub position: Position,
    /// When it was decided.
    pub time: Timestamp,
    /// What happened: the event's name, such as `order_confirmed`.
    #[serde(rename = "type")]
    pub what: String,
    /// Role and pseudonym of who caused it.
    pub actor: String,
    /// The payment that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// The refund that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// The money that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The units that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineQuantity>,
    /// The sub-order that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_order_id: Option<SubOrderId>,
    /// The shipments that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shipment_ids: Vec<ShipmentId>,
    /// The return that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// The location that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
}

/// The table.
pub const TABLE: Table = Table { name: "order_v1" };

/// An order.
pub async fn get(store: &dyn ViewStore, order: &OrderId) -> Result<Option<OrderRow>, StoreError> {
    row(store, TABLE, order.as_str()).await
}

/// Orders, in the order asked.
pub async fn get_many(store: &dyn ViewStore, orders: &[OrderId]) -> Result<Vec<Option<OrderRow>>, StoreError> {
    rows_of(store, TABLE, orders.iter().map(OrderId::as_str)).await
}

impl OrderRow {
    /// A line.
    #[must_use]
    pub fn line(&self, id: &LineId) -> Option<&LineReply> {
        self.lines.iter().find(|line| line.line_id == *id)
    }
}
