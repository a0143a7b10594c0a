//! What a record of the log holds: it is asked before anything changes, for a log that cannot take a record takes it as
//! little when the command is decided again.

use event_log::{
    MAX_RECORD_BYTES, NewDeadLetter, NewEvent,
    dead_letter::{About, LetterKind},
};
use schemas::{AggregateKey, CommandEnvelope, Event, Timestamp, reply::Undecidable};
use serde_json::{Map, json};

/// Beside its value and the client's trace a record has a key and attributes, all of them made of ids: in sum they are
/// shorter than this.
const ATTRIBUTES: usize = 4 << 10;
/// The rest of it, in bytes.
const MOST: usize = MAX_RECORD_BYTES as usize - ATTRIBUTES;

pub(super) fn encode(event: &Event) -> Vec<u8> {
    let mut value = Vec::with_capacity(512);
    serde_json::to_writer(&mut value, event).expect("an event is plain data with string keys");
    value
}

pub(super) fn holds_event(event: &NewEvent) -> bool {
    event.value.len() + event.envelope.traceparent.as_ref().map_or(0, String::len) <= MOST
}

pub(super) fn holds_command(command: &CommandEnvelope) -> bool {
    as_json(command).len() <= MOST
}

/// A command that cannot be decided, for an operator.
pub(super) fn letter(
    key: &AggregateKey,
    why: &Undecidable,
    now: Timestamp,
    command: &CommandEnvelope,
) -> NewDeadLetter {
    let (code, reason) = match why {
        Undecidable::CommandDeadLettered => ("command_dead_lettered", "the command made its aggregate panic twice"),
        Undecidable::TooLarge => ("too_large", "no record of the log can hold what follows from the command"),
    };
    let from = Map::from_iter([("command".to_owned(), command.id.as_str().into())]);
    let about = About { kind: LetterKind::Command, code: code.to_owned(), at: now, from };
    NewDeadLetter::new(key.as_str(), reason, &as_json(command), about.fields())
}

/// A deadline that cannot be handled, for an operator.
pub(super) fn deadline_letter(key: &AggregateKey, due: Timestamp, now: Timestamp) -> NewDeadLetter {
    let reason = "a deadline made its aggregate panic twice, changed nothing, or no record of the log can hold it";
    let from = Map::from_iter([("due".to_owned(), json!(due)), ("aggregate".to_owned(), json!(key))]);
    let about = About { kind: LetterKind::Deadline, code: "deadline_dead_lettered".to_owned(), at: now, from };
    NewDeadLetter::new(key.as_str(), reason, json!({"due": due, "key": key}).to_string().as_bytes(), about.fields())
}

fn as_json(command: &CommandEnvelope) -> Vec<u8> {
    serde_json::to_vec(command).expect("a command is plain data with text keys")
}
