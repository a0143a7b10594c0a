//! What replies become: the bodies of answers.

use crate::docs::{OrderLineDoc, PaymentDoc};
use axum::http::StatusCode;
use edge::Problem;
use edge::openapi::MoneySchema;
use schemas::{
    EffectId, FreeHoldId, ItemId, Metadata, Money, OrderId, Quantity, ReplyBody, Role, Timestamp,
    item::{HoldReply, HoldStatus, ItemReply},
    order::{Adjustment, LineReply, OrderReply, OrderStatus, Payment},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An item after its catalog facts or price were written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemAnswer {
    /// The item.
    #[schema(value_type = String)]
    pub item_id: ItemId,
    /// The catalog version after it: the first part of the ETag.
    pub catalog_version: u64,
    /// False where the source had told a newer version before, so that nothing changed.
    pub applied: bool,
}

/// The stock of an item after a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockAnswer {
    /// Of a transfer: the move that is received where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub move_id: Option<EffectId>,
    /// Available to sell.
    pub available: i64,
    /// Sellable, damaged and in quality control.
    pub on_hand: u64,
}

/// What is kept back from sale.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SafetyAnswer {
    /// Units kept back.
    pub quantity: u32,
    /// Available to sell after it.
    pub available: i64,
}

/// A free hold.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HoldAnswer {
    /// The caller's id for it.
    #[schema(value_type = String)]
    pub hold_id: FreeHoldId,
    /// `active`, `committed`, `released`, `expired` or `shipped`.
    #[schema(value_type = String)]
    pub status: HoldStatus,
    /// Units.
    #[schema(value_type = u32)]
    pub quantity: Quantity,
    /// The price at the grant.
    #[schema(value_type = MoneySchema)]
    pub unit_price: Money,
    /// Until when it is reserved; null once that does not matter.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Available to sell after the command, below zero while a shortfall is on record; null for a digital item, which
    /// has no stock.
    pub available: Option<i64>,
    /// Units that have left.
    pub shipped: u32,
    /// The caller's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The caller's own pairs.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

impl From<HoldReply> for HoldAnswer {
    fn from(reply: HoldReply) -> Self {
        let HoldReply { hold_id, status, quantity, unit_price, expires_at, available, shipped, reference, metadata } =
            reply;
        let expires_at = expires_at.filter(|_| status == HoldStatus::Active || status == HoldStatus::Expired);
        Self { hold_id, status, quantity, unit_price, expires_at, available, shipped, reference, metadata }
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderAnswer {
    /// The order.
    #[schema(value_type = String)]
    pub order_id: OrderId,
    /// Its status.
    #[schema(value_type = String)]
    pub status: OrderStatus,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub ordered_at: Timestamp,
    /// Its lines.
    #[schema(value_type = Vec<OrderLineDoc>)]
    pub lines: Vec<LineReply>,
    /// Discounts, taxes, shipping and fees.
    #[schema(value_type = Vec<Object>)]
    pub adjustments: Vec<Adjustment>,
    /// What is to be paid, once the prices are known; a warehouse is not told of prices and payments.
    #[schema(value_type = Option<MoneySchema>)]
    pub total: Option<Money>,
    /// Where a payment is posted, while one is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_input_url: Option<String>,
    /// Until when it can be paid and submitted, while that matters.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Its payments.
    #[schema(value_type = Vec<PaymentDoc>)]
    pub payments: Vec<Payment>,
    /// The caller's own pairs.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

impl From<OrderReply> for OrderAnswer {
    fn from(reply: OrderReply) -> Self {
        let waits = matches!(reply.status, OrderStatus::Holding | OrderStatus::AwaitingPayment | OrderStatus::Expired);
        let payment_input_url =
            (reply.status == OrderStatus::AwaitingPayment).then(|| payment_input_url(&reply.order_id));
        Self {
            order_id: reply.order_id,
            status: reply.status,
            ordered_at: reply.ordered_at,
            lines: reply.lines,
            adjustments: reply.adjustments,
            total: reply.total,
            payment_input_url,
            expires_at: reply.expires_at.filter(|_| waits),
            payments: reply.payments,
            metadata: reply.metadata,
        }
    }
}

impl OrderAnswer {
    /// As this role is told of it. A warehouse learns what there is to ship and to receive, and not what was paid for it, as
    /// it may not read the order either.
    pub fn told_to(role: Role, reply: OrderReply) -> Self {
        let mut answer = Self::from(reply);
        if role == Role::Warehouse {
            answer.lines.iter_mut().for_each(|line| line.unit_price = None);
            answer.adjustments.clear();
            answer.total = None;
            answer.payments.clear();
        }
        answer
    }
}

/// Where a payment of an order is posted.
pub(crate) fn payment_input_url(order: &OrderId) -> String {
    format!("/v1/orders/{order}/payments")
}

/// Where an order is read.
pub(crate) fn order_url(order: &OrderId) -> String {
    format!("/v1/orders/{order}")
}

/// Where an item is read.
pub(crate) fn item_url(item: &ItemId) -> String {
    format!("/v1/items/{item}")
}

/// An answer of another kind than the question's: a fault of the engine.
pub(crate) fn unexpected(reply: &ReplyBody) -> Problem {
    Problem::internal(&format_args!("a command was answered with {reply:?}"))
}

/// The answer to what writes catalog facts: 201 where the item is new.
pub(crate) fn item(item_id: ItemId, reply: ReplyBody) -> Result<(StatusCode, ItemAnswer), Problem> {
    match reply {
        ReplyBody::Item(ItemReply::Catalog { created, catalog_version, stale }) => {
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, ItemAnswer { item_id, catalog_version, applied: !stale }))
        }
        other => Err(unexpected(&other)),
    }
}

/// The answer to what changes stock.
pub(crate) fn stock(reply: ReplyBody) -> Result<(StatusCode, StockAnswer), Problem> {
    match reply {
        ReplyBody::Item(ItemReply::Stock { available, on_hand }) => {
            Ok((StatusCode::CREATED, StockAnswer { move_id: None, available, on_hand }))
        }
        other => Err(unexpected(&other)),
    }
}

/// The answer to SetSafety.
pub(crate) fn safety(reply: ReplyBody) -> Result<(StatusCode, SafetyAnswer), Problem> {
    match reply {
        ReplyBody::Item(ItemReply::Safety { quantity, available }) => {
            Ok((StatusCode::OK, SafetyAnswer { quantity, available }))
        }
        other => Err(unexpected(&other)),
    }
}

/// The answer of a free hold.
pub(crate) fn hold(reply: ReplyBody) -> Result<HoldAnswer, Problem> {
    match reply {
        ReplyBody::Item(ItemReply::Hold(hold)) => Ok(hold.into()),
        other => Err(unexpected(&other)),
    }
}

/// The order that a reply tells.
pub(crate) fn order(reply: ReplyBody) -> Result<OrderReply, Problem> {
    match reply {
        ReplyBody::Order(order) => Ok(*order),
        other @ (ReplyBody::Item(_)
        | ReplyBody::Cart(_)
        | ReplyBody::Store(_)
        | ReplyBody::Warehouse(_)
        | ReplyBody::Drop(_)
        | ReplyBody::Follows(_)
        | ReplyBody::Shopper(_)) => Err(unexpected(&other)),
    }
}
