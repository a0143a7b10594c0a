//! JSON bodies: limited, checked as a whole, and canonical for the digest that tells "same content".

use crate::{
    fields::{self, FromFields},
    problem::Problem,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use intake::json;
use serde_json::Value;

pub use intake::json::canonical;

/// The most bytes that a body may have.
pub const MAX_BODY: usize = 1 << 20;

/// A JSON object as body, read into `T`. All faults are told at once (400 `invalid_body`).
#[derive(Debug)]
pub struct JsonBody<T> {
    /// What it says.
    pub content: T,
    document: Value,
}

impl<T> JsonBody<T> {
    /// The body with sorted keys and no white space: equal for equal content.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical(&self.document)
    }
}

/// Like [`JsonBody`], but a missing body is `{}`.
#[derive(Debug)]
pub struct OptionalBody<T>(pub JsonBody<T>);

impl<S: Send + Sync, T: FromFields> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        let bytes = collect(request, state).await?;
        read(&bytes)
    }
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = check_media_type(request.headers());
        let bytes = collect(request, state).await?;
        if bytes.is_empty() {
            return read(b"{}").map(Self);
        }
        media_type?;
        read(&bytes).map(Self)
    }
}

/// The bytes of a body, as they came, for what is not a JSON object.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        collect(request, state).await.map(Self)
    }
}

/// Reads a whole document; also for a line of an import.
pub fn read<T: FromFields>(bytes: &[u8]) -> Result<JsonBody<T>, Problem> {
    let document = parse(bytes)?;
    let content = fields::read_object(&document, T::read).map_err(|faults| Problem::faults("invalid_body", faults))?;
    Ok(JsonBody { content, document })
}

async fn collect<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::bad_request("unreadable_body", "the body could not be read to its end")
        }
    })
}

/// 413.
pub(crate) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "a body has at most 1 MiB")
        .with("limitBytes", MAX_BODY)
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 17
            && essence.is_char_boundary(12)
            && essence[..12].eq_ignore_ascii_case("application/")
            && essence.to_ascii_lowercase().ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "the body must be JSON; send Content-Type: application/json",
    )
    .header_text(header::ACCEPT, "application/json"))
}

/// As [`json::parse`].
fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    json::parse(bytes).map_err(|fault| {
        Problem::bad_request("invalid_json", format!("the body is not JSON: {}", fault.detail))
            .with("line", fault.line)
            .with("column", fault.column)
    })
}
