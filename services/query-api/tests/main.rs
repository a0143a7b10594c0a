//! The query API over an embedded log and embedded views, with rows folded from events.

mod carts;
mod forgetful;
mod items;
mod log;
mod ops;
mod orders;
mod parcels;
mod props;
mod stock;
mod warehouses;
mod stores;
mod world;
