//! Readers of single values: the types of the vocabulary, bounded texts, numbers and lists.

use super::{Fields, FromFields, Node, Read, read_fields};
use schemas::{Currency, Metadata, Money, ParseError, Quantity, Timestamp};
use serde::{
    Deserialize,
    de::{self, IntoDeserializer},
};
use serde_json::{Map, Number, Value};
use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

/// The largest integer that every JSON reader keeps exactly.
const MAX_EXACT: i64 = schemas::money::MAX_EXACT;

fn as_text<'n>(node: &Node<'n>) -> Option<&'n str> {
    match node.value() {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            node.fault("not_a_text", "must be a text")
        }
    }
}

/// An id of the vocabulary: `id(ItemId::parse)`.
pub fn id<T>(parse: impl Fn(&str) -> Result<T, ParseError>) -> impl Read<T> {
    move |node: &Node<'_>| {
        let text = as_text(node)?;
        parse(text).or_else(|fault| node.fault("invalid_id", fault.to_string()).ok_or(())).ok()
    }
}

/// A text of so many characters, on one line: no control characters and nothing that turns the direction of text.
pub fn text(chars: RangeInclusive<usize>) -> impl Read<String> {
    move |node: &Node<'_>| checked_text(node, &chars, false)
}

/// Like [`text`], but line breaks and tabs are allowed.
pub fn long_text(chars: RangeInclusive<usize>) -> impl Read<String> {
    move |node: &Node<'_>| checked_text(node, &chars, true)
}

fn checked_text(node: &Node<'_>, chars: &RangeInclusive<usize>, lines: bool) -> Option<String> {
    let text = as_text(node)?;
    let count = text.chars().count();
    if count > *chars.end() {
        return node.fault("too_long", format!("has at most {} characters", chars.end()));
    }
    if count < *chars.start() {
        return node.fault("too_short", format!("has at least {} characters", chars.start()));
    }
    if let Some(bad) = text.chars().find(|c| is_unwanted(*c, lines)) {
        return node.fault("control_character", format!("must not contain U+{:04X}", u32::from(bad)));
    }
    Some(text.to_owned())
}

/// Control characters, line and paragraph separators, and the bidirectional controls of "Trojan Source" (CVE-2021-42574).
#[must_use]
pub fn is_unwanted(c: char, lines: bool) -> bool {
    match c {
        '\n' | '\r' | '\t' => !lines,
        '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' => true,
        _ => c.is_control(),
    }
}

/// A whole number in a range.
pub fn integer(range: RangeInclusive<i64>) -> impl Read<i64> {
    move |node: &Node<'_>| whole(node, &range)
}

/// Like [`integer`], for numbers that are never below zero.
pub fn unsigned(range: RangeInclusive<u64>) -> impl Read<u64> {
    let signed = i64::try_from(*range.start()).unwrap_or(i64::MAX)..=i64::try_from(*range.end()).unwrap_or(i64::MAX);
    move |node: &Node<'_>| whole(node, &signed).map(i64::unsigned_abs)
}

/// Like [`integer`], for small numbers that are never below zero.
pub fn small(range: RangeInclusive<u32>) -> impl Read<u32> {
    let signed = i64::from(*range.start())..=i64::from(*range.end());
    move |node: &Node<'_>| whole(node, &signed).and_then(|number| u32::try_from(number).ok())
}

fn whole(node: &Node<'_>, range: &RangeInclusive<i64>) -> Option<i64> {
    let out_of_range = || node.fault("out_of_range", format!("must be from {} to {}", range.start(), range.end()));
    let Value::Number(number) = node.value() else {
        return node.fault("not_an_integer", "must be a whole number");
    };
    match number.as_i64() {
        Some(whole) if range.contains(&whole) => Some(whole),
        Some(_) => out_of_range(),
        None if is_huge(number) => out_of_range(),
        None => node.fault("not_an_integer", "must be a whole number, written without point or exponent"),
    }
}

/// Whether it is whole, but beyond what an `i64` holds.
fn is_huge(number: &Number) -> bool {
    number.is_u64() || number.as_f64().is_some_and(|float| float.abs() >= 9.2e18)
}

/// A number of units, 1–1,000,000.
pub fn quantity(node: &Node<'_>) -> Option<Quantity> {
    let units = whole(node, &(1..=i64::from(Quantity::MAX)))?;
    u32::try_from(units).ok().and_then(|units| Quantity::new(units).ok())
}

/// `true` or `false`.
pub fn boolean(node: &Node<'_>) -> Option<bool> {
    match node.value() {
        Value::Bool(value) => Some(*value),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            node.fault("not_a_boolean", "must be true or false")
        }
    }
}

/// An RFC 3339 time between the years 1900 and 9999.
pub fn time(node: &Node<'_>) -> Option<Timestamp> {
    /// 1900-01-01T00:00:00Z.
    const EARLIEST: Timestamp = Timestamp::from_millis(-2_208_988_800_000);
    match Timestamp::parse(as_text(node)?) {
        Ok(time) if (EARLIEST..=Timestamp::MAX).contains(&time) => Some(time),
        Ok(_) => node.fault("out_of_range", "must be between the years 1900 and 9999"),
        Err(fault) => node.fault("invalid_time", fault.to_string()),
    }
}

