//! Refunds by the operator.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::Asker,
    roles,
};
use axum::{Json, extract::State, response::Response};
use edge::openapi::MoneySchema;
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{positive_money, text},
};
use schemas::{
    Command, Money, OrderId,
    order::{OrderCommand, RefundByOperator},
};
use utoipa::ToSchema;

/// Money to give back.
#[derive(Debug, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody {
    /// How much, above zero and at most what is kept.
    #[schema(value_type = MoneySchema)]
    amount: Money,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

impl FromFields for RefundBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.get("amount", positive_money);
        let reason = fields.get("reason", text(1..=200));
        Some(Self { amount: amount?, reason: reason? })
    }
}

/// Gives back part of what an order keeps.
#[utoipa::path(post, path = "/v1/orders/{orderId}/refunds", tag = "Orders", operation_id = "refundOrder", request_body = RefundBody,
    params(("orderId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn refund(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    mut asker: Asker,
    body: JsonBody<RefundBody>,
) -> Result<Response, Problem> {
    roles::operator(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("refund {order}"), &body)?;
    let RefundBody { amount, reason } = body.content;
    let location = answer::order_url(&order);
    let command = OrderCommand::RefundByOperator(RefundByOperator { effect, amount, reason });
    let render = |reply| answer::order(reply).map(|order| Json(OrderAnswer::from(order)));
    state.answer(asker, Command::Order { order, command }, || location, render).await
}
