//! Free holds: the caller's own.

use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Params, PathIds, Problem, ProblemDocument, openapi::MoneySchema, require};
use read_model::views::hold::{self, HoldRow};
use schemas::{FreeHoldId, ItemId, Metadata, Money, Role, Timestamp, item::HoldStatus};
use serde::Serialize;

/// A free hold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HoldState)]
pub(crate) struct HoldAnswer {
    #[schema(value_type = String)]
    hold_id: FreeHoldId,
    #[schema(value_type = String)]
    item_id: ItemId,
    /// `active`, `committed`, `released`, `expired` or `shipped`.
    #[schema(value_type = String, example = "active")]
    status: HoldStatus,
    quantity: u32,
    /// The price at the grant.
    #[schema(value_type = MoneySchema)]
    unit_price: Money,
    /// Until when it is reserved; null once that does not matter.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Units of it that have left.
    shipped: u32,
    reference: Option<String>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
}

/// A free hold of the caller.
#[utoipa::path(get, path = "/v1/items/{itemId}/holds/{holdId}", tag = "Holds", operation_id = "getHold",
    params(
        ("itemId" = String, Path),
        ("holdId" = String, Path),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = HoldAnswer), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds((item_id, hold_id)): PathIds<(ItemId, FreeHoldId)>,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    require(&caller, &[Role::Service, Role::Store, Role::Operator])?;
    state.at_least(&at_least).await?;
    let row = hold::get(&*state.views, &item_id, &caller.subject, &hold_id).await.map_err(store_problem)?;
    let row = row.ok_or_else(|| Problem::not_found("hold_not_found", "no such hold"))?;
    let HoldRow { hold_id, status, quantity, unit_price, expires_at, shipped, reference, metadata, .. } = row;
    let expires_at = expires_at.filter(|_| status == HoldStatus::Active || status == HoldStatus::Expired);
    let quantity = quantity.get();
    let answer =
        HoldAnswer { hold_id, item_id, status, quantity, unit_price, expires_at, shipped, reference, metadata };
    Ok((not_kept(), Json(answer)).into_response())
}
