//! What surrounds every call.

use crate::world::*;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use edge::{Edge, EdgeConfig, RateConfig};
use schemas::Role;
use std::time::Duration;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn get_as(path: &str, role: Role) -> Request<Body> {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", token(role)));
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let router = api(config());
    refused(&router, get("/nowhere"), StatusCode::NOT_FOUND, "unknown_path").await;
    let response = send(&router, Request::delete("/public").body(Body::empty()).expect("a request")).await;
    let allow = response.headers().get(header::ALLOW).cloned().expect("Allow");
    assert_eq!(allow, "GET,HEAD");
    assert_eq!(problem(response).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn without_a_token_it_is_401_and_without_the_role_403() {
    let router = api(config());
    let response = send(&router, get("/operators")).await;
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"stockfold\"");
    assert_eq!(problem(response).await["code"], "unauthenticated");
    refused(&router, get_as("/operators", Role::Shopper), StatusCode::FORBIDDEN, "forbidden").await;
    assert_eq!(send(&router, get_as("/operators", Role::Operator)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_401_also_where_none_is_needed() {
    let router = api(config());
    assert_eq!(send(&router, get("/public")).await.status(), StatusCode::OK);
    let bad = Request::get("/public").header(header::AUTHORIZATION, "Bearer a.b.c");
    let response = send(&router, bad.body(Body::empty()).expect("a request")).await;
    assert!(response.headers()[header::WWW_AUTHENTICATE].to_str().expect("text").contains("invalid_token"));
    assert_eq!(problem(response).await["code"], "unauthenticated");
}

#[tokio::test]
async fn ids_in_paths_follow_the_rule() {
    let router = api(config());
    assert_eq!(send(&router, get("/items/85123A")).await.status(), StatusCode::OK);
    for path in ["/items/a%00b", "/items/a%E2%80%AEb", "/items/a%20b", "/items/%ff", "/items/-a"] {
        let problem = refused(&router, get(path), StatusCode::BAD_REQUEST, "invalid_id").await;
        // What was sent may turn the direction of text: it is not quoted.
        assert_eq!(problem["errors"][0]["pointer"], "{itemId}", "{problem}");
        assert_eq!(problem["errors"][0]["detail"], schemas::ParseError::Id.to_string());
    }
}

#[tokio::test]
async fn all_faults_of_a_query_are_told_at_once() {
    let router = api(config());
    let wrong = get("/items/a?limit=0&flag=maybe&colour=red");
    let problem = refused(&router, wrong, StatusCode::BAD_REQUEST, "invalid_query").await;
    let found: Vec<_> = problem["errors"].as_array().expect("faults").iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(found, ["?limit", "?flag", "?colour"]);
    for query in ["limit=201", "limit=-1", "limit=1.5", "limit=1&limit=2", "limit="] {
        refused(&router, get(&format!("/items/a?{query}")), StatusCode::BAD_REQUEST, "invalid_query").await;
    }
}

#[tokio::test]
async fn idempotency_keys_are_visible_ascii_sent_once() {
    let router = api(config());
    let content = "{\"itemId\":\"a\",\"quantity\":1}";
    let mut missing = take_request(content);
    missing.headers_mut().remove("idempotency-key");
    refused(&router, missing, StatusCode::BAD_REQUEST, "idempotency_key_missing").await;
    for key in ["", " ", "a\tb", &"a".repeat(256)] {
        let mut request = take_request(content);
        request.headers_mut().insert("idempotency-key", key.parse().expect("a header value"));
        refused(&router, request, StatusCode::BAD_REQUEST, "invalid_idempotency_key").await;
    }
    let mut twice = take_request(content);
    twice.headers_mut().append("idempotency-key", "key-2".parse().expect("a header value"));
    refused(&router, twice, StatusCode::BAD_REQUEST, "invalid_idempotency_key").await;
}

#[tokio::test]
async fn the_trace_of_the_caller_goes_on() {
    let router = api(config());
    let request = Request::get("/nowhere")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::empty())
        .expect("a request");
    let problem = problem(send(&router, request).await).await;
    assert_eq!(problem["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn people_are_told_their_rate_and_refused_beyond_it() {
    let rate = RateConfig { people_per_second: 2, systems_per_second: 0, behind_proxy: false };
    let router = api(EdgeConfig { rate, ..config() });
    let first = send(&router, get("/public")).await;
    assert_eq!(first.headers()["ratelimit-policy"], "\"default\";q=4;w=2");
    assert_eq!(first.headers()["ratelimit"], "\"default\";r=3;t=1");
    let mut last = first;
    for _ in 0..4 {
        last = send(&router, get("/public")).await;
    }
    assert_eq!(last.headers()["ratelimit"], "\"default\";r=0;t=2");
    assert_eq!(last.headers()[header::RETRY_AFTER], "1");
    let problem = problem(last).await;
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(429), Some("rate_limited")));
    assert_eq!(problem["retryable"], true);
    // Another caller, and a system without limit, are not held up.
    assert_eq!(send(&router, get_as("/public", Role::Shopper)).await.status(), StatusCode::OK);
    for _ in 0..50 {
        assert_eq!(send(&router, get_as("/public", Role::Service)).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn behind_a_proxy_the_last_forwarded_address_counts() {
    let rate = RateConfig { people_per_second: 1, systems_per_second: 0, behind_proxy: true };
    let router = api(EdgeConfig { rate, ..config() });
    let from =
        |list: &str| Request::get("/public").header("x-forwarded-for", list).body(Body::empty()).expect("a request");
    for n in 0..2 {
        let spoofed = format!("10.0.0.{n}, 192.0.2.1");
        assert_eq!(send(&router, from(&spoofed)).await.status(), StatusCode::OK);
    }
    refused(&router, from("10.0.0.9, 192.0.2.1"), StatusCode::TOO_MANY_REQUESTS, "rate_limited").await;
    assert_eq!(send(&router, from("10.0.0.9, 192.0.2.2")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_takes_too_long_is_unknown_for_a_command_and_retryable_for_a_read() {
    let router = api(EdgeConfig { request_timeout: Duration::from_millis(20), ..config() });
    let read = refused(&router, get("/slow"), StatusCode::SERVICE_UNAVAILABLE, "timeout").await;
    assert_eq!(read["outcome"], "refused");
    let command = Request::post("/slow").body(Body::empty()).expect("a request");
    let command = refused(&router, command, StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown").await;
    assert_eq!((&command["outcome"], &command["retryable"]), (&"unknown".into(), &true.into()));
}

#[tokio::test]
async fn no_more_than_so_many_requests_are_served_at_once() {
    let router = api(EdgeConfig { max_in_flight: 1, ..config() });
    let held = tokio::spawn({
        let router = router.clone();
        async move { send(&router, get("/slow")).await }
    });
    tokio::task::yield_now().await;
    refused(&router, get("/public"), StatusCode::SERVICE_UNAVAILABLE, "overloaded").await;
    held.abort();
    _ = held.await;
    assert_eq!(send(&router, get("/public")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_configured_origins_may_call_from_a_browser() {
    let router = api(EdgeConfig { cors_origins: vec!["https://shop.example".to_owned()], ..config() });
    let from =
        |origin: &str| Request::get("/public").header(header::ORIGIN, origin).body(Body::empty()).expect("a request");
    let ours = send(&router, from("https://shop.example")).await;
    assert_eq!(ours.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
    let exposed = ours.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().expect("text");
    for name in ["stockfold-position", "ratelimit", "ratelimit-policy", "retry-after", "etag"] {
        assert!(exposed.split(',').any(|one| one == name), "{name} in {exposed}");
    }
    let other = send(&router, from("https://evil.example")).await;
    assert!(!other.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    let preflight = Request::options("/take")
        .header(header::ORIGIN, "https://shop.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(send(&router, preflight).await.status(), StatusCode::OK);
}

#[test]
fn settings_that_nobody_should_run_with_are_refused() {
    let make = |config: EdgeConfig| {
        struct Still;
        impl schemas::Clock for Still {
            fn now(&self) -> schemas::Timestamp {
                schemas::Timestamp::default()
            }
        }
        let clock = std::sync::Arc::new(Still);
        Edge::new(config, std::sync::Arc::clone(&clock) as _, clock)
    };
    assert!(make(config()).is_ok());
    for origin in ["*", "shop.example", "https://shop.example/", "https://a\nb"] {
        assert!(make(EdgeConfig { cors_origins: vec![origin.to_owned()], ..config() }).is_err(), "{origin}");
    }
    let mut short = config();
    short.auth.pseudonym_secret = vec![1; 31];
    assert!(make(short).is_err());
    let mut keyless = config();
    keyless.auth.local_key = None;
    assert!(make(keyless).is_err());
}
