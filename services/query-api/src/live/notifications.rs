//! `GET /live/notifications`: what a shopper is told, at once.

use super::{
    core::Key,
    hub::Subscription,
    open,
    sse::{self, Feed, event},
};
use crate::{QueryState, people::NotificationAnswer};
use axum::{extract::State, response::Response};
use edge::{MaybeSession, Params, Peer, Problem, ProblemDocument, require};
use schemas::{Position, Role, SubjectId, Topic};
use serde_json::json;

/// What the caller is told from now on, as server-sent events: for a shopper's own inbox.
///
/// First `snapshot` (`{}`): from there on everything new is told; what was before is in `GET /notifications`. Then a
/// `notification` event each, as in that list. `missed` says that more came than were kept for a reader that was slow: read
/// the list again. `heartbeat` comes every 15 seconds; `closing` and `expired` are as those of `GET /live/stock`.
#[utoipa::path(get, path = "/v1/live/notifications", tag = "Live", operation_id = "followNotifications",
    params(
        ("follow" = Option<bool>, Query, description = "`false` ends after the snapshot."),
        ("ticket" = Option<String>, Query, description = "A ticket in place of the token."),
    ),
    responses(
        (status = 200, description = "Server-sent events.", content((String = "text/event-stream"))),
        (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn follow(
    State(state): State<QueryState>,
    session: MaybeSession,
    peer: Peer,
    mut params: Params,
) -> Result<Response, Problem> {
    let follow = params.flag("follow").unwrap_or(true);
    let session = open::session(&state, session, &mut params)?.ok_or_else(edge::auth::missing)?;
    require(&session.caller, &[Role::Shopper])?;
    params.finish()?;
    let (permit, ends) = open::permit(&state, "notifications", Some(&session), peer)?;
    let shopper = session.caller.subject;
    let subscription = state.live.hub(&state).subscribe(vec![Key::Inbox(shopper.clone())]).await?;
    let told = subscription.take(|core, _| core.inbox(&shopper).map_or(0, super::inbox_now::InboxNow::newest));
    let partition = state.log.shards().of_key(shopper.as_str()).0;
    Ok(sse::respond(Inbox { subscription, shopper, partition, told }, permit, ends, follow))
}

struct Inbox {
    subscription: Subscription,
    shopper: SubjectId,
    partition: u32,
    /// The seq of the newest that was told.
    told: u64,
}

impl Inbox {
    fn news(&mut self) -> Option<String> {
        let (shopper, after) = (&self.shopper, self.told);
        let news = self.subscription.take(|core, _| core.inbox(shopper).map(|inbox| inbox.after(after)));
        let (new, has_missed) = news?;
        let mut events = if has_missed { event("missed", None, &json!({})) } else { String::new() };
        for row in new {
            self.told = row.seq;
            let id = Position { topic: Topic::ShoppersEvents, partition: self.partition, seq: row.seq }.to_string();
            events.push_str(&event("notification", Some(&id), &NotificationAnswer::from(row)));
        }
        Some(events).filter(|events| !events.is_empty())
    }
}

impl Feed for Inbox {
    fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    fn snapshot(&mut self) -> Option<String> {
        let news = self.news().unwrap_or_default();
        Some(event("snapshot", None, &json!({})) + &news)
    }

    fn changes(&mut self) -> Option<String> {
        self.news()
    }
}
