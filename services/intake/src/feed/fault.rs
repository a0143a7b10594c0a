//! Why a message cannot be used.

use crate::fields::FieldError;
use thiserror::Error;

/// Why a message cannot be used. [`Self::code`] is for programs, the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FeedError {
    /// It has no value.
    #[error("a record without a value says nothing")]
    Tombstone,
    /// Its value is too long.
    #[error("the value has {bytes} bytes, and at most {most} are read")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        most: usize,
    },
    /// Neither mode of the binding.
    #[error("this is no CloudEvent: {0}")]
    NotACloudEvent(&'static str),
    /// A version that is not 1.0.
    #[error("CloudEvents 1.0 is read, and this is `{0}`")]
    UnsupportedSpecVersion(String),
    /// Neither the message nor the data in it may be written like this.
    #[error("`{0}` is not read; data is application/json, an event in one piece application/cloudevents+json")]
    UnsupportedContentType(String),
    /// No JSON, a key twice, or nested too deep.
    #[error("it is not JSON: {0}")]
    InvalidJson(String),
    /// What is in it is wrong.
    #[error("{}", told(.0))]
    Faults(Vec<FieldError>),
}

fn told(faults: &[FieldError]) -> String {
    match faults {
        [only] => format!("{}: {}", only.pointer, only.detail),
        many => format!("{} faults; `errors` lists them", many.len()),
    }
}

impl FeedError {
    /// The code; of several faults that of the first, attributes before data.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Tombstone => "tombstone",
            Self::TooLarge { .. } => "too_large",
            Self::NotACloudEvent(_) => "not_a_cloud_event",
            Self::UnsupportedSpecVersion(_) => "unsupported_spec_version",
            Self::UnsupportedContentType(_) => "unsupported_content_type",
            Self::InvalidJson(_) => "invalid_json",
            Self::Faults(faults) => faults.first().map_or("invalid_data", code_of),
        }
    }

    /// All faults of what is in it, each with its place.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        match self {
            Self::Faults(faults) => faults,
            Self::Tombstone
            | Self::TooLarge { .. }
            | Self::NotACloudEvent(_)
            | Self::UnsupportedSpecVersion(_)
            | Self::UnsupportedContentType(_)
            | Self::InvalidJson(_) => &[],
        }
    }
}

fn code_of(fault: &FieldError) -> &'static str {
    let is_missing = fault.code == "missing";
    match (fault.pointer.as_str(), &*fault.code) {
        (_, "unknown_type") => "unknown_type",
        (_, "subject_mismatch") => "subject_mismatch",
        ("/sequence", _) if is_missing => "sequence_missing",
        ("/sequence", _) => "sequence_invalid",
        ("/time", _) if is_missing => "time_missing",
        ("/time", _) => "time_invalid",
        (pointer, _) if pointer == "/data" || pointer.starts_with("/data/") => "invalid_data",
        _ if is_missing => "attribute_missing",
        _ => "attribute_invalid",
    }
}
