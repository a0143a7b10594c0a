//! A shopper's place in the waiting room of a drop.

use super::seen;
use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Params, PathIds, Problem, ProblemDocument, require};
use read_model::views::{
    drop::{PlaceStatus, Standing},
    queue_place,
};
use schemas::{DropId, Role, Timestamp, drop::DropStatus};
use serde::Serialize;

/// A place in a waiting room.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuePlace)]
pub(crate) struct PlaceAnswer {
    #[schema(value_type = String)]
    drop_id: DropId,
    /// The number of the place, in the order of joining.
    number: u64,
    /// `waiting`, `admitted`, `claimed` (used up), `expired` (let pass), or `over` where the drop ended before.
    status: &'static str,
    /// Whether the place has its rank: those of early joiners are drawn when the drop opens.
    drawn: bool,
    /// The rank, once it is drawn.
    rank: Option<u64>,
    /// 1 is admitted next; null before the draw, and for who does not wait.
    position: Option<u64>,
    /// How long it takes until the shopper is admitted, about; null where nobody can say.
    estimated_wait_seconds: Option<u64>,
    /// Until when the shopper may claim, where admitted; later by the time in which nothing is free or the drop is paused.
    #[schema(value_type = Option<String>, format = DateTime)]
    admitted_until: Option<Timestamp>,
    /// Whether a claim has used the place up.
    claimed: bool,
    /// Whether the admission was let pass: join again.
    expired: bool,
    /// The status of the drop.
    #[schema(value_type = String)]
    drop_status: DropStatus,
}

/// The caller's place in the waiting room.
///
/// The position is computed when it is asked for. A ticket of somebody else, of another drop, of an earlier place, and one
/// that was never given are all 404 `place_not_found`.
#[utoipa::path(get, path = "/v1/drops/{dropId}/queue/{ticket}", tag = "Drops", operation_id = "getQueuePlace",
    params(
        ("dropId" = String, Path),
        ("ticket" = String, Path, description = "What joining answered."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = PlaceAnswer), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds((drop_id, ticket)): PathIds<(DropId, String)>,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    require(&caller, &[Role::Shopper])?;
    let number = state.edge.queue_tickets().open(&drop_id, &caller.subject, &ticket).ok_or_else(not_found)?;
    state.at_least(&at_least).await?;
    let place = queue_place::get(&*state.views, &drop_id, &caller.subject).await.map_err(store_problem)?;
    let place = place.filter(|place| place.number == number).ok_or_else(not_found)?;
    let row = seen(&state, Some(&caller), &drop_id).await?;
    let Standing { status, drawn, position, admitted_until, estimated_wait_seconds } =
        row.standing(&place, state.edge.now());
    let answer = PlaceAnswer {
        drop_id,
        number,
        status: status.as_str(),
        drawn,
        rank: place.rank,
        position,
        estimated_wait_seconds,
        admitted_until,
        claimed: status == PlaceStatus::Claimed,
        expired: status == PlaceStatus::Expired,
        drop_status: row.status,
    };
    Ok((not_kept(), Json(answer)).into_response())
}

/// Of every ticket that is not of this shopper's newest place here, whatever it is.
fn not_found() -> Problem {
    Problem::not_found("place_not_found", "no such place in this waiting room")
}
