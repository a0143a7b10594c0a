//! The real process, driven over HTTP from outside: embedded, and on a cluster.

mod bad_input;
mod bench;
pub(crate) mod checkout;
pub(crate) mod cluster;
pub(crate) mod engine;
mod holds;
mod kill;
mod process;
mod race;
mod replay;
mod time;
pub(crate) mod world;
