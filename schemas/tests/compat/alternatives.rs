//! A schema as the list of what a value may be: references followed, unions taken apart.

use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// One thing that a value may be.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// A type of JSON Schema, or `any`.
    pub kind: String,
    /// The value itself, where there is only one.
    pub constant: Option<Value>,
    /// The whole of it.
    pub schema: Map<String, Value>,
}

impl Alternative {
    /// The fields that have one value only, by which a tagged variant is known; of a constant the value.
    pub fn tags(&self) -> BTreeMap<&str, &Value> {
        let fields = self.schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let tags = fields.filter_map(|(name, field)| Some((name.as_str(), field.get("const")?)));
        tags.chain(self.constant.iter().map(|value| ("", value))).collect()
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.constant {
            Some(value) => write!(f, "{value}"),
            None => f.write_str(&self.kind),
        }
    }
}

/// What a value of this schema, which stands in that document, may be.
pub fn alternatives(document: &Value, schema: &Value) -> Vec<Alternative> {
    let whole = expand(document, schema);
    for union in ["oneOf", "anyOf"] {
        let Some(Value::Array(members)) = whole.get(union) else { continue };
        let mut base = whole.clone();
        base.remove(union);
        let each = members.iter().flat_map(|member| {
            let mut member = expand(document, member);
            merge(&mut member, &base);
            alternatives(document, &Value::Object(member))
        });
        return each.collect();
    }
    let kinds: Vec<Value> = match whole.get("type") {
        Some(Value::Array(kinds)) => kinds.clone(),
        Some(kind) => vec![kind.clone()],
        None => vec![Value::Null],
    };
    let constants = match (whole.get("const"), whole.get("enum")) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(Value::Array(values))) => values.clone(),
        (None, _) => Vec::new(),
    };
    if !constants.is_empty() {
        let of = |value: Value| Alternative { kind: kind_of(&value), schema: whole.clone(), constant: Some(value) };
        return constants.into_iter().map(of).collect();
    }
    let of = |kind: Value| {
        let by_fields = if whole.contains_key("properties") { "object" } else { "any" };
        let kind = kind.as_str().unwrap_or(by_fields).to_owned();
        Alternative { kind, constant: None, schema: whole.clone() }
    };
    kinds.into_iter().map(of).collect()
}

fn kind_of(value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    kind.to_owned()
}

/// A schema with what it refers to, and what all of it must be, in one.
fn expand(document: &Value, schema: &Value) -> Map<String, Value> {
    let Value::Object(schema) = schema else { return Map::new() };
    let mut whole = schema.clone();
    if let Some(Value::String(reference)) = whole.remove("$ref") {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is elsewhere"));
        let target = document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        merge(&mut whole, &expand(document, target));
    }
    if let Some(Value::Array(members)) = whole.remove("allOf") {
        members.iter().for_each(|member| merge(&mut whole, &expand(document, member)));
    }
    whole
}

/// Adds what another schema of the same value says.
fn merge(to: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (to.get_mut(name), value) {
            (Some(Value::Object(fields)), Value::Object(more)) if name == "properties" => {
                more.iter().for_each(|(name, field)| _ = fields.entry(name.clone()).or_insert_with(|| field.clone()));
            }
            (Some(Value::Array(names)), Value::Array(more)) if name == "required" => names.extend(more.clone()),
            (Some(_), _) => {}
            (None, value) => _ = to.insert(name.clone(), value.clone()),
        }
    }
}
