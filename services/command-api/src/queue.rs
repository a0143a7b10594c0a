//! The waiting room of a drop: who joins has a ticket.

use crate::{CommandState, answer::unexpected, asker::Asker, drops::drop_url, roles};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use edge::{OptionalBody, PathIds, Problem, ProblemDocument};
use read_model::views::{drop, queue_place::Place};
use schemas::{
    Command, DropId, ReplyBody, Timestamp,
    drop::{DropCommand, DropReply, DropStatus, JoinQueue, PlaceReply},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A place in the waiting room, as it was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueTicket)]
pub(crate) struct TicketAnswer {
    /// The drop.
    #[schema(value_type = String)]
    drop_id: DropId,
    /// Names the place, for `GET /drops/{dropId}/queue/{ticket}` and for a claim. It is of no use to anybody else.
    ticket: String,
    /// The number of the place, in the order of joining. Early joiners are drawn, so it tells nothing of their turn.
    number: u64,
    /// `waiting`, or `admitted` where the shopper may claim at once.
    status: &'static str,
    /// Whether the place has its rank: those of early joiners are drawn when the drop opens.
    drawn: bool,
    /// 1 is admitted next; null before the draw, and for who is admitted.
    position: Option<u64>,
    /// How long it takes until the shopper is admitted, about; null where nobody can say.
    estimated_wait_seconds: Option<u64>,
    /// Until when the shopper may claim, where admitted.
    #[schema(value_type = Option<String>, format = DateTime)]
    admitted_until: Option<Timestamp>,
    /// The status of the drop.
    #[schema(value_type = String)]
    drop_status: DropStatus,
}

/// Takes a place in the waiting room: one for each shopper, who joins again has the same.
///
/// Who joins before the start is drawn when the drop opens; who comes later stands behind them, first come, first served. 409
/// `queue_closed`, `no_queue`, `queue_full` or `drop_over`.
#[utoipa::path(post, path = "/v1/drops/{dropId}/queue", tag = "Drops", operation_id = "joinQueue",
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = TicketAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn join(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<crate::holds::EmptyBody>,
) -> Result<Response, Problem> {
    roles::checkout(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("join {drop}"), &body)?;
    let command = Command::Drop { drop: drop.clone(), command: DropCommand::Join(JoinQueue { effect }) };
    let render = |reply| {
        let state = state.clone();
        async move {
            let ReplyBody::Drop(DropReply::Place(place)) = reply else { return Err(unexpected(&reply)) };
            let answer = ticket(&state, place).await;
            let location = format!("/v1/drops/{}/queue/{}", answer.drop_id, answer.ticket);
            let secret = (header::CACHE_CONTROL, "private, no-store".to_owned());
            Ok((StatusCode::CREATED, [(header::LOCATION, location), secret], Json(answer)))
        }
    };
    state.answer_with(asker, command, || drop_url(&drop), render).await
}

/// What a shopper is told of the place. Only the estimate needs the view: without it nobody can say.
async fn ticket(state: &CommandState, reply: PlaceReply) -> TicketAnswer {
    let PlaceReply { drop_id, shopper, number, rank, admitted_until, queue, status } = reply;
    let now = state.edge.now();
    let row = drop::get(&*state.views, &drop_id).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "a wait cannot be estimated");
        None
    });
    let place = Place { seq: 0, number, joined_at: now, rank, admission: None, is_claimed: false, is_expired: false };
    let is_waiting = admitted_until.is_none();
    // The reply is newer than the row.
    let estimate = row.filter(|_| is_waiting).and_then(|mut row| {
        (row.queue, row.status) = (queue, status);
        row.standing(&place, now).estimated_wait_seconds
    });
    TicketAnswer {
        ticket: state.edge.queue_tickets().seal(&drop_id, &shopper, number),
        drop_id,
        number,
        status: if is_waiting { "waiting" } else { "admitted" },
        drawn: rank.is_some(),
        position: place.position(&queue).filter(|_| is_waiting),
        estimated_wait_seconds: estimate,
        admitted_until,
        drop_status: status,
    }
}
