//! Bodies: limits, types, faults.

use crate::world::*;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

#[tokio::test]
async fn a_good_body_is_read_and_canonical() {
    let router = api(config());
    let response = send(&router, take_request(" { \"quantity\" : 2,\n \"itemId\":\"a\" } ")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer = body(response).await;
    assert_eq!(answer["canonical"], r#"{"itemId":"a","quantity":2}"#);
    assert_eq!(answer["key"], "key-1");
}

#[tokio::test]
async fn all_faults_of_a_body_are_told_at_once() {
    let router = api(config());
    let content = json!({"itemId": "a\u{202e}", "quantity": -1, "colour": "red"}).to_string();
    let problem = refused(&router, take_request(content), StatusCode::BAD_REQUEST, "invalid_body").await;
    let codes: Vec<_> = problem["errors"].as_array().expect("faults").iter().map(|fault| &fault["code"]).collect();
    assert_eq!(codes, ["invalid_id", "out_of_range", "unknown_field"]);
    assert_eq!(problem["outcome"], "refused");
}

#[tokio::test]
async fn broken_json_is_told_with_its_place() {
    let router = api(config());
    let cases = [
        "",
        "{",
        "{\"a\": nul}",
        "{} trailing",
        "{\"a\":1,\"a\":2}",
        "\u{feff}{}",
        "{\"a\": NaN}",
        "{\"a\": \"\\ud800\"}",
        &"[".repeat(100_000),
        &format!("{}{}", "[".repeat(40), "]".repeat(40)),
    ];
    for content in cases {
        let problem = refused(&router, take_request(content.to_owned()), StatusCode::BAD_REQUEST, "invalid_json").await;
        assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem}");
    }
    let not_utf8 = take_request(vec![b'"', 0xff, b'"']);
    refused(&router, not_utf8, StatusCode::BAD_REQUEST, "invalid_json").await;
    refused(&router, take_request("[]"), StatusCode::BAD_REQUEST, "invalid_body").await;
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_too_large() {
    let router = api(config());
    let content = format!("{{\"itemId\":\"{}\"}}", "a".repeat(2 << 20));
    let problem = refused(&router, take_request(content), StatusCode::PAYLOAD_TOO_LARGE, "body_too_large").await;
    assert_eq!(problem["limitBytes"], 1 << 20);
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let router = api(config());
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", ""] {
        let mut request = take_request("{}");
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a header value"));
        refused(&router, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type").await;
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let mut request = take_request("{\"itemId\":\"a\",\"quantity\":1}");
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a header value"));
        assert_eq!(send(&router, request).await.status(), StatusCode::OK, "{kind}");
    }
}

#[tokio::test]
async fn an_optional_body_may_be_left_out_but_not_wrong() {
    let router = api(config());
    let close = |content: &'static str| {
        let request = Request::post("/close").header(header::CONTENT_TYPE, "application/json");
        request.body(Body::from(content)).expect("a request")
    };
    assert_eq!(send(&router, close("")).await.status(), StatusCode::OK);
    assert_eq!(send(&router, close("{}")).await.status(), StatusCode::OK);
    refused(&router, close("{\"a\":1}"), StatusCode::BAD_REQUEST, "invalid_body").await;
}
