//! What stands in a record: its headers, its payload, and one that is real.

use super::{BINDING, Kind, topics::Entry};
use crate::folder;
use serde_json::{Value, json};

const SCHEMA_FORMAT: &str = "application/schema+json;version=draft-2020-12";
/// The type of dead letters.
const DEAD_LETTER: &str = "stockfold.dead-letter.v1";
/// The name of a supplier's record in structured mode.
const STRUCTURED: &str = "stockfold.supplier.structured.v1";

/// A message of the document.
pub struct Message {
    pub json: Value,
}

/// The messages of a topic, by name.
pub fn of(entry: &Entry, kind: Kind) -> impl Iterator<Item = (String, Message)> {
    let each = entry.payloads.iter().map(move |name| (name.clone(), Message { json: message(name, kind, entry) }));
    let more = match kind {
        Kind::Supplier => Some((STRUCTURED.to_owned(), Message { json: structured(entry) })),
        Kind::DeadLetters if entry.payloads.is_empty() => {
            Some((DEAD_LETTER.to_owned(), Message { json: message(DEAD_LETTER, kind, entry) }))
        }
        Kind::DeadLetters | Kind::Events | Kind::State | Kind::Commands => None,
    };
    each.chain(more).collect::<Vec<_>>().into_iter()
}

fn message(name: &str, kind: Kind, entry: &Entry) -> Value {
    let headers = match kind {
        Kind::Events => Some("eventHeaders"),
        Kind::State => Some("stateHeaders"),
        Kind::Supplier => Some("supplierHeaders"),
        Kind::Commands | Kind::DeadLetters => None,
    };
    let schema = if kind == Kind::Commands { envelope(name) } else { file(name) };
    let mut message = json!({
        "name": name,
        "title": name,
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": schema},
        "bindings": key(entry),
    });
    if let Some(about) = about(name) {
        message["summary"] = about.into();
    }
    if let Some(headers) = headers {
        message["headers"] = json!({"$ref": format!("#/components/schemas/{headers}")});
    }
    if kind == Kind::Events {
        message["correlationId"] = json!({"location": "$message.header#/ce_correlationid"});
    }
    if let Some(sample) = sample(name) {
        message["examples"] = json!([{"name": "sample", "payload": sample}]);
    }
    message
}

/// A supplier's event as a whole: its attributes, and the data of one of the types.
fn structured(entry: &Entry) -> Value {
    let text = |about: &str| json!({"type": "string", "minLength": 1, "description": about});
    let of_type = |name: &String| json!({"properties": {"type": {"const": name}, "data": file(name)}});
    let schema = json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "sequence"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text("The supplier's own id of the event."),
            "source": text("The supplier's system, a URI reference: `sequence` counts in it."),
            "type": {"enum": entry.payloads},
            "subject": text("The item, and the same as the record's key, if that is there."),
            "time": {"type": "string", "format": "date-time", "description": "When it became so there."},
            "sequence": {"type": "string", "pattern": "^[0-9]+$",
                "description": "Rises with what the source says of the item: the greater is the newer."},
            "datacontenttype": {"const": "application/json"},
        },
        "oneOf": entry.payloads.iter().map(of_type).collect::<Vec<_>>(),
    });
    let reported = "stockfold.supplier.stock-reported.v1";
    let example = json!({
        "specversion": "1.0", "id": "stock-4711", "source": "/acme/warehouse-7", "type": reported, "subject": "mug",
        "time": "2026-01-31T12:00:00Z", "sequence": "17", "data": sample(reported),
    });
    json!({
        "name": STRUCTURED,
        "title": STRUCTURED,
        "summary": "A supplier's event in structured mode, of any of the types.",
        "contentType": "application/cloudevents+json",
        "headers": {"$ref": "#/components/schemas/structuredHeaders"},
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": schema},
        "bindings": key(entry),
        "examples": [{"name": "sample", "payload": example}],
    })
}

/// A command with what travels with it.
fn envelope(name: &str) -> Value {
    let text = json!({"type": "string"});
    let command = json!({"type": "object", "required": ["aggregate", "command"],
        "properties": {"aggregate": text, "command": file(name)}});
    json!({"type": "object", "required": ["id", "caller", "correlation", "sentAt", "command"],
        "properties": {"id": text, "caller": {"type": "object"}, "correlation": text, "sentAt": text, "command": command}})
}

fn file(name: &str) -> Value {
    json!({"$ref": format!("./json/{name}.json")})
}

fn key(entry: &Entry) -> Value {
    let key = json!({"type": "string", "description": entry.key});
    json!({"kafka": {"key": key, "bindingVersion": BINDING}})
}

fn about(name: &str) -> Option<String> {
    let schema = &crate::registry::all().get(name)?.schema;
    let text = schema.get("description")?.as_str()?;
    Some(text.split("\n\n").next()?.replace('\n', " "))
}

/// What is stored beside the types: one of each.
pub fn sample(name: &str) -> Option<Value> {
    let text = std::fs::read(folder("samples").join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_slice(&text).expect("a sample is JSON"))
}
