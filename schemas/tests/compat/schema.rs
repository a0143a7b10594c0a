//! Whether a JSON Schema keeps what an older one promised.
//!
//! What was there stays: fields, their types, the values of an enum, the variants of a union. What we write may gain
//! fields and variants, for readers ignore those that they do not know; what others write may gain what they need not know.

use super::alternatives::{Alternative, alternatives};
use crate::registry::Side;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// No schema of ours is as deep: a recursion that went unseen.
const DEPTH: usize = 64;

/// A document, and the older one that it is held against.
#[derive(Clone, Copy)]
pub struct Documents<'a> {
    pub old: &'a Value,
    pub new: &'a Value,
}

impl Side {
    /// Whether others read what is written by the new schema.
    const fn reads_new(self) -> bool {
        matches!(self, Self::Told | Self::Stored)
    }

    /// Whether what was written by the old schema is read by the new one.
    const fn reads_old(self) -> bool {
        matches!(self, Self::Taken | Self::Stored)
    }
}

/// What a schema breaks of an older one; each fault begins with the place, which begins with `at`.
pub fn faults(documents: Documents<'_>, old: &Value, new: &Value, side: Side, at: &str) -> Vec<String> {
    Walk { documents, side, open: BTreeSet::new(), depth: 0 }.compare(old, new, at)
}

struct Walk<'a> {
    documents: Documents<'a>,
    side: Side,
    /// Pairs of references that are being compared.
    open: BTreeSet<(String, String)>,
    depth: usize,
}

