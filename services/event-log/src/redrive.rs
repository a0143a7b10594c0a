//! Redrives on record: that a dead letter was asked to be used again, and what came of it.

use crate::{
    DeadLetter, EventLog, LetterKind, LogError, NewDeadLetter, NewRecord, ReadFrom,
    dead_letter::{About, RedriveTarget},
};
use schemas::{Timestamp, Topic};
use serde_json::{Value, json};
use std::time::Duration;

/// The outcome of a request that the projectors are to obey.
pub const REQUESTED: &str = "requested";
/// The outcome of what is settled.
pub const DONE: &str = "done";

/// How long one letter may take to be read.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// A redrive of a letter, as it stands in the topic of dead letters under the letter's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The id of the letter.
    pub of: String,
    /// The request: a record of its outcome names the same.
    pub request: String,
    /// The role and pseudonym of who asked.
    pub by: String,
    /// When they asked.
    pub at: Timestamp,
    /// What came of it, as a word: [`REQUESTED`], [`DONE`], or why not.
    pub outcome: String,
    /// The same as a sentence.
    pub detail: Option<String>,
    /// Of an event: the key that is parked.
    pub target: Option<RedriveTarget>,
}

impl Redrive {
    /// As a record of the topic, under the key of its letter.
    #[must_use]
    pub fn record(&self, key: &str) -> NewRecord {
        let from =
            self.target.as_ref().map(|at| json!({"topic": at.topic.name(), "partition": at.partition, "key": at.key}));
        let from = from.and_then(|from| from.as_object().cloned()).unwrap_or_default();
        let about = About { kind: LetterKind::Redrive, code: self.outcome.clone(), at: self.at, from };
        let mut fields = about.fields();
        let told = [("of", &self.of), ("request", &self.request), ("by", &self.by), ("outcome", &self.outcome)];
        fields.extend(told.map(|(name, text)| (name.to_owned(), Value::from(text.clone()))));
        fields.extend(self.detail.clone().map(|detail| ("detail".to_owned(), Value::from(detail))));
        NewDeadLetter::new(key, "a dead letter was redriven", b"", fields).into_record()
    }

    /// Reads one; `None` where it is a letter.
    #[must_use]
    pub fn read(letter: &DeadLetter) -> Option<Self> {
        if letter.kind != LetterKind::Redrive {
            return None;
        }
        let text = |name: &str| letter.text(name).map(str::to_owned);
        let target = letter.fields.get("from").and_then(|from| {
            let topic = Topic::from_name(from.get("topic")?.as_str()?)?;
            let partition = u32::try_from(from.get("partition")?.as_u64()?).ok()?;
            Some(RedriveTarget { topic, partition, key: from.get("key")?.as_str()?.to_owned() })
        });
        Some(Self {
            of: text("of")?,
            request: text("request")?,
            by: text("by")?,
            at: letter.at()?,
            outcome: text("outcome")?,
            detail: text("detail"),
            target,
        })
    }
}

/// Reads the letter at a place of the topic; `None` where it has left the log. Blocks.
pub fn letter_at(log: &dyn EventLog, partition: u32, offset: u64) -> Result<Option<DeadLetter>, LogError> {
    let topic = Topic::DeadLetters;
    if partition >= log.shards().get() || offset >= log.end(topic, partition)? {
        return Ok(None);
    }
    let mut reader = log.reader(&[ReadFrom { topic, partition, offset }])?;
    let records = reader.poll(1, READ_LIMIT)?;
    let found = records.iter().find(|record| record.offset >= offset);
    match found {
        Some(record) if record.offset == offset => Ok(DeadLetter::read(record)),
        // Only later ones are kept.
        Some(_) => Ok(None),
        None if reader.places().iter().any(|place| place.offset > offset) => Ok(None),
        None => Err(LogError::Unavailable("the dead letters cannot be read at the moment".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn what_is_on_record_is_read_as_it_was() {
        let target = RedriveTarget { topic: Topic::OrdersEvents, partition: 3, key: "order-1".to_owned() };
        let redrive = Redrive {
            of: "event-1".to_owned(),
            request: "r".to_owned(),
            by: "operator:op".to_owned(),
            at: Timestamp::from_millis(5),
            outcome: REQUESTED.to_owned(),
            detail: Some("because".to_owned()),
            target: Some(target),
        };
        for redrive in [Redrive { target: None, detail: None, ..redrive.clone() }, redrive] {
            let NewRecord { topic, key, headers, value } = redrive.record("order-1");
            let record = Record { topic, partition: 0, offset: 1, key, envelope: None, headers, value };
            let letter = DeadLetter::read(&record).expect("a letter");
            assert_eq!(Redrive::read(&letter), Some(redrive));
        }
    }
}
