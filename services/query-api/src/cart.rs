//! A shopper's or guest's own cart, with what its items say now.

use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Params, Problem, ProblemDocument, openapi::CartSchema, require};
use read_model::views::cart;
use schemas::Role;

/// The caller's cart.
///
/// `flags` say what was wrong with a line when the cart was last checked out: `insufficient_stock` with `available`,
/// `price_changed` with `price`, `item_unavailable`, or `checkout_expired`; a change of the line clears them. `available`
/// counts what the caller's own open checkouts hold.
#[utoipa::path(get, path = "/v1/cart", tag = "Cart", operation_id = "getCart",
    params(("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token.")),
    responses((status = 200, body = CartSchema), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Shopper])?;
    params.finish()?;
    state.at_least(&at_least).await?;
    let row = cart::get(&*state.views, &caller.subject).await.map_err(store_problem)?;
    let shown = cart::shown(&*state.views, row).await.map_err(store_problem)?;
    Ok((not_kept(), Json(shown)).into_response())
}
