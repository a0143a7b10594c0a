//! Whatever is asked for: an answer, or a problem with a code.

use crate::world::*;
use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, header},
};
use proptest::{collection::vec, option, prelude::*, sample::select, test_runner::TestRunner};
use schemas::Role;
use tower::ServiceExt as _;

const NAMES: [&str; 16] = [
    "limit",
    "cursor",
    "category",
    "store",
    "available",
    "ids",
    "filter",
    "sort",
    "asOf",
    "since",
    "status",
    "shopper",
    "items",
    "partition",
    "from",
    "colour",
];

/// Values that some parameter or header has a meaning for, nearly, and others.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "(inventory|orders|dead-letters|commands)\\.(events\\.)?v1/[0-9]{1,3}@[0-9]{1,21}",
        "(inventory\\.events\\.v1/[0-3]@[0-9]~?){1,3}",
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([+-][0-2][0-9]:[0-5][0-9]|Z)",
        "(colour|size|:|,|red|🦀){1,12}",
        "(confirmed|holding|,|nothing){1,5}",
        "(true|false|itemId|beginning|end|\\*|-?[0-9]{1,22})",
        "(mug|tea|,|-){1,9}",
        "[A-Za-z0-9_-]{0,60}",
        "text/event-stream(, ?[*]/[*])?",
        any::<String>(),
    ]
}

/// A GET of any route with any parameters.
fn asked(paths: Vec<String>) -> impl Strategy<Value = (String, [Option<String>; 4], usize)> {
    let segment =
        prop_oneof![Just("mug".to_owned()), Just("inventory.events.v1".to_owned()), Just("o-1".to_owned()), value()];
    let query = vec((select(NAMES.to_vec()), value()), 0..4);
    let headers = [option::of(value()), option::of(value()), option::of(value()), option::of(value())];
    (select(paths), vec(segment, 3), query, headers, 0_usize..6).prop_map(|(path, segments, query, headers, caller)| {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let mut segments = segments.iter();
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => encoded(segments.next().map_or("", String::as_str)),
            false => part.to_owned(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        // What is a stream is read to its end and not followed, or its answer would have none.
        let is_stream = path.contains("/log/") || path.contains("/live/");
        let follow = if is_stream { "follow=false&" } else { "" };
        (format!("{path}?{follow}{}", pairs.join("&")), headers, caller)
    })
}

const CALLERS: [Option<(Role, &str)>; 6] = [
    None,
    Some((Role::Shopper, "alice")),
    Some((Role::Store, "acme")),
    Some((Role::Analyst, "a")),
    Some((Role::Service, "erp")),
    Some((Role::Operator, "o")),
];

async fn answer(world: &World, path: &str, headers: &[Option<String>; 4], caller: usize) -> Option<Response<Body>> {
    let mut request = world.request(path, CALLERS[caller]);
    let names = ["stockfold-at-least", "last-event-id", "if-none-match", "accept"];
    for (name, value) in names.into_iter().zip(headers) {
        if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            request = request.header(name, value);
        }
    }
    let request: Request<Body> = request.body(Body::empty()).ok()?;
    Some(world.hasty.clone().oneshot(request).await.expect("a router does not fail"))
}

#[test]
fn whatever_is_asked_for_is_answered() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut world = World::new();
    world.list("mug", |_| ());
    world.list("tea", |_| ());
    world.receive("mug", 5);
    runtime.block_on(world.fold());
    let paths = world.openapi.paths.paths.keys().cloned().collect();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() });
    let asked = runner.run(&asked(paths), |(path, headers, caller)| {
        let Some(response) = runtime.block_on(answer(&world, &path, &headers, caller)) else { return Ok(()) };
        let (status, kind) = (response.status(), response.headers().get(header::CONTENT_TYPE).cloned());
        let body = runtime.block_on(body(response));
        prop_assert!(!status.is_server_error(), "{} {}", path, body);
        if status.is_client_error() {
            prop_assert_eq!(kind, Some(HeaderValue::from_static("application/problem+json")), "{}", path);
            prop_assert!(body["code"].as_str().is_some_and(|code| !code.is_empty()), "{} {}", path, body);
            prop_assert_eq!(&body["status"], status.as_u16(), "{}", path);
        }
        Ok(())
    });
    asked.unwrap_or_else(|fault| panic!("{fault}"));
}
