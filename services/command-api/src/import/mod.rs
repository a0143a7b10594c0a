//! `POST /items:import`: a stream of lines in, a stream of results out, in order.
//!
//! Lines are submitted one after the other, so that commands of one item are decided in their order, and their answers
//! are awaited side by side: a window of lines is under way at once. Neither stream is ever held as a whole.

mod body;
mod csv;
mod letter;
mod line;
pub mod lines;
mod news;
mod redrive;
mod request;
mod run;
mod tell;

#[cfg(test)]
mod props_tests;

pub(crate) use redrive::redrive;

use crate::CommandState;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{Problem, ProblemDocument};
use request::ImportCall;

/// What the lines are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A head with the names of fields, then a record a line.
    Csv,
}

impl Format {
    /// As it is called in dead letters.
    const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Takes many commands in one request, one a line.
///
/// `{"op": "list" | "delist" | "receive" | "count" | "move" | "safety", "itemId": …}` and the fields of that call; CSV has
/// a head with the same names, `price.amount`, `price.currency`, `attributes.…` and `metadata.…`. Each line is answered
/// by one line, in order: `{line, itemId, status, result, changed, position}` or `{line, itemId, status, problem}`; `changed` is
/// false where all was so before. A bad line refuses itself only, and is kept as a dead letter (`"deadLetter": true`) unless
/// sending it again can help (`problem.retryable`). Lines without an id of their own need an `Idempotency-Key` on the request;
/// the same import again under the same key has the same effects, and the same dead letters.
///
/// Where an import ends before its body does, a last line says why (`"ended": true`). To go on, send the rest under the same
/// key: the whole body with `Stockfold-Import-From`, or the lines from there on with `Stockfold-Import-First`; CSV with its
/// head in front either way.
#[utoipa::path(post, path = "/v1/items:import", tag = "Items", operation_id = "importItems",
    request_body(content((serde_json::Value = "application/x-ndjson"), (String = "text/csv"))),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the import."),
        ("Stockfold-Import-File" = Option<String>, Header, description = "What dead letters call the file."),
        ("Stockfold-Import-From" = Option<u64>, Header, description = "Lines before this one are counted, and not run."),
        ("Stockfold-Import-First" = Option<u64>, Header,
            description = "The number of the body's first line, where it is not the first of the file; of CSV, of the first record behind the head."),
        ("dryRun" = Option<bool>, Query,
            description = "`true` reads and checks every line and runs none. What depends on the items (is it known, is there as much, is the count stale) it cannot tell.")),
    responses((status = 200, content_type = "application/x-ndjson", body = Object,
            headers(("Stockfold-Import" = String, description = "What the import is called, where it came without an `Idempotency-Key`."))),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn import_items(
    State(state): State<CommandState>,
    ImportCall { asker, import }: ImportCall,
    body: Body,
) -> Result<Response, Problem> {
    // Whoever named it knows what it is called.
    let is_unnamed = asker.key.0.is_none();
    let id = HeaderValue::from_str(&import.id).map_err(|fault| Problem::internal(&fault))?;
    let results = run::start(state, asker, import, body);
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (StatusCode::OK, headers, results).into_response();
    if is_unnamed {
        response.headers_mut().insert(request::IMPORT, id);
    }
    Ok(response)
}
