//! How an order is told.

use super::parcels::{ReturnAnswer, SubOrderAnswer};
use edge::openapi::MoneySchema;
use read_model::views::order::{HistoryEntry, OrderRow};
use schemas::{
    AdjustmentId, ItemId, LineId, LocationId, Metadata, Money, OrderId, PaymentId, Position, RefundId, ReturnId,
    ShipmentId, StoreId, SubOrderId, SubjectId, Timestamp,
    item::ItemKind,
    order::{
        Address, Adjustment, AdjustmentKind, LineQuantity, LineReply, OrderRefusal, OrderStatus, Payment, PaymentMode,
        PaymentStatus,
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// An order in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderSummary {
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String, example = "confirmed")]
    status: OrderStatus,
    #[schema(value_type = String, format = DateTime)]
    ordered_at: Timestamp,
    /// When all of it will have arrived, once that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    arrival_at: Option<Timestamp>,
    lines: Vec<LineAnswer>,
    /// What is to be paid, for a store what its lines come to; null until the prices are known.
    #[schema(value_type = Option<MoneySchema>)]
    total: Option<Money>,
}

impl OrderSummary {
    pub fn of(row: OrderRow) -> Self {
        Self {
            arrival_at: row.arrival_at(),
            order_id: row.order_id,
            status: row.status,
            ordered_at: row.ordered_at,
            lines: row.lines.into_iter().map(LineAnswer::from).collect(),
            total: row.total,
        }
    }
}

/// A line of an order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderLineState)]
pub(super) struct LineAnswer {
    #[schema(value_type = String)]
    line_id: LineId,
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Units that were ordered.
    quantity: u32,
    /// The price of one unit; null until it is known.
    #[schema(value_type = Option<MoneySchema>)]
    unit_price: Option<Money>,
    /// `physical` or `digital`; null until it is known.
    #[schema(value_type = Option<String>)]
    kind: Option<ItemKind>,
    /// The store that sells it; absent of what the shop itself sells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    store: Option<StoreId>,
    cancelled: u32,
    /// Units shipped, or delivered digitally.
    shipped: u32,
    returned: u32,
    /// Where the file of a digital line is, once it is delivered; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
}

impl From<LineReply> for LineAnswer {
    fn from(line: LineReply) -> Self {
        let LineReply { line_id, item_id, quantity, unit_price, kind, store, cancelled, shipped, returned, metadata } =
            line;
        let (quantity, download_url) = (quantity.get(), None);
        Self {
            line_id,
            item_id,
            quantity,
            unit_price,
            kind,
            store,
            cancelled,
            shipped,
            returned,
            download_url,
            metadata,
        }
    }
}

impl LineAnswer {
    /// The line with its file, for who may see the order.
    fn with_file(line: LineReply, files: &BTreeMap<ItemId, String>) -> Self {
        let is_delivered = line.kind == Some(ItemKind::Digital) && line.shipped > 0;
        let download_url = files.get(&line.item_id).filter(|_| is_delivered).cloned();
        Self { download_url, ..Self::from(line) }
    }
}

/// An adjustment of an order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdjustmentState)]
pub(super) struct AdjustmentAnswer {
    #[schema(value_type = String)]
    adjustment_id: AdjustmentId,
    /// `discount`, `tax`, `shipping` or `fee`.
    #[schema(value_type = String)]
    kind: AdjustmentKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    line_id: Option<LineId>,
    #[schema(value_type = MoneySchema)]
    amount: Money,
    /// Already in the prices.
    included: bool,
    label: String,
}

impl From<Adjustment> for AdjustmentAnswer {
    fn from(adjustment: Adjustment) -> Self {
        let Adjustment { adjustment_id, kind, line_id, amount, included, label } = adjustment;
        Self { adjustment_id, kind, line_id, amount, included, label }
    }
}

/// A payment of an order. Amounts beside `amount` are minor units of its currency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentState)]
pub(super) struct PaymentAnswer {
    #[schema(value_type = String)]
    payment_id: PaymentId,
    /// `pending`, `authorized` or `declined`.
    #[schema(value_type = String)]
    status: PaymentStatus,
    /// What the provider was asked for.
    #[schema(value_type = MoneySchema)]
    amount: Money,
    authorized: i64,
    captured: i64,
    refund_due: i64,
    refunded: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Payment> for PaymentAnswer {
    fn from(payment: Payment) -> Self {
        let Payment { payment_id, status, amount, authorized, captured, refund_due, refunded, reason } = payment;
        Self { payment_id, status, amount, authorized, captured, refund_due, refunded, reason }
    }
}

/// Units of a line.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LineUnits)]
pub(super) struct LineUnitsAnswer {
    #[schema(value_type = String)]
    line_id: LineId,
    quantity: u32,
}

impl From<LineQuantity> for LineUnitsAnswer {
    fn from(LineQuantity { line_id, quantity }: LineQuantity) -> Self {
        Self { line_id, quantity: quantity.get() }
    }
}

/// Something that happened to an order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderHistoryEntry)]
pub(super) struct HistoryAnswer {
    #[schema(value_type = String, example = "orders.events.v1/3@17")]
    position: Position,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The event's name, such as `order_confirmed`.
    #[serde(rename = "type")]
    what: String,
    /// Role and pseudonym of who caused it; for a store that sells lines of somebody's order the role.
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    payment_id: Option<PaymentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refund_id: Option<RefundId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneySchema>)]
    amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<LineUnitsAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sub_order_id: Option<SubOrderId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    shipment_ids: Vec<ShipmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    return_id: Option<ReturnId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    location: Option<LocationId>,
}

