//! Events of an order. What stands here stands in the log for ever.

use super::{
    Address, Adjustment, AllocationRefused, ForwardReceived, HoldRefusal, LineQuantity, OrderLine, OrderOwner,
    OrderRefusal, PaymentMode, ReturnReceived, ReturnRequested, ReturnWindowClosed, ShipmentForwarded, ShipmentShipped,
    ShipmentsBackordered, ShipmentsDelivered, ShipmentsDue, SubOrderAllocated, SubOrderDeallocated, SubOrderLine,
    SubOrdersPlanned, SubmitMode,
};
use crate::{
    effect::Effect,
    envelope::events,
    ids::{ItemId, LineId, PaymentId, RefundId, StoreId},
    item::ItemKind,
    metadata::Metadata,
    money::Money,
    personal::Personal,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

events! {
    /// What happened to an order.
    OrderEvent {
        OrderPlaced = "stockfold.orders.order-placed.v1",
        ItemHeld = "stockfold.orders.item-held.v1",
        ItemRefused = "stockfold.orders.item-refused.v1",
        HoldsGranted = "stockfold.orders.holds-granted.v1",
        OrderRejected = "stockfold.orders.order-rejected.v1",
        PaymentStarted = "stockfold.orders.payment-started.v1",
        PaymentPending = "stockfold.orders.payment-pending.v1",
        PaymentAuthorized = "stockfold.orders.payment-authorized.v1",
        PaymentAttemptFailed = "stockfold.orders.payment-attempt-failed.v1",
        OrderSubmitted = "stockfold.orders.order-submitted.v1",
        OrderConfirmed = "stockfold.orders.order-confirmed.v1",
        DigitalDelivered = "stockfold.orders.digital-delivered.v1",
        CaptureDue = "stockfold.orders.capture-due.v1",
        PaymentCaptured = "stockfold.orders.payment-captured.v1",
        CaptureFailed = "stockfold.orders.capture-failed.v1",
        OrderExpired = "stockfold.orders.order-expired.v1",
        OrderCancelled = "stockfold.orders.order-cancelled.v1",
        LinesCancelled = "stockfold.orders.lines-cancelled.v1",
        LatePayment = "stockfold.orders.late-payment.v1",
        ReholdFailed = "stockfold.orders.rehold-failed.v1",
        RefundDue = "stockfold.orders.refund-due.v1",
        RefundSettled = "stockfold.orders.refund-settled.v1",
        OperatorRefunded = "stockfold.orders.operator-refunded.v1",
        ShipmentsDue = "stockfold.orders.shipments-due.v1",
        ShipmentsBackordered = "stockfold.orders.shipments-backordered.v1",
        SubOrdersPlanned = "stockfold.orders.sub-orders-planned.v1",
        SubOrderAllocated = "stockfold.orders.sub-order-allocated.v1",
        AllocationRefused = "stockfold.orders.allocation-refused.v1",
        SubOrderDeallocated = "stockfold.orders.sub-order-deallocated.v1",
        ShipmentShipped = "stockfold.orders.shipment-shipped.v1",
        ShipmentForwarded = "stockfold.orders.shipment-forwarded.v1",
        ForwardReceived = "stockfold.orders.forward-received.v1",
        ShipmentsDelivered = "stockfold.orders.shipments-delivered.v1",
        ReturnRequested = "stockfold.orders.return-requested.v1",
        ReturnReceived = "stockfold.orders.return-received.v1",
        ReturnWindowClosed = "stockfold.orders.return-window-closed.v1",
        DropUnitsOrdered = "stockfold.orders.drop-units-ordered.v1",
    }
}

/// An order exists; its items are asked to hold. Lines, owner, payment mode and currency never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Whose it is, and who placed it.
    pub owner: OrderOwner,
    /// Where it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Business time; the engine's where none was given.
    pub ordered_at: Timestamp,
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// The adjustments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Who takes the money.
    pub payment: PaymentMode,
    /// When it is submitted.
    pub submit: SubmitMode,
    /// Whether the shopper's cart placed it, and is told how it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_cart: bool,
    /// The claim of a drop that opened it: its units are held already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<crate::drop::DropClaim>,
    /// The life of the checkout once all is held, in seconds.
    pub expires_in_seconds: u32,
    /// The time at which items that have not answered are given up.
    pub answers_due_at: Timestamp,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The item has ordered the units of the drop's claim: from here they are planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropUnitsOrdered {
    /// Which item.
    pub item_id: ItemId,
}

