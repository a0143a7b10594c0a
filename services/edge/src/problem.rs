//! Problems: RFC 9457 `application/problem+json`, the only shape in which this API says no.

use crate::{FieldError, trace};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What became of the request: nothing at all, or nobody can say yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It had no effect and will not have one.
    Refused,
    /// It may take effect: retry with the same key to learn the answer.
    Unknown,
}

/// One fault of a request, where the contract describes it.
#[derive(utoipa::ToSchema)]
#[schema(as = FieldError)]
#[expect(dead_code, reason = "stands for intake::FieldError in OpenAPI")]
struct FieldErrorSchema {
    /// Where: a JSON pointer (RFC 6901) into the body, `?name` for a query parameter, `{name}` for a part of the path.
    pointer: String,
    /// What is wrong, for programs.
    code: String,
    /// What is wrong, for people.
    detail: String,
}

/// A problem as it is written.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A URN that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: String,
    /// The kind of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem, for programs.
    #[schema(value_type = String)]
    pub code: Cow<'static, str>,
    /// This problem, for people.
    pub detail: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// What became of the request.
    pub outcome: Outcome,
    /// All faults of the request at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<FieldErrorSchema>)]
    pub errors: Vec<FieldError>,
    /// Names the request in logs.
    pub trace_id: String,
    /// What belongs to this kind of problem, such as `available`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

/// A problem on its way to the client; boxed, because it is the error of most functions here.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    retryable: bool,
    outcome: Outcome,
    errors: Vec<FieldError>,
    extra: Map<String, Value>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem that had no effect and that repeating does not cure.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            detail: detail.into(),
            retryable: false,
            outcome: Outcome::Refused,
            errors: Vec::new(),
            extra: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// 400: the request itself is wrong.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400 with every fault that was found.
    #[must_use]
    pub fn faults(code: &'static str, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => format!("the body {}", only.detail),
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} faults; `errors` lists them", many.len()),
        };
        let mut problem = Self::bad_request(code, detail);
        problem.0.errors = errors;
        problem
    }

    /// 404: there is no such thing, or it is somebody else's.
    #[must_use]
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 401: no token, or one that does not hold.
    #[must_use]
    pub fn unauthenticated(detail: &str, invalid: bool) -> Self {
        let challenge =
            if invalid { "Bearer realm=\"stockfold\", error=\"invalid_token\"" } else { "Bearer realm=\"stockfold\"" };
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// 403: the caller's role does not allow it.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 503: nothing happened, and trying again later can help.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retryable().header_text(header::RETRY_AFTER, "1")
    }

    /// 503: no answer came in time. The command may take effect; the same request with the same key tells.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            "no answer came in time; retry with the same key to learn the outcome",
        )
        .retryable()
        .unknown()
        .header_text(header::RETRY_AFTER, "1")
    }

    /// 500: a fault of this server. The cause goes to the log, not to the client.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; the trace id names it in the log")
            .retryable()
    }

    /// Marks it as worth repeating.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Marks the outcome as unknown.
    #[must_use]
    pub fn unknown(mut self) -> Self {
        self.0.outcome = Outcome::Unknown;
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Adds fields.
    #[must_use]
    pub fn with_all(mut self, fields: Map<String, Value>) -> Self {
        self.0.extra.extend(fields);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Adds a response header; a text that is no header value is left out.
    #[must_use]
    pub fn header_text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(name, value),
            Err(_) => self,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The faults.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The problem as it is written, under that trace id. Also for results inside of a stream.
    #[must_use]
    pub fn document(self, trace_id: String) -> ProblemDocument {
        let inner = *self.0;
        ProblemDocument {
            kind: format!("urn:stockfold:problem:{}", inner.code),
            title: title(&inner.code),
            status: inner.status.as_u16(),
            code: inner.code,
            detail: inner.detail,
            retryable: inner.retryable,
            outcome: inner.outcome,
            errors: inner.errors,
            trace_id,
            extra: inner.extra,
        }
    }
}

/// `insufficient_stock` → `Insufficient stock`: a title says the same for every problem of its kind.
fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// The media type of problems.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut headers = std::mem::take(&mut self.0.headers);
        let status = self.0.status;
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let document = self.document(trace::current_id());
        let body = serde_json::to_vec(&document).expect("maps with text keys and plain values are JSON");
        (status, headers, Body::from(body)).into_response()
    }
}

impl From<schemas::Rejection> for Problem {
    fn from(rejection: schemas::Rejection) -> Self {
        crate::rejection::problem(&rejection)
    }
}
