//! The value of `orders.state.v1`.

use crate::{
    ids::{
        EffectId, ItemId, LineId, LocationId, OrderId, PaymentId, RefundId, ReturnId, ShipmentId, StoreId, SubOrderId,
        SubjectId,
    },
    item::{Bucket, ItemKind},
    metadata::Metadata,
    money::Money,
    order::{Address, Adjustment, LineQuantity, OrderRefusal, OrderStatus, Payment, PaymentMode},
    personal::Personal,
    position::Position,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The value of `stockfold.orders.order-state.v1`: an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderState {
    /// The order.
    pub order_id: OrderId,
    /// How far it is.
    pub status: OrderStatus,
    /// The shopper's pseudonym; absent of a guest's order of another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper: Option<SubjectId>,
    /// Where it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Business time.
    pub ordered_at: Timestamp,
    /// By the engine's clock.
    pub placed_at: Timestamp,
    /// When all of it will have arrived, once that is known.
    pub arrival_at: Option<Timestamp>,
    /// Until when it can be paid and submitted, while that matters.
    pub expires_at: Option<Timestamp>,
    /// Who takes the money.
    pub payment: PaymentMode,
    /// Whether the buyer has said the last word.
    pub submitted: bool,
    /// What was ordered.
    pub lines: Vec<OrderLineState>,
    /// Discounts, taxes, shipping and fees.
    pub adjustments: Vec<Adjustment>,
    /// What is to be paid; null until the prices are known.
    pub total: Option<Money>,
    /// The parts that warehouses ship.
    pub sub_orders: Vec<SubOrderState>,
    /// Ordered units that wait for stock.
    pub backordered: Vec<LineQuantity>,
    /// What comes, or came, back.
    pub returns: Vec<ReturnState>,
    /// The payments. Amounts beside `amount` are minor units of its currency.
    pub payments: Vec<Payment>,
    /// Why it was rejected, or could not hold again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<OrderRefusal>,
    /// Where it goes, as ciphertext; null before that is known.
    pub shipping_address: Option<Personal<Address>>,
    /// Pairs of the caller's own.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What happened, oldest first.
    pub history: Vec<HistoryState>,
    /// Entries that were left out of the middle of a long history.
    pub history_left_out: u64,
    /// The newest event in it.
    #[schemars(with = "String")]
    pub position: Position,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLineState {
    /// Unique in the order.
    pub line_id: LineId,
    /// What.
    pub item_id: ItemId,
    /// Units that were ordered.
    pub quantity: u32,
    /// The price of one unit; null until it is known.
    pub unit_price: Option<Money>,
    /// Whether it ships; null until it is known.
    pub kind: Option<ItemKind>,
    /// The store that sells it; absent of what the shop itself sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Units cancelled.
    pub cancelled: u32,
    /// Units shipped, or delivered digitally.
    pub shipped: u32,
    /// Units returned.
    pub returned: u32,
    /// Where the file of a digital line is, once it is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
    /// Pairs of the caller's own.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The part of an order that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderState {
    /// Unique in the order.
    pub sub_order_id: SubOrderId,
    /// The sub-order to whose warehouse it ships, which ships on; without it, it ships to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SubOrderId>,
    /// The warehouse.
    pub location: LocationId,
    /// How far it is.
    pub status: SubOrderProgress,
    /// When it should be with the customer, where that is known.
    pub arrival_at: Option<Timestamp>,
    /// Its units, by line.
    pub lines: Vec<SubOrderLineState>,
    /// What left.
    pub shipments: Vec<ShipmentState>,
}

/// How far a sub-order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubOrderProgress {
    /// Its items have not all answered, or what it ships on has not come.
    Planned,
    /// Units of it can be shipped.
    Allocated,
    /// All of it left for the parent's warehouse, and has not all come there.
    Forwarded,
    /// All of it has come to the parent's warehouse.
    Received,
    /// All of it left for the customer.
    Shipped,
    /// All of it is with the customer.
    Delivered,
    /// Nothing of it left, and nothing is in it any more.
    Cancelled,
}

/// Units of one line in a sub-order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderLineState {
    /// The line.
    pub line_id: LineId,
    /// What.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    /// The item has not answered for these.
    pub planned: u32,
    /// These can be shipped.
    pub allocated: u32,
    /// These are on their way to the parent's warehouse.
    pub forwarded: u32,
    /// These left.
    pub shipped: u32,
}

/// What left a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentState {
    /// Unique in the order.
    pub shipment_id: ShipmentId,
    /// When it was recorded.
    pub shipped_at: Timestamp,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// The warehouse that it goes to; without it, it goes to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_location: Option<LocationId>,
    /// When it was delivered, or received; null while it is on the way.
    pub arrived_at: Option<Timestamp>,
}

/// Units that are, or were, on their way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnState {
    /// Unique in the order.
    pub return_id: ReturnId,
    /// When it was announced.
    pub requested_at: Timestamp,
    /// Why.
    pub reason: String,
    /// What, by line.
    pub lines: Vec<ReturnLineState>,
    /// What has come back.
    pub receipts: Vec<ReceiptState>,
    /// Pairs of the caller's own.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Units of one line in a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLineState {
    /// The line.
    pub line_id: LineId,
    /// Announced.
    pub quantity: u32,
    /// Come back.
    pub received: u32,
}

/// Units of a return that have come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptState {
    /// Its id.
    pub receipt_id: EffectId,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// Where.
    pub location: LocationId,
    /// Into this bucket.
    pub condition: Bucket,
    /// What.
    pub lines: Vec<LineQuantity>,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryState {
    /// Where the event stands.
    #[schemars(with = "String")]
    pub position: Position,
    /// When it was decided.
    pub time: Timestamp,
    /// The event's name, such as `order_confirmed`.
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
