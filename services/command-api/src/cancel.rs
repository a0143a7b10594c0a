//! Cancels a checkout, or what has not shipped of an order; a store that sells lines of somebody's order, what of these.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::Asker,
    lines::MAX_LINES,
    roles,
};
use axum::{Json, extract::State, response::Response};
use edge::{
    Fields, FromFields, OptionalBody, PathIds, Problem, ProblemDocument,
    fields::{id, list, object, quantity, text},
    openapi::IdSchema,
};
use schemas::{
    Command, LineId, OrderId, Quantity,
    order::{CancelOrder, LineQuantity, OrderCommand},
};
use utoipa::ToSchema;

/// What to cancel.
#[derive(Debug, ToSchema)]
#[schema(as = Cancellation)]
pub(crate) struct CancelBody {
    /// These units; without it all that has not shipped, for a store that sells lines of it: of these.
    #[schema(value_type = Option<Vec<CancelLine>>, min_items = 1)]
    lines: Option<Vec<LineQuantity>>,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: Option<String>,
}

/// Units of a line.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes schemas::order::LineQuantity")]
pub(crate) struct CancelLine {
    /// The line.
    line_id: IdSchema,
    /// How many of its units.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
}

/// Units of a line, as a body names them.
pub(crate) fn read_line_quantity(fields: &mut Fields<'_>) -> Option<LineQuantity> {
    let line_id = fields.get("lineId", id(LineId::parse));
    let quantity: Option<Quantity> = fields.get("quantity", quantity);
    Some(LineQuantity { line_id: line_id?, quantity: quantity? })
}

impl CancelBody {
    /// All that is open, without a reason.
    pub const fn all() -> Self {
        Self { lines: None, reason: None }
    }
}

impl FromFields for CancelBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let lines = fields.opt("lines", list(1..=MAX_LINES, object(read_line_quantity)));
        let reason = fields.opt("reason", text(1..=200));
        Some(Self { lines, reason })
    }
}

/// Cancels a checkout, or what has not shipped of an order.
///
/// A store that cannot supply its items cancels its own lines of somebody's confirmed order, as far as they have not shipped:
/// without `lines` all of its own. The money for them is given back. It is told of its own lines only.
#[utoipa::path(post, path = "/v1/orders/{orderId}/cancel", tag = "Orders", operation_id = "cancelOrder", request_body = Option<CancelBody>,
    params(("orderId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn cancel(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    asker: Asker,
    OptionalBody(body): OptionalBody<CancelBody>,
) -> Result<Response, Problem> {
    let canonical = body.canonical();
    cancel_order(&state, asker, order, body.content, &canonical).await
}

/// Of both ways to cancel.
pub(crate) async fn cancel_order(
    state: &CommandState,
    mut asker: Asker,
    order: OrderId,
    body: CancelBody,
    canonical: &[u8],
) -> Result<Response, Problem> {
    roles::order(&asker.caller)?;
    let operation = format!("cancel {order}");
    let effect = asker.derived_effect(state, &operation, canonical)?;
    let location = answer::order_url(&order);
    let command = OrderCommand::Cancel(CancelOrder { effect, lines: body.lines, reason: body.reason });
    let render = |reply| answer::order(reply).map(|order| Json(OrderAnswer::from(order)));
    state.answer(asker, Command::Order { order, command }, || location, render).await
}
