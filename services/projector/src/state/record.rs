//! A state as a record: its row as JSON, under the attributes of a CloudEvent.

use event_log::{Headers, NewRecord};
use schemas::{Timestamp, Topic, state::state_type};
use serde::Serialize;

const SEQUENCE: &str = "ce_sequence";

/// What a record of a topic of states tells: the newest event in the row, and whether there is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) seq: u64,
    pub(super) is_tombstone: bool,
}

impl Told {
    /// Of a record as it was read. What does not say its seq is older than every row.
    pub(super) fn of(headers: &Headers, value: Option<&[u8]>) -> Self {
        let seq =
            headers.iter().find(|(name, _)| name == SEQUENCE).and_then(|(_, value)| std::str::from_utf8(value).ok());
        Self { seq: seq.and_then(|seq| seq.parse().ok()).unwrap_or(0), is_tombstone: value.is_none() }
    }
}

/// A record to write.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The record.
    pub record: NewRecord,
    pub(super) told: Told,
}

/// What a row shows.
#[derive(Debug)]
pub(super) enum Shown {
    /// This.
    Row {
        /// The newest event in it.
        seq: u64,
        /// When that was.
        time: Timestamp,
        /// The state.
        value: Vec<u8>,
    },
    /// There is none any more.
    Gone,
    /// There never was one to be shown.
    Never,
}

impl Shown {
    /// A row with that state.
    pub(super) fn row(seq: u64, time: Timestamp, state: &impl Serialize) -> Self {
        let value = serde_json::to_vec(state).expect("a state is plain data with text keys");
        Self::Row { seq, time, value }
    }

    /// Whether something else stands in the topic, as far as that is known.
    pub(super) fn differs(&self, told: Option<&Told>) -> bool {
        match self {
            Self::Row { seq, .. } => told != Some(&Told { seq: *seq, is_tombstone: false }),
            Self::Gone => told.is_none_or(|told| !told.is_tombstone),
            Self::Never => told.is_some_and(|told| !told.is_tombstone),
        }
    }

    /// The record of it; `known` is the newest event of the key, for what has no row.
    pub(super) fn publication(self, topic: Topic, key: &str, known: u64, source: &str) -> Publication {
        let (seq, time, value) = match self {
            Self::Row { seq, time, value } => (seq, Some(time), Some(value)),
            Self::Gone | Self::Never => (known, None, None),
        };
        let told = Told { seq, is_tombstone: value.is_none() };
        let headers = headers(topic, key, told, time, source);
        Publication { record: NewRecord { topic, key: key.to_owned(), headers, value }, told }
    }
}

fn headers(topic: Topic, key: &str, told: Told, time: Option<Timestamp>, source: &str) -> Headers {
    let kind = state_type(topic).expect("a topic of states");
    let Told { seq, is_tombstone } = told;
    // Of the same row it is the same, whoever writes it and how often.
    let id = format!("{topic}/{key}@{seq}{}", if is_tombstone { "/gone" } else { "" });
    let mut all = vec![
        ("content-type", "application/json".to_owned()),
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", id),
        ("ce_source", source.to_owned()),
        ("ce_type", kind.to_owned()),
        ("ce_subject", key.to_owned()),
        ("ce_dataschema", format!("urn:stockfold:schema:{kind}")),
        (SEQUENCE, format!("{seq:020}")),
    ];
    all.extend(time.map(|time| ("ce_time", time.to_string())));
    all.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
}
