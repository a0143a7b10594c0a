//! HTTP to a running engine, for the operator's tools: where it is, who asks, and how long to wait before asking again.

use crate::{
    auth::Auth,
    settings::{SettingFlags, Settings},
};
use anyhow::{Context as _, Result};
use reqwest::{Method, RequestBuilder, StatusCode};
use schemas::Role;
use serde_json::Value;
use std::{path::PathBuf, time::Duration};

/// How long a token is valid, in seconds: one is made for each request.
const TTL: u32 = 86_400;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Attempts at an engine that is out of reach for a moment.
const ATTEMPTS: u32 = 10;
/// The first pause before asking again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the engine is, and by which right it is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct RemoteArgs {
    /// Where the engine is; else where the settings say
    #[arg(long)]
    url: Option<String>,
    /// File with the bearer token to use; else one is made with the secrets of the data directory
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingFlags,
}

enum Right {
    File(PathBuf),
    Own { auth: Box<Auth>, role: Role, sub: &'static str },
}

/// One engine, asked by one caller.
pub struct Remote {
    http: reqwest::Client,
    base: String,
    right: Right,
}

impl Remote {
    /// As the command line says; `role` and `sub` are of the token that is made where none is given.
    pub fn new(args: &RemoteArgs, role: Role, sub: &'static str) -> Result<Self> {
        let settings = Settings::load(&args.settings)?;
        let base = match &args.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", settings.address()?),
        };
        let right = match &args.token_file {
            Some(file) => Right::File(file.clone()),
            None => Right::Own { auth: Box::new(Auth::existing(&settings)?), role, sub },
        };
        // No limit on a whole request: streams last.
        let http =
            reqwest::Client::builder().http1_only().no_proxy().tcp_nodelay(true).connect_timeout(CONNECT).build()?;
        Ok(Self { http, base, right })
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request of this path, which begins with `/v1`.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let token = match &self.right {
            Right::File(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                text.trim().to_owned()
            }
            Right::Own { auth, role, sub } => auth.mint(*role, sub, None, None, TTL)?,
        };
        Ok(self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token))
    }

    /// Sends a request until it has an answer that would be the same a little later, a refusal too. `fill` adds what it
    /// carries, the same each time.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<reqwest::Response> {
        let mut backoff = Backoff::default();
        for attempt in 1.. {
            match fill(self.request(method.clone(), path)?).send().await {
                Ok(answer) if is_passing(answer.status()) && attempt < ATTEMPTS => {}
                Ok(answer) => return Ok(answer),
                Err(error) if attempt >= ATTEMPTS => {
                    return Err(error).with_context(|| format!("no engine answers at {}", self.base));
                }
                Err(_) => {}
            }
            tokio::time::sleep(backoff.next()).await;
        }
        unreachable!("it ends with an answer or an error")
    }
}

/// A path with a query.
pub fn with_query(path: &str, pairs: &[(&str, String)]) -> Result<String> {
    // Only the query of it is taken: the host stands elsewhere.
    let url = reqwest::Url::parse_with_params("http://engine", pairs)?;
    Ok(format!("{path}?{}", url.query().unwrap_or_default()))
}

/// Whether an answer of this status may be another one a little later.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// What an answer that is no success says.
pub async fn refusal(answer: reqwest::Response) -> String {
    let status = answer.status();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default();
    match (body["code"].as_str(), body["detail"].as_str()) {
        (Some(code), Some(detail)) => format!("{} {code}: {detail}", status.as_u16()),
        (Some(_) | None, _) => status.to_string(),
    }
}

/// Pauses between attempts: longer and longer, until something comes of one.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// Something came of it.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// The next pause.
    pub fn next(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.0.min(10)).min(LONGEST_PAUSE);
        self.0 = self.0.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped() {
        let pairs = [("from", "a/1@2~a/2@3".to_owned()), ("key", "a b&c".to_owned())];
        assert_eq!(
            with_query("/v1/log/a", &pairs).expect("a path"),
            "/v1/log/a?from=a%2F1%402%7Ea%2F2%403&key=a+b%26c"
        );
    }

    #[test]
    fn pauses_grow_up_to_a_limit_until_something_comes() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..40).map(|_| backoff.next()).collect();
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!((pauses[0], pauses[39]), (FIRST_PAUSE, LONGEST_PAUSE));
        backoff.reset();
        assert_eq!(backoff.next(), FIRST_PAUSE);
    }
}
