//! The engine as an attacker meets it: what is whose, tokens that do not hold, input that no client sends.
//!
//! One process serves all of these tests, started by the first that asks for it.

mod answer;
mod asks;
mod cursors;
mod engine;
mod fuzz;
mod matrix;
#[path = "../../../../schemas/tests/mutate.rs"]
mod mutate;
mod slow;
mod table;
mod targets;
mod tickets;
mod tokens;
mod wire;
