//! CORS for the configured origins only.

use crate::{edge::EdgeError, position, trace::TRACE_ID};
use axum::http::{HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The layer; `None` where no origin is configured.
pub(crate) fn layer(origins: &[String]) -> Result<Option<CorsLayer>, EdgeError> {
    if origins.is_empty() {
        return Ok(None);
    }
    let mut allowed = Vec::with_capacity(origins.len());
    for origin in origins {
        let is_origin = (origin.starts_with("https://") || origin.starts_with("http://")) && !origin.ends_with('/');
        match HeaderValue::try_from(origin) {
            Ok(value) if is_origin => allowed.push(value),
            Ok(_) | Err(_) => return Err(EdgeError::Origin(origin.clone())),
        }
    }
    let name = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            name("idempotency-key"),
            name("prefer"),
            name("traceparent"),
            name("last-event-id"),
            position::AT_LEAST,
        ])
        .expose_headers([
            position::POSITION,
            name("ratelimit"),
            name("ratelimit-policy"),
            header::RETRY_AFTER,
            header::ETAG,
            header::LOCATION,
            TRACE_ID,
        ])
        .max_age(Duration::from_secs(3_600));
    Ok(Some(layer))
}
