//! What holds for records that are published by themselves, whatever the log is.

use crate::{LogError, MAX_RECORD_BYTES, NewRecord};
use schemas::Topic;

/// What the attributes of a record, and of each header, are counted as.
const ATTRIBUTES: usize = 64;

/// Whether records of a topic are published by themselves. Dead letters are also written in transactions, without headers.
#[must_use]
pub fn is_published(topic: Topic) -> bool {
    matches!(topic, Topic::SupplierItems | Topic::DeadLetters) || Topic::STATES.contains(&topic)
}

/// Refuses records that no log takes, before any is written.
pub(crate) fn check(records: &[NewRecord]) -> Result<(), LogError> {
    for NewRecord { topic, key, headers, value } in records {
        if !is_published(*topic) {
            return Err(LogError::Mismatch(format!("{topic} is written in transactions only")));
        }
        let headers_bytes = headers.iter().map(|(name, value)| name.len() + value.len() + ATTRIBUTES);
        let bytes = key.len() + value.as_ref().map_or(0, Vec::len) + headers_bytes.sum::<usize>() + ATTRIBUTES;
        if bytes > MAX_RECORD_BYTES as usize {
            return Err(LogError::Mismatch(format!(
                "a record of {topic} takes {bytes} bytes, and {MAX_RECORD_BYTES} are the most"
            )));
        }
        if let Some((name, _)) = headers.iter().find(|(name, _)| name.contains('\0')) {
            return Err(LogError::Mismatch(format!("{name:?} is no name of a header")));
        }
    }
    Ok(())
}
