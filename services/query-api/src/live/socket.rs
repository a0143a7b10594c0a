//! A WebSocket of a drop: what is told, what clients may send, and when it ends.

use super::{
    drops::DropFeed,
    ends::{End, Ends, HEARTBEAT, PACE},
    limits::Permit,
};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures_util::SinkExt as _;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

/// The largest message of a client. Nothing that it may say is long.
const MAX_MESSAGE: usize = 4_096;
/// Messages that a client may send between two heartbeats; pings are among them.
const MAX_MESSAGES: u32 = 64;
/// Heartbeats that may stay without an answer.
const MAX_UNANSWERED: u32 = 2;
/// The most that waits to be written: a message to all, one to the shopper, and a close frame.
const MAX_WAITING: usize = 128 * 1_024;

/// Bounds what a connection takes of memory.
pub(super) fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(MAX_MESSAGE)
        // Each message at once, not when some have gathered.
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WAITING)
}

/// Whether a socket goes on.
#[derive(PartialEq, Eq)]
enum Going {
    On,
    Over,
}

/// A socket that is open.
pub(super) struct Connection {
    pub socket: WebSocket,
    pub feed: DropFeed,
    pub permit: Permit,
}

impl Connection {
    /// Tells until an end comes.
    pub async fn run(mut self, mut ends: Ends) {
        let first = self.feed.snapshot();
        let mut has_begun = !first.is_empty();
        let mut going = self.tell(first).await;
        let (mut may_write, mut due) = (Instant::now(), None);
        let (mut unanswered, mut received) = (0, 0);
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        while going == Going::On {
            let changed = async {
                if let Some(due) = due {
                    return sleep_until(due).await;
                }
                sleep_until(may_write).await;
                self.feed.subscription.changed().await;
            };
            going = tokio::select! {
                biased;
                end = ends.come() => return self.close(end).await,
                message = self.socket.recv() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => Going::Over,
                    Some(Ok(Message::Pong(_))) => {
                        unanswered = 0;
                        Going::On
                    }
                    // There is nothing to say here. A ping has been answered by now.
                    Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_))) => {
                        received += 1;
                        if received > MAX_MESSAGES { self.refuse().await } else { Going::On }
                    }
                },
                () = changed => match due.take() {
                    None => {
                        due = Some(Instant::now() + ends.lag);
                        Going::On
                    }
                    Some(_) => {
                        let told = if has_begun { self.feed.changes() } else { self.feed.snapshot() };
                        if !told.is_empty() {
                            has_begun = true;
                            may_write = Instant::now() + PACE;
                        }
                        self.tell(told).await
                    }
                },
                _ = heartbeat.tick() => {
                    if !self.feed.subscription.is_following() {
                        return self.close(End::Unavailable).await;
                    }
                    received = 0;
                    unanswered += 1;
                    if unanswered > MAX_UNANSWERED { Going::Over } else { self.send(Message::Ping(Default::default())).await }
                }
            };
        }
    }

    async fn tell(&mut self, texts: Vec<Utf8Bytes>) -> Going {
        for text in texts {
            if self.send(Message::Text(text)).await == Going::Over {
                return Going::Over;
            }
        }
        Going::On
    }

    /// Sends a message. A reader that takes nothing for long gets all anew once it takes something, and then the end.
    async fn send(&mut self, message: Message) -> Going {
        let (first, second) = self.permit.patience();
        match timeout(first, self.socket.send(message)).await {
            Ok(Ok(())) => return Going::On,
            Ok(Err(_)) => return Going::Over,
            Err(_) => self.permit.count_slow(),
        }
        let all_anew = async {
            // What lies there goes first, or this would be as old as that once it is read.
            self.socket.flush().await?;
            for text in self.feed.snapshot() {
                self.socket.send(Message::Text(text)).await?;
            }
            self.socket.send(closing(End::Slow)).await
        };
        // Dropped with the socket, whether it took it or not.
        _ = timeout(second, all_anew).await;
        Going::Over
    }

    async fn refuse(&mut self) -> Going {
        let reason = "too many messages";
        _ = timeout(self.permit.patience().0, self.socket.send(close(1008, reason))).await;
        Going::Over
    }

    async fn close(&mut self, end: End) {
        _ = timeout(self.permit.patience().0, self.socket.send(closing(end))).await;
    }
}

/// The codes of RFC 6455, 7.4; those from 4000 on are ours.
fn closing(end: End) -> Message {
    let code = match end {
        End::Expired => 4401,
        End::Slow => 4408,
        End::Aged | End::Stopping => 1001,
        End::Unavailable => 1013,
    };
    close(code, end.as_str())
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}
