//! Dead letters are used again, as an operator asks: a command is submitted, a line of an import runs, a supplier's record is
//! published, a parked key is folded. Each redrive is on record in `dead-letters.v1`, with who asked and what came of it.

use crate::{CommandState, Origin, asker::Asker, import, roles, state::store_problem};
use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{boolean, text},
};
use event_log::{
    DeadLetter, LetterKind, LogError, NewRecord,
    dead_letter::RedriveTarget,
    redrive::{DONE, REQUESTED, Redrive, letter_at},
};
use read_model::views::dead_letters::{self, Letter, Wanted};
use schemas::{CommandEnvelope, Topic};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// The most letters that one call redrives.
const MOST: usize = 1_000;

/// How a letter is to be redriven.
#[derive(Debug, ToSchema)]
#[schema(as = RedriveLetter, rename_all = "camelCase")]
pub(crate) struct RedriveBody {
    /// Only say what would be done; without it `false`.
    #[schema(value_type = Option<bool>)]
    dry_run: bool,
    /// Also where it was redriven before; without it `false`.
    #[schema(value_type = Option<bool>)]
    again: bool,
}

impl FromFields for RedriveBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let dry_run = fields.opt("dryRun", boolean).unwrap_or(false);
        let again = fields.opt("again", boolean).unwrap_or(false);
        Some(Self { dry_run, again })
    }
}

/// Which letters are to be redriven: those of a key, of a kind, or both.
#[derive(Debug, ToSchema)]
#[schema(as = RedriveLetters, rename_all = "camelCase")]
pub(crate) struct RedriveAllBody {
    /// Those of this key.
    key: Option<String>,
    /// Those of this kind: `command`, `supplier_record`, `import_line` or `event`.
    #[schema(value_type = Option<String>)]
    kind: Option<LetterKind>,
    /// Only say what would be done; without it `false`.
    #[schema(value_type = Option<bool>)]
    dry_run: bool,
}

fn kind(node: &edge::fields::Node<'_>) -> Option<LetterKind> {
    match node.value().as_str().and_then(LetterKind::from_word) {
        Some(kind) if kind != LetterKind::Redrive => Some(kind),
        Some(_) | None => {
            node.fault("invalid_value", "must be command, deadline, supplier_record, import_line or event")
        }
    }
}

impl FromFields for RedriveAllBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let key = fields.opt("key", text(0..=4_096));
        let kind = fields.opt("kind", kind);
        if !fields.has("key") && !fields.has("kind") {
            return fields.fault("key", "required", "name `key`, `kind` or both");
        }
        Some(Self { key, kind, dry_run: fields.opt("dryRun", boolean).unwrap_or(false) })
    }
}

/// What came of a redrive, or would.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Redriven {
    letter_id: String,
    kind: String,
    key: String,
    /// `done`; `requested`: the projectors do it, and the letter says what came of it; `would_redrive` in a dry run;
    /// `already_redriven`; else why not: a refusal's code, `unknown`, `gone`, `nothing_to_redrive`, `not_redrivable`.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What came of redrives, the oldest letter first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedrivenList {
    redriven: Vec<Redriven>,
    dry_run: bool,
    /// Whether there are more letters than one call takes: ask again.
    more: bool,
}

/// Uses a dead letter again. One that a redrive has settled is left alone without `again`; effects carry their ids, so that what
/// has taken effect does not do so twice.
#[utoipa::path(post, path = "/v1/dead-letters/{letterId}/redrive", tag = "Operations", operation_id = "redriveDeadLetter",
    request_body = RedriveBody, params(("letterId" = String, Path)),
    responses((status = 200, body = Redriven), (status = "default", body = ProblemDocument)), security(("bearer" = [])))]
pub(crate) async fn redrive(
    State(state): State<CommandState>,
    PathIds(id): PathIds<String>,
    asker: Asker,
    body: JsonBody<RedriveBody>,
) -> Result<Json<Redriven>, Problem> {
    roles::operator(&asker.caller)?;
    let found = dead_letters::get(&*state.views, &id).await.map_err(store_problem)?;
    let letter = found.ok_or_else(|| Problem::not_found("dead_letter_not_found", "there is no such dead letter"))?;
    let RedriveBody { dry_run, again } = body.content;
    Ok(Json(one(&state, &asker, letter, dry_run, again).await?))
}

