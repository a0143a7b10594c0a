//! Sockets that watch the drop: they tell shoppers that it is their turn, and how long the news took.

use super::crowd::{Crowd, Turn};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use schemas::Role;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::header},
};

/// How many sockets are open, and how many were lost.
#[derive(Default)]
pub struct Sockets {
    /// Open ones.
    pub open: AtomicU64,
    /// Those that ended before the play did.
    pub lost: AtomicU64,
    /// Messages that came.
    pub messages: AtomicU64,
}

/// Watches as the shopper of that number until the play is over; a socket that is lost is opened again.
pub async fn watch(crowd: Arc<Crowd>, sockets: Arc<Sockets>, number: u32, turn: Arc<Turn>) -> Result<()> {
    let token = crowd.api.token(Role::Shopper, &format!("crowd-{number}"), None)?;
    while !crowd.is_over() {
        let url = crowd.api.socket_url(&format!("/v1/live/drops/{}", crowd.scene.drop));
        let mut request = url.into_client_request().context("the URL of a socket")?;
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse()?);
        let Ok((socket, _)) = connect_async(request).await else {
            sockets.lost.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(2)).await;
            continue;
        };
        sockets.open.fetch_add(1, Ordering::Relaxed);
        let (_, mut messages) = socket.split();
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = crowd.ending.notified() => break,
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    sockets.messages.fetch_add(1, Ordering::Relaxed);
                    heard(&crowd, &text, &turn);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    sockets.lost.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
        }
        sockets.open.fetch_sub(1, Ordering::Relaxed);
    }
    Ok(())
}

fn heard(crowd: &Crowd, text: &str, turn: &Turn) {
    let Ok(message) = serde_json::from_str::<Value>(text) else {
        crowd.fault(format!("a socket told what is no JSON: {text}"));
        return;
    };
    // What a snapshot tells may be old; a change is news.
    let time = message["time"].as_str().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    if let Some(time) = time.filter(|_| message["type"] != "snapshot") {
        let late = Utc::now().signed_duration_since(time).to_std().unwrap_or_default();
        crowd.note("told by socket", late);
    }
    if message["place"]["status"] == "admitted" {
        turn.come();
    }
}
