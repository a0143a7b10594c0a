//! What is published now, held against what was released: nothing that others rely on may go.
//!
//! `make schemas RELEASE=0.2.0` keeps the contract of a version under `schemas/released`.

mod alternatives;
mod http;
mod refused;
mod schema;
mod topics;

use crate::{
    asyncapi, folder,
    official::validator,
    registry::{self, Side},
};
use schema::{Documents, faults};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// A whole contract: what is checked in, or what was released.
#[derive(Clone)]
struct Contract {
    schemas: BTreeMap<String, Value>,
    samples: BTreeMap<String, Value>,
    openapi: Value,
    asyncapi: Value,
}

fn json_files(folder: &Path) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |path: &Path| serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON");
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(&path))).collect()
}

impl Contract {
    fn read(from: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(from.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            schemas: json_files(&from.join("json")),
            samples: json_files(&from.join("samples")),
            openapi: serde_json::from_str(&text("openapi.json")).expect("JSON"),
            asyncapi: serde_saphyr::from_str(&text("asyncapi.yaml")).expect("YAML"),
        }
    }

    /// What it breaks of an older one.
    fn breaks(&self, old: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, was) in &old.schemas {
            let Some(is) = self.schemas.get(name) else {
                found.push(format!("{name}: is gone"));
                continue;
            };
            // What is gone from the registry would be gone from the schemas too.
            let side = registry::all().get(name).map_or(Side::Stored, |published| published.side);
            found.extend(faults(Documents { old: was, new: is }, was, is, side, name));
        }
        found.extend(http::broken(Documents { old: &old.openapi, new: &self.openapi }));
        found.extend(topics::broken(Documents { old: &old.asyncapi, new: &self.asyncapi }));
        found
    }
}

/// What was released, the oldest first.
fn released() -> Vec<(String, Contract)> {
    let entries = fs::read_dir(folder("released")).expect("something was released");
    let versions = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    let number =
        |version: &String| version.split('.').map(|part| part.parse().expect("a number")).collect::<Vec<u32>>();
    let mut versions: Vec<String> = versions.collect();
    versions.sort_by_key(number);
    let read = |version: String| {
        let contract = Contract::read(&folder("released").join(&version));
        (version, contract)
    };
    versions.into_iter().map(read).collect()
}

/// What stands in the tree; the other tests hold it against the code.
fn current() -> Contract {
    Contract::read(&folder(""))
}

#[test]
fn nothing_is_taken_from_what_was_released() {
    let mut contracts = released();
    assert!(!contracts.is_empty());
    contracts.push(("what is to be released".to_owned(), current()));
    for pair in contracts.windows(2) {
        let [(old, was), (new, is)] = pair else { unreachable!("two of them") };
        let found = is.breaks(was);
        assert!(found.is_empty(), "{new} breaks what {old} promised: {found:#?}");
    }
}

#[test]
fn what_was_released_is_read_as_it_was_written() {
    for (version, contract) in released() {
        assert!(contract.samples.len() > 100, "{version}: {} samples", contract.samples.len());
        for (name, sample) in contract.samples {
            let published =
                registry::all().get(&name).unwrap_or_else(|| panic!("{name} of {version} is not published any more"));
            let valid = validator(published.schema.as_value());
            assert!(valid.is_valid(&sample), "{name} of {version} is not valid any more");
            let written = (published.read_and_written)(&name, &sample);
            let written = written.unwrap_or_else(|error| panic!("{name} of {version}: {error}"));
            // What a later version adds may have a value for what was written before.
            assert!(has_all(&written, &sample), "{name} of {version} is written otherwise");
        }
    }
}

/// Whether a value has all that another has.
fn has_all(value: &Value, of: &Value) -> bool {
    match (value, of) {
        (Value::Object(value), Value::Object(of)) => {
            of.iter().all(|(name, of)| value.get(name).is_some_and(|value| has_all(value, of)))
        }
        (Value::Array(value), Value::Array(of)) => {
            value.len() == of.len() && value.iter().zip(of).all(|(value, of)| has_all(value, of))
        }
        (value, of) => value == of,
    }
}

#[test]
fn the_contract_in_the_tree_is_whole() {
    let current = current();
    assert_eq!(current.schemas.len(), registry::all().len());
    let written: Value = serde_saphyr::from_str(&asyncapi::text()).expect("YAML");
    assert_eq!(current.asyncapi, written);
    assert!(current.openapi["paths"].as_object().is_some_and(|paths| paths.len() > 40));
}
