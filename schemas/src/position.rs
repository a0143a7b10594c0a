//! Positions in the log, and the token that a client presents to read its own writes.

use crate::{text::ParseError, topic::Topic};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{collections::BTreeMap, fmt};

/// One place in the log, `topic/partition@seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The dense number of the event in its partition, from 1.
    pub seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.partition, self.seq)
    }
}

impl Position {
    /// Parses `topic/partition@seq`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (topic, rest) = text.split_once('/').ok_or(ParseError::Position)?;
        let (partition, seq) = rest.split_once('@').ok_or(ParseError::Position)?;
        Ok(Self {
            topic: Topic::from_name(topic).ok_or(ParseError::Position)?,
            partition: partition.parse().map_err(|_| ParseError::Position)?,
            seq: seq.parse().map_err(|_| ParseError::Position)?,
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// A sparse set of positions: how far a view must have folded to show what a chain of commands did.
///
/// Its text form is opaque to clients and at most 4,096 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PositionToken(BTreeMap<(Topic, u32), u64>);

impl PositionToken {
    /// The longest text form that is read.
    pub const MAX_TEXT: usize = 4_096;

    /// Adds a position; the higher seq of one partition wins.
    pub fn add(&mut self, position: Position) {
        let seq = self.0.entry((position.topic, position.partition)).or_default();
        *seq = position.seq.max(*seq);
    }

    /// Adds all positions of another token.
    pub fn union(&mut self, other: &Self) {
        for position in other.positions() {
            self.add(position);
        }
    }

    /// Whether it names no position.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The positions, ordered.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        self.0.iter().map(|(&(topic, partition), &seq)| Position { topic, partition, seq })
    }

    /// Parses the text form; [`ParseError::Position`] for anything that no server wrote.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > Self::MAX_TEXT {
            return Err(ParseError::Position);
        }
        let mut token = Self::default();
        for part in text.split('~').filter(|part| !part.is_empty()) {
            token.add(Position::parse(part)?);
        }
        Ok(token)
    }
}

impl fmt::Display for PositionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, position) in self.positions().enumerate() {
            if i > 0 {
                f.write_str("~")?;
            }
            write!(f, "{position}")?;
        }
        Ok(())
    }
}

impl Serialize for PositionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PositionToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}
