//! What the standards say: JSON Schema of samples, AsyncAPI's own schema of its documents.

use crate::{asyncapi, folder, registry};
use jsonschema::Validator;
use serde_json::Value;
use std::{collections::BTreeMap, fs};

/// A validator of a schema that stands by itself.
pub fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).expect("a JSON Schema")
}

/// The schema of AsyncAPI 3.1 documents as its makers publish it.
fn asyncapi_schema() -> Validator {
    let text = fs::read(folder("tests/official/asyncapi-3.1.0.json")).expect("it is there");
    validator(&serde_json::from_slice(&text).expect("JSON"))
}

fn read_yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

#[test]
fn asyncapi_is_valid_by_the_official_schema() {
    let (schema, document) = (asyncapi_schema(), read_yaml(&asyncapi::text()));
    let faults: Vec<String> =
        schema.iter_errors(&document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    for (at, wrong) in [("/asyncapi", "9.9.9"), ("/channels/orders.events.v1/messages", "none"), ("/info", "none")] {
        let mut broken = document.clone();
        *broken.pointer_mut(at).expect("it is there") = wrong.into();
        assert!(!schema.is_valid(&broken), "a document with {at} = {wrong} is as good");
    }
}

#[test]
fn every_reference_of_asyncapi_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = read_yaml(&asyncapi::text());
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 200, "only {} references", found.len());
    for reference in found {
        let leads = match reference.strip_prefix("#") {
            Some(pointer) => document.pointer(pointer).is_some(),
            None => folder(reference).is_file(),
        };
        assert!(leads, "{reference} leads nowhere");
    }
}

#[test]
fn samples_are_valid_by_their_schemas_and_read_and_written_as_they_are() {
    let files = fs::read_dir(folder("samples")).expect("samples");
    let samples: BTreeMap<String, Value> = files
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON"))
        })
        .collect();
    for (name, sample) in &samples {
        let published = registry::all().get(name).unwrap_or_else(|| panic!("samples/{name}.json belongs to no type"));
        let faults: Vec<_> =
            validator(published.schema.as_value()).iter_errors(sample).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        assert_eq!((published.read_and_written)(name, sample).as_ref(), Ok(sample), "{name} is written otherwise");
    }
    let bare = |name: &&String| !name.ends_with(".commands.v1") && !name.ends_with(".rejections.v1");
    let without: Vec<_> = registry::all().keys().filter(bare).filter(|name| !samples.contains_key(*name)).collect();
    assert!(without.is_empty(), "these have no sample: {without:?}");
}
