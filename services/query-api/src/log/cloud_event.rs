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

/// The attributes of what has no envelope: a dead letter, whose cause stands in its data, or the newest state of a key, whose
/// headers tell them.
#[derive(Serialize)]
struct Published<'a> {
    specversion: &'static str,
    id: Position,
    source: &'a str,
    #[serde(rename = "type")]
    record_type: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataschema: Option<&'a str>,
    sequence: String,
}

impl<'a> Published<'a> {
    fn of(record: &'a Record, id: Position, source: &'a str) -> Self {
        let sequence = header(record, "ce_sequence").map_or_else(|| format!("{:020}", id.seq), str::to_owned);
        Self {
            specversion: "1.0",
            id,
            source,
            record_type: record_type(record),
            subject: &record.key,
            time: header(record, "ce_time"),
            datacontenttype: "application/json",
            dataschema: header(record, "ce_dataschema"),
            sequence,
        }
    }
}

fn header<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    let (_, value) = record.headers.iter().find(|(known, _)| known == name)?;
    std::str::from_utf8(value).ok()
}

/// The `type` of a record that is served.
pub(super) fn record_type(record: &Record) -> &str {
    match &record.envelope {
        Some(envelope) => &envelope.event_type,
        None => header(record, "ce_type").unwrap_or("stockfold.dead-letter.v1"),
    }
}

/// Writes an event, a dead letter or a state, without a line break; nothing for any other record.
pub(super) fn write(record: &Record, source: &str, out: &mut Vec<u8>) -> Option<Position> {
    let id = Position { topic: record.topic, partition: record.partition, seq: seq(record)? };
    let written = match &record.envelope {
        Some(envelope) => serde_json::to_writer(&mut *out, &CloudEvent::of(envelope, id, source)),
        None => serde_json::to_writer(&mut *out, &Published::of(record, id, source)),
    };
    written.expect("attributes are JSON, and memory takes them");
    // The value is JSON already, on one line as serde writes it: it takes the place of the closing brace.
    out.pop();
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(record.value.as_deref().unwrap_or(b"null"));
    out.push(b'}');
    Some(id)
}
