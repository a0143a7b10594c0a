//! Suppliers' feeds: what they publish to `supplier.items.v1` becomes commands of items.
//!
//! Each record is read, its statement is asked of its item, and the record is done when the item has answered. What nobody
//! can use, and what an item refuses, is kept in the dead letters with its bytes, and the good ones around it go through.
//! The checkpoint passes a record only when it is done: a crash before that reads it again, as the same command, or as the
//! same letter a second time, with the same `from`.

mod core;
mod letter;
mod runner;

#[cfg(test)]
mod schedule_tests;

pub use runner::{FeedStatus, InboundOptions, InboundRunner};

/// The consumer name under which the runner keeps its checkpoints.
pub const CONSUMER: &str = "inbound";
