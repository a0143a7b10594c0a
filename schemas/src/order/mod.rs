//! The order: a saga over items and payments, and the only owner of the checkout's deadline.

mod command;
mod event;
mod fulfilment;
mod rejection;
mod reply;

pub use command::*;
pub use event::*;
pub use fulfilment::*;
pub use rejection::*;
pub use reply::*;

use crate::{
    ids::{AdjustmentId, ItemId, LineId, PaymentId, SubjectId},
    metadata::Metadata,
    money::Money,
    quantity::Quantity,
};
use serde::{Deserialize, Serialize};

/// What an order's status shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Its items have not all answered.
    Holding,
    /// All lines are held.
    AwaitingPayment,
    /// Paid and submitted.
    Confirmed,
    /// Nothing is left to ship.
    Shipped,
    /// Nothing is left to deliver.
    Delivered,
    /// Cancelled before anything shipped.
    Cancelled,
    /// Some item refused, or did not answer.
    Rejected,
    /// Not paid and submitted in time.
    Expired,
    /// It has ended and its money is being given back.
    Refunding,
    /// It has ended and all of its money was given back.
    Refunded,
}

impl OrderStatus {
    /// Every status, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Holding,
        Self::AwaitingPayment,
        Self::Confirmed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Rejected,
        Self::Expired,
        Self::Refunding,
        Self::Refunded,
    ];

    /// The status as JSON and queries name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holding => "holding",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }
}

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMode {
    /// The engine's payment provider.
    Provider,
    /// The system that placed the order; a submit alone confirms it.
    External,
}

/// When an order is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmitMode {
    /// By a command of its own.
    #[default]
    Explicit,
    /// As soon as all lines are held.
    Auto,
}

/// A line as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// Unique in the order.
    pub line_id: LineId,
    /// What.
    pub item_id: ItemId,
    /// How many.
    pub quantity: Quantity,
    /// A trusted caller's own price; else the item's at the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The price that the buyer saw; refused if it is another now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_unit_price: Option<Money>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// What an adjustment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentKind {
    /// Less to pay.
    Discount,
    /// Tax.
    Tax,
    /// Shipping or postage.
    Shipping,
    /// Any other fee.
    Fee,
}

/// A signed amount that a trusted caller adds to an order or to one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adjustment {
    /// Unique in the order.
    pub adjustment_id: AdjustmentId,
    /// What for.
    pub kind: AdjustmentKind,
    /// The line that it belongs to; else the order as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// Signed.
    pub amount: Money,
    /// Already in the prices: informational, not added to the total.
    #[serde(default)]
    pub included: bool,
    /// What a person reads, at most 200 characters.
    pub label: String,
}

/// A line and how many of its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineQuantity {
    /// The line.
    pub line_id: LineId,
    /// Units.
    pub quantity: Quantity,
}

/// Where an order goes. Personal data: only ever stored sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// Street and number, one to four lines.
    pub lines: Vec<String>,
    /// City or town.
    pub city: String,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// State, county or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Where it is on the globe, so that a near warehouse ships.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<crate::warehouse::Coordinates>,
}

/// Why an item did not grant a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum HoldRefusal {
    /// No such item, or not in sale, or of another store than the caller's.
    ItemUnavailable,
    /// The price is another now.
    PriceChanged {
        /// The price now.
        price: Money,
    },
    /// Too few units.
    InsufficientStock {
        /// Units asked for.
        asked: u32,
        /// Units available.
        available: u64,
    },
    /// The hold was released before it was placed.
    Released,
}

/// What an order was refused for, by item or as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "cause", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum OrderRefusal {
    /// An item said no.
    Item {
        /// The item.
        item_id: ItemId,
        /// Why.
        refusal: HoldRefusal,
    },
    /// Items that did not answer in time.
    ItemsUnanswered {
        /// The items.
        item_ids: Vec<ItemId>,
    },
    /// Prices in more than one currency.
    MixedCurrencies,
    /// The adjustments are more than the lines.
    TotalNegative,
    /// The total is beyond 2^53 − 1.
    TotalTooLarge,
}

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Its id.
    pub payment_id: PaymentId,
    /// How far it is.
    pub status: PaymentStatus,
    /// What the provider was asked for.
    pub amount: Money,
    /// Minor units authorized.
    pub authorized: i64,
    /// Minor units captured.
    pub captured: i64,
    /// Minor units that are due back (voids and refunds).
    pub refund_due: i64,
    /// Minor units given back.
    pub refunded: i64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The provider has not decided.
    Pending,
    /// The money is reserved.
    Authorized,
    /// The provider declined.
    Declined,
}

/// Whose order it is, as far as an item must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderOwner {
    /// The shopper's pseudonym; none of a guest's order brought by another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper: Option<SubjectId>,
    /// Who placed it.
    pub placed_by: crate::caller::Caller,
}
