//! The routes over a real engine: embedded log, shards, keys, payments.

mod bad_lines;
mod cart;
mod checkout;
mod conventions;
mod digital;
mod drops;
mod feed;
mod forget;
mod fulfilment;
mod harness;
mod holds;
mod import;
mod items;
mod orders;
mod payments;
mod people;
mod provider;
mod returns;
mod stock;
mod stores;
mod transfers;
mod warehouses;
mod webhooks;
