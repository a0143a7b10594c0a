//! Fulfilment: confirmed orders become plans of sub-orders, one for each warehouse that ships.
//!
//! The order says what is due, and records what is planned; the plan itself is a pure function in `domain`. This service tails
//! both: what is due is planned on views that are past all of the log that it knows of, and sent back as a command. What nobody
//! has is a backorder, which waits in a view until units of its items come. All of it is at-least-once: an order takes one plan
//! of each revision, whoever sends it, so two services side by side do no harm.

mod core;
mod hear;
mod job;
mod known;
mod look;
mod runner;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod look_tests;
#[cfg(test)]
mod world_tests;

pub use runner::{FulfilmentOptions, FulfilmentRunner};

/// The consumer name under which the runner keeps its checkpoints.
pub const CONSUMER: &str = "fulfilment";
