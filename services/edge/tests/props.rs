//! Whatever is sent: an answer, or a problem with a code; no panic, and nothing read that was not meant.

use crate::{
    mutate::{mutated, odd},
    world::*,
};
use axum::{
    Router,
    body::Body,
    extract::FromRequestParts as _,
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header, request::Parts},
};
use edge::{AtLeast, ETag, Edge, IdempotencyKey, Prefer, Trace, if_match, not_modified};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};
use std::{future::Future, sync::Arc};

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// The status of the answer, which is of the contract: below 400, or a problem below 500.
fn status(router: &Router, request: Request<Body>) -> StatusCode {
    now(async {
        let response = send(router, request).await;
        let status = response.status();
        assert!(!status.is_server_error(), "{status}");
        if status.is_client_error() {
            problem(response).await;
        }
        status
    })
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// The parts of a request with one header; none where the bytes are no header value.
fn parts(name: HeaderName, value: &[u8]) -> Option<Parts> {
    let request = Request::get("/").header(name, HeaderValue::from_bytes(value).ok()?).body(()).expect("a request");
    Some(request.into_parts().0)
}

/// Values of headers: any bytes, visible ones, and almost those that have a meaning.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..300),
        "[ -~]{0,260}".prop_map(String::into_bytes),
        "(W/)?\"?[0-9]{0,21}\\.?[0-9]{0,21}\"?(, ?\"[0-9.]{0,5}\")?".prop_map(String::into_bytes),
        "(bearer|Bearer|Basic) ?[A-Za-z0-9_.-]{0,80}".prop_map(String::into_bytes),
        "(respond-async|wait ?= ?\"?[0-9.-]{0,25}\"?|,|;){0,5}".prop_map(String::into_bytes),
        "(inventory|orders|commands)\\.(events\\.)?v1/[0-9]{0,12}@[0-9]{0,22}~?".prop_map(String::into_bytes),
        "0[0f]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}".prop_map(String::into_bytes),
    ]
}

