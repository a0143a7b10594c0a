//! Events as CloudEvents 1.0 in JSON (structured mode), each on a line of its own.

use super::seq;
use event_log::Record;
use schemas::{CloudEvent, Position};
use serde::Serialize;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// NDJSON.
    Lines,
    /// Server-sent events.
    Sse,
}

/// The attributes of a dead letter: it has no envelope, so no time and no cause of its own, and its data has no schema.
#[derive(Serialize)]
struct DeadLetter<'a> {
    specversion: &'static str,
    id: Position,
    source: &'a str,
    #[serde(rename = "type")]
    letter_type: &'static str,
    subject: &'a str,
    datacontenttype: &'static str,
    sequence: String,
}

impl<'a> DeadLetter<'a> {
    fn of(record: &'a Record, id: Position, source: &'a str) -> Self {
        Self {
            specversion: "1.0",
            id,
            source,
            letter_type: "stockfold.dead-letter.v1",
            subject: &record.key,
            datacontenttype: "application/json",
            sequence: format!("{:020}", id.seq),
        }
    }
}

/// Writes an event or a dead letter, without a line break; nothing for any other record.
pub(super) fn write(record: &Record, source: &str, out: &mut Vec<u8>) -> Option<Position> {
    let id = Position { topic: record.topic, partition: record.partition, seq: seq(record)? };
    let written = match &record.envelope {
        Some(envelope) => serde_json::to_writer(&mut *out, &CloudEvent::of(envelope, id, source)),
        None => serde_json::to_writer(&mut *out, &DeadLetter::of(record, id, source)),
    };
    written.expect("attributes are JSON, and memory takes them");
    // The value is JSON already, on one line as serde writes it: it takes the place of the closing brace.
    out.pop();
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(record.value.as_deref().unwrap_or(b"null"));
    out.push(b'}');
    Some(id)
}
