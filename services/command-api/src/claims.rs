//! Claims on a drop: the order of a granted one answers, a refusal is the drop's.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::Asker,
    docs::SubmitModeDoc,
    roles,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{id, metadata, quantity, text, word},
    openapi::IdSchema,
};
use schemas::{
    ClaimId, Command, DropId, ItemId, Metadata, OrderId, Quantity, Rejection,
    drop::{ClaimUnits, DropCommand, DropRejection},
    order::SubmitMode,
};
use utoipa::ToSchema;

/// The longest text that is looked at as a ticket.
const MAX_TICKET: usize = 200;

/// Units to claim.
#[derive(Debug, ToSchema)]
#[schema(as = Claim, rename_all = "camelCase")]
pub(crate) struct ClaimBody {
    /// Of which item; may be left out where the drop has one.
    #[schema(value_type = Option<IdSchema>)]
    item_id: Option<ItemId>,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    quantity: Quantity,
    /// What joining answered. It may be left out: the drop knows whom it has admitted.
    #[schema(min_length = 1, max_length = 200)]
    ticket: Option<String>,
    /// `auto`: submitted at once, so that the payment confirms it.
    #[schema(value_type = Option<SubmitModeDoc>)]
    submit: SubmitMode,
    /// The caller's own pairs, of the order.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

impl FromFields for ClaimBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item_id = fields.opt("itemId", id(ItemId::parse));
        let quantity = fields.get("quantity", quantity);
        let ticket = fields.opt("ticket", text(1..=MAX_TICKET));
        let submit = fields.opt("submit", word::<SubmitMode>()).unwrap_or_default();
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        Some(Self { item_id, quantity: quantity?, ticket, submit, metadata })
    }
}

/// Claims units of a drop: they are held, and the order that is answered is to be paid.
///
/// 409 `sold_out`, `all_held` (some may return), `limit_reached`, `not_live`, `not_admitted`. A ticket that is not of the
/// caller's place in this waiting room is `not_admitted` too, whatever else it is.
#[utoipa::path(post, path = "/v1/drops/{dropId}/claims", tag = "Drops", operation_id = "claim", request_body = ClaimBody,
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn claim(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    body: JsonBody<ClaimBody>,
) -> Result<Response, Problem> {
    roles::checkout(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("claim {drop}"), &body)?;
    // Derived from caller and key: a retry asks the order of the first try.
    let claim = ClaimId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let order = OrderId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let ClaimBody { item_id, quantity, ticket, submit, metadata } = body.content;
    let opened = |ticket: String| {
        let number = state.edge.queue_tickets().open(&drop, &asker.caller.subject, &ticket);
        number.ok_or_else(|| Problem::from(Rejection::Drop(DropRejection::NotAdmitted)))
    };
    let place = ticket.map(opened).transpose()?;
    let order_id = order.clone();
    let command =
        DropCommand::Claim(ClaimUnits { effect, claim, order_id, item_id, quantity, place, submit, metadata });
    let location = answer::order_url(&order);
    let render = |reply| {
        let order = answer::order(reply)?;
        let headers = [(header::LOCATION, answer::order_url(&order.order_id))];
        Ok((StatusCode::CREATED, headers, Json(OrderAnswer::from(order))))
    };
    state.answer(asker, Command::Drop { drop, command }, || location, render).await
}
