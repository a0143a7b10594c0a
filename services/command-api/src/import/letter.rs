//! What becomes of a line that is refused for good: a dead letter, durable before its result is told.

use super::{Format, request::Import};
use event_log::{EventLog, LogError, NewDeadLetter, NewRecord};
use schemas::{Caller, ItemId, Timestamp, Topic};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// About so many bytes are written at once.
const BATCH_BYTES: usize = 1 << 20;
/// How often a batch is written again before the import is ended.
const ATTEMPTS: u32 = 6;
/// The pause before the first repetition; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// Of whom and of what the lines of an import are.
pub(super) struct Letters {
    pub import: Arc<Import>,
    pub caller: Caller,
}

/// A line as it came.
#[derive(Debug)]
pub(super) struct Original {
    pub number: u64,
    /// Its bytes; of a line that is too long the first.
    pub bytes: Vec<u8>,
    /// How many it has.
    pub length: u64,
    /// Of CSV: the head that it was read by.
    pub head: Option<Arc<str>>,
}

impl Letters {
    /// Whether a problem is the end of its line. What can succeed later, or may have, is the sender's to repeat.
    pub fn is_final(problem: &edge::ProblemDocument) -> bool {
        !problem.retryable && problem.outcome == edge::Outcome::Refused
    }

    /// The letter of a line. The same line of the same import again makes the same letter, but for its time.
    pub fn of(
        &self,
        original: &Original,
        item: Option<&ItemId>,
        problem: &edge::ProblemDocument,
        at: Timestamp,
    ) -> NewRecord {
        let mut from = json!({"import": self.import.id, "line": original.number, "format": self.import.format.name()});
        let mut about = Map::new();
        if let Value::Object(fields) = &mut from {
            if let Some(file) = &self.import.file {
                fields.insert("file".to_owned(), file.as_str().into());
            }
            if let (Format::Csv, Some(head)) = (self.import.format, &original.head) {
                fields.insert("head".to_owned(), head.as_ref().into());
            }
        }
        about.insert("kind".to_owned(), "import_line".into());
        about.insert("code".to_owned(), problem.code.as_ref().into());
        about.insert("at".to_owned(), json!(at));
        about.insert("from".to_owned(), from);
        about.insert("caller".to_owned(), json!(self.caller));
        if !problem.errors.is_empty() {
            about.insert("errors".to_owned(), json!(problem.errors));
        }
        if original.length > original.bytes.len() as u64 {
            about.insert("originalBytes".to_owned(), original.length.into());
        }
        let key = item.map_or(self.import.id.as_str(), ItemId::as_str);
        let letter = NewDeadLetter::new(key, &problem.detail, &original.bytes, about);
        NewRecord { topic: Topic::DeadLetters, key: letter.key, headers: Vec::new(), value: Some(letter.value) }
    }
}

/// Writes letters, in order; they are durable when it returns. Which of them are, after an error, nobody knows.
pub(super) async fn write(log: &Arc<dyn EventLog>, letters: Vec<NewRecord>) -> Result<(), LogError> {
    let mut letters = letters.into_iter().peekable();
    while letters.peek().is_some() {
        let mut bytes = 0;
        let mut batch = Vec::new();
        while let Some(letter) = letters.next_if(|_| bytes < BATCH_BYTES) {
            bytes += letter.value.as_ref().map_or(0, Vec::len);
            batch.push(letter);
        }
        write_batch(log, batch).await?;
    }
    Ok(())
}

async fn write_batch(log: &Arc<dyn EventLog>, batch: Vec<NewRecord>) -> Result<(), LogError> {
    let mut attempt = 1;
    loop {
        let (to, letters) = (Arc::clone(log), batch.clone());
        let written = tokio::task::spawn_blocking(move || to.publish(letters)).await;
        let fault = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(fault)) => fault,
            Err(fault) => LogError::Unavailable(fault.to_string()),
        };
        if attempt == ATTEMPTS {
            tracing::warn!(%fault, "dead letters of an import cannot be written");
            return Err(fault);
        }
        tokio::time::sleep(PAUSE * (1 << attempt)).await;
        attempt += 1;
    }
}
