//! A caller's own pairs of text, answered back and carried in the events. No personal data belongs here.

use crate::text::ParseError;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::collections::BTreeMap;

/// At most 50 pairs; keys of 1–40 characters, values of at most 500.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Checks the bounds; [`ParseError::Metadata`] beyond them.
    pub fn new(pairs: BTreeMap<String, String>) -> Result<Self, ParseError> {
        let fits = pairs.len() <= 50
            && pairs.iter().all(|(key, value)| matches!(key.chars().count(), 1..=40) && value.chars().count() <= 500);
        if fits { Ok(Self(pairs)) } else { Err(ParseError::Metadata) }
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, by key.
    #[must_use]
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(BTreeMap::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
