//! `POST /checkout`: BEGIN places the order and holds its lines; SUBMIT and CANCEL are the order's own.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::Asker,
    cancel::{CancelBody, cancel_order},
    docs::SubmitModeDoc,
    lines::{MAX_LINES, check_lines},
    roles,
    submit::submit_order,
};
use axum::{
    Json,
    extract::{FromRequest as _, FromRequestParts, Request, State},
    http::{StatusCode, header, request::Parts},
    response::Response,
};
use edge::openapi::{IdSchema, MoneySchema};
use edge::{
    Fields, FromFields, JsonBody, OptionalBody, Params, Problem, ProblemDocument,
    fields::{id, list, metadata, nested, price, quantity, word},
};
use schemas::{
    Command, ItemId, LineId, Metadata, Money, OrderId, Quantity,
    cart::{CartCommand, Checkout},
    order::{OrderLine, SubmitMode},
};
use std::collections::BTreeSet;
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy)]
enum Operation {
    Begin,
    Submit,
    Cancel,
}

#[derive(ToSchema)]
#[schema(as = CheckoutOperation, rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "describes Operation")]
enum OperationDoc {
    Begin,
    Submit,
    Cancel,
}

/// What is in the cart.
#[derive(Debug, ToSchema)]
#[schema(as = CheckoutBegin)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginBody {
    /// 1–1,000 lines; without it what stands in the stored cart.
    #[schema(value_type = Option<Vec<CartLine>>)]
    cart: Option<Vec<CartLine>>,
    /// `auto`: submitted as soon as it is held, so that the payment confirms it.
    #[schema(value_type = Option<SubmitModeDoc>)]
    submit: SubmitMode,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

/// A line of a cart.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CartLine {
    /// Unique in the order; numbered without it.
    #[schema(value_type = Option<IdSchema>)]
    line_id: Option<LineId>,
    /// What.
    #[schema(value_type = IdSchema)]
    item_id: ItemId,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    quantity: Quantity,
    /// The price that the buyer saw: refused where it is another now.
    #[schema(value_type = Option<MoneySchema>)]
    expected_unit_price: Option<Money>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

impl FromFields for CartLine {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line_id = fields.opt("lineId", id(LineId::parse));
        let item_id = fields.get("itemId", id(ItemId::parse));
        let quantity = fields.get("quantity", quantity);
        let expected_unit_price = fields.opt("expectedUnitPrice", price);
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        Some(Self { line_id, item_id: item_id?, quantity: quantity?, expected_unit_price, metadata })
    }
}

impl FromFields for BeginBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let cart = fields.opt("cart", list(0..=MAX_LINES, nested::<CartLine>));
        let submit = fields.opt("submit", word::<SubmitMode>()).unwrap_or_default();
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        check_lines(fields, "cart", cart.iter().flatten().filter_map(|line| line.line_id.as_ref()));
        Some(Self { cart, submit, metadata })
    }
}

/// Lines with ids: those that have none are numbered by their place, passing over numbers that are taken.
fn numbered(cart: Vec<CartLine>) -> Vec<OrderLine> {
    let taken: BTreeSet<LineId> = cart.iter().filter_map(|line| line.line_id.clone()).collect();
    let mut numbers =
        (1_u32..).map(|n| LineId::parse(&n.to_string()).expect("digits are an id")).filter(|id| !taken.contains(id));
    let lines = cart.into_iter().map(|line| {
        let number = if line.line_id.is_none() { numbers.next() } else { None };
        OrderLine {
            line_id: line.line_id.or(number).expect("there is always a next number"),
            item_id: line.item_id,
            quantity: line.quantity,
            unit_price: None,
            expected_unit_price: line.expected_unit_price,
            metadata: line.metadata,
        }
    });
    lines.collect()
}

/// Which order.
#[derive(Debug, ToSchema)]
#[schema(as = CheckoutOrder, rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderIdBody {
    /// The order that BEGIN answered.
    #[schema(value_type = IdSchema)]
    order_id: OrderId,
}

impl FromFields for OrderIdBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order_id = fields.get("orderId", id(OrderId::parse));
        Some(Self { order_id: order_id? })
    }
}

/// Who asks, and for which of the three.
pub(crate) struct CheckoutCall {
    asker: Asker,
    operation: Operation,
}