/// An item holds its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemHeld {
    /// The attempt, from 1.
    pub attempt: u32,
    /// Which item.
    pub item_id: ItemId,
    /// Its price at the grant.
    pub unit_price: Money,
    /// Whether it ships.
    pub kind: ItemKind,
    /// Where a digital item's file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The store that owns it; none of what the shop itself sells, and in events of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// An item refused to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemRefused {
    /// The attempt, from 1.
    pub attempt: u32,
    /// Which item.
    pub item_id: ItemId,
    /// Why.
    pub refusal: HoldRefusal,
}

/// A line with the price that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PricedLine {
    /// The line.
    pub line_id: LineId,
    /// The price of one unit.
    pub unit_price: Money,
    /// Whether it ships.
    pub kind: ItemKind,
    /// The store that sells it, for good; none of what the shop itself sells, and in events of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// All items hold; the order can be paid and submitted until the deadline and the grace have passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldsGranted {
    /// The price of each line.
    pub lines: Vec<PricedLine>,
    /// What is to be paid.
    pub total: Money,
    /// What the buyer is told.
    pub expires_at: Timestamp,
    /// When it really expires: the deadline and the grace.
    pub expires_for_good_at: Timestamp,
    /// Business time of the order, once more: what lists orders by the stores of their lines is keyed by both. None in
    /// events of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_at: Option<Timestamp>,
}

/// Not all items could hold; nothing stays held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRejected {
    /// Everything that was refused.
    pub refusals: Vec<OrderRefusal>,
}

/// A payment begins; the provider is asked after this is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentStarted {
    /// Its id is the payment's.
    pub effect: Effect,
    /// The payment.
    pub payment_id: PaymentId,
    /// What the provider is asked for.
    pub amount: Money,
    /// The provider's token for the means of payment.
    pub method_token: String,
    /// Where the order goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Personal<Address>>,
}

/// The provider decides later, and says so by webhook: nobody needs to wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPending {
    /// The payment.
    pub payment_id: PaymentId,
}

/// The money is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentAuthorized {
    /// The payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// The provider's id for it.
    pub provider_reference: String,
}

/// The provider declined; the shopper may try again until the deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentAttemptFailed {
    /// The payment.
    pub payment_id: PaymentId,
    /// The provider's word for why.
    pub reason: String,
}

/// The buyer's last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSubmitted {
    /// Of a command; none where the order was placed with `submit: auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// Paid and submitted: from here no deadline, and committing the holds cannot fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The attempt whose holds are committed.
    pub attempt: u32,
}

/// Digital lines are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigitalDelivered {
    /// Which lines.
    pub line_ids: Vec<LineId>,
}

/// Money is to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaptureDue {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
}

/// Money was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCaptured {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
}

/// Money cannot be taken, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaptureFailed {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The provider's word for why.
    pub reason: String,
}

/// Not paid and submitted in time; nothing stays held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderExpired {}

/// The order was cancelled as a whole: a checkout, or one of which nothing has shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Of a command; none where a failed capture cancels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Units of a confirmed order were cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinesCancelled {
    /// Its id is the cancellation's; none where a failed capture cancels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Which units.
    pub lines: Vec<LineQuantity>,
    /// Those of them that sub-orders had, and lose; the others belonged to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_orders: Vec<SubOrderLine>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An expired order was paid in full after all: its items are asked to hold again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatePayment {
    /// The attempt that begins.
    pub attempt: u32,
    /// The time at which items that have not answered are given up.
    pub answers_due_at: Timestamp,
}

/// The items of a late payment could not all hold, or it was cancelled: the order stays expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReholdFailed {
    /// The attempt that ends.
    pub attempt: u32,
    /// Everything that was refused; empty where it was cancelled.
    pub refusals: Vec<OrderRefusal>,
    /// Of the command that cancelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// Money is to be given back: a void for what is not captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundDue {
    /// Its id.
    pub refund_id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
}

/// Money was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundSettled {
    /// Which refund.
    pub refund_id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
}

/// An operator gives back part of what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorRefunded {
    /// Deduplicates the request.
    pub effect: Effect,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
}
