//! Tokens for guests: who buys without an account has a cart of their own.

use crate::CommandState;
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{OptionalBody, Params, Problem, ProblemDocument, auth::MintError};
use schemas::Timestamp;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a guest's token holds: 30 days.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A guest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Guest)]
pub(crate) struct GuestAnswer {
    /// A token of role shopper.
    token: String,
    /// Until when it holds.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Makes a token for a guest: role shopper, under a random `sub`.
///
/// It needs no `Idempotency-Key`: each is another guest. 409 `no_local_key` where tokens come from an identity provider
/// alone; then that makes those of guests too.
#[utoipa::path(post, path = "/v1/guests", tag = "Cart", operation_id = "makeGuest", security(()),
    responses((status = 201, body = GuestAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn guest(
    State(state): State<CommandState>,
    params: Params,
    _: OptionalBody<crate::holds::EmptyBody>,
) -> Result<Response, Problem> {
    params.finish()?;
    let sub = format!("guest-{}", Uuid::new_v4().simple());
    let (token, expires_at) = state.edge.guest_token(sub, LIFE).map_err(|error| match error {
        MintError::NoLocalKey => Problem::new(StatusCode::CONFLICT, "no_local_key", error.to_string()),
        MintError::Grant(_) | MintError::Sign(_) => Problem::internal(&error),
    })?;
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"))];
    Ok((StatusCode::CREATED, secret, Json(GuestAnswer { token, expires_at })).into_response())
}