fn reference(schema: &Value) -> String {
    schema.get("$ref").and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Walk<'_> {
    fn compare(&mut self, old: &Value, new: &Value, at: &str) -> Vec<String> {
        assert!(self.depth < DEPTH, "{at}: a schema without end");
        let pair = (reference(old), reference(new));
        let names = !pair.0.is_empty() && !pair.1.is_empty();
        if names && !self.open.insert(pair.clone()) {
            return Vec::new();
        }
        self.depth += 1;
        let (old, new) = (alternatives(self.documents.old, old), alternatives(self.documents.new, new));
        let found = self.unions(&old, &new, at);
        self.depth -= 1;
        if names {
            self.open.remove(&pair);
        }
        found
    }

    fn unions(&mut self, old: &[Alternative], new: &[Alternative], at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for was in old {
            // Who reads answers does without a null that does not come any more.
            if was.kind == "null" && !self.side.reads_old() {
                continue;
            }
            let same_tag: Vec<_> = new.iter().filter(|is| is.tags() == was.tags()).collect();
            let candidates = if same_tag.is_empty() { new.iter().collect() } else { same_tag };
            let compared = candidates.into_iter().map(|is| self.single(was, is, at));
            let best = compared.min_by_key(Vec::len).unwrap_or_else(|| vec![format!("{at}: {was} is gone")]);
            found.extend(best);
        }
        if self.side.reads_new() && !old.iter().any(|was| was.kind == "any") {
            let unknown = new.iter().filter(|is| !old.iter().any(|was| was.kind == is.kind));
            found.extend(unknown.map(|is| format!("{at}: may be {} now", is.kind)));
        }
        found.sort();
        found.dedup();
        found
    }

    fn single(&mut self, was: &Alternative, is: &Alternative, at: &str) -> Vec<String> {
        if is.kind == "any" {
            // That it may be anything is said of the union.
            return Vec::new();
        }
        if was.kind == "any" {
            return if self.side.reads_old() { vec![format!("{at}: must be {} now", is.kind)] } else { Vec::new() };
        }
        if was.kind != is.kind {
            return vec![format!("{at}: was {}, is {}", was.kind, is.kind)];
        }
        let mut found = Vec::new();
        match (&was.constant, &is.constant) {
            (Some(was), Some(is)) if was != is => return vec![format!("{at}: {was} is gone")],
            (None, Some(is)) if self.side.reads_old() => found.push(format!("{at}: must be {is} now")),
            _ => {}
        }
        if was.schema.get("format") != is.schema.get("format") {
            let show = |schema: &Map<String, Value>| schema.get("format").map_or("none".to_owned(), Value::to_string);
            found.push(format!("{at}: the format was {}, is {}", show(&was.schema), show(&is.schema)));
        }
        if self.side.reads_old() {
            found.extend(tighter(&was.schema, &is.schema).map(|bound| format!("{at}: {bound} is tighter")));
        }
        match was.kind.as_str() {
            "object" => found.extend(self.objects(&was.schema, &is.schema, at)),
            "array" => found.extend(self.arrays(&was.schema, &is.schema, at)),
            _ => {}
        }
        found
    }

    fn objects(&mut self, was: &Map<String, Value>, is: &Map<String, Value>, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, field) in properties(was) {
            let at = format!("{at}/{name}");
            match property(is, name) {
                Some(now) => found.extend(self.compare(field, now, &at)),
                None => found.push(format!("{at}: is gone")),
            }
        }
        let (needed, needs) = (required(was), required(is));
        if self.side.reads_new() {
            let absent = needed.difference(&needs).filter(|name| property(is, name).is_some());
            found.extend(absent.map(|name| format!("{at}/{name}: may be absent now")));
        }
        if self.side.reads_old() {
            found.extend(needs.difference(&needed).map(|name| format!("{at}/{name}: is required now")));
        }
        let (any, other) = (Value::Bool(true), "additionalProperties");
        let (others, now) = (was.get(other).unwrap_or(&any), is.get(other).unwrap_or(&any));
        match (others, now) {
            (Value::Bool(false), _) => {}
            (_, Value::Bool(false)) if self.side.reads_old() => found.push(format!("{at}: refuses other fields now")),
            (_, Value::Bool(false)) => {}
            (others, now) => found.extend(self.compare(others, now, &format!("{at}/*"))),
        }
        found
    }

    fn arrays(&mut self, was: &Map<String, Value>, is: &Map<String, Value>, at: &str) -> Vec<String> {
        let any = Value::Bool(true);
        let of = |schema: &Map<String, Value>| schema.get("items").unwrap_or(&any).clone();
        let mut found = self.compare(&of(was), &of(is), &format!("{at}/[]"));
        let (empty, first) = (Vec::new(), "prefixItems");
        let (old, new) = (was.get(first).and_then(Value::as_array), is.get(first).and_then(Value::as_array));
        let (old, new) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
        if old.len() != new.len() {
            found.push(format!("{at}: had {} places, has {}", old.len(), new.len()));
        }
        let pairs = old.iter().zip(new).enumerate();
        for (place, (old, new)) in pairs {
            found.extend(self.compare(old, new, &format!("{at}/[{place}]")));
        }
        found
    }
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn property<'s>(schema: &'s Map<String, Value>, name: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(name)
}

fn required(schema: &Map<String, Value>) -> BTreeSet<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The bounds that let less through than they did.
fn tighter<'m>(was: &'m Map<String, Value>, is: &'m Map<String, Value>) -> impl Iterator<Item = &'static str> {
    let least = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
    let most = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
    let number = |of: &Map<String, Value>, bound: &str| of.get(bound).and_then(Value::as_f64);
    let higher = least.into_iter().filter(move |bound| match (number(was, bound), number(is, bound)) {
        (_, None) => false,
        // The least of what no bound is set for; of a number there is none.
        (None, Some(now)) => now > 0.0 || bound.ends_with("inimum"),
        (Some(before), Some(now)) => now > before,
    });
    let lower = most.into_iter().filter(move |bound| match (number(was, bound), number(is, bound)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(now)) => now < before,
    });
    let other = is.get("pattern").is_some_and(|pattern| was.get("pattern") != Some(pattern));
    higher.chain(lower).chain(other.then_some("pattern"))
}
