//! Submits an order: a checkout's, or one of another system.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::Asker,
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{OptionalBody, PathIds, Problem, ProblemDocument};
use schemas::{
    Command, OrderId,
    order::{OrderCommand, OrderStatus, SubmitOrder},
};

/// Submits: the buyer's last word. 200 once it is confirmed, 202 while a payment is pending.
#[utoipa::path(post, path = "/v1/orders/{orderId}/submit", tag = "Orders", operation_id = "submitOrder",
    params(("orderId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderAnswer),
        (status = 202, body = OrderAnswer, description = "While a payment is pending"),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn submit(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    asker: Asker,
    _: OptionalBody<crate::holds::EmptyBody>,
) -> Result<Response, Problem> {
    submit_order(&state, asker, order).await
}

/// Of both ways to submit.
pub(crate) async fn submit_order(state: &CommandState, mut asker: Asker, order: OrderId) -> Result<Response, Problem> {
    roles::order(&asker.caller)?;
    let operation = format!("submit {order}");
    let effect = asker.derived_effect(state, &operation, b"{}")?;
    let location = answer::order_url(&order);
    let render = |reply| {
        let order = answer::order(reply)?;
        let pending = matches!(order.status, OrderStatus::Holding | OrderStatus::AwaitingPayment);
        let status = if pending { StatusCode::ACCEPTED } else { StatusCode::OK };
        Ok((status, Json(OrderAnswer::from(order))))
    };
    let command = OrderCommand::Submit(SubmitOrder { effect });
    state.answer(asker, Command::Order { order, command }, || location, render).await
}
