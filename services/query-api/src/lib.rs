//! The query API: serves views and the log. Every GET of items, stock, carts, orders, stores, drops and the log, and the operations' probes.
//!
//! A handler waits until the views have passed `Stockfold-At-Least` ([`progress`]), reads rows, and answers what the
//! caller's role may see. Nothing here decides or writes.

mod access;
mod analytics;
mod cart;
mod dead_letters;
mod drops;
mod holds;
mod items;
mod ledger;
mod live;
mod log;
pub mod ops;
mod orders;
mod pager;
mod people;
mod personal;
pub mod progress;
mod stock;
mod stores;
mod subjects;
mod warehouses;

pub use live::LiveLimits;

use axum::http::{HeaderName, HeaderValue, header};
use edge::{AtLeast, Edge, Problem};
use event_log::EventLog;
use keys::KeyStore;
use progress::Progress;
use read_model::{StoreError, ViewStore};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The most streams of the log that are open at once.
const MAX_LOG_STREAMS: usize = 64;

/// What the handlers need; cheap to clone.
#[derive(Clone)]
pub struct QueryState {
    edge: Edge,
    views: Arc<dyn ViewStore>,
    log: Arc<dyn EventLog>,
    keys: Arc<dyn KeyStore>,
    progress: Arc<Progress>,
    streams: Arc<Semaphore>,
    live: live::Live,
    popular: Arc<analytics::Popular>,
    stop: watch::Receiver<bool>,
    status: Option<ops::StatusReport>,
}

impl QueryState {
    /// From the parts of the process. `stop` turns true when the process is ending: streams of the log end then.
    #[must_use]
    pub fn new(
        edge: Edge,
        views: Arc<dyn ViewStore>,
        log: Arc<dyn EventLog>,
        keys: Arc<dyn KeyStore>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let progress = Arc::new(Progress::new(Arc::clone(&views), log.shards(), progress::LONGEST_WAIT));
        let streams = Arc::new(Semaphore::new(MAX_LOG_STREAMS));
        Self {
            edge,
            views,
            log,
            keys,
            progress,
            streams,
            live: live::Live::default(),
            popular: Arc::default(),
            stop,
            status: None,
        }
    }

    /// Serves `GET /v1/status` (operator) with what this tells.
    #[must_use]
    pub fn with_status(mut self, status: ops::StatusReport) -> Self {
        self.status = Some(status);
        self
    }

    /// Bounds live streams so, instead of by the default.
    #[must_use]
    pub fn with_live(mut self, limits: LiveLimits) -> Self {
        self.live = live::Live::new(limits);
        self
    }

    /// Lets a GET wait so long for its view, instead of [`progress::LONGEST_WAIT`].
    #[must_use]
    pub fn with_longest_wait(mut self, longest: std::time::Duration) -> Self {
        self.progress = Arc::new(Progress::new(Arc::clone(&self.views), self.log.shards(), longest));
        self
    }

    /// Waits until the views are past the token.
    async fn at_least(&self, token: &AtLeast) -> Result<(), Problem> {
        self.progress.wait(&token.0).await
    }
}

/// All routes of this API, to be merged with others and dressed by [`Edge::dress`].
pub fn router(state: QueryState) -> OpenApiRouter {
    let mut router = OpenApiRouter::new()
        .routes(routes!(items::list))
        .routes(routes!(items::get))
        .routes(routes!(stock::list))
        .routes(routes!(stock::get))
        .routes(routes!(ledger::list))
        .routes(routes!(analytics::most_bought))
        .routes(routes!(analytics::bought_together))
        .routes(routes!(analytics::turnover))
        .routes(routes!(holds::get))
        .routes(routes!(cart::get))
        .routes(routes!(stores::get))
        .routes(routes!(drops::list))
        .routes(routes!(drops::get))
        .routes(routes!(drops::queue::get))
        .routes(routes!(people::me))
        .routes(routes!(subjects::find))
        .routes(routes!(subjects::list))
        .routes(routes!(subjects::get))
        .routes(routes!(people::follows))
        .routes(routes!(people::notifications))
        .routes(routes!(warehouses::get))
        .routes(routes!(orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(orders::by_warehouse::list))
        .routes(routes!(log::tail))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::get))
        .routes(routes!(ops::status))
        .merge(live::routes());
    edge::openapi::conventions(router.get_openapi_mut());
    router.with_state(state)
}

/// What a fault of the view store tells the client.
fn store_problem(fault: StoreError) -> Problem {
    match fault {
        StoreError::Unavailable(cause) => {
            tracing::warn!(%cause, "the view store is not available");
            Problem::unavailable("views_unavailable", "the views cannot be read at the moment")
        }
        StoreError::Corrupt(cause) => Problem::internal(&cause),
    }
}

/// Of an answer that differs by caller, or is old at once: nobody keeps it.
fn not_kept() -> [(HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"))]
}
