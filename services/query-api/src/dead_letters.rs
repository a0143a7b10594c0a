//! What could not be used, for operators: listed from the views, and looked at whole in the log.

use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{Authenticated, Page, Params, PathIds, Problem, ProblemDocument, require};
use event_log::{DeadLetter, LetterKind, LogError, redrive::letter_at};
use read_model::views::dead_letters::{self, Letter, LetterRow, Place, RedriveRow, Wanted};
use schemas::{Role, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// What became of a letter when it was redriven last.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LetterRedrive)]
struct RedriveAnswer {
    /// Role and pseudonym of who asked.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `done` where it is settled; `requested` while the projectors are at it; else why not: a refusal's code, `still_parked`,
    /// `unknown`.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<RedriveRow> for RedriveAnswer {
    fn from(RedriveRow { by, at, outcome, detail, .. }: RedriveRow) -> Self {
        Self { by, at, outcome, detail }
    }
}

/// Something that could not be used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub(crate) struct LetterAnswer {
    /// The same thing that fails again has the same.
    letter_id: String,
    /// `command`, `deadline`, `supplier_record`, `import_line` or `event`.
    kind: String,
    key: String,
    /// Why, as a word; null of letters of version 0.1.
    code: Option<String>,
    reason: String,
    /// When it failed; null of letters of version 0.1.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// Where it stood: topic, partition and offset, or import and line.
    #[schema(value_type = Object)]
    from: Value,
    /// `open` or `redriven`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive: Option<RedriveAnswer>,
}

impl From<Letter> for LetterAnswer {
    fn from(letter: Letter) -> Self {
        let status = if letter.is_redriven() { "redriven" } else { "open" };
        let LetterRow { id, key, kind, code, reason, at, from, .. } = letter.row;
        let redrive = letter.redrive.map(RedriveAnswer::from);
        Self { letter_id: id, kind, key, code, reason, at, from, status, redrive }
    }
}

/// A page of letters, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetterList {
    dead_letters: Vec<LetterAnswer>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// What could not be used, newest first. Of a key that the views have parked it is the first event that cannot be read; those
/// behind it are in `GET /v1/log/dead-letters.v1`.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "Operations", operation_id = "listDeadLetters",
    params(
        ("key" = Option<String>, Query, description = "Only of this key."),
        ("kind" = Option<String>, Query, description = "Only of this kind: `command`, `deadline`, `supplier_record`, `import_line` or `event`."),
        ("status" = Option<String>, Query, description = "Only `open` or only `redriven` ones."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses((status = 200, body = DeadLetterList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    mut params: Params,
) -> Result<Response, Problem> {
    let key = params.raw("key");
    let kind = params.parsed("kind", "invalid_value", |text| match LetterKind::from_word(text) {
        Some(kind) if kind != LetterKind::Redrive => Ok(kind),
        Some(_) | None => Err("must be command, deadline, supplier_record, import_line or event"),
    });
    let redriven = params.parsed("status", "invalid_value", |text| match text {
        "open" => Ok(false),
        "redriven" => Ok(true),
        _ => Err("must be open or redriven"),
    });
    let Page { limit, cursor } = params.page();
    params.finish()?;
    require(&caller, &[Role::Operator])?;
    let name = format!("dead letters|{key:?}|{kind:?}|{redriven:?}");
    let before: Option<Place> = cursor.map(|cursor| state.edge.cursors().open(&name, &cursor)).transpose()?;
    let wanted = Wanted { key: key.as_deref(), kind: kind.map(LetterKind::as_str), redriven };
    let found = dead_letters::matching(&*state.views, wanted, state.edge.now(), before, limit).await;
    let (letters, last) = found.map_err(store_problem)?;
    let next_cursor = last.map(|place| state.edge.cursors().seal(&name, &place));
    let dead_letters = letters.into_iter().map(LetterAnswer::from).collect();
    Ok((not_kept(), Json(DeadLetterList { dead_letters, next_cursor, limit })).into_response())
}

/// A letter with its original.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WholeDeadLetter {
    #[serde(flatten)]
    letter: LetterAnswer,
    /// Where it stands in `dead-letters.v1`.
    position: String,
    /// All that the log holds of it: `original` or, where it is no UTF-8, `originalBase64`; `originalBytes` where that is only its
    /// beginning. Null once it has left the log, after 90 days.
    #[schema(value_type = Option<Object>)]
    record: Option<Map<String, Value>>,
}

/// What could not be used, with its original.
#[utoipa::path(get, path = "/v1/dead-letters/{letterId}", tag = "Operations", operation_id = "getDeadLetter",
    params(("letterId" = String, Path)),
    responses((status = 200, body = WholeDeadLetter), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(id): PathIds<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    require(&caller, &[Role::Operator])?;
    let found = dead_letters::get(&*state.views, &id).await.map_err(store_problem)?;
    let letter = found.ok_or_else(|| Problem::not_found("dead_letter_not_found", "there is no such dead letter"))?;
    let (partition, offset) = (letter.row.partition, letter.row.offset);
    let log = state.log.clone();
    let read = tokio::task::spawn_blocking(move || letter_at(&*log, partition, offset)).await;
    let record = match read.map_err(|error| Problem::internal(&error))? {
        Ok(letter) => letter.map(|DeadLetter { fields, .. }| fields),
        Err(LogError::Unavailable(cause)) => {
            tracing::warn!(cause, "a dead letter cannot be read");
            return Err(Problem::unavailable("log_unavailable", "the log cannot be read at the moment"));
        }
        Err(error) => return Err(Problem::internal(&error)),
    };
    let position = format!("dead-letters.v1/{partition}@{offset}");
    Ok((not_kept(), Json(WholeDeadLetter { letter: letter.into(), position, record })).into_response())
}
