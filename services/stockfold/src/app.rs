//! The routes of both APIs, the probes, the contract and the page to read it.

use crate::ops::Ops;
use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::Redirect,
    routing::get,
};
use command_api::{AdvanceFuture, CommandState, TestClock};
use edge::{Edge, Problem};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use query_api::{
    QueryState,
    ops::{Dependency, OpsFuture},
};
use schemas::Timestamp;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use utoipa::openapi::{
    Components, InfoBuilder, License, OpenApi, OpenApiBuilder,
    security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// How often measurements are sorted.
const UPKEEP: Duration = Duration::from_secs(5);

impl TestClock for Ops {
    fn advance(&self, to: Timestamp) -> AdvanceFuture<'_> {
        Box::pin(self.settle(to))
    }
}

/// The recorder of this process's metrics; whatever is measured before the first call is lost.
pub fn metrics() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Fails only where another recorder was set before, and there is none.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Sorts what was measured into the recorder's buckets, for ever: unsorted it would grow with every request.
pub async fn keep_metrics() {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics().run_upkeep();
    }
}

/// The routes of one process: those of the APIs that it serves, and the probes.
pub fn router(edge: &Edge, commands: Option<CommandState>, queries: Option<QueryState>, ops: &Arc<Ops>) -> Router {
    let readiness = Arc::clone(ops);
    let probes = query_api::ops::router(query_api::ops::Ops {
        dependencies: Arc::new(move || -> OpsFuture<Vec<Dependency>> {
            let ops = Arc::clone(&readiness);
            Box::pin(async move {
                ops.readiness().await.into_iter().map(|(name, check)| Dependency::of(name, check)).collect()
            })
        }),
        metrics: Arc::new(|| metrics().render()),
    });
    let status = Arc::clone(ops);
    let with_status = |queries: QueryState| {
        queries.with_status(Arc::new(move || -> OpsFuture<serde_json::Value> {
            let status = status.status();
            Box::pin(async move { status })
        }))
    };
    let mut api = OpenApiRouter::with_openapi(about());
    if let Some(commands) = commands {
        api = api.merge(command_api::router(commands));
    }
    if let Some(queries) = queries {
        api = api.merge(query_api::router(with_status(queries)));
    }
    let (api, contract) = api.split_for_parts();
    let (probes, probe_contract) = probes.split_for_parts();
    let contract = contract.merge_from(probe_contract);
    let json = Json(contract.clone());
    let pages = Router::new()
        // Without a URL of its own the page asks a public site whether the contract is valid.
        .merge(SwaggerUi::new("/docs").url("/openapi.json", contract).config(Config::default().validator_url("none")))
        .route("/", get(|| async { Redirect::temporary("/docs/") }))
        .route("/v1/openapi.json", get(move || async move { ([(header::CACHE_CONTROL, "max-age=300")], json) }));
    // As the fallback, not merged: a merge would lose the problem that the edge makes of an unknown path.
    probes.method_not_allowed_fallback(method_not_allowed).fallback_service(edge.dress(api.merge(pages)))
}

/// What is served until the shards have recovered: it is alive, and not ready.
pub fn starting() -> Router {
    let probes = query_api::ops::router(query_api::ops::Ops {
        dependencies: Arc::new(|| -> OpsFuture<Vec<Dependency>> {
            Box::pin(async { vec![Dependency::of("process", Err("starting"))] })
        }),
        metrics: Arc::new(|| metrics().render()),
    });
    let (probes, _) = probes.split_for_parts();
    // Without this a connection would wait in line, and be served when its client has long given up.
    probes.method_not_allowed_fallback(method_not_allowed).fallback(|| async {
        Problem::unavailable("starting", "the engine is reading its log; /readyz says when it serves")
    })
}