impl FromRequestParts<CommandState> for CheckoutCall {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &CommandState) -> Result<Self, Problem> {
        let asker = Asker::with_query(parts, state).await?;
        let mut params = Params::from_request_parts(parts, state).await?;
        let words = [("BEGIN", Operation::Begin), ("SUBMIT", Operation::Submit), ("CANCEL", Operation::Cancel)];
        let operation = params.word("op", &words);
        let operation = params.require("op", operation);
        params.finish()?;
        let operation = operation.ok_or_else(|| Problem::bad_request("invalid_query", "op is required"))?;
        Ok(Self { asker, operation })
    }
}

/// What BEGIN takes, and what SUBMIT and CANCEL take.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the bodies of three operations")]
enum CheckoutDoc {
    Begin(BeginBody),
    Order(OrderIdBody),
}

/// Begins, submits or cancels a checkout.
///
/// BEGIN holds every line or none and answers the order. It orders what `cart` names, or else what stands in the stored
/// cart, which is locked until the order is confirmed or has ended. An older checkout of the caller's that holds one of the
/// items makes way, unless a payment of it was begun; SUBMIT and CANCEL take `{orderId}` and answer as
/// `/orders/{orderId}/submit` and `/cancel` do. 409 `insufficient_stock` or `price_changed` with `lines`.
#[utoipa::path(post, path = "/v1/checkout", tag = "Checkout", operation_id = "checkout",
    request_body(content = Option<CheckoutDoc>, description = "CheckoutBegin or nothing for BEGIN, CheckoutOrder for SUBMIT and CANCEL"),
    params(("op" = inline(OperationDoc), Query, description = "What to do; read without case"), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderAnswer, description = "BEGIN: all lines are held"),
        (status = 200, body = OrderAnswer, description = "SUBMIT, CANCEL"),
        (status = 202, body = OrderAnswer, description = "SUBMIT while a payment is pending"),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn checkout(
    State(state): State<CommandState>,
    CheckoutCall { asker, operation }: CheckoutCall,
    request: Request,
) -> Result<Response, Problem> {
    match operation {
        Operation::Begin => {
            let OptionalBody(body) = OptionalBody::from_request(request, &state).await?;
            begin(&state, asker, body).await
        }
        Operation::Submit => {
            let body: JsonBody<OrderIdBody> = JsonBody::from_request(request, &state).await?;
            submit_order(&state, asker, body.content.order_id).await
        }
        Operation::Cancel => {
            let body: JsonBody<OrderIdBody> = JsonBody::from_request(request, &state).await?;
            cancel_order(&state, asker, body.content.order_id, CancelBody::all(), b"{}").await
        }
    }
}

async fn begin(state: &CommandState, mut asker: Asker, body: JsonBody<BeginBody>) -> Result<Response, Problem> {
    roles::checkout(&asker.caller)?;
    // Derived from caller and key: a retry joins the order that the first try placed.
    let effect = asker.effect(state, None, "checkout begin", &body)?;
    let order = OrderId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let BeginBody { cart, submit, metadata } = body.content;
    let shopper = asker.caller.subject.clone();
    let lines = cart.map(numbered);
    let command = CartCommand::Checkout(Checkout { effect, order_id: order.clone(), lines, submit, metadata });
    let location = answer::order_url(&order);
    let render = |reply| {
        let order = answer::order(reply)?;
        let headers = [(header::LOCATION, answer::order_url(&order.order_id))];
        Ok((StatusCode::CREATED, headers, Json(OrderAnswer::from(order))))
    };
    state.answer(asker, Command::Cart { shopper, command }, || location, render).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: Option<&str>) -> CartLine {
        CartLine {
            line_id: id.map(|id| LineId::parse(id).expect("an id")),
            item_id: ItemId::parse("sku").expect("an id"),
            quantity: Quantity::new(1).expect("a quantity"),
            expected_unit_price: None,
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn lines_without_an_id_are_numbered_around_those_that_have_one() {
        let lines = numbered(vec![line(None), line(Some("2")), line(None), line(Some("x"))]);
        let ids: Vec<&str> = lines.iter().map(|line| line.line_id.as_str()).collect();
        assert_eq!(ids, ["1", "2", "3", "x"]);
    }
}
