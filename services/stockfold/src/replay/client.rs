//! HTTP to the engine: tokens, keys, retries of what is unknown, and how long answers took.

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use reqwest::{Method, RequestBuilder, StatusCode, header::RETRY_AFTER};
use schemas::Role;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Makes a token from role, `sub` and store.
pub type Mint<'a> = dyn Fn(Role, &str, Option<&str>) -> Result<String> + 'a;

/// The token of everybody who takes part, made before the first request: making one costs a signature.
#[derive(Debug)]
pub struct Tokens {
    supplier: String,
    operator: String,
    service: String,
    shoppers: HashMap<String, String>,
}

impl Tokens {
    /// Makes the tokens by `mint`, one for each of `customers`.
    pub fn mint<'a>(mint: &Mint<'_>, customers: impl Iterator<Item = &'a str>) -> Result<Self> {
        let shopper = |customer: &str| Ok((customer.to_owned(), mint(Role::Shopper, customer, None)?));
        let customers: BTreeSet<&str> = customers.collect();
        Ok(Self {
            supplier: mint(Role::Supplier, "replay-supplier", None)?,
            operator: mint(Role::Operator, "replay-operator", None)?,
            service: mint(Role::Service, "replay-orders", None)?,
            shoppers: customers.into_iter().map(shopper).collect::<Result<_>>()?,
        })
    }

    fn of(&self, caller: As<'_>) -> &str {
        match caller {
            As::Supplier => &self.supplier,
            As::Operator => &self.operator,
            As::Service => &self.service,
            As::Shopper(customer) => self.shoppers.get(customer).map_or("", String::as_str),
        }
    }
}

/// Times that a request is sent at most before the replay gives up on it.
const ATTEMPTS: u32 = 12;
const FIRST_PAUSE_MS: u64 = 50;
const LONGEST_PAUSE_MS: u64 = 5_000;
/// Longer than the engine waits for a command, so that it and not we say "unknown".
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As<'a> {
    /// Lists items and receives stock.
    Supplier,
    /// Corrects stock and reads everything.
    Operator,
    /// The shop's own order system.
    Service,
    /// A customer.
    Shopper(&'a str),
}

/// What is asked, as the report groups it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// PUT an item.
    List,
    /// Receive stock.
    Receive,
    /// Checkout BEGIN.
    Begin,
    /// Pay a checkout.
    Pay,
    /// Submit a checkout.
    Submit,
    /// Place an order from outside.
    Place,
    /// Cancel lines.
    Cancel,
    /// Move stock.
    Move,
    /// A query: no command.
    Read,
}

impl Kind {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list item",
            Self::Receive => "receive stock",
            Self::Begin => "checkout begin",
            Self::Pay => "pay",
            Self::Submit => "submit",
            Self::Place => "place order",
            Self::Cancel => "cancel lines",
            Self::Move => "move stock",
            Self::Read => "read back",
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What it is for.
    pub kind: Kind,
    /// The method.
    pub method: Method,
    /// From the `/v1` on; or a whole URL, where the engine gave one.
    pub path: String,
    /// Who asks.
    pub caller: As<'a>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// `Stockfold-At-Least`.
    pub at_least: Option<String>,
    /// The body.
    pub body: Option<Value>,
}

impl<'a> Call<'a> {
    /// A command with a body, under an idempotency key.
    pub fn post(kind: Kind, path: impl Into<String>, caller: As<'a>, key: impl Into<String>, body: Value) -> Self {
        let (key, body) = (Some(key.into()), Some(body));
        Self { kind, method: Method::POST, path: path.into(), caller, key, at_least: None, body }
    }

    /// A query by the operator, waiting for what `at_least` names.
    pub fn get(path: impl Into<String>, at_least: Option<String>) -> Self {
        let (kind, method) = (Kind::Read, Method::GET);
        Self { kind, method, path: path.into(), caller: As::Operator, key: None, at_least, body: None }
    }
}

/// An answer: done or refused, never unknown.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body; null if it was empty.
    pub body: Value,
    /// `Stockfold-Position`.
    pub position: Option<String>,
}

impl Answer {
    /// The problem's code; empty if it has none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Round trips in microseconds, by kind.
pub type Latencies = BTreeMap<Kind, Histogram<u64>>;

/// A client of one engine.
pub struct Client {
    http: reqwest::Client,
    base: String,
    tokens: Tokens,
    latencies: Mutex<Latencies>,
    retries: AtomicU64,
}

impl Client {
    /// A client of the engine at `base_url` (without `/v1`) with `connections` kept open.
    pub fn new(base_url: &str, tokens: Tokens, connections: usize) -> Result<Self> {
        let http = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(connections)
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        let base = base_url.trim_end_matches('/').to_owned();
        let (latencies, retries) = Default::default();
        Ok(Self { http, base, tokens, latencies, retries })
    }

    /// How often a request had to be sent again.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// The round trips so far.
    pub fn latencies(&self) -> Latencies {
        self.latencies.lock().clone()
    }

    /// Sends `call` until its outcome is known.
    ///
    /// Too many requests, "unknown" and a lost connection are answered by the same request under the same key.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer> {
        let mut attempt = 0;
        loop {
            let pause = match self.attempt(call).await {
                Ok((answer, _)) if !is_unknown(&answer) => return Ok(answer),
                Ok((answer, after)) if attempt + 1 == ATTEMPTS => {
                    bail!(
                        "{} {}: still {} after {ATTEMPTS} attempts ({after:?})",
                        call.method,
                        call.path,
                        answer.status
                    )
                }
                Err(error) if attempt + 1 == ATTEMPTS => {
                    return Err(error).with_context(|| format!("{} {}", call.method, call.path));
                }
                Ok((_, after)) => after.unwrap_or_default(),
                Err(_) => Duration::ZERO,
            };
            let backoff = Duration::from_millis((FIRST_PAUSE_MS << attempt).min(LONGEST_PAUSE_MS));
            tokio::time::sleep(pause.max(backoff).min(REQUEST_TIMEOUT)).await;
            self.retries.fetch_add(1, Ordering::Relaxed);
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<(Answer, Option<Duration>)> {
        let begun = Instant::now();
        let response = self.request(call).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let after = text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let answer = Answer { status, body, position: text("stockfold-position") };
        if !is_unknown(&answer) {
            self.note(call.kind, begun.elapsed());
        }
        Ok((answer, after))
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let url = if call.path.starts_with('/') { format!("{}{}", self.base, call.path) } else { call.path.clone() };
        let mut request = self.http.request(call.method.clone(), url).bearer_auth(self.tokens.of(call.caller));
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(position) = &call.at_least {
            request = request.header("Stockfold-At-Least", position);
        }
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn note(&self, kind: Kind, took: Duration) {
        let mut latencies = self.latencies.lock();
        let histogram = latencies.entry(kind).or_insert_with(histogram);
        histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

/// An empty histogram: microseconds up to a minute, three digits exact.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are constants")
}

fn is_unknown(answer: &Answer) -> bool {
    let busy = matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    busy || answer.body["outcome"] == "unknown" || answer.code() == "view_behind"
}