/// Uses the open dead letters of a key or a kind again, oldest first; 1,000 at most.
#[utoipa::path(post, path = "/v1/dead-letters:redrive", tag = "Operations", operation_id = "redriveDeadLetters",
    request_body = RedriveAllBody,
    responses((status = 200, body = RedrivenList), (status = "default", body = ProblemDocument)), security(("bearer" = [])))]
pub(crate) async fn redrive_all(
    State(state): State<CommandState>,
    asker: Asker,
    body: JsonBody<RedriveAllBody>,
) -> Result<Json<RedrivenList>, Problem> {
    roles::operator(&asker.caller)?;
    let RedriveAllBody { key, kind, dry_run } = body.content;
    let wanted = Wanted { key: key.as_deref(), kind: kind.map(LetterKind::as_str), redriven: Some(false) };
    let (mut letters, mut before) = (Vec::new(), None);
    loop {
        let found = dead_letters::matching(&*state.views, wanted, state.edge.now(), before, 200).await;
        let (page, next) = found.map_err(store_problem)?;
        letters.extend(page);
        before = next;
        if before.is_none() {
            break;
        }
    }
    let more = letters.len() > MOST;
    let mut redriven = Vec::new();
    for letter in letters.into_iter().rev().take(MOST) {
        redriven.push(one(&state, &asker, letter, dry_run, false).await?);
    }
    Ok(Json(RedrivenList { redriven, dry_run, more }))
}

/// What is told of a letter that was tried: a word, and a sentence.
type Outcome = (String, Option<String>);

fn told(word: &str, detail: impl Into<String>) -> Outcome {
    (word.to_owned(), Some(detail.into()))
}

fn refused(problem: Problem) -> Outcome {
    let document = problem.document(String::new());
    let word = if document.code == "outcome_unknown" { "unknown" } else { &document.code };
    (word.to_owned(), Some(document.detail))
}

async fn one(
    state: &CommandState,
    asker: &Asker,
    letter: Letter,
    dry_run: bool,
    again: bool,
) -> Result<Redriven, Problem> {
    let answer = |(outcome, detail): Outcome| {
        let row = &letter.row;
        Redriven { letter_id: row.id.clone(), kind: row.kind.clone(), key: row.key.clone(), outcome, detail }
    };
    if letter.is_redriven() && !again {
        return Ok(answer(told("already_redriven", "a redrive has settled it; say `again` to do it once more")));
    }
    let (partition, offset) = (letter.row.partition, letter.row.offset);
    let log = Arc::clone(state.submitter.log());
    let read = blocking(move || letter_at(&*log, partition, offset)).await?;
    let Some(whole) = read else {
        return Ok(answer(told("gone", "the log keeps dead letters for 90 days, and this one no longer")));
    };
    let target = target(&whole);
    let outcome = match whole.kind {
        LetterKind::Command => command(state, asker, &whole, dry_run).await,
        LetterKind::ImportLine => line(state, asker, &whole, dry_run).await,
        LetterKind::SupplierRecord => supplier_record(state, &whole, dry_run).await?,
        LetterKind::Event if target.is_none() => told("not_redrivable", "it does not say where the event stands"),
        LetterKind::Event if dry_run => {
            told("would_redrive", "the projectors fold the events of its key from there on")
        }
        LetterKind::Event => told(REQUESTED, "the projectors are asked to fold the events of its key from there on"),
        LetterKind::Deadline | LetterKind::Redrive => {
            let what =
                "a deadline rests until its aggregate has another one: any command to it that succeeds does that";
            return Ok(answer(told("nothing_to_redrive", what)));
        }
    };
    if !dry_run {
        let (word, detail) = outcome.clone();
        let redrive = Redrive {
            of: letter.row.id.clone(),
            request: asker.trace.correlation().to_string(),
            by: asker.caller.actor(),
            at: state.edge.now(),
            outcome: word,
            detail,
            target: target.filter(|_| whole.kind == LetterKind::Event),
        };
        publish(state, vec![redrive.record(&letter.row.key)]).await?;
    }
    Ok(answer(outcome))
}

