//! Why a partition or a key is not folded any further.

use schemas::{EventReadError, Topic};
use thiserror::Error;

/// Why a partition is not read any further.
#[derive(Debug, Error)]
pub enum StopReason {
    /// An event is missing before it.
    #[error("the seq jumps from {newest} to {found}: an event is missing")]
    Gap {
        /// The newest seq before it.
        newest: u64,
        /// Its seq.
        found: u64,
    },
    /// The seq was there before, and not from an owner that was fenced: the history is forked.
    #[error("seq {found} of epoch {epoch} comes again after seq {newest} of epoch {newest_epoch}: a forked history")]
    Repeated {
        /// Its seq.
        found: u64,
        /// Its epoch.
        epoch: u64,
        /// The newest seq before it.
        newest: u64,
        /// The newest epoch before it.
        newest_epoch: u64,
    },
    /// An owner that was fenced wrote after its successor.
    #[error("epoch {epoch} follows epoch {newest_epoch}: an owner that was fenced has written")]
    EpochFell {
        /// Its epoch.
        epoch: u64,
        /// The newest epoch before it.
        newest_epoch: u64,
    },
    /// It has no attributes: nobody can tell its seq.
    #[error("the record is no event: it has no attributes")]
    NoEvent,
    /// The log cannot read what it stored.
    #[error("{0}")]
    Damaged(String),
    /// One more key would be parked than may be.
    #[error("{most} keys of it are parked already, and it cannot be read: {why}")]
    TooManyParked {
        /// So many may be.
        most: usize,
        /// Why it cannot be read.
        why: Unreadable,
    },
}

/// Why an event cannot be read; its key is parked.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// It has no value.
    #[error("the event has no value")]
    NoValue,
    /// Its subject is not the key of an aggregate of that topic.
    #[error("`{0}` is not a key of this topic")]
    Subject(String),
    /// Its type belongs to another topic.
    #[error("a `{0}` does not belong to this topic")]
    Misplaced(&'static str),
    /// Its value cannot be read.
    #[error(transparent)]
    Value(#[from] EventReadError),
}

/// Where and why a partition stopped. It stays stopped; the others go on.
#[derive(Debug, Error)]
#[error("{topic}/{partition} at offset {offset}: {reason}")]
pub struct Stopped {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The offset of the record that cannot be folded.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: StopReason,
}
