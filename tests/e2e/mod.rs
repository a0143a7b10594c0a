//! The real process, driven over HTTP from outside: embedded, and on a cluster.

mod bad_input;
mod bench;
mod cart;
pub(crate) mod checkout;
pub(crate) mod cluster;
mod drops;
pub(crate) mod engine;
mod fulfilment;
mod holds;
mod kill;
mod live;
mod order_table;
mod payments;
mod people;
mod process;
mod race;
mod replay;
mod stores;
mod time;
pub(crate) mod world;