fn edge() -> Edge {
    struct Still;
    impl schemas::Clock for Still {
        fn now(&self) -> schemas::Timestamp {
            schemas::Timestamp::default()
        }
    }
    Edge::new(config(), Arc::new(Still), Arc::new(Still)).expect("an edge")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_known_by_noise(value in value()) {
        let Some(parts) = parts(header::AUTHORIZATION, &value) else { return Ok(()) };
        let router = api(config());
        let mut request = Request::get("/public").body(Body::empty()).expect("a request");
        *request.headers_mut() = parts.headers;
        prop_assert_eq!(status(&router, request), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii(value in value()) {
        let Some(mut parts) = parts(HeaderName::from_static("idempotency-key"), &value) else { return Ok(()) };
        let sound = (1..=255).contains(&value.len())
            && value.iter().all(|byte| (32..127).contains(byte))
            && value.iter().any(|byte| *byte != 32);
        let read = now(IdempotencyKey::from_request_parts(&mut parts, &()));
        prop_assert_eq!(read.as_ref().map(|key| key.0.is_some()).unwrap_or(false), sound, "{:?}", value);
        if let Err(problem) = read {
            prop_assert_eq!(problem.code(), "invalid_idempotency_key");
        }
    }

    #[test]
    fn the_id_of_a_path_follows_the_rule(bytes in prop_oneof![vec(any::<u8>(), 1..70), "[A-Za-z0-9_.:-]{1,66}".prop_map(String::into_bytes)]) {
        let router = api(config());
        let request = Request::get(format!("/items/{}", encoded(&bytes))).body(Body::empty()).expect("a request");
        let sound = bytes.len() <= 64
            && bytes[0].is_ascii_alphanumeric()
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(byte));
        let expected = if sound { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        prop_assert_eq!(status(&router, request), expected, "{:?}", bytes);
    }

    #[test]
    fn a_query_is_read_or_refused(query in prop_oneof![
        "[ -~&&[^#]]{0,80}".prop_map(|text| text.replace(' ', "+").replace(['"', '<', '>', '\\', '^', '`', '{', '}', '|'], "")),
        vec(("(limit|flag|cursor|colour|)", vec(any::<u8>(), 0..20)), 0..6).prop_map(|pairs| {
            pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
        }),
    ]) {
        let router = api(config());
        let Ok(request) = Request::get(format!("/items/a?{query}")).body(Body::empty()) else { return Ok(()) };
        let status = status(&router, request);
        prop_assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{}", status);
    }

    #[test]
    fn a_body_is_read_or_refused(body in prop_oneof![
        mutated(json!({"itemId": "a", "quantity": 1})),
        odd().prop_map(|value| json!({"itemId": "a", "quantity": value}).to_string().into_bytes()),
        vec(any::<u8>(), 0..200),
        "[\\[{\":,a1\\\\u]{0,100}".prop_map(String::into_bytes),
    ]) {
        let router = api(config());
        let status = status(&router, take_request(body));
        prop_assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{}", status);
    }

    #[test]
    fn a_canonical_body_stays_as_it_is(value in odd(), other in odd()) {
        let written = edge::body::canonical(&json!({"b": value, "a": other}));
        let read: Value = serde_json::from_slice(&written).expect("it is JSON");
        prop_assert_eq!(edge::body::canonical(&read), written);
    }

    #[test]
    fn a_media_type_is_json_or_refused(value in prop_oneof![
        value(),
        "[Aa]pplication/[a-z+]{0,12}(json)?( ?; ?[a-z=]{0,9})?".prop_map(String::into_bytes),
        "[aä/]{0,20}\\+json".prop_map(String::into_bytes),
    ]) {
        let Ok(kind) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut request = take_request("{\"itemId\":\"a\",\"quantity\":1}");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        let status = status(&api(config()), request);
        prop_assert!(status == StatusCode::OK || status == StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", status);
    }

    #[test]
    fn a_cursor_is_opened_by_its_list_and_as_it_was_given(place in any::<(i64, String)>(), at in any::<Index>(), sign in "[A-Za-z0-9_=/-]") {
        let (edge, list) = (edge(), "orders|alice");
        let given = edge.cursors().seal(list, &place);
        if given.len() <= 1_024 {
            prop_assert_eq!(edge.cursors().open::<(i64, String)>(list, &given).expect("its own"), place);
        }
        prop_assert!(edge.cursors().open::<(i64, String)>("orders|bob", &given).is_err());
        let (mut forged, at) = (given.clone(), at.index(given.len()));
        forged.replace_range(at..=at, &sign);
        if forged != given {
            let refused = edge.cursors().open::<(i64, String)>(list, &forged).expect_err("it was changed");
            prop_assert_eq!(refused.code(), "invalid_cursor");
        }
    }

    #[test]
    fn a_text_is_no_cursor(text in any::<String>()) {
        let refused = edge().cursors().open::<Value>("items", &text).expect_err("nobody gave it");
        prop_assert_eq!(refused.code(), "invalid_cursor");
    }

    #[test]
    fn a_position_is_a_token_or_refused(value in value()) {
        let name = HeaderName::from_static("stockfold-at-least");
        let Some(mut parts) = parts(name, &value) else { return Ok(()) };
        match now(AtLeast::from_request_parts(&mut parts, &())) {
            Ok(AtLeast(token)) => prop_assert!(token.to_string().len() <= value.len() + 2, "{}", token),
            Err(problem) => prop_assert_eq!(problem.code(), "invalid_position"),
        }
    }

    #[test]
    fn what_is_preferred_is_bounded_and_a_trace_is_well_formed(value in value()) {
        if let Some(mut parts) = parts(HeaderName::from_static("prefer"), &value) {
            let Ok(prefer) = now(Prefer::from_request_parts(&mut parts, &()));
            prop_assert!(prefer.wait <= Prefer::MAX_WAIT);
        }
        if let Some(mut parts) = parts(HeaderName::from_static("traceparent"), &value) {
            let Ok(trace) = now(Trace::from_request_parts(&mut parts, &()));
            let id = trace.hex();
            prop_assert!(trace.traceparent.is_none_or(|text| text.len() == 55 && text.contains(&id)));
        }
    }

    #[test]
    fn tags_match_what_they_name(value in value(), catalog in 0_u64..5, row in 0_u64..5) {
        let tag = ETag { catalog, row };
        let Ok(sent) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let text = String::from_utf8_lossy(&value).into_owned();
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, sent.clone())]);
        if not_modified(&headers, tag) {
            prop_assert!(text.contains('*') || text.contains(&tag.to_string()), "{}", text);
        }
        match if_match(&HeaderMap::from_iter([(header::IF_MATCH, sent)])) {
            Ok(version) => prop_assert!(version.is_some_and(|version| text.contains(&version.to_string())) || text.contains("\"0"), "{}", text),
            Err(problem) => prop_assert!(["invalid_if_match", "precondition_failed"].contains(&problem.code())),
        }
    }
}
