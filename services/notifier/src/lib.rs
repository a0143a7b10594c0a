//! The notifier: what happens to drops and orders becomes messages to people.
//!
//! It tails drops and orders, and asks the `Shopper` of everybody concerned to be told: that aggregate tells a thing once, by
//! the ways that the shopper wants, and records it, which is the inbox. The followers of a store are told in chunks of
//! [`CHUNK`], at a pace, each chunk noted when it is done, so that a crash costs one chunk at most. E-mail is sent for what
//! was recorded so, under an id that stays: at least once. All of it is at-least-once, so two notifiers side by side tell
//! nobody twice in the app; they would send mails twice.

mod core;
mod hear;
mod look;
mod mail;
mod pace;
mod runner;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod crowd_tests;
#[cfg(test)]
mod mail_tests;
#[cfg(test)]
mod world_tests;

pub use mail::{MailError, MailOptions, Post};
pub use runner::{NotifierOptions, NotifierRunner};

/// The consumer name under which the runner keeps its checkpoints.
pub const CONSUMER: &str = "notifier";

/// The most followers of a store that are read, and told, at once.
pub const CHUNK: usize = 1_000;
