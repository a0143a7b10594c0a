//! Tickets for the live routes: what a browser puts where it cannot send a header.

use crate::CommandState;
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{MaybeSession, OptionalBody, Params, Problem, ProblemDocument};
use schemas::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LiveTicket)]
pub(crate) struct TicketAnswer {
    /// For `?ticket=` of a live route, once.
    ticket: String,
    /// Until when it holds: 30 seconds.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Makes a ticket for one live stream: `EventSource` and `WebSocket` cannot send a token.
///
/// It needs no `Idempotency-Key`: each is another ticket. What it opens ends when the token ends that it was taken with.
#[utoipa::path(post, path = "/v1/live/tickets", tag = "Live", operation_id = "makeLiveTicket",
    responses((status = 201, body = TicketAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn issue(
    State(state): State<CommandState>,
    MaybeSession(session): MaybeSession,
    params: Params,
    _: OptionalBody<crate::holds::EmptyBody>,
) -> Result<Response, Problem> {
    params.finish()?;
    let session = session.ok_or_else(edge::auth::missing)?;
    let (ticket, expires_at) = state.edge.tickets().issue(&session);
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"))];
    Ok((StatusCode::CREATED, secret, Json(TicketAnswer { ticket, expires_at })).into_response())
}
