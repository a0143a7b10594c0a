//! Runs the line of a dead letter again.

use super::{
    Format,
    csv::Head,
    line::{self, ImportLine},
    request::Import,
    run::WAIT,
};
use crate::{
    CommandState, Origin,
    asker::{Asker, reused},
};
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use edge::Problem;
use schemas::{Caller, Command};
use serde_json::Value;

/// What a letter says of its line.
struct Line {
    import: Import,
    number: u64,
    json: Vec<u8>,
    caller: Caller,
}

fn unusable(what: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_redrivable", format!("the dead letter {what}"))
}

fn line(letter: &Value) -> Result<Line, Problem> {
    if letter["kind"] != "import_line" {
        return Err(unusable("is not of an import"));
    }
    if letter.get("originalBytes").is_some() {
        return Err(unusable("holds a part of its line only"));
    }
    let from = &letter["from"];
    let text = |field: &str| from[field].as_str().map(str::to_owned);
    let id = text("import").ok_or_else(|| unusable("does not name its import"))?;
    let number = from["line"].as_u64().ok_or_else(|| unusable("does not name its line"))?;
    let caller = serde_json::from_value(letter["caller"].clone()).map_err(|_| unusable("does not name its caller"))?;
    let original = match (letter["originalBase64"].as_str(), letter["original"].as_str()) {
        (Some(text), _) => STANDARD.decode(text).map_err(|_| unusable("has no readable original"))?,
        (None, Some(text)) => text.as_bytes().to_vec(),
        (None, None) => return Err(unusable("has no original")),
    };
    let (format, json) = match text("head") {
        None => (Format::Ndjson, original),
        Some(head) => {
            let object = Head::read(head.as_bytes())?.object(&original)?;
            (Format::Csv, edge::body::canonical(&Value::Object(object)))
        }
    };
    let import = Import { id, file: text("file"), format, first: number, from: number, dry_run: false };
    Ok(Line { import, number, json, caller })
}

/// Runs the line as whoever imported it, under the import's id and its number: the effect is the one that the import would
/// have had. Answers the line's result; a refusal is its problem and writes no letter.
///
/// `asker` is who asks for it, `letter` the value of the record, JSON. With `dry_run` the line is only checked.
pub(crate) async fn redrive(
    state: &CommandState,
    asker: &Asker,
    letter: &Value,
    dry_run: bool,
) -> Result<Value, Problem> {
    let Line { import, number, json, caller } = line(letter)?;
    let asker = Asker::of(caller, import.id, asker.trace.clone());
    let body = edge::body::read::<ImportLine>(&json)?;
    let line::LineCommand { item, command, derived } = line::command(state, &asker, number, body)?;
    if dry_run {
        return Ok(line::checked(number, &item));
    }
    let origin =
        Origin { correlation: asker.trace.correlation(), traceparent: asker.trace.traceparent.clone(), wait: WAIT };
    let command = Command::Item { item: item.clone(), command };
    let answer = state.submitter.ask(asker.caller, command, origin).await;
    let (reply, positions) = if derived { answer.map_err(reused)? } else { answer? };
    line::result(number, &item, reply, &positions, None)
}
