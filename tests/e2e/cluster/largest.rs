//! The largest that HTTP takes goes through all of a cluster: its records, its rows and its answers have a size that they
//! may not pass.

use super::Parts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The most bytes of a request.
const MOST_BYTES: usize = 1 << 20;

/// The most lines of an order.
const LINES: usize = 1_000;

/// Orders that are placed at once: together they are more than one record may be.
const AT_ONCE: usize = 6;

/// An order of as many lines and bytes as it may have.
fn largest(id: &str, items: &[String]) -> Value {
    let order = |filler: usize| {
        let line = |n: usize| {
            let metadata = json!({"a": "x".repeat(filler), "b": "y".repeat(filler)});
            json!({"lineId": format!("l{n}"), "itemId": items[n % items.len()], "quantity": 1, "metadata": metadata})
        };
        let lines: Vec<Value> = (0..LINES).map(line).collect();
        json!({"orderId": id, "lines": lines, "payment": "external", "submit": "auto"})
    };
    let rest = order(0).to_string().len();
    order((MOST_BYTES - rest) / LINES / 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_orders_that_http_takes_are_decided_shown_and_told() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector")];
    let token = parts.api.token("service", "shop");
    let mut placing = JoinSet::new();
    for n in 0..AT_ONCE {
        let (api, token) = (Arc::clone(&parts.api), token.clone());
        let order = largest(&format!("large-{n}"), &parts.items);
        let bytes = order.to_string().len();
        assert!((MOST_BYTES - LINES * 2..=MOST_BYTES).contains(&bytes), "{bytes} bytes");
        placing.spawn(async move { (order["orderId"].clone(), api.post(&token, "", "/v1/orders", order).await) });
    }
    for (id, answer) in placing.join_all().await {
        let id = id.as_str().expect("an id");
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::CREATED, &json!("confirmed")), "{id}");
        let shown = parts.api.get(Some(&token), &format!("/v1/orders/{id}"), &answer.position()).await;
        assert_eq!(shown.body["lines"].as_array().map(Vec::len), Some(LINES), "{id}: {}", shown.status);
    }
    let mut larger = largest("too-large", &parts.items);
    larger["metadata"] =
        json!({"c": "z".repeat(500), "d": "z".repeat(500), "e": "z".repeat(500), "f": "z".repeat(500)});
    let refused = parts.api.post(&token, "", "/v1/orders", larger).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{refused:?}");
}
