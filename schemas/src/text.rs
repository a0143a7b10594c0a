//! The error of every parser at the edge, and the rule that all ids follow.

use thiserror::Error;

/// Why a piece of input is not a value of its type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    /// An id that does not match `[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}`.
    #[error("an id is 1 to 64 characters of A-Z a-z 0-9 _ . : - and begins with a letter or digit")]
    Id,
    /// A quantity outside 1–1,000,000.
    #[error("a quantity is a whole number from 1 to 1,000,000")]
    Quantity,
    /// An amount beyond what JSON numbers carry exactly (2^53 − 1).
    #[error("an amount is a whole number of minor units between -9007199254740991 and 9007199254740991")]
    Amount,
    /// Not an ISO 4217 code.
    #[error("a currency is an ISO 4217 code such as EUR")]
    Currency,
    /// Too many metadata pairs, or one that is too long.
    #[error("metadata is at most 50 pairs; a key has 1 to 40 characters, a value at most 500")]
    Metadata,
    /// A position token that this server did not make.
    #[error("not a position token")]
    Position,
    /// Not an RFC 3339 time.
    #[error("a time is written as RFC 3339, for example 2026-01-31T12:00:00Z")]
    Time,
    /// A text with control characters, or longer than its field allows.
    #[error("{0}")]
    Text(&'static str),
}

/// Whether `text` is a well-formed id: `[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 1..=64)
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'))
}