impl From<HistoryEntry> for HistoryAnswer {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            position: entry.position,
            time: entry.time,
            what: entry.what,
            actor: entry.actor,
            payment_id: entry.payment_id,
            refund_id: entry.refund_id,
            amount: entry.amount,
            reason: entry.reason,
            lines: entry.lines.into_iter().map(LineUnitsAnswer::from).collect(),
            sub_order_id: entry.sub_order_id,
            shipment_ids: entry.shipment_ids,
            return_id: entry.return_id,
            location: entry.location,
        }
    }
}

/// Where an order goes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShippingAddress)]
pub(super) struct AddressAnswer {
    name: String,
    lines: Vec<String>,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl From<Address> for AddressAnswer {
    fn from(address: Address) -> Self {
        let Address { name, lines, city, postal_code, region, country, phone, coordinates: _ } = address;
        Self { name, lines, city, postal_code, region, country, phone }
    }
}

/// An order in full.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderState)]
pub(super) struct OrderAnswer {
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String, example = "confirmed")]
    status: OrderStatus,
    /// The shopper's pseudonym; absent for a guest's order of another system, and for a store that sells lines of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    shopper: Option<SubjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    ordered_at: Timestamp,
    /// By the engine's clock.
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    /// When all of it will have arrived, once that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    arrival_at: Option<Timestamp>,
    /// Until when it can be paid and submitted, while that matters.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// `provider` or `external`.
    #[schema(value_type = String)]
    payment: PaymentMode,
    submitted: bool,
    lines: Vec<LineAnswer>,
    adjustments: Vec<AdjustmentAnswer>,
    /// What is to be paid, for a store what its lines come to; null until the prices are known.
    #[schema(value_type = Option<MoneySchema>)]
    total: Option<Money>,
    /// The parts that warehouses ship.
    sub_orders: Vec<SubOrderAnswer>,
    /// Ordered units that wait for stock.
    backordered: Vec<LineUnitsAnswer>,
    /// What comes, or came, back.
    returns: Vec<ReturnAnswer>,
    payments: Vec<PaymentAnswer>,
    /// Why it was rejected, or could not hold again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    refusals: Vec<OrderRefusal>,
    /// Null before one is known, and once the person was forgotten.
    shipping_address: Option<AddressAnswer>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
    history: Vec<HistoryAnswer>,
    /// Entries that were left out of the middle of a long history.
    history_left_out: u64,
    /// The newest event in it.
    #[schema(value_type = String, example = "orders.events.v1/3@17")]
    position: Position,
}

impl OrderAnswer {
    pub fn of(row: OrderRow, address: Option<Address>) -> Self {
        let waits = matches!(row.status, OrderStatus::Holding | OrderStatus::AwaitingPayment | OrderStatus::Expired);
        Self {
            expires_at: row.expires_at.filter(|_| waits),
            arrival_at: row.arrival_at(),
            sub_orders: SubOrderAnswer::all(&row),
            backordered: row.due.iter().filter(|_| row.backordered).cloned().map(LineUnitsAnswer::from).collect(),
            returns: row.returns.into_iter().map(ReturnAnswer::from).collect(),
            order_id: row.order_id,
            status: row.status,
            shopper: row.owner.and_then(|owner| owner.shopper),
            channel: row.channel,
            ordered_at: row.ordered_at,
            placed_at: row.placed_at,
            payment: row.payment,
            submitted: row.submitted,
            lines: row.lines.into_iter().map(|line| LineAnswer::with_file(line, &row.files)).collect(),
            adjustments: row.adjustments.into_iter().map(AdjustmentAnswer::from).collect(),
            total: row.total,
            payments: row.payments.into_iter().map(PaymentAnswer::from).collect(),
            refusals: row.refusals,
            shipping_address: address.map(AddressAnswer::from),
            metadata: row.metadata,
            history: row.history.into_iter().map(HistoryAnswer::from).collect(),
            history_left_out: row.history_left_out,
            position: row.position,
        }
    }
}
