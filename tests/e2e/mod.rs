//! The real process, driven over HTTP from outside: embedded, and on a cluster.

mod analytics;
mod bad_input;
mod bench;
mod cart;
pub(crate) mod checkout;
pub(crate) mod cluster;
mod consumers;
mod dead_letters;
mod drops;
pub(crate) mod engine;
pub(crate) mod feeds;
mod fulfilment;
mod holds;
mod import;
mod kill;
mod live;
mod order_table;
mod payments;
mod people;
mod privacy;
mod process;
mod race;
mod replay;
mod states;
mod stores;
mod time;
pub(crate) mod world;
