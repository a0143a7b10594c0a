//! CORS for the configured origins only.

use crate::{edge::EdgeError, position, trace::TRACE_ID};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
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

/// Whether a WebSocket may be opened by who sends these headers.
pub(crate) fn allows(origins: &[String], headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = sent.next() else { return true };
    let Some(origin) = origin.to_str().ok().filter(|_| sent.next().is_none()) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    origins.iter().any(|known| known == origin) || (host.is_some() && own == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_origin_opens_no_web_socket() {
        let origins = ["https://shop.example".to_owned()];
        let allowed = |sent: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("api.example:8080"));
            for origin in sent {
                headers.append(header::ORIGIN, HeaderValue::from_str(origin).expect("a value"));
            }
            allows(&origins, &headers)
        };
        for sent in [&[][..], &["https://shop.example"], &["http://api.example:8080"], &["https://api.example:8080"]] {
            assert!(allowed(sent), "{sent:?}");
        }
        let pair = ["https://shop.example", "https://evil.example"];
        for sent in [
            &["https://evil.example"][..],
            &["null"],
            &["https://shop.example.evil.example"],
            &["http://shop.example"],
            &["http://api.example"],
            &["api.example:8080"],
            &[""],
            &pair,
        ] {
            assert!(!allowed(sent), "{sent:?}");
        }
    }
}
