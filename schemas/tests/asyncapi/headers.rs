//! The headers of records: the attributes of CloudEvents as they stand on Kafka.

use crate::official::validator;
use schemas::{CloudEvent, CommandId, CorrelationId, Envelope, Position, Timestamp, Topic};
use serde_json::{Map, Value, json};

/// A header: always a text of UTF-8.
struct Header {
    name: &'static str,
    always: bool,
    about: &'static str,
    example: &'static str,
    /// Of the whole text; empty where any is good.
    pattern: &'static str,
}

const fn header(name: &'static str, about: &'static str, example: &'static str, pattern: &'static str) -> Header {
    Header { name, always: true, about, example, pattern }
}

const fn optional(name: &'static str, about: &'static str, example: &'static str, pattern: &'static str) -> Header {
    Header { name, always: false, about, example, pattern }
}

const SEQUENCE: &str = "^[0-9]{20}$";
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$";

/// Of every event.
const EVENT: [Header; 14] = [
    header("content-type", "Of the value.", "application/json", "^application/json$"),
    header("ce_specversion", "Of CloudEvents.", "1.0", "^1\\.0$"),
    header(
        "ce_id",
        "`topic/partition@seq`: unique, and the place to resume at.",
        "orders.events.v1/3@42",
        "^[a-z.-]+\\.v1/[0-9]+@[0-9]+$",
    ),
    header("ce_source", "The namespace.", "/stockfold", "^/"),
    header(
        "ce_type",
        "What happened: the name of the payload's schema.",
        "stockfold.orders.order-confirmed.v1",
        "^stockfold\\.",
    ),
    header("ce_subject", "The aggregate; also the record's key.", "mug", ""),
    header("ce_time", "When it was decided, by the engine's clock.", "2026-01-31T12:00:00.000Z", TIME),
    header(
        "ce_dataschema",
        "`urn:stockfold:schema:` and the type.",
        "urn:stockfold:schema:stockfold.orders.order-confirmed.v1",
        "^urn:stockfold:schema:",
    ),
    header(
        "ce_sequence",
        "The number in the partition: dense, from 1; 20 digits, so that it sorts as text.",
        "00000000000000000042",
        SEQUENCE,
    ),
    header("ce_epoch", "Of the lease that wrote it: rises with each new writer of the partition.", "7", "^[0-9]+$"),
    header("ce_actor", "Role and pseudonym of who caused it.", "service:shop", ""),
    header("ce_causationid", "The command that it follows from.", "c-1", ""),
    header("ce_correlationid", "The request that all of it belongs to.", "r-1", ""),
    optional("traceparent", "W3C Trace Context.", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""),
];

/// Of a row of a state topic, and of the tombstone in its place.
const STATE: [Header; 9] = [
    header("content-type", "Of the value.", "application/json", "^application/json$"),
    header("ce_specversion", "Of CloudEvents.", "1.0", "^1\\.0$"),
    header(
        "ce_id",
        "The row and the event that it stands at; `/gone` behind it of a tombstone.",
        "items.state.v1/mug@42",
        "",
    ),
    header("ce_source", "The namespace.", "/stockfold", "^/"),
    header("ce_type", "The name of the row's schema.", "stockfold.items.item-state.v1", "^stockfold\\."),
    header("ce_subject", "The row's id; also the record's key.", "mug", ""),
    optional("ce_time", "The time of the last event folded; a tombstone has none.", "2026-01-31T12:00:00.000Z", TIME),
    header(
        "ce_dataschema",
        "`urn:stockfold:schema:` and the type.",
        "urn:stockfold:schema:stockfold.items.item-state.v1",
        "^urn:stockfold:schema:",
    ),
    header(
        "ce_sequence",
        "That of the last event folded into the row; 20 digits. Of one key the greater is the newer.",
        "00000000000000000042",
        SEQUENCE,
    ),
];

/// Of a supplier's record in binary mode.
const SUPPLIER: [Header; 8] = [
    header("content-type", "Of the value.", "application/json", "^application/json"),
    header("ce_specversion", "Of CloudEvents.", "1.0", "^1\\.0$"),
    header("ce_id", "The supplier's own id of the event.", "stock-4711", ""),
    header("ce_source", "The supplier's system, a URI reference: `sequence` counts in it.", "/acme/warehouse-7", ""),
    header(
        "ce_type",
        "What is said: the name of the payload's schema.",
        "stockfold.supplier.stock-reported.v1",
        "^stockfold\\.supplier\\.",
    ),
    header("ce_time", "When it became so there: RFC 3339.", "2026-01-31T12:00:00Z", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]"),
    header("ce_sequence", "Rises with what the source says of the item: the greater is the newer.", "17", "^[0-9]+$"),
    optional("ce_subject", "The item, and the same as the record's key, if that is there.", "mug", ""),
];

/// In structured mode all else is in the value.
const STRUCTURED: [Header; 1] = [header(
    "content-type",
    "It says that the value is the whole event.",
    "application/cloudevents+json",
    "^application/cloudevents\\+json",
)];

fn schema(headers: &[Header]) -> Value {
    let property = |header: &Header| {
        let mut property = json!({"type": "string", "description": header.about, "examples": [header.example]});
        if !header.pattern.is_empty() {
            property["pattern"] = header.pattern.into();
        }
        (header.name.to_owned(), property)
    };
    let properties: Map<String, Value> = headers.iter().map(property).collect();
    let required: Vec<&str> = headers.iter().filter(|header| header.always).map(|header| header.name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// The schemas of headers, by name.
pub fn schemas() -> Value {
    json!({
        "eventHeaders": schema(&EVENT),
        "stateHeaders": schema(&STATE),
        "structuredHeaders": schema(&STRUCTURED),
        "supplierHeaders": schema(&SUPPLIER),
    })
}

#[test]
fn headers_of_events_are_those_that_are_written() {
    let envelope = Envelope {
        event_type: "stockfold.inventory.hold-granted.v1".into(),
        subject: "sku-1".to_owned(),
        time: Timestamp::parse("2026-01-31T12:00:00.000Z").expect("a time"),
        seq: 42,
        epoch: 7,
        actor: "service:shop".to_owned(),
        causation: CommandId::parse("c-1").expect("an id"),
        correlation: CorrelationId::parse("r-1").expect("an id"),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    };
    let id = Position { topic: Topic::InventoryEvents, partition: 3, seq: 42 };
    let event = CloudEvent::of(&envelope, id, "/stockfold");
    let written: Map<String, Value> =
        event.headers().map(|(name, value)| (name.to_owned(), Value::from(&*value))).collect();
    let names: Vec<&str> = EVENT.iter().map(|header| header.name).collect();
    assert_eq!(event.headers().map(|(name, _)| name).collect::<Vec<_>>(), names, "in the order of writing");
    validator(&schema(&EVENT)).validate(&written.into()).expect("what is written is what is published");
}

#[test]
fn examples_of_headers_are_good() {
    for headers in [&EVENT[..], &STATE, &SUPPLIER, &STRUCTURED] {
        let examples: Map<String, Value> =
            headers.iter().map(|header| (header.name.to_owned(), header.example.into())).collect();
        validator(&schema(headers)).validate(&examples.into()).expect("examples follow their own schema");
    }
}
