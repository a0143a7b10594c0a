//! How an event comes: in binary mode, attributes in headers and data in the body, or in structured mode, all of it as JSON.

use super::{MAX_EVENT_BYTES, attributes::Attributes, fault::FeedError};
use crate::json;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::borrow::Cow;

/// The media type of an event in structured mode.
const STRUCTURED: &str = "application/cloudevents+json";

/// The mode of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Attributes in headers.
    Binary,
    /// All of it as JSON.
    Structured,
}

/// A message that may carry an event.
#[derive(Debug)]
pub struct Message<'a> {
    content_type: Option<Cow<'a, str>>,
    attributes: Attributes,
    value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// A record of the log: `ce_` names an attribute.
    #[must_use]
    pub fn of_record(headers: &'a [(String, Vec<u8>)], value: Option<&'a [u8]>) -> Self {
        let mut message = Self { content_type: None, attributes: Attributes::default(), value };
        for (name, bytes) in headers {
            if let Some(attribute) = name.strip_prefix("ce_") {
                message.attributes.add(attribute, std::str::from_utf8(bytes).ok());
            } else if name == "traceparent" {
                // W3C's own name for it; beside the extension of CloudEvents neither is believed.
                message.attributes.add(name, std::str::from_utf8(bytes).ok());
            } else if name.eq_ignore_ascii_case("content-type") {
                message.content_type.get_or_insert(String::from_utf8_lossy(bytes));
            }
        }
        message
    }

    /// A request: attributes as the headers `ce-…` name them, `None` where the header is no text.
    #[must_use]
    pub fn of_request(
        content_type: Option<&'a str>,
        attributes: impl Iterator<Item = (&'a str, Option<String>)>,
        body: &'a [u8],
    ) -> Self {
        let mut known = Attributes::default();
        attributes.for_each(|(name, value)| known.add(name, value.as_deref()));
        Self { content_type: content_type.map(Cow::Borrowed), attributes: known, value: Some(body) }
    }

    /// Which mode it is in.
    pub fn mode(&self) -> Result<Mode, FeedError> {
        match self.content_type.as_deref().map(essence) {
            Some(kind) if kind == STRUCTURED => Ok(Mode::Structured),
            Some(kind) if kind.starts_with("application/cloudevents") => Err(FeedError::UnsupportedContentType(kind)),
            _ if self.attributes.has("specversion") => Ok(Mode::Binary),
            _ => Err(FeedError::NotACloudEvent(
                "it has neither the attribute specversion nor the content type application/cloudevents+json",
            )),
        }
    }

    /// Attributes and data.
    pub(super) fn open(&self) -> Result<(Cow<'_, Attributes>, Option<Value>), FeedError> {
        let value = self.value.ok_or(FeedError::Tombstone)?;
        if value.len() > MAX_EVENT_BYTES {
            return Err(FeedError::TooLarge { bytes: value.len(), most: MAX_EVENT_BYTES });
        }
        match self.mode()? {
            Mode::Structured => {
                let (attributes, data) = open_document(parsed(value)?)?;
                Ok((Cow::Owned(attributes), data))
            }
            Mode::Binary => {
                check_version(&self.attributes)?;
                check_data_type(self.content_type.as_deref())?;
                let data = if value.is_empty() { None } else { Some(parsed(value)?) };
                Ok((Cow::Borrowed(&self.attributes), data))
            }
        }
    }
}

/// Attributes and data of an event in JSON.
pub(super) fn open_document(document: Value) -> Result<(Attributes, Option<Value>), FeedError> {
    let Value::Object(mut document) = document else {
        return Err(FeedError::NotACloudEvent("it is no JSON object"));
    };
    let data = document.remove("data").filter(|data| !data.is_null());
    let encoded = document.remove("data_base64").filter(|data| !data.is_null());
    let attributes = Attributes::of_document(document);
    check_version(&attributes)?;
    check_data_type(attributes.get("datacontenttype"))?;
    let data = match (data, encoded) {
        (data, None) => data,
        (Some(_), Some(_)) => return Err(FeedError::NotACloudEvent("it has both data and data_base64")),
        (None, Some(Value::String(text))) => {
            let bytes =
                STANDARD.decode(&text).map_err(|fault| FeedError::InvalidJson(format!("data_base64: {fault}")))?;
            Some(parsed(&bytes)?)
        }
        (None, Some(_)) => return Err(FeedError::NotACloudEvent("data_base64 is no text")),
    };
    Ok((attributes, data))
}

fn check_version(attributes: &Attributes) -> Result<(), FeedError> {
    match attributes.get("specversion") {
        Some("1.0") => Ok(()),
        Some(other) => Err(FeedError::UnsupportedSpecVersion(other.chars().take(40).collect())),
        None => Err(FeedError::NotACloudEvent("it has no attribute specversion")),
    }
}

/// Data without a type is JSON, as CloudEvents has it.
fn check_data_type(content_type: Option<&str>) -> Result<(), FeedError> {
    match content_type.map(essence) {
        None => Ok(()),
        Some(kind) if kind == "application/json" || kind.ends_with("+json") => Ok(()),
        Some(kind) => Err(FeedError::UnsupportedContentType(kind)),
    }
}

/// A media type without its parameters, in lower case; not more of it than anybody reads.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.chars().take(100).collect::<String>().to_ascii_lowercase()
}

fn parsed(bytes: &[u8]) -> Result<Value, FeedError> {
    json::parse(bytes).map_err(|fault| FeedError::InvalidJson(fault.detail))
}

/// The value of a header `ce-…` of HTTP: quotes around it are taken off, and `%xx` is a byte of UTF-8.
#[must_use]
pub fn decoded(value: &[u8]) -> Option<String> {
    let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |digit: &u8| char::from(*digit).to_digit(16);
        let escaped = match after {
            [high, low, ..] if byte == b'%' => hex(high).zip(hex(low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match escaped.and_then(|code| u8::try_from(code).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