/// The key that is parked, of an event's letter.
fn target(letter: &DeadLetter) -> Option<RedriveTarget> {
    let from = letter.fields.get("from")?;
    let topic = Topic::from_name(from.get("topic")?.as_str()?)?;
    let partition = u32::try_from(from.get("partition")?.as_u64()?).ok()?;
    Some(RedriveTarget { topic, partition, key: letter.key.clone() })
}

/// As whoever asked for it first: the same effect, whose answer is the outcome.
async fn command(state: &CommandState, asker: &Asker, letter: &DeadLetter, dry_run: bool) -> Outcome {
    let Some(original) = letter.original() else { return told("not_redrivable", "the log holds only its beginning") };
    let envelope: CommandEnvelope = match serde_json::from_slice(&original) {
        Ok(envelope) => envelope,
        Err(error) => return told("not_redrivable", format!("it cannot be read as a command: {error}")),
    };
    if dry_run {
        return told("would_redrive", format!("the command is submitted again as {}", envelope.caller.actor()));
    }
    let (_, Origin { traceparent, wait, .. }) = asker.clone().into_origin();
    let origin = Origin { correlation: envelope.correlation, traceparent, wait };
    match state.submitter.ask(envelope.caller, envelope.command, origin).await {
        Ok((_, positions)) => (DONE.to_owned(), Some(positions.to_string()).filter(|text| !text.is_empty())),
        Err(problem) => refused(problem),
    }
}

async fn line(state: &CommandState, asker: &Asker, letter: &DeadLetter, dry_run: bool) -> Outcome {
    match import::redrive(state, asker, &Value::Object(letter.fields.clone()), dry_run).await {
        Ok(_) if dry_run => told("would_redrive", "the line runs again"),
        Ok(result) => (DONE.to_owned(), result["position"].as_str().map(str::to_owned)),
        Err(problem) => refused(problem),
    }
}

/// The record as it was, once more at the end of its topic.
async fn supplier_record(state: &CommandState, letter: &DeadLetter, dry_run: bool) -> Result<Outcome, Problem> {
    let from = letter.fields.get("from").cloned().unwrap_or_default();
    let is_tombstone = from["isTombstone"] == true;
    let value = letter.original();
    if !from["headersBytes"].is_null() || (value.is_none() && !is_tombstone) {
        return Ok(told("not_redrivable", "the log holds only its beginning"));
    }
    let header = |header: &Value| {
        let name = header["name"].as_str()?.to_owned();
        match header["base64"].as_str() {
            Some(encoded) => Some((name, BASE64_STANDARD.decode(encoded).ok()?)),
            None => Some((name, header["value"].as_str()?.as_bytes().to_vec())),
        }
    };
    let Some(headers) = from["headers"].as_array().into_iter().flatten().map(header).collect() else {
        return Ok(told("not_redrivable", "its headers cannot be read"));
    };
    if dry_run {
        return Ok(told("would_redrive", "the record is published again to supplier.items.v1"));
    }
    let value = value.filter(|_| !is_tombstone);
    let record = NewRecord { topic: Topic::SupplierItems, key: letter.key.clone(), headers, value };
    publish(state, vec![record]).await?;
    Ok(told(DONE, "published again: what cannot be used of it becomes another letter"))
}

async fn publish(state: &CommandState, records: Vec<NewRecord>) -> Result<(), Problem> {
    let log = Arc::clone(state.submitter.log());
    blocking(move || log.publish(records)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))? {
        Ok(done) => Ok(done),
        Err(LogError::Unavailable(cause)) => {
            tracing::warn!(cause, "the log is not available for a redrive");
            let detail = "it is not known whether all was done; redrive it again, effects are taken once";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log_unavailable", detail).retryable().unknown())
        }
        Err(error) => Err(Problem::internal(&error)),
    }
}
