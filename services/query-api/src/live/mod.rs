//! Live: what changes is told while it changes, over server-sent events and WebSockets.
//!
//! [`hub`] reads the log once per node and wakes who watches ([`core`] knows whom, and holds the newest value of each thing
//! that is watched); a stream reads that value when it can write. So nothing is queued for a connection: a slow one misses
//! values, never the newest, and takes no more memory than a fast one.

mod core;
mod drop_now;
mod drops;
mod ends;
mod hub;
mod inbox_now;
mod item_now;
mod later;
mod limits;
mod notifications;
mod open;
mod place_now;
mod socket;
mod sse;
mod stock;
#[cfg(test)]
mod tests;

pub use limits::LiveLimits;

use crate::QueryState;
use hub::Hub;
use limits::Streams;
use std::sync::{Arc, OnceLock};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the live routes share; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Live {
    hub: Arc<OnceLock<Arc<Hub>>>,
    streams: Arc<Streams>,
}

impl Live {
    /// With these limits.
    pub fn new(limits: LiveLimits) -> Self {
        Self { hub: Arc::default(), streams: Streams::new(limits) }
    }

    /// The reader of this node; its thread begins with the first call.
    fn hub(&self, state: &QueryState) -> &Arc<Hub> {
        self.hub.get_or_init(|| {
            let QueryState { log, views, progress, stop, .. } = state.clone();
            Hub::start(log, views, progress, self.streams.linger(), stop)
        })
    }

    fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }
}

/// The live routes.
pub(crate) fn routes() -> OpenApiRouter<QueryState> {
    OpenApiRouter::new()
        .routes(routes!(stock::follow))
        .routes(routes!(drops::follow))
        .routes(routes!(notifications::follow))
}
