//! The shopper: where and how they want to be told of things, and what they were told.

use crate::{
    effect::Effect,
    envelope::events,
    ids::{DropId, EffectId, OrderId, StoreId, SubjectId},
    personal::Personal,
    store::EmailAddress,
    tagged::tagged,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// How long after it happened a thing may still be told, in seconds: three days. After that it is news to nobody.
pub const TOLD_SECONDS: u32 = 3 * 24 * 3_600;

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a shopper. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum ShopperCommand {
        Put(PutShopper),
        Notify(NotifyShopper),
        Forget(ForgetShopper),
    }
}

/// What a shopper says of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShopperFacts {
    /// Where messages go; without it there is no e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<EmailAddress>>,
    /// The language of messages, a BCP 47 tag such as `de-CH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The zone of times in messages, an IANA name such as `Europe/Zurich`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What they want to be told of, and how.
    #[serde(default)]
    pub notifications: NotificationSettings,
    /// Stores of which they want to hear nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub muted_stores: BTreeSet<StoreId>,
}

/// How a topic of notifications reaches a shopper: by default both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Channels {
    /// Into the inbox of the app.
    pub in_app: bool,
    /// By e-mail.
    pub email: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self { in_app: true, email: true }
    }
}

/// What a shopper wants to be told of, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationSettings {
    /// Drops of stores that they follow, changes of them, and the own turn in a waiting room.
    #[serde(default)]
    pub drops: Channels,
    /// Payments, shipments and refunds of the own orders.
    #[serde(default)]
    pub orders: Channels,
}

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A store that is followed has a drop.
    DropScheduled,
    /// The terms of that drop have changed.
    DropChanged,
    /// That drop was called off.
    DropCancelled,
    /// It is the shopper's turn in the waiting room.
    DropAdmitted,
    /// An order is paid and confirmed.
    OrderConfirmed,
    /// A payment of an order was declined.
    PaymentFailed,
    /// Units of an order are on their way.
    OrderShipped,
    /// Money of an order was given back.
    OrderRefunded,
}

impl NotificationKind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::DropScheduled,
        Self::DropChanged,
        Self::DropCancelled,
        Self::DropAdmitted,
        Self::OrderConfirmed,
        Self::PaymentFailed,
        Self::OrderShipped,
        Self::OrderRefunded,
    ];

    /// The kind as JSON names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DropScheduled => "drop_scheduled",
            Self::DropChanged => "drop_changed",
            Self::DropCancelled => "drop_cancelled",
            Self::DropAdmitted => "drop_admitted",
            Self::OrderConfirmed => "order_confirmed",
            Self::PaymentFailed => "payment_failed",
            Self::OrderShipped => "order_shipped",
            Self::OrderRefunded => "order_refunded",
        }
    }
}

/// Something a shopper is told. It holds ids only: texts are made where it is shown, in the shopper's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The same for the same thing told: what it is deduplicated by, and the id of its e-mail.
    pub notification_id: EffectId,
    /// What it tells.
    pub kind: NotificationKind,
    /// When that happened.
    pub occurred_at: Timestamp,
    /// The store that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// The drop that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropId>,
    /// The order that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

/// Sets what a shopper says of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutShopper {
    /// Its digest says what "same content" means: the sealed e-mail differs each time.
    pub effect: Effect,
    /// What they say.
    pub facts: ShopperFacts,
}

/// Tells a shopper something, by the ways that they want; a thing is told once. Of the engine's own services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotifyShopper {
    /// What.
    pub notification: Notification,
}

/// Records that a shopper was forgotten: their keys are destroyed, and what they said of themselves does not hold any more. Of
/// operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgetShopper {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Keys that were destroyed.
    pub keys_destroyed: u32,
}

events! {
    /// What happened to a shopper.
    ShopperEvent {
        ShopperSet = "stockfold.shoppers.shopper-set.v1",
        ShopperNotified = "stockfold.shoppers.shopper-notified.v1",
        ShopperForgotten = "stockfold.shoppers.shopper-forgotten.v1",
    }
}

/// A shopper is as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShopperSet {
    /// Of the request.
    pub effect: Effect,
    /// From 1, dense.
    pub version: u64,
    /// What they say of themselves.
    pub facts: ShopperFacts,
}

/// A shopper is told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShopperNotified {
    /// What.
    pub notification: Notification,
    /// How: at least one way.
    pub channels: Channels,
}

/// A shopper was forgotten: no ciphertext under their keys until here can be opened any more, in any copy of the log. The
/// event's actor is the operator who did it. Whoever keeps data of this shopper elsewhere deletes it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShopperForgotten {
    /// Of the request.
    pub effect: Effect,
    /// From 1, dense: what they said of themselves holds no more.
    pub version: u64,
    /// Keys that were destroyed.
    pub keys_destroyed: u32,
}

/// A refusal of a shopper, in the order of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ShopperRejection {
    /// Only the shopper themselves.
    #[error("only shoppers have settings, each their own")]
    ShopperNotFound,
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
}

/// A shopper after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopperReply {
    /// Who.
    pub shopper: SubjectId,
    /// Its version.
    pub version: u64,
    /// Whether the command made it.
    pub created: bool,
}
