//! Operations: is it alive, is it ready, what does it measure, how is it.

use crate::QueryState;
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{Authenticated, Params, Problem, ProblemDocument, require};
use schemas::Role;
use serde::Serialize;
use std::{future::Future, pin::Pin, sync::Arc};
use utoipa_axum::{router::OpenApiRouter, routes};

/// A future of a callback.
pub type OpsFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Tells how the process is, as JSON.
pub type StatusReport = Arc<dyn Fn() -> OpsFuture<serde_json::Value> + Send + Sync>;

/// Something that the process needs to serve.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// What it is, such as `log`.
    pub name: &'static str,
    /// Whether it is there.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Dependency {
    /// From how a check of it went.
    pub fn of<E: ToString>(name: &'static str, check: Result<(), E>) -> Self {
        let detail = check.err().map(|fault| fault.to_string());
        Self { name, ready: detail.is_none(), detail }
    }
}

/// Whether the process can serve.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// What the probes ask.
#[derive(Clone)]
pub struct Ops {
    /// The dependencies, checked now.
    pub dependencies: Arc<dyn Fn() -> OpsFuture<Vec<Dependency>> + Send + Sync>,
    /// The metrics, in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// `/livez`, `/readyz` and `/metrics`: without version and without limits, so not dressed by the edge.
pub fn router(ops: Ops) -> OpenApiRouter {
    let mut router = OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)).routes(routes!(metrics));
    edge::openapi::conventions(router.get_openapi_mut());
    router.with_state(ops)
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/livez", tag = "Operations", responses((status = 200, body = String, content_type = "text/plain")))]
async fn livez() -> &'static str {
    "alive\n"
}

/// Whether the process can serve, and if not, what is missing.
#[utoipa::path(get, path = "/readyz", tag = "Operations",
    responses((status = 200, body = Readiness, description = "Ready."),
        (status = 503, body = Readiness, description = "Not ready.")))]
async fn readyz(State(ops): State<Ops>) -> Response {
    let dependencies = (ops.dependencies)().await;
    let ready = dependencies.iter().all(|dependency| dependency.ready);
    let (code, status) = if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(Readiness { status, dependencies })).into_response()
}

/// What the process measures, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Operations", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(ops): State<Ops>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], (ops.metrics)()).into_response()
}

/// How the engine is: shards, positions, lag, holds due.
#[utoipa::path(get, path = "/v1/status", tag = "Operations", operation_id = "getStatus",
    responses((status = 200, body = Object), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn status(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Json<serde_json::Value>, Problem> {
    params.finish()?;
    require(&caller, &[Role::Operator])?;
    match &state.status {
        Some(report) => Ok(Json(report().await)),
        None => Err(Problem::not_found("no_status", "this process tells no status")),
    }
}
