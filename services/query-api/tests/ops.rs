//! Probes and the OpenAPI document.

use crate::world::*;
use axum::{Router, body::Body, http::Request};
use query_api::ops::{self, Dependency, Ops};
use schemas::Role;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt as _;

fn probes(log: Result<(), &'static str>) -> Router {
    let ops = Ops {
        dependencies: Arc::new(move || {
            Box::pin(async move { vec![Dependency::of("log", log), Dependency::of("views", Ok::<(), &str>(()))] })
        }),
        metrics: Arc::new(|| "up 1\n".to_owned()),
    };
    ops::router(ops).split_for_parts().0
}

async fn ask(router: Router, path: &str) -> (u16, Value) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("a router does not fail");
    (response.status().as_u16(), body(response).await)
}

#[tokio::test]
async fn readiness_says_which_dependency_is_missing() {
    let (status, answer) = ask(probes(Ok(())), "/readyz").await;
    assert_eq!((status, &answer["status"]), (200, &json!("ready")));
    let (status, answer) = ask(probes(Err("the disk is nearly full")), "/readyz").await;
    assert_eq!((status, &answer["status"]), (503, &json!("not_ready")));
    let missing = json!({"name": "log", "ready": false, "detail": "the disk is nearly full"});
    assert_eq!(answer["dependencies"][0], missing);
    assert_eq!(ask(probes(Ok(())), "/livez").await, (200, json!("alive\n")));
    assert_eq!(ask(probes(Ok(())), "/metrics").await, (200, json!("up 1\n")));
}

#[tokio::test]
async fn status_is_for_operators() {
    let world = World::new();
    world.refused("/v1/status", None, 401, "unauthenticated").await;
    world.refused("/v1/status", Some((Role::Service, "erp")), 403, "forbidden").await;
    world.refused("/v1/status", Some((Role::Operator, "o")), 404, "no_status").await;
}

#[test]
fn every_call_is_in_the_openapi_document_with_its_problem() {
    let document = serde_json::to_value(World::new().openapi).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let expected = [
        "/v1/analytics/most-bought",
        "/v1/analytics/turnover",
        "/v1/cart",
        "/v1/dead-letters",
        "/v1/dead-letters/{letterId}",
        "/v1/drops",
        "/v1/drops/{dropId}",
        "/v1/drops/{dropId}/queue/{ticket}",
        "/v1/follows",
        "/v1/items",
        "/v1/items/{itemId}",
        "/v1/items/{itemId}/bought-together",
        "/v1/items/{itemId}/holds/{holdId}",
        "/v1/items/{itemId}/ledger",
        "/v1/items/{itemId}/stock",
        "/v1/live/drops/{dropId}",
        "/v1/live/notifications",
        "/v1/live/stock",
        "/v1/log/{topic}",
        "/v1/me",
        "/v1/notifications",
        "/v1/orders",
        "/v1/orders/{orderId}",
        "/v1/status",
        "/v1/stock",
        "/v1/stores/{storeId}",
        "/v1/subjects",
        "/v1/subjects/{subject}/keys",
        "/v1/subjects/{subject}/keys/{keyId}",
        "/v1/warehouses/{location}",
        "/v1/warehouses/{location}/orders",
    ];
    assert_eq!(paths.keys().collect::<Vec<_>>(), expected);
    for (path, call) in paths {
        let get = &call["get"];
        assert!(get["operationId"].is_string(), "{path}");
        let done = if path == "/v1/live/drops/{dropId}" { "101" } else { "200" };
        assert!(get["responses"][done]["description"].is_string(), "{path}");
        let problem = &get["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(problem, "#/components/schemas/Problem", "{path}");
    }
    // Who may see `available` only gets no more.
    assert_eq!(document["components"]["schemas"]["FullStock"]["required"], Value::Null);
    // Whatever a schema refers to is there.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
}
