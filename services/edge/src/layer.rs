//! The one layer around all routes.

use crate::{
    auth::Identity,
    body,
    edge::Edge,
    peer::Peer,
    problem::{PROBLEM_JSON, Problem},
    rest,
    trace::{self, TRACE_ID, Trace},
};
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::SocketAddr, time::Instant};

/// Names the request, finds out who calls, limits, serves, and makes a problem of every refusal.
pub(crate) async fn conventions(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let trace = Trace::of(request.headers());
    let id = trace.id;
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(trace);
    trace::CURRENT
        .scope(id, async move {
            let (request, unread) = rest::lend(request);
            let mut response = serve(&edge, request, next).await;
            if response.status().is_client_error() || response.status().is_server_error() {
                response = as_problem(response);
                unread.drain(&mut response).await;
            }
            let name = HeaderValue::try_from(trace::current_id()).expect("hexadecimal digits are a header value");
            response.headers_mut().insert(TRACE_ID, name);
            edge.0.meter.record(&method, route.as_ref(), response.status(), began.elapsed());
            response
        })
        .await
}

async fn serve(edge: &Edge, mut request: Request, next: Next) -> Response {
    let shared = &edge.0;
    let identity = shared.verifier.identify(request.headers()).await;
    let caller = match &identity {
        Identity::Known(session) => Some(&session.caller),
        Identity::Anonymous | Identity::Refused(_) | Identity::Unavailable => None,
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let address = shared.rates.address(request.headers(), peer);
    let remaining = match shared.rates.check(caller, address) {
        Ok(remaining) => remaining,
        Err(problem) => return problem.into_response(),
    };
    let Ok(_permit) = shared.in_flight.try_acquire() else {
        return Problem::unavailable("overloaded", "too many requests are being served").into_response();
    };
    request.extensions_mut().insert(identity);
    request.extensions_mut().insert(Peer(address));
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match tokio::time::timeout(shared.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) if is_read => Problem::unavailable("timeout", "the answer took too long").into_response(),
        // The command may have been submitted before the time was over.
        Err(_) => Problem::outcome_unknown().into_response(),
    };
    if let Some(remaining) = remaining {
        remaining.write(response.headers_mut());
    }
    response
}

/// Makes a problem of an error that is none yet: of axum's routing and extractors.
fn as_problem(response: Response) -> Response {
    if response.headers().get(header::CONTENT_TYPE) == Some(&PROBLEM_JSON) {
        return response;
    }
    let status = response.status();
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::not_found("unknown_path", "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method_not_allowed", "this path does not take that method; see Allow")
        }
        StatusCode::PAYLOAD_TOO_LARGE => body::too_large(),
        _ if status.is_server_error() => Problem::internal(&format_args!("a route answered {status}")),
        _ => Problem::new(status, "bad_request", status.canonical_reason().unwrap_or("the request is wrong")),
    };
    let (mut parts, _) = response.into_parts();
    let (told, content) = problem.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    for (name, value) in &told.headers {
        parts.headers.insert(name.clone(), value.clone());
    }
    Response::from_parts(parts, content)
}
