//! What a request says of the import that its body is, or is a part of.

use super::Format;
use crate::{CommandState, asker::Asker, roles};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
};
use edge::{Params, Problem};
use std::sync::Arc;
use uuid::Uuid;

/// The response header that names the import: its dead letters say it.
pub(super) const IMPORT: HeaderName = HeaderName::from_static("stockfold-import");
const FILE: &str = "stockfold-import-file";
const FROM: &str = "stockfold-import-from";
const FIRST: &str = "stockfold-import-first";
/// The most characters of a file's name.
const MAX_FILE: usize = 1_024;

/// An import, or a part of one.
#[derive(Debug)]
pub(crate) struct Import {
    /// The `Idempotency-Key`, or a random one.
    pub id: String,
    /// What the caller calls the file.
    pub file: Option<String>,
    /// What its lines are written in.
    pub format: Format,
    /// The number in the file of the body's first line; of CSV, of the first record behind the head.
    pub first: u64,
    /// Lines before this one are counted only.
    pub from: u64,
    /// Whether lines are checked only.
    pub dry_run: bool,
}

/// Who imports what.
pub(crate) struct ImportCall {
    pub asker: Asker,
    pub import: Arc<Import>,
}

impl FromRequestParts<CommandState> for ImportCall {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &CommandState) -> Result<Self, Problem> {
        let asker = Asker::with_query(parts, state).await?;
        let mut params = Params::from_request_parts(parts, state).await?;
        let dry_run = params.flag("dryRun").unwrap_or(false);
        params.finish()?;
        roles::import(&asker.caller)?;
        let headers = &parts.headers;
        let format = Format::of(headers)?;
        // The head of CSV is line 1 of its file, whatever part of it follows.
        let first = number(headers, FIRST)?.unwrap_or(match format {
            Format::Ndjson => 1,
            Format::Csv => 2,
        });
        let import = Import {
            id: asker.key.0.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
            file: file(headers)?,
            format,
            first,
            from: number(headers, FROM)?.unwrap_or(1),
            dry_run,
        };
        Ok(Self { asker, import: Arc::new(import) })
    }
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Ndjson),
            "text/csv" => Ok(Self::Csv),
            _ => Err(Problem::new(
                axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "an import is application/x-ndjson or text/csv",
            )),
        }
    }
}

/// A header that is sent once; `None` where it is not sent.
fn sent<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        (Ok(_) | Err(_), _) => Err(invalid(name, "is sent once, in visible ASCII")),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = sent(headers, name)? else { return Ok(None) };
    match text.parse::<u64>() {
        // Far from the end, so that counting on never comes there.
        Ok(number @ 1..=1_000_000_000_000_000) => Ok(Some(number)),
        Ok(_) | Err(_) => Err(invalid(name, "is the number of a line, from 1")),
    }
}

fn file(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match sent(headers, FILE)? {
        Some(name) if name.is_empty() || name.len() > MAX_FILE => {
            Err(invalid(FILE, &format!("has 1 to {MAX_FILE} characters")))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

fn invalid(name: &str, what: &str) -> Problem {
    Problem::bad_request("invalid_import_header", format!("{name} {what}"))
}
