//! `POST /items:import`: a stream of lines in, a stream of results out, in order.
//!
//! Lines are submitted one after the other, so that commands of one item are decided in their order, and their answers
//! are awaited side by side: a window of lines is under way at once. Neither stream is ever held as a whole.

mod body;
mod csv;
mod line;
mod lines;
mod run;

#[cfg(test)]
mod props_tests;

use crate::{CommandState, asker::Asker, roles};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{Problem, ProblemDocument};

/// What the lines are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A head with the names of fields, then a record a line.
    Csv,
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Ndjson),
            "text/csv" => Ok(Self::Csv),
            _ => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "an import is application/x-ndjson or text/csv",
            )),
        }
    }
}

/// Takes many commands in one request, one a line.
///
/// `{"op": "list" | "delist" | "receive" | "count" | "move" | "safety", "itemId": …}` and the fields of that call; CSV has
/// a head with the same names, `price.amount`, `price.currency`, `attributes.…` and `metadata.…`. Each line is answered
/// by one line, in order: `{line, itemId, status, result, position}` or `{line, itemId, status, problem}`. A bad line
/// refuses itself only. Lines without an id of their own need an `Idempotency-Key` on the request.
#[utoipa::path(post, path = "/v1/items:import", tag = "Items", operation_id = "importItems",
    request_body(content((serde_json::Value = "application/x-ndjson"), (String = "text/csv"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, content_type = "application/x-ndjson", body = Object),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn import_items(
    State(state): State<CommandState>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    roles::import(&asker.caller)?;
    let format = Format::of(&headers)?;
    let results = run::start(state, asker, format, body);
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, results).into_response())
}
