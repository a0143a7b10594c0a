//! Payments: the port to a provider, the sandbox, and the runner that does what orders say is due.
//!
//! The order is the ledger: it records that a payment begins before the provider is asked, and what is to be captured
//! or given back. The runner tails those events, asks the provider, and sends what it said back as a command; what the
//! provider says later, by a signed webhook, becomes the same commands. All of it is at-least-once under stable ids: the
//! provider and the order both take a repeat for what it is.

mod ask;
mod call;
mod core;
mod courier;
mod fact;
mod provider;
mod runner;
mod sandbox;
mod signature;
mod webhook;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod courier_tests;
#[cfg(test)]
mod signature_tests;
#[cfg(test)]
mod twins_tests;
#[cfg(test)]
mod webhook_tests;

pub use courier::{Courier, CourierError};
pub use provider::{
    Authorization, Authorize, Capture, CaptureOutcome, CardDetails, GiveBack, Notice, Provider, ProviderError,
    ProviderFuture, VoidOutcome, WebhookError, WebhookMessage,
};
pub use runner::{PaymentsOptions, PaymentsRunner};
pub use sandbox::{Account, Sandbox};
pub use signature::{NoSecret, WebhookSecret};
pub use webhook::{WebhookEvent, Webhooks};

/// The consumer name under which the runner keeps its checkpoints.
pub const CONSUMER: &str = "payments";
