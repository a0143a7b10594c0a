//! What every live route does before it tells anything.

use super::{
    ends::Ends,
    limits::{Permit, Watcher},
};
use crate::QueryState;
use axum::http::HeaderMap;
use edge::{MaybeSession, Params, Peer, Problem, Session};
use schemas::PositionToken;

/// Who calls, by token or ticket.
pub(super) fn session(
    state: &QueryState,
    session: MaybeSession,
    params: &mut Params,
) -> Result<Option<Session>, Problem> {
    state.edge.session_of(session, params)
}

/// A stream of that kind for this caller, and its ends.
pub(super) fn permit(
    state: &QueryState,
    kind: &'static str,
    session: Option<&Session>,
    peer: Peer,
) -> Result<(Permit, Ends), Problem> {
    let watcher =
        session.map_or_else(|| Watcher::Address(peer.0), |session| Watcher::Caller(session.caller.subject.clone()));
    let permit = state.live.streams().open(kind, watcher)?;
    let ends = Ends::of(state, session, &permit);
    Ok((permit, ends))
}

/// What the client has seen; none where it says nothing, or what nobody here told it: it gets all then.
pub(super) fn last_event_id(headers: &HeaderMap, params: &mut Params) -> Option<PositionToken> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let parameter = params.raw("lastEventId");
    let token = PositionToken::parse(&header.or(parameter)?).ok()?;
    Some(token).filter(|token| !token.is_empty())
}
