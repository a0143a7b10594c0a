//! The routes over a real engine: embedded log, shards, keys, payments.

mod checkout;
mod conventions;
mod harness;
mod holds;
mod import;
mod items;
mod orders;
mod stock;