async fn method_not_allowed() -> Problem {
    let detail = "this path does not take that method; see Allow";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn about() -> OpenApi {
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let info = InfoBuilder::new()
        .title("Stockfold")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "An event-sourced order and inventory engine. Every POST takes an `Idempotency-Key`; an answer to a command \
             carries `Stockfold-Position`, and a GET with `Stockfold-At-Least` waits until its view is there. \
             Make a token with `stockfold token --role shopper --sub alice`.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

#[cfg(test)]
mod tests {
    use super::starting;
    use crate::bench::scratch::with_engine_in;
    use axum::body::{Body, to_bytes};
    use reqwest::{Client, Method, StatusCode};
    use serde_json::Value;
    use tower::ServiceExt as _;

    async fn text(url: String) -> String {
        reqwest::get(url).await.expect("an answer").text().await.expect("whole")
    }

    #[tokio::test]
    async fn until_the_shards_have_recovered_it_is_alive_and_not_ready() {
        for (path, status, told) in [
            ("/livez", 200, "alive"),
            ("/readyz", 503, "starting"),
            ("/v1/stock", 503, "\"outcome\":\"refused\""),
            ("/v1/stock", 503, "\"code\":\"starting\""),
            ("/v1/stock", 503, "\"retryable\":true"),
        ] {
            let request = axum::http::Request::get(path).body(Body::empty()).expect("a request");
            let answer = starting().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{path}");
            let body = to_bytes(answer.into_body(), 1 << 16).await.expect("a body");
            assert!(String::from_utf8_lossy(&body).contains(told), "{path}: {body:?}");
        }
    }

    #[test]
    fn openapi_is_checked_in_as_it_is_served() {
        let home = tempfile::tempdir().expect("a directory");
        let checked = with_engine_in(None, Some(home.path()), |engine| {
            let served = engine.runtime().block_on(text(format!("{}/openapi.json", engine.base_url())));
            let mut served: Value = serde_json::from_str(&served)?;
            served.sort_all_objects();
            let text = format!("{}\n", serde_json::to_string_pretty(&served)?);
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json");
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(path, &text)?;
            }
            let stored = std::fs::read_to_string(path).unwrap_or_default();
            assert!(
                stored == text,
                "schemas/openapi.json is not what is served any more; see the change with `make schemas`"
            );
            Ok(())
        });
        checked.expect("it runs");
    }

    #[test]
    fn the_whole_tells_one_contract_and_problems_everywhere() {
        let home = tempfile::tempdir().expect("a directory");
        let checked = with_engine_in(None, Some(home.path()), |engine| {
            engine.runtime().block_on(async {
                let url = engine.base_url();
                let contract: Value = serde_json::from_str(&text(format!("{url}/openapi.json")).await)?;
                let calls = contract["paths"].as_object().into_iter().flat_map(|paths| paths.values());
                let calls: Vec<_> = calls.filter_map(Value::as_object).flat_map(|path| path.values()).collect();
                let names: std::collections::BTreeSet<_> =
                    calls.iter().filter_map(|call| call["operationId"].as_str()).collect();
                assert_eq!((names.len(), calls.len() > 25), (calls.len(), true), "{names:?}");
                // The page has everything that it loads, and asks nobody else.
                assert!(
                    text(format!("{url}/docs/swagger-initializer.js")).await.contains("\"validatorUrl\": \"none\"")
                );
                for (method, path, status, code) in [
                    (Method::GET, "/nowhere", StatusCode::NOT_FOUND, "unknown_path"),
                    (Method::DELETE, "/livez", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
                    (Method::DELETE, "/v1/stock", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
                ] {
                    let answer = Client::new().request(method, format!("{url}{path}")).send().await?;
                    assert_eq!(answer.status(), status, "{path}");
                    assert_eq!(answer.headers().contains_key("allow"), code == "method_not_allowed", "{path}");
                    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
                    assert_eq!(answer.json::<Value>().await?["code"], code, "{path}");
                }
                assert!(text(format!("{url}/metrics")).await.contains("route=\"/v1/stock\""));
                Ok(())
            })
        });
        checked.expect("it runs");
    }
}
