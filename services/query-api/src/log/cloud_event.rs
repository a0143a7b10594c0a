//! Events as CloudEvents 1.0 in JSON (structured mode), each on a line of its own.

use event_log::Record;
use schemas::{Envelope, Position};
use serde::Serialize;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// NDJSON.
    Lines,
    /// Server-sent events.
    Sse,
}

/// The attributes of an event, in the order of the specification.
#[derive(Serialize)]
struct Attributes<'a> {
    specversion: &'static str,
    id: Position,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    time: schemas::Timestamp,
    datacontenttype: &'static str,
    sequence: String,
    epoch: u64,
    actor: &'a str,
    causationid: &'a schemas::CommandId,
    correlationid: &'a schemas::CorrelationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// Writes an event, without a line break; nothing for a record that is no event.
pub(super) fn write(record: &Record, source: &str, out: &mut Vec<u8>) -> Option<Position> {
    let Envelope { event_type, subject, time, seq, epoch, actor, causation, correlation, traceparent } =
        record.envelope.as_ref()?;
    let id = Position { topic: record.topic, partition: record.partition, seq: *seq };
    let attributes = Attributes {
        specversion: "1.0",
        id,
        source,
        event_type,
        subject,
        time: *time,
        datacontenttype: "application/json",
        sequence: format!("{seq:020}"),
        epoch: *epoch,
        actor,
        causationid: causation,
        correlationid: correlation,
        traceparent: traceparent.as_deref(),
    };
    serde_json::to_writer(&mut *out, &attributes).expect("attributes are JSON, and memory takes them");
    // The value is JSON already, on one line as serde writes it: it takes the place of the closing brace.
    out.pop();
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(record.value.as_deref().unwrap_or(b"null"));
    out.push(b'}');
    Some(id)
}
