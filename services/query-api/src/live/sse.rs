//! Server-sent events of what is watched.
//!
//! The body holds one chunk that waits for the connection. A task beside it has the deadlines, so they hold also while
//! nobody polls the body.

use super::{
    ends::{End, Ends, HEARTBEAT, PACE},
    hub::Subscription,
    limits::Permit,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at, sleep_until, timeout},
};

/// What a stream tells.
pub(super) trait Feed: Send + Sync + 'static {
    /// What it watches.
    fn subscription(&self) -> &Subscription;
    /// All of it; none while it is not known.
    fn snapshot(&mut self) -> Option<String>;
    /// What has changed since the last of these calls; none where nothing did.
    fn changes(&mut self) -> Option<String>;
}

/// An event of a stream. `data` is JSON on one line.
pub(super) fn event(name: &str, id: Option<&str>, data: &impl serde::Serialize) -> String {
    let data = serde_json::to_string(data).expect("what is told is plain data");
    let id = id.filter(|id| !id.is_empty()).map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("event: {name}\n{id}data: {data}\n\n")
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(Ok))
    }
}

/// Answers with the events of a feed; ends after the first of them unless it is to follow.
pub(super) fn respond(feed: impl Feed, permit: Permit, ends: Ends, follow: bool) -> Response {
    let (sink, body) = mpsc::channel(1);
    let writer = Writer { feed, sink, permit };
    tokio::spawn(async move { if follow { writer.follow(ends).await } else { writer.once(ends).await } });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would keep events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(Chunks(body))).into_response()
}

struct Writer<F> {
    feed: F,
    sink: mpsc::Sender<Bytes>,
    permit: Permit,
}

/// Whether a stream goes on.
enum Going {
    On,
    Over,
}

impl<F: Feed> Writer<F> {
    async fn once(mut self, mut ends: Ends) {
        loop {
            if let Some(snapshot) = self.feed.snapshot() {
                // There is room: it is the first.
                _ = self.sink.try_send(Bytes::from(snapshot));
                return;
            }
            tokio::select! {
                () = self.feed.subscription().changed() => {}
                _ = ends.come() => return,
                () = self.sink.closed() => return,
            }
        }
    }

    async fn follow(mut self, mut ends: Ends) {
        let first = self.feed.snapshot();
        let mut has_begun = first.is_some();
        // At once, so that the client knows that it is connected.
        let retry = format!("retry: {}\n\n", ends.retry.as_millis());
        let mut going = self.write(retry + &first.unwrap_or_default()).await;
        let mut may_write = Instant::now();
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        while matches!(going, Going::On) {
            let changed = async {
                sleep_until(may_write).await;
                self.feed.subscription().changed().await;
            };
            going = tokio::select! {
                biased;
                end = ends.come() => return self.end(end).await,
                () = self.sink.closed() => return,
                () = changed => {
                    let told = if has_begun { self.feed.changes() } else { self.feed.snapshot() };
                    match told {
                        Some(told) => {
                            has_begun = true;
                            may_write = Instant::now() + PACE;
                            self.write(told).await
                        }
                        None => Going::On,
                    }
                }
                _ = heartbeat.tick() => {
                    if !self.feed.subscription().is_following() {
                        return self.end(End::Unavailable).await;
                    }
                    self.write(event("heartbeat", None, &serde_json::json!({}))).await
                }
            };
        }
    }

    /// Writes a chunk. A reader that takes nothing for long gets all of it anew once it takes something, and then the end:
    /// it comes again, and if it never takes anything the connection is cut.
    async fn write(&mut self, chunk: String) -> Going {
        let (first, second) = self.permit.patience();
        match timeout(first, self.sink.send(Bytes::from(chunk))).await {
            Ok(Ok(())) => return Going::On,
            Ok(Err(_)) => return Going::Over,
            Err(_) => self.permit.count_slow(),
        }
        if let Ok(Ok(room)) = timeout(second, self.sink.reserve()).await {
            let snapshot = self.feed.snapshot().unwrap_or_default();
            room.send(Bytes::from(snapshot + &closing(End::Slow)));
        }
        Going::Over
    }

    /// Says why it ends, if there is room to say so.
    async fn end(&mut self, end: End) {
        let last = if end == End::Expired { event("expired", None, &serde_json::json!({})) } else { closing(end) };
        if end == End::Stopping {
            _ = self.sink.try_send(Bytes::from(last));
        } else {
            _ = timeout(self.permit.patience().0, self.sink.send(Bytes::from(last))).await;
        }
    }
}

fn closing(end: End) -> String {
    event("closing", None, &serde_json::json!({"reason": end.as_str()}))
}
