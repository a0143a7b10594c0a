//! Payments: the port to a provider, the sandbox, and the runner that does what orders say is due.
//!
//! The order is the ledger: it records that a payment begins before the provider is asked, and what is to be captured
//! or given back. The runner tails those events, asks the provider, and sends what it said back as a command. All of it
//! is at-least-once under stable ids: the provider and the order both take a repeat for what it is.

mod backoff;
mod core;
mod frontier;
mod provider;
mod runner;
mod sandbox;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod twins_tests;

pub use provider::CaptureOutcome;
pub use provider::{
    Authorization, Authorize, Capture, CardDetails, GiveBack, Provider, ProviderError, ProviderFuture, VoidOutcome,
};
pub use runner::{PaymentsError, PaymentsOptions, PaymentsRunner};
pub use sandbox::{Account, Sandbox};

/// The consumer name under which the runner keeps its checkpoints.
pub const CONSUMER: &str = "payments";
