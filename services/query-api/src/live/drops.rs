//! `GET /live/drops/{dropId}`: a drop and the caller's place in its waiting room.

use super::{
    core::Key,
    drop_now::{is_public, write_place},
    hub::Subscription,
    open,
    socket::{self, Connection},
};
use crate::{QueryState, store_problem};
use axum::{
    extract::{
        State,
        ws::{Utf8Bytes, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use edge::{AtLeast, Edge, MaybeSession, Params, PathIds, Peer, Problem, ProblemDocument};
use read_model::views::drop::{self, Standing};
use schemas::{DropId, Role, SubjectId, Timestamp};

/// A drop, live, over a WebSocket. Every message is a JSON object with a `type`.
///
/// First `snapshot`: `{dropId, time, status, items: [{itemId, remaining, held, sold, price}], startsAt, endsAt, seedHash, seed,
/// queue, reason}`, then `change` with the same fields whenever something has changed; of changes in quick succession only
/// the newest is told. To a shopper who has joined the waiting room also `place`: `{time, place: {status, drawn, position,
/// estimatedWaitSeconds, admittedUntil}}`. `time` is that of the newest event in a message.
///
/// Clients have nothing to send. Pings come every 15 seconds; who does not answer them is closed. The close code says why:
/// 1001 the server stops or the socket is old, 1013 it cannot follow the log, 1008 too many messages, 4401 the token has
/// ended, 4408 the client reads too slowly.
#[utoipa::path(get, path = "/v1/live/drops/{dropId}", tag = "Live", operation_id = "followDrop",
    params(
        ("dropId" = String, Path),
        ("ticket" = Option<String>, Query, description = "A ticket in place of the token."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 101, description = "A WebSocket."),
        (status = "default", body = ProblemDocument)),
    security((), ("bearer" = [])))]
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub(crate) async fn follow(
    State(state): State<QueryState>,
    session: MaybeSession,
    peer: Peer,
    PathIds(id): PathIds<DropId>,
    at_least: AtLeast,
    mut params: Params,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if !state.edge.allows_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of this origin may not call"));
    }
    let upgrade = upgrade.map_err(|_| {
        let detail = "this is a WebSocket: send the headers of an upgrade (RFC 6455)";
        Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail)
            .header(header::UPGRADE, HeaderValue::from_static("websocket"))
    })?;
    let session = open::session(&state, session, &mut params);
    params.finish()?;
    let session = session?;
    state.at_least(&at_least).await?;
    let row = drop::get(&*state.views, &id).await.map_err(store_problem)?;
    if !row.as_ref().is_some_and(is_public) {
        return Err(Problem::not_found("drop_not_found", "no such drop"));
    }
    let (permit, ends) = open::permit(&state, "drop", session.as_ref(), peer)?;
    let caller = session.map(|session| session.caller);
    let shopper = caller.filter(|caller| caller.role == Role::Shopper).map(|caller| caller.subject);
    let mut keys = vec![Key::Drop(id.clone())];
    keys.extend(shopper.clone().map(|shopper| Key::Place(id.clone(), shopper)));
    let subscription = state.live.hub(&state).subscribe(keys).await?;
    subscription.begin().await?;
    let feed = DropFeed { subscription, edge: state.edge.clone(), id, shopper, standing: None };
    let upgrade = socket::bounded(upgrade);
    Ok(upgrade.on_upgrade(move |socket| Connection { socket, feed, permit }.run(ends)))
}

/// What a socket tells.
pub(super) struct DropFeed {
    pub subscription: Subscription,
    edge: Edge,
    id: DropId,
    shopper: Option<SubjectId>,
    /// What the shopper was told last.
    standing: Option<Standing>,
}

impl DropFeed {
    /// All of it; nothing while the drop is not known.
    pub fn snapshot(&mut self) -> Vec<Utf8Bytes> {
        self.standing = None;
        self.news(true)
    }

    /// What has changed since the last of these calls.
    pub fn changes(&mut self) -> Vec<Utf8Bytes> {
        self.news(false)
    }

    fn news(&mut self, is_first: bool) -> Vec<Utf8Bytes> {
        let now = self.edge.now();
        let (id, shopper) = (&self.id, self.shopper.as_ref());
        let taken = self.subscription.take(|core, changed| {
            let is_changed = changed.iter().any(|key| matches!(key, Key::Drop(_)));
            let place = shopper.and_then(|shopper| core.place(id, shopper)?.place().cloned());
            let drop = core.drop_mut(id)?;
            let standing = drop.public().zip(place).map(|(row, place)| (row.changed_at, row.standing(&place, now)));
            let (snapshot, change) = drop.messages()?;
            let shared = if is_first { Some(snapshot) } else { Some(change).filter(|_| is_changed) };
            Some((shared, standing))
        });
        let Some((shared, standing)) = taken else { return Vec::new() };
        let own = standing.and_then(|(time, standing)| self.own(time, standing));
        shared.into_iter().chain(own).collect()
    }

    /// What the shopper is told of the own place, where that is another than before.
    fn own(&mut self, time: Timestamp, standing: Standing) -> Option<Utf8Bytes> {
        if self.standing == Some(standing) {
            return None;
        }
        self.standing = Some(standing);
        Some(write_place(time, &standing).into())
    }
}
