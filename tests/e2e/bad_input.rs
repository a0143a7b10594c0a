//! Bad input gets a typed problem at the edge, and nothing happens.

use super::{
    engine::{Ask, Engine},
    world::World,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Sends raw bytes and returns status and problem.
async fn raw(engine: &Engine, token: &str, method: Method, path: &str, kind: &str, body: Vec<u8>) -> (u16, Value) {
    let request = reqwest::Client::new().request(method, format!("{}{path}", engine.url));
    let request = request.bearer_auth(token).header("idempotency-key", "k").header("content-type", kind).body(body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").cloned();
    assert_eq!(kind.as_ref().map(|kind| kind.as_bytes()), Some(&b"application/problem+json"[..]), "{path}: {status}");
    let problem: Value = serde_json::from_slice(&answer.bytes().await.expect("whole")).expect("JSON");
    assert_eq!(problem["status"], json!(status), "{problem}");
    for field in ["type", "title", "code", "detail", "retryable", "outcome", "traceId"] {
        assert!(problem.get(field).is_some(), "`{field}` is missing in {problem}");
    }
    (status, problem)
}

#[tokio::test]
async fn every_fault_of_a_body_is_told_at_once_and_nothing_happens() {
    let engine = World::Embedded.start(&[]);
    engine.stock("tea", 100, 5).await;
    let operator = engine.token("operator", "ops");
    let path = "/v1/items/tea/receipts";
    for quantity in ["-1", "0", "1000001", "1.5", "1e99", "\"5\"", "null", "99999999999999999999"] {
        let body = format!(r#"{{"receiptId":"x","location":"main","quantity":{quantity},"document":"d"}}"#);
        let (status, problem) =
            raw(&engine, &operator, Method::POST, path, "application/json", body.into_bytes()).await;
        assert!((400..500).contains(&status), "{quantity}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/quantity", "{quantity}: {problem}");
    }
    for id in ["", "a\0b", "a\u{202e}b", "a b", "../../etc", &"x".repeat(65)] {
        let body = json!({"receiptId": id, "location": "main", "quantity": 1, "document": "d"}).to_string();
        let (_, problem) = raw(&engine, &operator, Method::POST, path, "application/json", body.into_bytes()).await;
        assert_eq!(problem["errors"][0]["pointer"], "/receiptId", "{id:?}: {problem}");
    }
    let body = json!({"receiptId": "", "location": 5, "quantity": -1, "surprise": true}).to_string();
    let (_, problem) = raw(&engine, &operator, Method::POST, path, "application/json", body.into_bytes()).await;
    let pointers: Vec<_> = problem["errors"].as_array().expect("a list").iter().map(|e| &e["pointer"]).collect();
    for pointer in ["/receiptId", "/location", "/quantity", "/surprise", "/document"] {
        assert!(pointers.contains(&&json!(pointer)), "{pointer} is not in {pointers:?}");
    }
    let shown = engine.get(Some(&operator), "/v1/items/tea/stock", "").await;
    assert_eq!(shown.body["onHand"], json!(5), "{shown:?}");
}

#[tokio::test]
async fn what_is_not_a_request_of_the_contract_is_a_problem_too() {
    let engine = World::Embedded.start(&[]);
    engine.stock("tea", 100, 5).await;
    let operator = engine.token("operator", "ops");
    let json_type = "application/json";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    let big = format!(r#"{{"name":"{}"}}"#, "x".repeat(2 << 20)).into_bytes();
    let good = json!({"name": "x", "kind": "physical", "price": {"amount": 1, "currency": "EUR"}});
    let price = |price: Value| {
        let mut body = good.clone();
        body["price"] = price;
        body.to_string().into_bytes()
    };
    let cases: Vec<(Method, &str, &str, Vec<u8>, u16)> = vec![
        (Method::PUT, "/v1/items/new", json_type, b"{\"name\":".to_vec(), 400),
        (Method::PUT, "/v1/items/new", json_type, deep, 400),
        (Method::PUT, "/v1/items/new", json_type, big, 413),
        (Method::PUT, "/v1/items/new", "text/plain", good.to_string().into_bytes(), 415),
        (Method::PUT, "/v1/items/new", json_type, price(json!({"amount": 1.5, "currency": "EUR"})), 422),
        (Method::PUT, "/v1/items/new", json_type, price(json!({"amount": -1, "currency": "EUR"})), 422),
        (Method::PUT, "/v1/items/new", json_type, price(json!({"amount": 1, "currency": "EURO"})), 422),
        (Method::PUT, "/v1/items/a%00b", json_type, good.to_string().into_bytes(), 400),
        (Method::PUT, "/v1/items/a%E2%80%AEb", json_type, good.to_string().into_bytes(), 400),
        (Method::GET, "/v1/nothing", json_type, Vec::new(), 404),
        (Method::GET, "/nothing", json_type, Vec::new(), 404),
        (Method::DELETE, "/v1/orders", json_type, Vec::new(), 405),
        (Method::GET, "/v1/items?limit=0", json_type, Vec::new(), 400),
        (Method::GET, "/v1/items?limit=many", json_type, Vec::new(), 400),
        (Method::GET, "/v1/items?cursor=forged", json_type, Vec::new(), 400),
        (Method::POST, "/v1/checkout?op=DANCE", json_type, b"{}".to_vec(), 400),
    ];
    for (method, path, kind, body, expected) in cases {
        let (status, problem) = raw(&engine, &operator, method.clone(), path, kind, body).await;
        let fits = status == expected || (matches!(expected, 400 | 422) && matches!(status, 400 | 422));
        assert!(fits, "{method} {path} should be {expected}: {problem}");
    }
    assert_eq!(engine.get(None, "/v1/items/new", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    let engine = World::Embedded.start(&[]);
    engine.stock("tea", 100, 5).await;
    let put = |token: Option<String>| {
        let engine = &engine;
        async move {
            let body = json!({"name": "x", "kind": "physical", "price": {"amount": 1, "currency": "EUR"}});
            let ask = Ask { token: token.as_deref(), body: Some(body), ..Ask::default() };
            engine.ask(Method::PUT, "/v1/items/new", ask).await
        }
    };
    // {"alg":"none"} . {"sub":"x","role":"operator","iss":"stockfold","aud":"stockfold","exp":9999999999} .
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZSI6Im9wZXJhdG9yIiwiaXNzIjoic3RvY2tmb2xkIiwiYXVkIjoic3RvY2tmb2xkIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    let elsewhere = engine.run(&["token", "--role", "operator", "--sub", "ops", "--jwt-audience", "another"]);
    let foreign = engine.run(&["token", "--role", "operator", "--sub", "ops", "--jwt-issuer", "another"]);
    let mut tampered = engine.token("operator", "ops");
    tampered.replace_range(tampered.len() - 6..tampered.len() - 3, "AAA");
    for token in [None, Some(none.to_owned()), Some(elsewhere), Some(foreign), Some(tampered), Some("x".to_owned())] {
        let answer = put(token.clone()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token:?}: {answer:?}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    for role in ["shopper", "analyst"] {
        let answer = put(Some(engine.token(role, "x"))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}: {answer:?}");
    }
    let store = engine.run(&["token", "--role", "store", "--sub", "s", "--store", "other"]);
    let ask = Ask { token: Some(&store), key: Some("k"), ..Ask::default() };
    let delisted = engine.ask(Method::DELETE, "/v1/items/tea", ask).await;
    assert!(delisted.status.is_client_error(), "{delisted:?}");
    assert_eq!(engine.get(None, "/v1/items/tea", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_full_disk_refuses_commands_and_goes_on_reading() {
    let engine = World::Embedded.start(&[]);
    engine.stock("tea", 100, 0).await;
    let body = json!({"receiptId": "open", "location": "main", "quantity": 5, "document": "d"});
    let position = engine.post(&engine.token("operator", "ops"), "", "/v1/items/tea/receipts", body).await.position();
    // More is kept in reserve than any disk has: as far as the engine can see, this one is full.
    let engine = engine.restart_with(&["--disk-reserve-mib", "1000000000"]);
    let operator = engine.token("operator", "ops");
    let body = json!({"receiptId": "r", "location": "main", "quantity": 1, "document": "d"});
    let refused = engine.post(&operator, "", "/v1/items/tea/receipts", body).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert_eq!(refused.body["retryable"], json!(true), "{refused:?}");
    let shown = engine.get(None, "/v1/items/tea", &position).await;
    assert_eq!(shown.body["available"], json!(5), "{shown:?}");
}

#[tokio::test]
async fn a_data_directory_made_with_other_settings_is_refused() {
    let engine = World::Embedded.start(&["--shards", "4"]);
    engine.kill();
    let error = engine.fails_to_start(&["--shards", "8"]);
    assert!(error.contains('4') && error.contains('8'), "{error}");
    let error = engine.fails_to_start(&["--shards", "4", "--test-clock"]);
    assert!(error.contains("clock"), "{error}");
}
