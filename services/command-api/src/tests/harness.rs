//! An engine in a directory of its own, and calls without a network.

use super::provider::{Cards, Line, Told};
use crate::{AdvanceError, AdvanceFuture, CommandState, Submitter, TestClock, Webhooks};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use domain::Policy;
use edge::{AuthConfig, Edge, EdgeConfig, Grant, RateConfig, auth::mint};
use event_log::{
    EventLog as _, ReadFrom,
    sqlite::{SqliteLog, SqliteOptions},
};
use http_body_util::BodyExt as _;
use payments::{PaymentsOptions, PaymentsRunner};
use processor::{Processor, ProcessorOptions};
use read_model::{Checkpoints, ViewStore as _, fold::Fact, sqlite::SqliteViews, views};
use schemas::{Clock, Event, LocationId, Position, Role, ShardCount, StoreId, Timestamp, Topic};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tower::ServiceExt as _;

/// The time of the world.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Timestamp::from_millis(i64::try_from(since.as_millis()).expect("before the year 292 million"))
    }
}

/// A clock that has come as far as 2030, is wherever it is sent after that, and meets every kind of trouble in 2040.
struct Jump;

impl TestClock for Jump {
    fn advance(&self, to: Timestamp) -> AdvanceFuture<'_> {
        let start = |year: u32| Timestamp::parse(&format!("{year}-01-01T00:00:00Z")).expect("a time");
        let trouble = || "trouble".to_owned();
        Box::pin(std::future::ready(match to {
            to if to < start(2030) => Err(AdvanceError::Past { now: start(2030) }),
            to if to == start(2040) => Err(AdvanceError::Unmoved(trouble())),
            to if to > start(2040) => Err(AdvanceError::Restless(trouble())),
            to => Ok(to),
        }))
    }
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The body, after a look at the status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// The problem of that status and code.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        problem
    }

    /// The pointers of all faults.
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// A request.
pub struct Call<'a> {
    api: &'a Api,
    request: axum::http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    pub fn raw(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// The request, to be sent later.
    pub fn request(self) -> Request<Body> {
        self.request.body(self.body).expect("a request")
    }

    pub async fn send(self) -> Answer {
        let api = self.api;
        api.send(self.request()).await
    }
}

/// The engine with its routes.
pub struct Api {
    router: Router,
    pub document: utoipa::openapi::OpenApi,
    auth: AuthConfig,
    processor: Option<Processor>,
    payments: Option<PaymentsRunner>,
    log: Arc<SqliteLog>,
    pub provider: Arc<Line>,
    views: Arc<SqliteViews>,
    pub submitter: Arc<Submitter>,
    pub state: CommandState,
    pub dir: tempfile::TempDir,
}

impl Api {
    /// Everything runs.
    pub async fn start() -> Self {
        Self::with(true).await
    }

    /// Nobody decides: commands are taken and never answered.
    pub async fn undecided() -> Self {
        Self::with(false).await
    }

    async fn with(decided: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let shards = ShardCount::new(3).expect("a count");
        let options =
            SqliteOptions { shards, disk_reserve_bytes: 0, inbox_capacity: 512, ..SqliteOptions::new(dir.path()) };
        let log = SqliteLog::open(options).expect("a log");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let provider = Line::new(clock.clone());
        let processor = decided.then(|| {
            let options = ProcessorOptions::new(log.clone(), clock.clone(), Policy::default());
            let started = Processor::start(options).expect("shards");
            assert!(started.wait_ready(Duration::from_secs(60)), "the shards recover");
            started
        });
        let views = Arc::new(SqliteViews::open(&dir.path().join("views.sqlite"), &views::tables()).expect("views"));
        let auth = AuthConfig {
            issuer: "test".to_owned(),
            audience: "stockfold".to_owned(),
            local_key: Some(vec![7; 32]),
            pseudonym_secret: vec![9; 32],
            jwks_url: None,
        };
        let mut config = EdgeConfig::new(auth.clone());
        config.rate = RateConfig { people_per_second: 0, ..RateConfig::default() };
        let edge = Edge::new(config, clock.clone(), clock.clone()).expect("an edge");
        let submitter = Submitter::start(log.clone(), clock.clone());
        let keys = keys::SqliteKeyStore::open(&dir.path().join("keys.sqlite")).expect("keys");
        let state = CommandState {
            edge: edge.clone(),
            submitter: submitter.clone(),
            keys: Arc::new(keys),
            views: views.clone(),
            cards: Arc::new(Cards(provider.clone())),
            webhooks: Webhooks::new(Arc::new(Told(provider.clone(), clock))),
            test_clock: Some(Arc::new(Jump)),
        };
        let (router, document) = crate::router(state.clone()).split_for_parts();
        let router = edge.dress(router);
        let mut api =
            Self { router, document, auth, processor, payments: None, log, provider, views, submitter, state, dir };
        if decided {
            api.start_payments().await;
        }
        api
    }

