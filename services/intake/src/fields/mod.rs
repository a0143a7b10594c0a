//! Reads a JSON object field by field and collects every fault, so that a client learns all of them at once.
//!
//! ```
//! use intake::{Fields, FromFields, fields::{id, quantity, text}};
//! use schemas::{FreeHoldId, Quantity};
//!
//! struct PlaceHold { hold_id: FreeHoldId, quantity: Quantity, reference: Option<String> }
//!
//! impl FromFields for PlaceHold {
//!     fn read(fields: &mut Fields<'_>) -> Option<Self> {
//!         let hold_id = fields.get("holdId", id(FreeHoldId::parse));
//!         let quantity = fields.get("quantity", quantity);
//!         let reference = fields.opt("reference", text(1..=200));
//!         Some(Self { hold_id: hold_id?, quantity: quantity?, reference })
//!     }
//! }
//! ```
//!
//! Read every field first, use `?` only when all are read: a field that is not read is an unknown one. `get` is for what
//! must be there, `opt` for what may be absent or null. A fault anywhere makes the whole body refused, so the `None`
//! that `opt` answers for a faulty field is never taken for an absent one.

mod readers;
#[cfg(test)]
mod tests;

pub use readers::*;

use serde::Serialize;
use serde_json::{Map, Value};
use std::{borrow::Cow, cell::RefCell};

/// The most faults that are told of one document.
pub const MAX_FAULTS: usize = 100;

/// One fault of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the document. Of a request also `?name`, a query parameter, and `{name}`, a
    /// part of the path.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: Cow<'static, str>,
    /// What is wrong, for people.
    pub detail: String,
}

/// What can be read from a JSON object.
pub trait FromFields: Sized {
    /// Reads all fields; `None` where a fault was recorded.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Reads one value, recording faults at its place. Functions and closures over a [`Node`] are readers.
pub trait Read<T> {
    /// The value; `None` where a fault was recorded.
    fn read(&self, node: &Node<'_>) -> Option<T>;
}

impl<T, F: Fn(&Node<'_>) -> Option<T>> Read<T> for F {
    fn read(&self, node: &Node<'_>) -> Option<T> {
        self(node)
    }
}

#[derive(Debug, Default)]
struct Faults(RefCell<Vec<FieldError>>);

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

/// A value in its place in the document.
#[derive(Debug)]
pub struct Node<'a> {
    value: &'a Value,
    step: Step<'a>,
    parent: Option<&'a Node<'a>>,
    faults: &'a Faults,
}

impl<'a> Node<'a> {
    /// The value.
    #[must_use]
    pub const fn value(&self) -> &'a Value {
        self.value
    }

    /// Records a fault here; answers `None`, as a reader does.
    pub fn fault<T>(&self, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Option<T> {
        self.record(self.pointer(), code.into(), detail.into());
        None
    }

    /// A list's element.
    fn element(&'a self, index: usize, value: &'a Value) -> Self {
        Self { value, step: Step::Index(index), parent: Some(self), faults: self.faults }
    }

    fn record(&self, pointer: String, code: Cow<'static, str>, detail: String) {
        let mut faults = self.faults.0.borrow_mut();
        if faults.len() < MAX_FAULTS {
            faults.push(FieldError { pointer, code, detail });
        }
    }

    /// The JSON pointer (RFC 6901), made only for faults.
    fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Self::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Field(name) => {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(index) => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
        pointer
    }
}

/// The fields of an object.
#[derive(Debug)]
pub struct Fields<'a> {
    node: &'a Node<'a>,
    map: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn of(node: &'a Node<'a>) -> Option<Self> {
        match node.value {
            Value::Object(map) => Some(Self { node, map, read: Vec::with_capacity(8) }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                node.fault("not_an_object", "must be a JSON object")
            }
        }
    }

    /// A field that must be there.
    pub fn get<T>(&mut self, name: &'static str, reader: impl Read<T>) -> Option<T> {
        match self.present(name) {
            Some(value) => reader.read(&self.child(name, value)),
            None => self.fault(name, "missing", "is required"),
        }
    }

    /// A field that may be absent or null.
    pub fn opt<T>(&mut self, name: &'static str, reader: impl Read<T>) -> Option<T> {
        let value = self.present(name)?;
        reader.read(&self.child(name, value))
    }

    /// Whether a field is there and not null, without reading it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Records a fault at a field of this object, for rules over several fields; answers `None`.
    pub fn fault<T>(&self, name: &str, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Option<T> {
        self.child(name, &Value::Null).fault(code, detail)
    }

    /// The whole object as it was sent, taking every field as known: for documents that are checked where they are decided.
    pub fn whole(&mut self) -> &'a Map<String, Value> {
        self.read.clear();
        self.read.push("*");
        self.map
    }

    fn present(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn child<'n>(&'n self, name: &'n str, value: &'n Value) -> Node<'n> {
        Node { value, step: Step::Field(name), parent: Some(self.node), faults: self.node.faults }
    }

    fn refuse_unknown(&self) {
        if self.read.first() == Some(&"*") {
            return;
        }
        for name in self.map.keys().filter(|name| !self.read.contains(&name.as_str())) {
            self.fault::<()>(name, "unknown_field", "is not a field of this object");
        }
    }
}

fn read_fields<T>(node: &Node<'_>, read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Option<T> {
    let mut fields = Fields::of(node)?;
    let value = read(&mut fields);
    fields.refuse_unknown();
    value
}

/// Reads a document; all of its faults, at most [`MAX_FAULTS`] of them, otherwise.
pub fn read_object<T>(document: &Value, read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Result<T, Vec<FieldError>> {
    let faults = Faults::default();
    let root = Node { value: document, step: Step::Root, parent: None, faults: &faults };
    let value = read_fields(&root, read);
    let errors = faults.0.take();
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        Some(_) | None => Err(errors),
    }
}
