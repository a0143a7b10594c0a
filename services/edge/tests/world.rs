//! A small API behind the edge, and a client of it.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use edge::{
    AuthConfig, Authenticated, Edge, EdgeConfig, Fields, FromFields, Grant, IdempotencyKey, JsonBody, MaybeCaller,
    OptionalBody, Params, PathIds, Problem,
    fields::{id, quantity},
};
use schemas::{Clock, ItemId, Quantity, Role, Timestamp};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tower::ServiceExt as _;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000)
    }
}

pub fn auth() -> AuthConfig {
    AuthConfig {
        issuer: "stockfold".to_owned(),
        audience: "stockfold".to_owned(),
        local_key: Some(vec![7; 32]),
        pseudonym_secret: vec![9; 32],
        jwks_url: None,
    }
}

pub fn token(role: Role) -> String {
    let grant = Grant { role, sub: "alice".to_owned(), store: None, location: None };
    edge::auth::mint(&auth(), &grant, Duration::from_secs(60), Still.now()).expect("a token")
}

struct Take {
    item: ItemId,
    quantity: Quantity,
}

impl FromFields for Take {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item = fields.get("itemId", id(ItemId::parse));
        let quantity = fields.get("quantity", quantity);
        Some(Self { item: item?, quantity: quantity? })
    }
}

struct Nothing;

impl FromFields for Nothing {
    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

async fn take(
    Authenticated(_): Authenticated,
    key: IdempotencyKey,
    body: JsonBody<Take>,
) -> Result<Json<Value>, Problem> {
    let canonical = String::from_utf8(body.canonical()).expect("JSON is UTF-8");
    let Take { item, quantity } = body.content;
    Ok(Json(json!({"item": item, "quantity": quantity, "canonical": canonical, "key": key.required()?})))
}

async fn close(_: OptionalBody<Nothing>) -> &'static str {
    "closed"
}

async fn public(MaybeCaller(caller): MaybeCaller) -> Json<Value> {
    Json(json!({"role": caller.map(|caller| caller.role)}))
}

async fn by_id(PathIds(item): PathIds<ItemId>, mut params: Params) -> Result<Json<Value>, Problem> {
    let page = params.page();
    let flag = params.flag("flag");
    params.finish()?;
    Ok(Json(json!({"item": item, "limit": page.limit, "flag": flag})))
}

async fn operators(Authenticated(caller): Authenticated) -> Result<&'static str, Problem> {
    edge::require(&caller, &[Role::Operator])?;
    Ok("in")
}

async fn slow() -> &'static str {
    std::future::pending().await
}

pub fn config() -> EdgeConfig {
    EdgeConfig::new(auth())
}

pub fn api(config: EdgeConfig) -> Router {
    let edge = Edge::new(config, Arc::new(Still), Arc::new(Still)).expect("an edge");
    edge.dress(
        Router::new()
            .route("/take", post(take))
            .route("/close", post(close))
            .route("/public", get(public))
            .route("/items/{itemId}", get(by_id))
            .route("/operators", get(operators))
            .route("/slow", get(slow).post(slow)),
    )
}

pub async fn send(router: &Router, request: Request<Body>) -> Response {
    router.clone().oneshot(request).await.expect("a router does not fail")
}

pub async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
}

/// The problem that a response is, having checked its shape.
pub async fn problem(response: Response) -> Value {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned().expect("a type");
    let trace = response.headers().get("trace-id").cloned().expect("a trace id");
    let problem = body(response).await;
    assert_eq!(kind, "application/problem+json", "{problem}");
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    assert_eq!(problem["traceId"], trace.to_str().expect("text"));
    let code = problem["code"].as_str().expect("a code");
    assert_eq!(problem["type"], format!("urn:stockfold:problem:{code}"));
    for name in ["title", "detail"] {
        assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    assert!(problem["retryable"].is_boolean());
    problem
}

/// A POST to /take by a shopper.
pub fn take_request(content: impl Into<Body>) -> Request<Body> {
    Request::post("/take")
        .header(header::AUTHORIZATION, format!("Bearer {}", token(Role::Shopper)))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "key-1")
        .body(content.into())
        .expect("a request")
}

/// Sends a request that must be refused so.
pub async fn refused(router: &Router, request: Request<Body>, status: StatusCode, code: &str) -> Value {
    let problem = problem(send(router, request).await).await;
    assert_eq!(
        (problem["status"].as_u64(), problem["code"].as_str()),
        (Some(status.as_u16().into()), Some(code)),
        "{problem}"
    );
    problem
}
