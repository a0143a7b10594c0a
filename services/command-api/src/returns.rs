//! Returns: shipped units that are announced to come back, and those that have.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::{Asker, effect_id},
    cancel::{CancelLine, read_line_quantity},
    docs::BucketDoc,
    lines::MAX_LINES,
    roles,
    shipments::here,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{id, list, metadata, object, text, word},
    openapi::IdSchema,
};
use schemas::{
    Command, EffectId, LocationId, Metadata, OrderId, ReplyBody, ReturnId, Role,
    item::Bucket,
    order::{LineQuantity, OrderCommand, ReceiveReturn, RequestReturn},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Units that will be sent back.
#[derive(Debug, ToSchema)]
#[schema(as = NewReturn)]
pub(crate) struct ReturnBody {
    /// What.
    #[schema(value_type = Vec<CancelLine>, min_items = 1)]
    lines: Vec<LineQuantity>,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

impl FromFields for ReturnBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let lines = fields.get("lines", list(1..=MAX_LINES, object(read_line_quantity)));
        let reason = fields.get("reason", text(1..=200));
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        Some(Self { lines: lines?, reason: reason?, metadata })
    }
}

/// An order after something of a return.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReturnedOrder)]
pub(crate) struct ReturnAnswer {
    /// The return.
    #[schema(value_type = String)]
    return_id: ReturnId,
    #[serde(flatten)]
    order: OrderAnswer,
}

/// Announces that shipped units will be sent back.
///
/// 409 `not_that_many_returnable` with `returnable`, `return_window_closed`; 422 `not_returnable` for digital lines.
#[utoipa::path(post, path = "/v1/orders/{orderId}/returns", tag = "Orders", operation_id = "requestReturn", request_body = ReturnBody,
    params(("orderId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ReturnAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn request(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    mut asker: Asker,
    body: JsonBody<ReturnBody>,
) -> Result<Response, Problem> {
    roles::order(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("return {order}"), &body)?;
    let return_id = ReturnId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let ReturnBody { lines, reason, metadata } = body.content;
    let (of, role, location) = (return_id.clone(), asker.caller.role, answer::order_url(&order));
    let command = OrderCommand::RequestReturn(RequestReturn { effect, return_id, lines, reason, metadata });
    state.answer(asker, Command::Order { order, command }, || location, |reply| render(of, role, reply)).await
}

/// Units that have come back.
#[derive(Debug, ToSchema)]
#[schema(as = NewReturnReceipt, rename_all = "camelCase")]
pub(crate) struct ReceiptBody {
    /// The receipt, unique in the order.
    #[schema(value_type = IdSchema)]
    receipt_id: EffectId,
    /// Where.
    #[schema(value_type = IdSchema)]
    location: LocationId,
    /// As what they are kept.
    #[schema(value_type = BucketDoc)]
    condition: Bucket,
    /// What; without it all that is still expected.
    #[schema(value_type = Option<Vec<CancelLine>>, min_items = 1)]
    lines: Option<Vec<LineQuantity>>,
}

impl FromFields for ReceiptBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let receipt_id = fields.get("receiptId", id(EffectId::parse));
        let location = fields.get("location", id(LocationId::parse));
        let condition = fields.get("condition", word::<Bucket>());
        let lines = fields.opt("lines", list(1..=MAX_LINES, object(read_line_quantity)));
        Some(Self { receipt_id: receipt_id?, location: location?, condition: condition?, lines })
    }
}

/// Records units of a return that have come back: they are restocked, and their share of the money is given back.
///
/// A warehouse receives at its own location, of orders that it has a part of. 409 `not_that_many_expected` with
/// `expected`, `return_complete`; 404 `return_not_found`.
#[utoipa::path(post, path = "/v1/orders/{orderId}/returns/{returnId}/receipts", tag = "Fulfilment", operation_id = "receiveReturn",
    request_body = ReceiptBody,
    params(("orderId" = String, Path), ("returnId" = String, Path)),
    responses((status = 201, body = ReturnAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn receive(
    State(state): State<CommandState>,
    PathIds((order, return_id)): PathIds<(OrderId, ReturnId)>,
    mut asker: Asker,
    body: JsonBody<ReceiptBody>,
) -> Result<Response, Problem> {
    roles::parcels_at(&asker.caller, &body.content.location)?;
    let own = Some(effect_id(body.content.receipt_id.as_str()));
    let operation = here(&asker.caller, &format!("receive return {order} {return_id}"));
    let effect = asker.effect(&state, own, &operation, &body)?;
    let ReceiptBody { receipt_id: _, location, condition, lines } = body.content;
    let (of, role, url) = (return_id.clone(), asker.caller.role, answer::order_url(&order));
    let command = OrderCommand::ReceiveReturn(ReceiveReturn { effect, return_id, location, condition, lines });
    state.answer(asker, Command::Order { order, command }, || url, |reply| render(of, role, reply)).await
}

fn render(return_id: ReturnId, role: Role, reply: ReplyBody) -> Result<(StatusCode, Json<ReturnAnswer>), Problem> {
    let order = OrderAnswer::told_to(role, answer::order(reply)?);
    Ok((StatusCode::CREATED, Json(ReturnAnswer { return_id, order })))
}
