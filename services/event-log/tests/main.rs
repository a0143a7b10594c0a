//! One contract over every implementation of the port, and what only one of them promises.
#![allow(clippy::unwrap_used, reason = "tests")]

mod contract;
mod kafka;
mod kafka_admin;
mod simulated;
mod sqlite;
mod world;
