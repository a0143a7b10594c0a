//! Transfers between locations: what arrives of them. They are sent by a move with `toLocation`.

use crate::{
    CommandState,
    answer::{self, StockAnswer},
    asker::Asker,
    roles,
};
use axum::{Json, extract::State, response::Response};
use edge::openapi::IdSchema;
use edge::{
    Fields, FromFields, OptionalBody, PathIds, Problem, ProblemDocument,
    fields::{id, small},
};
use schemas::{
    Command, EffectId, ItemId, Quantity,
    item::{ItemCommand, ReceiveTransfer},
};
use utoipa::ToSchema;

/// What arrived of a transfer.
#[derive(Debug, ToSchema)]
#[schema(as = TransferReceipt, rename_all = "camelCase")]
pub(crate) struct ArrivalBody {
    /// The receipt, unique among those of the transfer; without it one is derived from the idempotency key.
    #[schema(value_type = Option<IdSchema>)]
    pub receipt_id: Option<EffectId>,
    /// Units that arrived; without it all that is on the way and not lost.
    #[schema(maximum = 1_000_000)]
    pub quantity: Option<u32>,
    /// Units that will never arrive: they are on the way no longer.
    #[schema(maximum = 1_000_000)]
    pub lost: Option<u32>,
}

impl FromFields for ArrivalBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let receipt_id = fields.opt("receiptId", id(EffectId::parse));
        let quantity = fields.opt("quantity", small(0..=Quantity::MAX));
        let lost = fields.opt("lost", small(0..=Quantity::MAX));
        if quantity == Some(0) && lost.unwrap_or(0) == 0 {
            return fields.fault("quantity", "out_of_range", "is at least 1 where nothing is lost");
        }
        Some(Self { receipt_id, quantity, lost })
    }
}

/// Books what arrived of a transfer, in whole or in part, and what never will.
///
/// A warehouse receives at its own location. 404 `transfer_not_found`; 409 `not_that_many_on_the_way` with `onTheWay`.
#[utoipa::path(post, path = "/v1/items/{itemId}/moves/{moveId}/receive", tag = "Stock", operation_id = "receiveTransfer",
    request_body = Option<ArrivalBody>,
    params(("itemId" = String, Path), ("moveId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = StockAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn receive_transfer(
    State(state): State<CommandState>,
    PathIds((item, transfer)): PathIds<(ItemId, EffectId)>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<ArrivalBody>,
) -> Result<Response, Problem> {
    roles::arrivals(&asker.caller)?;
    let operation = format!("receive transfer {item} {transfer}");
    let effect = asker.effect(&state, body.content.receipt_id.clone(), &operation, &body)?;
    let ArrivalBody { receipt_id: _, quantity, lost } = body.content;
    let lost = lost.unwrap_or(0);
    let command = ItemCommand::ReceiveTransfer(ReceiveTransfer { effect, transfer, quantity, lost });
    let location = format!("{}/stock", answer::item_url(&item));
    let render = |reply| answer::stock(reply).map(|(status, body)| (status, Json(body)));
    state.answer(asker, Command::Item { item, command }, || location, render).await
}
