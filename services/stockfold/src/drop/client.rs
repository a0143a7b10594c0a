//! HTTP to the engine that a drop is played on.

use crate::{auth::Auth, settings::Settings};
use anyhow::{Context as _, Result, bail};
use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use schemas::Role;
use serde_json::Value;
use std::time::Duration;

/// How long tokens of the play are valid, in seconds.
const TTL: u32 = 6 * 3_600;
/// Times that a request is sent at most.
const ATTEMPTS: u32 = 10;
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Longer than the engine waits for a command, so that it and not we say "unknown".
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// One engine, and the right to speak for anybody.
pub struct Api {
    auth: Auth,
    http: reqwest::Client,
    base: String,
}

/// What an engine answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body; null where it is none.
    pub body: Value,
    /// How often it was sent again before.
    pub retries: u32,
}

impl Answer {
    /// The problem's code; empty where there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The answer, if it is a success.
    pub fn done(self, what: &str) -> Result<Self> {
        if self.status.is_success() { Ok(self) } else { bail!("{what}: {} {}", self.status, self.body) }
    }
}

impl Api {
    /// Of the engine that the settings name, or of the one at `url`.
    pub fn new(settings: &Settings, url: Option<&str>) -> Result<Self> {
        let base = match url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", settings.address()?),
        };
        let http = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(512)
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        Ok(Self { auth: Auth::existing(settings)?, http, base })
    }

    /// The client itself.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The URL of a path that begins with `/v1`; a whole URL stays as it is.
    pub fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    /// The same for a WebSocket.
    pub fn socket_url(&self, path: &str) -> String {
        format!("{}{path}", self.base.replacen("http", "ws", 1))
    }

    /// A token.
    pub fn token(&self, role: Role, sub: &str, store: Option<&str>) -> Result<String> {
        self.auth.mint(role, sub, store, None, TTL)
    }

    /// Whether the engine answers.
    pub async fn check(&self) -> Result<()> {
        let url = format!("{}/readyz", self.base);
        let ready = self.http.get(&url).send().await;
        let ready = ready.with_context(|| {
            format!("no engine answers at {}; start one with `stockfold up --rate-limit 0`, or name --url", self.base)
        })?;
        if !ready.status().is_success() {
            bail!("the engine at {} is not ready: {}", self.base, ready.text().await.unwrap_or_default());
        }
        Ok(())
    }

    /// Sends a request until its outcome is known: what is busy, unknown or lost is asked again under the same key.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let mut retries = 0;
        loop {
            let fault = match self.once(method.clone(), path, token, key, body).await {
                Ok((status, body, _)) if !is_unknown(status, &body) => {
                    return Ok(Answer { status, body, retries });
                }
                Ok((status, body, after)) => {
                    tokio::time::sleep(after.unwrap_or_default().min(LONGEST_PAUSE)).await;
                    format!("{status} {body}")
                }
                Err(error) => format!("{error:#}"),
            };
            retries += 1;
            if retries == ATTEMPTS {
                bail!("{method} {path}: no answer after {ATTEMPTS} attempts: {fault}");
            }
            tokio::time::sleep(Duration::from_millis(50 << retries.min(6))).await;
        }
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value, Option<Duration>)> {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok((status, body, after.map(Duration::from_secs)))
    }
}

fn is_unknown(status: StatusCode, body: &Value) -> bool {
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    busy || body["outcome"] == "unknown" || body["code"] == "view_behind" || body["code"] == "drop_not_ready"
}
