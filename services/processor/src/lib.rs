//! Commands become events: a sans-IO [`Shard`], and the [`Processor`] that performs its effects.
//!
//! A shard is partition *s* of the command topics and of every events topic; it has one writer, which keeps the state
//! of its aggregates in memory. [`Shard::step`] takes an [`Input`] and returns [`Effects`]: a batch to commit. It knows
//! no clock, thread, randomness or log; the same `evolve` builds its state live and in [`Recovery`]. State runs ahead of
//! the commit; on any outcome but `Committed` the shard is thrown away and recovered from the log.
//!
//! Exactly once: the offsets of consumed commands stand in the transaction that holds their events, so a command that
//! stands in the log is decided by one committed batch. What is sent twice as two commands (a client's retry, or internal
//! commands read again where a group's offsets were lost) meets the ids of effects that the aggregates keep. So the
//! shard keeps no ids of its own.

mod recovery;
mod runner;
mod shard;
mod snapshot;
#[cfg(test)]
mod tests;

pub use recovery::{Recovery, RecoveryError, Replay};
pub use runner::{Processor, ProcessorError, ProcessorOptions, ShardState, ShardStatus};
pub use shard::{Effects, Input, Rebuild, Shard, ShardOptions, ShardStats};
