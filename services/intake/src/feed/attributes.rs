//! The attributes of an event, from headers or from its JSON.

use crate::fields::FieldError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// By name; a value that is none tells what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(BTreeMap<String, Result<String, &'static str>>);

impl Attributes {
    /// Notes an attribute that a header carries.
    pub fn add(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned).ok_or("is not text in UTF-8");
        let seen = self.0.contains_key(name);
        self.0.insert(name.to_owned(), if seen { Err("is there more than once") } else { value });
    }

    /// The attributes of an event in JSON; `data` is taken out before.
    pub fn of_document(document: Map<String, Value>) -> Self {
        let attribute = |(name, value): (String, Value)| {
            let value = match value {
                Value::Null => return None,
                Value::String(text) => Ok(text),
                Value::Bool(truth) => Ok(truth.to_string()),
                Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
                Value::Number(_) | Value::Array(_) | Value::Object(_) => Err("must be a text"),
            };
            Some((name, value))
        };
        Self(document.into_iter().filter_map(attribute).collect())
    }

    /// Whether it is there, whatever it says.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An attribute that may be absent; a fault of it reads as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref().ok()
    }

    /// Reads an attribute that must be there; a fault is added where it is not, or `parse` says what is wrong.
    pub fn read<T>(
        &self,
        name: &'static str,
        faults: &mut Vec<FieldError>,
        parse: impl FnOnce(&str) -> Result<T, (&'static str, String)>,
    ) -> Option<T> {
        let read = match self.0.get(name) {
            None => Err(("missing", "is required".to_owned())),
            Some(Err(detail)) => Err(("invalid_value", (*detail).to_owned())),
            Some(Ok(text)) => parse(text),
        };
        let (code, detail) = match read {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        faults.push(FieldError { pointer: format!("/{name}"), code: code.into(), detail });
        None
    }
}
