//! Orders of other systems.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::{Asker, effect_id},
    docs::{AdjustmentKindDoc, PaymentModeDoc, SubmitModeDoc},
    lines::{MAX_LINES, check_lines},
    roles,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use edge::openapi::{IdSchema, MoneySchema};
use edge::{
    Fields, FromFields, JsonBody, Problem, ProblemDocument,
    fields::{boolean, id, list, metadata, money, price, quantity, small, text, time, word},
};
use schemas::{
    AdjustmentId, Command, ItemId, LineId, Metadata, OrderId, Timestamp,
    order::{Adjustment, AdjustmentKind, OrderCommand, OrderLine, PaymentMode, PlaceOrder, SubmitMode},
};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The most adjustments of an order.
const MAX_ADJUSTMENTS: usize = 100;
/// The longest life of a checkout, in seconds.
const MAX_SECONDS: u32 = 86_400;

/// An order of another system.
#[derive(Debug, ToSchema)]
#[schema(as = NewOrder, rename_all = "camelCase")]
pub(crate) struct OrderBody {
    /// The order's own id: it is placed once.
    #[schema(value_type = IdSchema)]
    order_id: OrderId,
    /// Whose it is: their `sub`. Stored as a pseudonym only.
    shopper: Option<String>,
    /// Where it was ordered, a word of the caller's.
    channel: Option<String>,
    /// Business time.
    #[schema(value_type = Option<String>, format = DateTime)]
    ordered_at: Option<Timestamp>,
    /// 1–1,000 lines.
    #[schema(value_type = Vec<NewOrderLine>)]
    lines: Vec<OrderLine>,
    /// At most 100.
    #[schema(value_type = Option<Vec<NewAdjustment>>)]
    adjustments: Vec<Adjustment>,
    /// `external`: the caller takes the money; `provider`: the engine does.
    #[schema(value_type = PaymentModeDoc)]
    payment: PaymentMode,
    /// `auto`: submitted as soon as all is held.
    #[schema(value_type = Option<SubmitModeDoc>)]
    submit: SubmitMode,
    /// How long it can be paid and submitted, 1–86,400 s; 300 without it.
    #[schema(minimum = 1, maximum = 86_400)]
    expires_in_seconds: Option<u32>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

/// A line of an order of another system.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::OrderLine")]
struct NewOrderLine {
    /// Unique in the order.
    line_id: IdSchema,
    /// What.
    item_id: IdSchema,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// Overrides the item's price.
    unit_price: Option<MoneySchema>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

/// A discount, tax, shipping or fee.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::Adjustment")]
struct NewAdjustment {
    /// Unique in the order.
    adjustment_id: IdSchema,
    /// What it is.
    kind: AdjustmentKindDoc,
    /// The line that it belongs to; else the order as a whole.
    line_id: Option<IdSchema>,
    /// Signed.
    amount: MoneySchema,
    /// Already in the prices: not added to the total.
    included: Option<bool>,
    /// What a person reads.
    label: String,
}

fn read_line(fields: &mut Fields<'_>) -> Option<OrderLine> {
    let line_id = fields.get("lineId", id(LineId::parse));
    let item_id = fields.get("itemId", id(ItemId::parse));
    let quantity = fields.get("quantity", quantity);
    let unit_price = fields.opt("unitPrice", price);
    let metadata = fields.opt("metadata", metadata).unwrap_or_default();
    Some(OrderLine {
        line_id: line_id?,
        item_id: item_id?,
        quantity: quantity?,
        unit_price,
        expected_unit_price: None,
        metadata,
    })
}

fn read_adjustment(fields: &mut Fields<'_>) -> Option<Adjustment> {
    let adjustment_id = fields.get("adjustmentId", id(AdjustmentId::parse));
    let kind = fields.get("kind", word::<AdjustmentKind>());
    let line_id = fields.opt("lineId", id(LineId::parse));
    let amount = fields.get("amount", money);
    let included = fields.opt("included", boolean).unwrap_or(false);
    let label = fields.get("label", text(1..=200));
    Some(Adjustment { adjustment_id: adjustment_id?, kind: kind?, line_id, amount: amount?, included, label: label? })
}

/// Faults of adjustments together: an id twice, or a line that the order does not have.
fn check_adjustments(fields: &Fields<'_>, adjustments: &[Adjustment], lines: &[OrderLine]) {
    let known: BTreeSet<&LineId> = lines.iter().map(|line| &line.line_id).collect();
    let mut ids = BTreeSet::new();
    for adjustment in adjustments {
        if !ids.insert(&adjustment.adjustment_id) {
            let detail = format!("has the adjustment id {} twice", adjustment.adjustment_id);
            fields.fault::<()>("adjustments", "duplicate_adjustment_id", detail);
        }
        if let Some(line) = adjustment.line_id.as_ref().filter(|line| !known.contains(line)) {
            fields.fault::<()>("adjustments", "unknown_line", format!("names the line {line}, which is none of lines"));
        }
    }
}

impl FromFields for OrderBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order_id = fields.get("orderId", id(OrderId::parse));
        let shopper = fields.opt("shopper", text(1..=255));
        let channel = fields.opt("channel", text(1..=64));
        let ordered_at = fields.opt("orderedAt", time);
        let lines = fields.get("lines", list(1..=MAX_LINES, edge::fields::object(read_line)));
        let adjustments = fields.opt("adjustments", list(0..=MAX_ADJUSTMENTS, edge::fields::object(read_adjustment)));
        let payment = fields.get("payment", word::<PaymentMode>());
        let submit = fields.opt("submit", word::<SubmitMode>()).unwrap_or_default();
        let expires_in_seconds = fields.opt("expiresInSeconds", small(1..=MAX_SECONDS));
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        let (lines, adjustments) = (lines?, adjustments.unwrap_or_default());
        check_lines(fields, "lines", lines.iter().map(|line| &line.line_id));
        check_adjustments(fields, &adjustments, &lines);
        Some(Self {
            order_id: order_id?,
            shopper,
            channel,
            ordered_at,
            lines,
            adjustments,
            payment: payment?,
            submit,
            expires_in_seconds,
            metadata,
        })
    }
}

/// Places an order of another system: all lines held, or none.
#[utoipa::path(post, path = "/v1/orders", tag = "Orders", operation_id = "placeOrder", request_body = OrderBody,
    responses((status = 201, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn place(
    State(state): State<CommandState>,
    mut asker: Asker,
    body: JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    roles::place_order(&asker.caller)?;
    let named = Some(effect_id(body.content.order_id.as_str()));
    let effect = asker.effect(&state, named, "place order", &body)?;
    let body = body.content;
    let order = body.order_id;
    let command = OrderCommand::Place(PlaceOrder {
        from_cart: false,
        effect,
        shopper: body.shopper.map(|sub| state.edge.pseudonym(&sub)),
        channel: body.channel,
        ordered_at: body.ordered_at,
        lines: body.lines,
        adjustments: body.adjustments,
        payment: body.payment,
        submit: body.submit,
        expires_in_seconds: body.expires_in_seconds,
        metadata: body.metadata,
    });
    let location = answer::order_url(&order);
    let header = [(header::LOCATION, location.clone())];
    let render =
        |reply| answer::order(reply).map(|order| (StatusCode::CREATED, header, Json(OrderAnswer::from(order))));
    state.answer(asker, Command::Order { order, command }, || location, render).await
}
