//! The real process, driven over HTTP from outside.

mod bad_input;
mod checkout;
mod engine;
mod kill;
mod race;
mod replay;
mod time;
