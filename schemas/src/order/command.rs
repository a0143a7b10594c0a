//! Commands of an order.

use super::{
    Address, Adjustment, AllocationAnswered, DeliverShipments, HoldRefusal, ItemDeallocated, LineQuantity, OrderLine,
    PaymentMode, PlanShipments, ReceiveReturn, ReceiveShipment, RequestReturn, ShipSubOrder, SubmitMode,
};
use crate::{
    drop::OpenOrder,
    effect::Effect,
    ids::{ItemId, OrderId, PaymentId, RefundId, StoreId, SubjectId},
    item::ItemKind,
    metadata::Metadata,
    money::Money,
    personal::Personal,
    tagged::tagged,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of an order. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum OrderCommand {
        Place(PlaceOrder),
        ItemAnswered(ItemAnswered),
        StartPayment(StartPayment),
        RecordPending(RecordPending),
        RecordAuthorization(RecordAuthorization),
        RecordDecline(RecordDecline),
        Submit(SubmitOrder),
        Cancel(CancelOrder),
        RecordCapture(RecordCapture),
        RecordCaptureFailure(RecordCaptureFailure),
        SettleRefund(SettleRefund),
        RefundByOperator(RefundByOperator),
        Supersede(SupersedeOrder),
        PlanShipments(PlanShipments),
        AllocationAnswered(AllocationAnswered),
        ItemDeallocated(ItemDeallocated),
        Ship(ShipSubOrder),
        ReceiveShipment(ReceiveShipment),
        Deliver(DeliverShipments),
        RequestReturn(RequestReturn),
        ReceiveReturn(ReceiveReturn),
        Open(OpenOrder),
        DropUnitsCommitted(DropUnitsCommitted),
    }
}

/// Places an order: every line is held, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrder {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Whose order it is; for a checkout the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper: Option<SubjectId>,
    /// Where it was ordered, a word of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_at: Option<Timestamp>,
    /// 1–1,000 lines, ids unique.
    pub lines: Vec<OrderLine>,
    /// At most 100, ids unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Who takes the money.
    pub payment: PaymentMode,
    /// When it is submitted.
    #[serde(default)]
    pub submit: SubmitMode,
    /// Whether the shopper's cart placed it, and is told how it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_cart: bool,
    /// The life of the checkout once all is held; the policy's (5 min) without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// An item's answer to a hold of this order. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemAnswered {
    /// The attempt that it answers.
    pub attempt: u32,
    /// Which item.
    pub item_id: ItemId,
    /// What it said.
    pub answer: HoldAnswer,
}

/// What an item said to a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum HoldAnswer {
    /// Held at this price.
    Granted {
        /// The item's price at the grant.
        unit_price: Money,
        /// Whether the item ships.
        kind: ItemKind,
        /// Where a digital item's file is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// The store that owns the item; none of what the shop itself sells, and in what an older version wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        store: Option<StoreId>,
    },
    /// Not held.
    Refused {
        /// Why.
        refusal: HoldRefusal,
    },
}

/// The item of a drop's claim has ordered the units: they can be planned. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropUnitsCommitted {
    /// Which item.
    pub item_id: ItemId,
}

/// Records that a payment begins, before the provider is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartPayment {
    /// Its id is the payment's.
    pub effect: Effect,
    /// The payment.
    pub payment_id: PaymentId,
    /// The provider's token for the means of payment, never a card number.
    pub method_token: String,
    /// Where the order goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Personal<Address>>,
}

/// The provider decides later, and says so by webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordPending {
    /// The payment.
    pub payment_id: PaymentId,
}

/// The provider authorized. Recorded in every state, also of an order that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordAuthorization {
    /// The payment.
    pub payment_id: PaymentId,
    /// What was authorized.
    pub amount: Money,
    /// The provider's id for it.
    pub provider_reference: String,
}

/// The provider declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordDecline {
    /// The payment.
    pub payment_id: PaymentId,
    /// The provider's word for why.
    pub reason: String,
}

/// The buyer's last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmitOrder {
    /// Deduplicates the request; absent where the order is submitted already.
    pub effect: Effect,
}

/// A newer checkout of the same items begins: cancels this one, unless a payment of it was started. Internal.
///
/// A buyer is never in the way of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupersedeOrder {
    /// The newer order, which waits for the answer.
    pub by: OrderId,
}

/// Cancels a checkout, or what has not shipped of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelOrder {
    /// Its id is the cancellation's.
    pub effect: Effect,
    /// These units; without it all that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineQuantity>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The provider took the money. Recorded in every state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordCapture {
    /// The payment.
    pub payment_id: PaymentId,
    /// What was taken.
    pub amount: Money,
}

/// The provider cannot take the money, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordCaptureFailure {
    /// The payment.
    pub payment_id: PaymentId,
    /// The provider's word for why.
    pub reason: String,
}

/// The provider gave money back. Recorded in every state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettleRefund {
    /// The refund.
    pub refund_id: RefundId,
}

/// An operator gives back part of what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundByOperator {
    /// Deduplicates the request.
    pub effect: Effect,
    /// How much, above zero.
    pub amount: Money,
    /// Why.
    pub reason: String,
}
