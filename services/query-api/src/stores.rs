//! Stores: public, cached by entity tag; the e-mail address for the store itself and operators.

use crate::{QueryState, personal::opened, store_problem};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{AtLeast, ETag, MaybeCaller, Params, PathIds, Problem, ProblemDocument, not_modified};
use read_model::views::{followers, stores};
use schemas::{
    Caller, Role, StoreId,
    store::{EmailAddress, StoreFacts},
};
use serde::Serialize;

/// A store.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Store)]
pub(crate) struct StoreAnswer {
    /// The store.
    #[schema(value_type = String)]
    store_id: StoreId,
    /// What it is called.
    name: String,
    /// Where it is told of its drops and orders: for the store itself and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "email")]
    email: Option<EmailAddress>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    /// How many shoppers follow it.
    followers: u64,
    /// Rises with every change of what it says; the first part of the ETag.
    version: u64,
}

/// Whether the caller may know how the store is reached.
fn sees_email(caller: Option<&Caller>, store: &StoreId) -> bool {
    caller.is_some_and(|caller| match caller.role {
        Role::Operator => true,
        Role::Store => caller.store.as_ref() == Some(store),
        Role::Shopper | Role::Supplier | Role::Warehouse | Role::Service | Role::Analyst | Role::Engine => false,
    })
}

/// A store.
#[utoipa::path(get, path = "/v1/stores/{storeId}", tag = "Stores", operation_id = "getStore",
    params(
        ("storeId" = String, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known: 304 where it has not changed."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 200, body = StoreAnswer, headers(("ETag" = String, description = "`\"<version>.<row version>\"`"))),
        (status = 304, description = "Not changed."),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    PathIds(id): PathIds<StoreId>,
    at_least: AtLeast,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.finish()?;
    state.at_least(&at_least).await?;
    let row = stores::get(&*state.views, &id).await.map_err(store_problem)?;
    let row = row.ok_or_else(|| Problem::not_found("store_not_found", "no such store"))?;
    let followers = followers::count(&*state.views, &id, state.log.shards()).await.map_err(store_problem)?;
    // Both only rise: an ETag never comes again for another answer.
    let tag = ETag { catalog: row.version, row: row.seq + followers.changes };
    let sees_email = sees_email(caller.as_ref(), &id);
    // What tells the address is kept by nobody but the caller.
    let kept = if sees_email { "private, no-cache" } else { "public, no-cache" };
    let kept = [
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::VARY, HeaderValue::from_static("authorization")),
        (header::ETAG, tag.header()),
    ];
    if not_modified(&headers, tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let StoreFacts { name, email, profile, images } = row.facts;
    let email = if sees_email { opened(&state, &email).await? } else { None };
    let answer =
        StoreAnswer { store_id: id, name, email, profile, images, followers: followers.count, version: row.version };
    Ok((kept, Json(answer)).into_response())
}
