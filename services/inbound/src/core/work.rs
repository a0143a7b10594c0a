//! A record under way.

use event_log::{NewRecord, Record};
use intake::feed::Statement;

/// What it waits for.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing yet.
    Read,
    /// An earlier record of the same item.
    Queued(Box<Statement>),
    /// The item's answer.
    Asked(Box<Statement>),
    /// Its letter being durable.
    Burying(Box<NewRecord>),
}

/// A record under way.
#[derive(Debug)]
pub(super) struct Job {
    pub record: Record,
    pub bytes: usize,
    pub state: State,
    pub attempts: u32,
    /// When to try again.
    pub due_ms: Option<u64>,
}

impl Job {
    pub fn new(record: Record) -> Self {
        let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        // As a record and as what it became.
        let bytes = 2 * (headers + record.key.len() + record.value.as_ref().map_or(0, Vec::len));
        Self { record, bytes, state: State::Read, attempts: 0, due_ms: None }
    }
}