    /// Starts payments, from their checkpoint.
    pub async fn start_payments(&mut self) {
        let options = PaymentsOptions {
            log: self.log.clone(),
            views: self.views.clone(),
            provider: self.provider.clone(),
            clock: Arc::new(SystemClock),
        };
        self.payments = Some(PaymentsRunner::start(options).await.expect("payments"));
    }

    /// Stops payments, writing their checkpoint.
    pub async fn stop_payments(&mut self) {
        if let Some(payments) = self.payments.take() {
            assert_eq!(payments.failure(), None);
            payments.stop().await;
        }
    }

    /// Loses the checkpoint of payments and what the provider remembers, as a deleted file and a restart would.
    pub fn forget_payments(&mut self) {
        self.views = Arc::new(SqliteViews::open(&self.dir.path().join("others.sqlite"), &[]).expect("views"));
        self.provider = Line::new(Arc::new(SystemClock));
    }

    /// Waits until payments have done all that the log holds; answers where it ends, by partition.
    pub async fn settled_payments(&self) -> Vec<u64> {
        let payments = self.payments.as_ref().expect("payments run");
        let ends = || -> Vec<u64> {
            let partitions = self.log.shards().all();
            partitions.map(|shard| self.log.end(Topic::OrdersEvents, shard.0).expect("an end")).collect()
        };
        let settled = async {
            loop {
                let done: Vec<u64> = payments.done().into_values().collect();
                // An answer may come before readers are shown what it tells: so look at the end only after a flush.
                self.log.flush().expect("a log");
                let end = ends();
                if done == end {
                    return end;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), settled).await.expect("payments come to rest")
    }

    /// Folds the whole log into the views, from its begin: what was folded before stays as it is.
    pub async fn fold(&self) {
        self.log.flush().expect("a log");
        let partitions = |topic| self.log.shards().all().map(move |shard| (topic, shard.0));
        let places = Topic::EVENTS.into_iter().flat_map(partitions);
        let places: Vec<ReadFrom> = places.map(|(topic, partition)| ReadFrom { topic, partition, offset: 0 }).collect();
        let mut reader = self.log.reader(&places).expect("a reader");
        let mut read = Vec::new();
        loop {
            let records = reader.poll(1 << 20, Duration::ZERO).expect("records");
            if records.is_empty() {
                break;
            }
            for record in records {
                let envelope = record.envelope.expect("an event");
                let event = Event::read(&envelope.event_type, &record.value.expect("a value")).expect("an event");
                let position = Position { topic: record.topic, partition: record.partition, seq: envelope.seq };
                read.push((position, envelope, event));
            }
        }
        let facts: Vec<Fact<'_>> =
            read.iter().map(|(position, envelope, event)| Fact { position: *position, envelope, event }).collect();
        let mut rows = Vec::new();
        for mut view in views::all() {
            let keys = view.needs(&facts);
            let stored = self.views.get(view.table(), &keys).await.expect("rows");
            view.load(keys, stored).expect("rows");
            facts.iter().for_each(|fact| view.fold(fact));
            view.drain(&mut rows).expect("rows");
        }
        self.views.write("tests", &rows, &Checkpoints::new()).await.expect("writes");
    }

    /// What the log was folded into.
    pub fn views(&self) -> &SqliteViews {
        &self.views
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A token.
    pub fn token(&self, role: Role, sub: &str) -> String {
        let grant = Grant {
            role,
            sub: sub.to_owned(),
            store: (role == Role::Store).then(|| StoreId::parse(sub).expect("an id")),
            location: (role == Role::Warehouse).then(|| LocationId::parse(sub).expect("an id")),
        };
        mint(&self.auth, &grant, Duration::from_secs(600), SystemClock.now()).expect("a token")
    }

    /// What the token of `sub` calls itself.
    pub fn caller(&self, sub: &str) -> schemas::SubjectId {
        self.auth.pseudonym(sub)
    }

    /// A call without a caller.
    pub fn anonymous(&self, method: &str, path: &str) -> Call<'_> {
        Call { api: self, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// A call of `sub` in that role.
    pub fn call(&self, role: Role, sub: &str, method: &str, path: &str) -> Call<'_> {
        let token = self.token(role, sub);
        self.anonymous(method, path).header("authorization", &format!("Bearer {token}"))
    }

    /// Lists an item at that many cents.
    pub async fn list(&self, item: &str, cents: i64) {
        let facts =
            serde_json::json!({"name": item, "kind": "physical", "price": {"amount": cents, "currency": "EUR"}});
        let call = self.call(Role::Operator, "op", "PUT", &format!("/v1/items/{item}")).json(&facts);
        assert!(call.send().await.status.is_success());
    }

    /// Receives units of an item in `main`.
    pub async fn receive(&self, item: &str, quantity: u32) {
        let receipt = serde_json::json!({"receiptId": format!("first-{quantity}"), "location": "main",
            "quantity": quantity, "document": "note"});
        let call = self.call(Role::Operator, "op", "POST", &format!("/v1/items/{item}/receipts")).json(&receipt);
        call.send().await.expect(201);
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(processor) = self.processor.take() {
            processor.stop();
        }
    }
}
