//! A log, views folded from it, and the API over both.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use edge::{AuthConfig, Edge, EdgeConfig, Grant};
use event_log::{
    Batch, EventLog, Lease, NewDeadLetter, NewEvent, ReadFrom,
    sqlite::{SqliteLog, SqliteOptions},
};
use keys::SqliteKeyStore;
use query_api::QueryState;
use read_model::{
    Checkpoint, Checkpoints, ViewStore as _,
    fold::Fact,
    sqlite::SqliteViews,
    views::{self, CONSUMER},
};
use schemas::{
    AggregateKey, Caller, Clock, CommandId, CorrelationId, Currency, Effect, EffectId, Envelope, Event, ItemId,
    LocationId, Money, OrderId, Position, PositionToken, Quantity, Role, ShardCount, ShardId, StoreId, SubjectId,
    Timestamp, Topic, item::*,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START_MS)
    }
}

pub struct World {
    pub router: Router,
    /// The same API, which waits for a view 20 ms only.
    pub hasty: Router,
    pub openapi: utoipa::openapi::OpenApi,
    pub edge: Edge,
    pub keys: Arc<SqliteKeyStore>,
    pub stop: watch::Sender<bool>,
    auth: AuthConfig,
    pub log: Arc<SqliteLog>,
    views: Arc<SqliteViews>,
    leases: HashMap<ShardId, Box<dyn Lease>>,
    seqs: HashMap<(Topic, ShardId), u64>,
    /// When the next event happens.
    pub time: Timestamp,
    _dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::over(|log| log)
    }

    /// With these limits of live streams.
    pub fn limited(live: query_api::LiveLimits) -> Self {
        Self::made(|log| log, live)
    }

    /// The API over what `served` makes of the log.
    pub fn over(served: impl FnOnce(Arc<SqliteLog>) -> Arc<dyn EventLog>) -> Self {
        Self::made(served, query_api::LiveLimits::default())
    }

    fn made(served: impl FnOnce(Arc<SqliteLog>) -> Arc<dyn EventLog>, live: query_api::LiveLimits) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut options = SqliteOptions::new(dir.path());
        options.shards = ShardCount::new(4).expect("a count");
        options.disk_reserve_bytes = 0;
        let log = SqliteLog::open(options).expect("a log");
        let views = Arc::new(SqliteViews::open(&dir.path().join("views.sqlite"), &views::tables()).expect("views"));
        let keys = Arc::new(SqliteKeyStore::open(&dir.path().join("keys.sqlite")).expect("keys"));
        let auth = AuthConfig {
            issuer: "stockfold".to_owned(),
            audience: "stockfold".to_owned(),
            local_key: Some(vec![7; 32]),
            pseudonym_secret: vec![9; 32],
            jwks_url: None,
        };
        let edge = Edge::new(EdgeConfig::new(auth.clone()), Arc::new(Still), Arc::new(Still)).expect("an edge");
        let (stop, stopped) = watch::channel(false);
        let state =
            QueryState::new(edge.clone(), views.clone(), served(log.clone()), keys.clone(), stopped).with_live(live);
        let (router, openapi) = query_api::router(state.clone()).split_for_parts();
        let (hasty, _) = query_api::router(state.with_longest_wait(Duration::from_millis(20))).split_for_parts();
        Self {
            router: edge.dress(router),
            hasty: edge.dress(hasty),
            openapi,
            edge,
            keys,
            stop,
            auth,
            log,
            views,
            leases: HashMap::new(),
            seqs: HashMap::new(),
            time: Timestamp::from_millis(START_MS),
            _dir: dir,
        }
    }

    pub fn shard_of(&self, key: &str) -> ShardId {
        self.log.shards().of_key(key)
    }

    /// Appends an event to the log, one second after the last, without folding it.
    pub fn append(&mut self, key: &AggregateKey, event: &Event) -> Position {
        let (topic, shard) = (event.topic(), self.shard_of(key.as_str()));
        let lease = self.leases.entry(shard).or_insert_with(|| self.log.acquire(shard).expect("a lease"));
        let seq = self.seqs.entry((topic, shard)).or_default();
        *seq += 1;
        let envelope = Envelope {
            event_type: event.event_type().into(),
            subject: key.as_str().to_owned(),
            time: self.time,
            seq: *seq,
            epoch: lease.epoch(),
            actor: "operator:somebody".to_owned(),
            causation: CommandId::parse("cause").expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        };
        let value = serde_json::to_vec(event).expect("JSON");
        let batch = Batch { events: vec![NewEvent { topic, envelope, value }], ..Batch::default() };
        assert_eq!(lease.commit(batch), event_log::CommitOutcome::Committed);
        self.log.flush().expect("durable");
        self.time = self.time.plus_seconds(1);
        Position { topic, partition: shard.0, seq: self.seqs[&(topic, shard)] }
    }

    /// Appends many events of one key to the log at once.
    pub fn append_all(&mut self, key: &AggregateKey, events: &[Event]) {
        let shard = self.shard_of(key.as_str());
        let lease = self.leases.entry(shard).or_insert_with(|| self.log.acquire(shard).expect("a lease"));
        let events = events.iter().map(|event| {
            let topic = event.topic();
            let seq = self.seqs.entry((topic, shard)).or_default();
            *seq += 1;
            let envelope = Envelope {
                event_type: event.event_type().into(),
                subject: key.as_str().to_owned(),
                time: self.time,
                seq: *seq,
                epoch: lease.epoch(),
                actor: "operator:somebody".to_owned(),
                causation: CommandId::parse("cause").expect("an id"),
                correlation: CorrelationId::parse("request").expect("an id"),
                traceparent: None,
            };
            NewEvent { topic, envelope, value: serde_json::to_vec(event).expect("JSON") }
        });
        let batch = Batch { events: events.collect(), ..Batch::default() };
        assert_eq!(lease.commit(batch), event_log::CommitOutcome::Committed);
        self.log.flush().expect("durable");
    }

    /// Writes a dead letter of an item, and tells its place.
    pub fn bury(&mut self, item: &str, value: &str) -> Position {
        let shard = self.shard_of(item);
        let lease = self.leases.entry(shard).or_insert_with(|| self.log.acquire(shard).expect("a lease"));
        let letter = NewDeadLetter { key: item.to_owned(), value: value.as_bytes().to_vec() };
        let batch = Batch { dead_letters: vec![letter], ..Batch::default() };
        assert_eq!(lease.commit(batch), event_log::CommitOutcome::Committed);
        self.log.flush().expect("durable");
        let seq = self.log.end(Topic::DeadLetters, shard.0).expect("an end");
        Position { topic: Topic::DeadLetters, partition: shard.0, seq }
    }

    /// Brings the views to the end of the log.
    pub async fn fold(&self) {
        let places: Vec<ReadFrom> = Topic::EVENTS
            .into_iter()
            .flat_map(|topic| self.log.shards().all().map(move |shard| (topic, shard.0)))
            .map(|(topic, partition)| ReadFrom { topic, partition, offset: 0 })
            .collect();
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
            for (table, keys) in view.needs_more(&facts) {
                let stored = self.views.get(table, &keys).await.expect("rows");
                view.load_more(table, keys, stored).expect("rows");
            }
            facts.iter().for_each(|fact| view.fold(fact));
            view.drain(&mut rows).expect("rows");
        }
        let mut checkpoints = Checkpoints::new();
        for (position, envelope, _) in &read {
            let checkpoint = Checkpoint { seq: position.seq, offset: position.seq, epoch: envelope.epoch };
            checkpoints.insert((position.topic, position.partition), checkpoint);
        }
        self.views.write(CONSUMER, &rows, &checkpoints).await.expect("writes");
    }

    pub fn item(&mut self, id: &str, event: impl Into<ItemEvent>) -> Position {
        self.append(&AggregateKey::Item(item_id(id)), &Event::Item(event.into()))
    }

    pub fn order(&mut self, id: &str, event: impl Into<schemas::order::OrderEvent>) -> Position {
        let key = AggregateKey::Order(OrderId::parse(id).expect("an id"));
        self.append(&key, &Event::Order(event.into()))
    }

    /// Lists an item at 5 euros.
    pub fn list(&mut self, id: &str, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = Catalog {
            name: format!("Item {id}"),
            description: None,
            category: None,
            store: None,
            kind: ItemKind::Physical,
            attributes: serde_json::Map::new(),
            images: Vec::new(),
            file: None,
            metadata: schemas::Metadata::default(),
        };
        change(&mut catalog);
        let listed = ItemListed {
            catalog,
            catalog_version: 1,
            source: None,
            previous_category: None,
            previous_store: None,
            effect: None,
        };
        self.item(id, listed);
        self.item(id, PriceChanged { price: euros(500), previous: None, catalog_version: 2 });
    }

    /// Receives units where there were none.
    pub fn receive(&mut self, id: &str, units: u32) -> Position {
        let levels = StockLevels { available: units.into(), on_hand: units.into(), ..StockLevels::default() };
        self.receive_after(id, units, levels)
    }

    pub fn receive_after(&mut self, id: &str, units: u32, stock: StockLevels) -> Position {
        let received = StockReceived {
            effect: Effect { id: EffectId::parse("receipt").expect("an id"), digest: schemas::Digest::default() },
            quantity: Quantity::new(units).expect("a quantity"),
            document: "note-1".to_owned(),
            occurred_at: None,
            metadata: schemas::Metadata::default(),
            feed: None,
            stock,
            place: LocationLevels {
                location: LocationId::parse("main").expect("an id"),
                sellable: stock.on_hand,
                damaged: 0,
                quality_control: 0,
                allocated: 0,
                incoming: 0,
                forwarded: 0,
            },
        };
        self.item(id, received)
    }

    /// What the token of that role and `sub` calls itself.
    pub fn subject(&self, sub: &str) -> SubjectId {
        self.edge.pseudonym(sub)
    }

    pub fn caller(&self, role: Role, sub: &str) -> Caller {
        Caller { role, subject: self.subject(sub), store: None, location: None }
    }

    fn token(&self, role: Role, sub: &str) -> String {
        let grant = Grant {
            role,
            sub: sub.to_owned(),
            store: (role == Role::Store).then(|| StoreId::parse(sub).expect("an id")),
            location: (role == Role::Warehouse).then(|| LocationId::parse("main").expect("an id")),
        };
        edge::auth::mint(&self.auth, &grant, Duration::from_secs(60), Still.now()).expect("a token")
    }

    pub fn request(&self, path: &str, caller: Option<(Role, &str)>) -> axum::http::request::Builder {
        let request = Request::get(path);
        match caller {
            Some((role, sub)) => request.header(header::AUTHORIZATION, format!("Bearer {}", self.token(role, sub))),
            None => request,
        }
    }

    pub async fn send(&self, request: axum::http::request::Builder) -> Response {
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("a router does not fail")
    }

    /// The answer of a GET that succeeds.
    pub async fn get(&self, path: &str, caller: Option<(Role, &str)>) -> Value {
        let response = self.send(self.request(path, caller)).await;
        let status = response.status();
        let answer = body(response).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// The problem of a GET that is refused so.
    pub async fn refused(&self, path: &str, caller: Option<(Role, &str)>, status: u16, code: &str) -> Value {
        let problem = body(self.send(self.request(path, caller)).await).await;
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{path}: {problem}");
        problem
    }
}

pub async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
}

pub fn item_id(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub fn euros(amount: i64) -> Money {
    Money::new(amount, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

pub fn token_of(positions: &[Position]) -> String {
    let mut token = PositionToken::default();
    positions.iter().for_each(|position| token.add(*position));
    token.to_string()
}
