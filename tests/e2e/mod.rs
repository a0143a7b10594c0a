//! The real process, driven over HTTP from outside: embedded, and on a cluster.

mod bad_input;
mod checkout;
mod cluster;
mod engine;
mod holds;
mod kill;
mod process;
mod race;
mod replay;
mod time;
mod world;