/// An amount of money, of either sign: `{amount, currency}`.
pub fn money(node: &Node<'_>) -> Option<Money> {
    money_from(node, -MAX_EXACT)
}

/// A price: zero or more.
pub fn price(node: &Node<'_>) -> Option<Money> {
    money_from(node, 0)
}

/// An amount above zero.
pub fn positive_money(node: &Node<'_>) -> Option<Money> {
    money_from(node, 1)
}

fn money_from(node: &Node<'_>, least: i64) -> Option<Money> {
    read_fields(node, |fields| {
        let amount = fields.get("amount", integer(least..=MAX_EXACT));
        let currency = fields.get("currency", currency);
        Money::new(amount?, currency?).ok()
    })
}

/// An ISO 4217 code.
pub fn currency(node: &Node<'_>) -> Option<Currency> {
    match Currency::parse(as_text(node)?) {
        Ok(currency) => Some(currency),
        Err(fault) => node.fault("invalid_currency", fault.to_string()),
    }
}

/// A word of one of our enums, as serde names it: `word::<Bucket>()`.
pub fn word<T: for<'de> Deserialize<'de>>() -> impl Read<T> {
    |node: &Node<'_>| {
        let text = as_text(node)?;
        let read: Result<T, NotAWord> = T::deserialize(text.into_deserializer());
        read.or_else(|fault| node.fault("invalid_value", fault.to_string()).ok_or(())).ok()
    }
}

/// Why a text is no word of an enum. serde's own sentence speaks of variants, which a caller knows nothing of.
#[derive(Debug)]
struct NotAWord(String);

impl fmt::Display for NotAWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAWord {}

impl de::Error for NotAWord {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self(format!("must be one of {}", known.join(", ")))
    }
}

/// An absolute http or https URL of at most 2,000 characters.
pub fn url(node: &Node<'_>) -> Option<String> {
    let text = checked_text(node, &(1..=2_000), false)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if is_url { Some(text) } else { node.fault("invalid_url", "must be an absolute http or https URL") }
}

/// A caller's own pairs of text.
pub fn metadata(node: &Node<'_>) -> Option<Metadata> {
    let Value::Object(map) = node.value() else {
        return node.fault("not_an_object", "must be a JSON object of texts");
    };
    let mut pairs = BTreeMap::new();
    let mut sound = true;
    for (key, value) in map {
        let child = Node { value, step: super::Step::Field(key), parent: Some(node), faults: node.faults };
        if key.chars().any(|c| is_unwanted(c, false)) {
            child.fault::<()>("control_character", "a key must not contain control characters");
            sound = false;
        }
        match checked_text(&child, &(0..=500), false) {
            Some(text) => _ = pairs.insert(key.clone(), text),
            None => sound = false,
        }
    }
    if !sound {
        return None;
    }
    Metadata::new(pairs).or_else(|fault| node.fault("invalid_metadata", fault.to_string()).ok_or(())).ok()
}

/// An object, read by a function over its fields: `object(Line::read)`.
pub fn object<T>(read: impl Fn(&mut Fields<'_>) -> Option<T>) -> impl Read<T> {
    move |node: &Node<'_>| read_fields(node, &read)
}

/// An object of a type that reads itself.
pub fn nested<T: FromFields>(node: &Node<'_>) -> Option<T> {
    read_fields(node, T::read)
}

/// A list of so many elements.
pub fn list<T>(count: RangeInclusive<usize>, reader: impl Read<T>) -> impl Read<Vec<T>> {
    move |node: &Node<'_>| {
        let Value::Array(values) = node.value() else {
            return node.fault("not_a_list", "must be a list");
        };
        if values.len() > *count.end() {
            return node.fault("too_many", format!("has at most {} elements", count.end()));
        }
        if values.len() < *count.start() {
            return node.fault("too_few", format!("has at least {} elements", count.start()));
        }
        // Every element is read, also after a faulty one.
        let read: Vec<Option<T>> =
            values.iter().enumerate().map(|(i, value)| reader.read(&node.element(i, value))).collect();
        read.into_iter().collect()
    }
}

/// Free JSON: an object of at most so many bytes when written.
pub fn free_object(max_bytes: usize) -> impl Read<Map<String, Value>> {
    move |node: &Node<'_>| {
        let Value::Object(map) = node.value() else {
            return node.fault("not_an_object", "must be a JSON object");
        };
        if serde_json::to_vec(map).map_or(true, |bytes| bytes.len() > max_bytes) {
            return node.fault("too_large", format!("has at most {max_bytes} bytes as JSON"));
        }
        if has_unwanted(node.value()) {
            return node.fault("control_character", "must not contain control characters");
        }
        Some(map.clone())
    }
}

fn has_unwanted(value: &Value) -> bool {
    let bad = |text: &str| text.chars().any(|c| is_unwanted(c, true));
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => bad(text),
        Value::Array(list) => list.iter().any(has_unwanted),
        Value::Object(map) => map.iter().any(|(key, value)| bad(key) || has_unwanted(value)),
    }
}
