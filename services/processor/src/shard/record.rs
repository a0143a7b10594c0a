//! What a record of the log holds: it is asked before anything changes, for a log that cannot take a record takes it as
//! little when the command is decided again.

use event_log::{MAX_RECORD_BYTES, NewDeadLetter, NewEvent};
use schemas::{AggregateKey, CommandEnvelope, Event, reply::Undecidable};

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
pub(super) fn letter(key: &AggregateKey, why: &Undecidable, command: &CommandEnvelope) -> NewDeadLetter {
    let reason = match why {
        Undecidable::CommandDeadLettered => "the command made its aggregate panic twice",
        Undecidable::TooLarge => "no record of the log can hold what follows from the command",
    };
    let original = as_json(command);
    if original.len() + ATTRIBUTES > MOST {
        return NewDeadLetter::new(key.as_str(), reason, &original, serde_json::Map::new());
    }
    let value = serde_json::json!({ "reason": reason, "command": command });
    NewDeadLetter { key: key.as_str().to_owned(), value: value.to_string().into_bytes() }
}

fn as_json(command: &CommandEnvelope) -> Vec<u8> {
    serde_json::to_vec(command).expect("a command is plain data with text keys")
}
