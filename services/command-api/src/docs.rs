//! Shapes for the OpenAPI document, of types whose own crate does not know it.

use edge::openapi::MoneySchema;
use utoipa::ToSchema;

/// A line of an order.
#[derive(ToSchema)]
#[schema(as = OrderLine, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::LineReply")]
pub(crate) struct OrderLineDoc {
    /// The line.
    line_id: String,
    /// What.
    item_id: String,
    /// How many were ordered.
    quantity: u32,
    /// The price of one unit, once it is known.
    unit_price: Option<MoneySchema>,
    /// `physical` or `digital`, once it is known.
    kind: Option<String>,
    /// The store that sells it; absent of what the shop itself sells.
    store: Option<String>,
    /// Units cancelled.
    cancelled: u32,
    /// Units shipped or delivered.
    shipped: u32,
    /// Units returned.
    returned: u32,
}

/// A payment of an order.
#[derive(ToSchema)]
#[schema(as = Payment, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::Payment")]
pub(crate) struct PaymentDoc {
    /// Its id.
    payment_id: String,
    /// `pending`, `authorized` or `declined`.
    status: String,
    /// What the provider was asked for.
    amount: MoneySchema,
    /// Minor units authorized.
    authorized: i64,
    /// Minor units captured.
    captured: i64,
    /// Minor units that are due back.
    refund_due: i64,
    /// Minor units given back.
    refunded: i64,
    /// Why it failed.
    reason: Option<String>,
}

/// What an item is.
#[derive(ToSchema)]
#[schema(as = ItemKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes schemas::item::ItemKind")]
pub(crate) enum ItemKindDoc {
    Physical,
    Digital,
}

/// What state units of a location are in.
#[derive(ToSchema)]
#[schema(as = Bucket, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes schemas::item::Bucket")]
pub(crate) enum BucketDoc {
    Sellable,
    Damaged,
    QualityControl,
}

/// Who takes the money.
#[derive(ToSchema)]
#[schema(as = PaymentMode, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes schemas::order::PaymentMode")]
pub(crate) enum PaymentModeDoc {
    Provider,
    External,
}

/// Who says the buyer's last word.
#[derive(ToSchema)]
#[schema(as = SubmitMode, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes schemas::order::SubmitMode")]
pub(crate) enum SubmitModeDoc {
    Explicit,
    Auto,
}

/// What an adjustment is.
#[derive(ToSchema)]
#[schema(as = AdjustmentKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes schemas::order::AdjustmentKind")]
pub(crate) enum AdjustmentKindDoc {
    Discount,
    Tax,
    Shipping,
    Fee,
}
