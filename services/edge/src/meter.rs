//! Measures requests: how many, by route and status, and how long each took.

use axum::{
    extract::MatchedPath,
    http::{Method, StatusCode},
};
use metrics::{Counter, Histogram};
use parking_lot::RwLock;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The measures of a route, method and status. Looking them up in the recorder costs more than a small request, so
/// they are kept.
#[derive(Default)]
pub(crate) struct Meter {
    kept: RwLock<HashMap<u64, (Counter, Histogram)>>,
    hasher: RandomState,
}

impl Meter {
    /// Counts an answer.
    pub fn record(&self, method: &Method, route: Option<&MatchedPath>, status: StatusCode, took: Duration) {
        let method = known(method);
        // Paths that match no route are counted together: their names are the client's.
        let route = route.map_or("none", MatchedPath::as_str);
        let key = self.hasher.hash_one((method, route, status.as_u16()));
        if let Some((counter, histogram)) = self.kept.read().get(&key) {
            counter.increment(1);
            histogram.record(took);
            return;
        }
        let labels =
            [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
        let counter = metrics::counter!("stockfold_http_requests_total", &labels);
        let histogram = metrics::histogram!("stockfold_http_request_seconds", &labels);
        counter.increment(1);
        histogram.record(took);
        self.kept.write().insert(key, (counter, histogram));
    }
}

/// A method that a client makes up is no label.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
