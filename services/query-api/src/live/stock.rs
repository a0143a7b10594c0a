//! `GET /live/stock`: what is available of some items, and every change of it.

use super::{
    core::{Core, Key, MAX_KEYS},
    hub::Subscription,
    item_now::Shown,
    open,
    sse::{self, Feed, event},
};
use crate::QueryState;
use axum::{extract::State, http::HeaderMap, response::Response};
use edge::{AtLeast, MaybeSession, Params, Peer, Problem, ProblemDocument};
use schemas::{ItemId, Position, PositionToken, Topic};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is available of up to 200 items, live, as server-sent events.
///
/// First a `snapshot` of all items (`{"items": [{"itemId", "available"}]}`; `available` is null for a digital item, and an
/// item that nobody has listed is `{"itemId", "unknown": true}`). Then a `stock` event (`{"itemId", "available"}`) for each
/// item that changed; of changes in quick succession only the newest is told. `heartbeat` comes every 15 seconds. Before
/// the server ends the stream it sends `closing` with a `reason`, or `expired` where the token has ended.
///
/// A client that comes again with the `Last-Event-ID` that it saw last gets no snapshot, only what has changed since.
#[utoipa::path(get, path = "/v1/live/stock", tag = "Live", operation_id = "followStock",
    params(
        ("items" = String, Query, description = "Up to 200 ids, separated by commas."),
        ("follow" = Option<bool>, Query, description = "`false` ends after the snapshot."),
        ("lastEventId" = Option<String>, Query, description = "As `Last-Event-ID`, for clients that cannot set headers."),
        ("ticket" = Option<String>, Query, description = "A ticket in place of the token."),
        ("Last-Event-ID" = Option<String>, Header, description = "The id seen last."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 200, description = "Server-sent events.", content((String = "text/event-stream"))),
        (status = "default", body = ProblemDocument)),
    security((), ("bearer" = [])))]
pub(crate) async fn follow(
    State(state): State<QueryState>,
    session: MaybeSession,
    peer: Peer,
    at_least: AtLeast,
    mut params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ids = params.ids("items", MAX_KEYS, ItemId::parse);
    let ids = params.require("items", ids);
    let follow = params.flag("follow").unwrap_or(true);
    let seen = open::last_event_id(&headers, &mut params);
    let session = open::session(&state, session, &mut params);
    params.finish()?;
    let session = session?;
    state.at_least(&at_least).await?;
    let mut items = ids.unwrap_or_default();
    let mut known = std::collections::HashSet::new();
    items.retain(|item| known.insert(item.clone()));
    let (permit, ends) = open::permit(&state, "stock", session.as_ref(), peer)?;
    let subscription = state.live.hub(&state).subscribe(items.iter().cloned().map(Key::Item).collect()).await?;
    subscription.begin().await?;
    let feed = Stock { subscription, items, seen };
    Ok(sse::respond(feed, permit, ends, follow))
}

struct Stock {
    subscription: Subscription,
    items: Vec<ItemId>,
    /// What the client has, where it says so.
    seen: Option<PositionToken>,
}

impl Feed for Stock {
    fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    fn snapshot(&mut self) -> Option<String> {
        if !self.subscription.is_known() {
            return None;
        }
        let items = &self.items;
        let (lines, id) = self.subscription.take(|core, _| {
            let lines: Vec<_> = items.iter().map(|item| (item.clone(), line(core, item))).collect();
            (lines, position(core, items))
        });
        // What it has it need not be told; a second snapshot, for who was too slow, is whole.
        if let Some(seen) = self.seen.take() {
            let seen: BTreeMap<u32, u64> =
                seen.positions().filter(is_inventory).map(|at| (at.partition, at.seq)).collect();
            let is_news = |item: &ItemId| {
                self.subscription.take(|core, _| {
                    let partition = core.shards().of_key(item.as_str()).0;
                    let seq = core.item(item).map_or(0, super::item_now::ItemNow::seq);
                    seen.get(&partition).is_none_or(|seen| seq > *seen)
                })
            };
            let news: Vec<Value> = lines.into_iter().filter(|(item, _)| is_news(item)).map(|(_, line)| line).collect();
            return Some(told(&news, &id).unwrap_or_else(|| event("heartbeat", Some(&id), &json!({}))));
        }
        let lines: Vec<Value> = lines.into_iter().map(|(_, line)| line).collect();
        Some(event("snapshot", Some(&id), &json!({ "items": lines })))
    }

    fn changes(&mut self) -> Option<String> {
        let items = &self.items;
        let (lines, id) = self.subscription.take(|core, changed| {
            let changed = changed.iter().filter_map(|key| if let Key::Item(item) = key { Some(item) } else { None });
            let lines: Vec<Value> = changed.map(|item| line(core, item)).collect();
            (lines, position(core, items))
        });
        told(&lines, &id)
    }
}

fn is_inventory(position: &Position) -> bool {
    position.topic == Topic::InventoryEvents
}

/// The events of several items. The id stands at the last: a client that got a part of them comes again for all.
fn told(lines: &[Value], id: &str) -> Option<String> {
    let last = lines.len().checked_sub(1)?;
    let events = lines.iter().enumerate().map(|(at, line)| event("stock", (at == last).then_some(id), line));
    Some(events.collect())
}

fn line<B: super::core::Bell>(core: &Core<B>, item: &ItemId) -> Value {
    match core.item(item).map_or(Shown::Unknown, super::item_now::ItemNow::shown) {
        Shown::Unknown => json!({"itemId": item, "unknown": true}),
        Shown::Available(available) => json!({"itemId": item, "available": available}),
    }
}

/// How far all of the items have been told once they are told as they are now.
fn position<B: super::core::Bell>(core: &Core<B>, items: &[ItemId]) -> String {
    let mut token = PositionToken::default();
    for item in items {
        let Some(seq) = core.item(item).map(super::item_now::ItemNow::seq).filter(|seq| *seq > 0) else { continue };
        token.add(Position { topic: Topic::InventoryEvents, partition: core.shards().of_key(item.as_str()).0, seq });
    }
    token.to_string()
}
