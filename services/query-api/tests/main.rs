//! The query API over an embedded log and embedded views, with rows folded from events.

mod analytics;
mod carts;
mod drops;
mod forgetful;
mod items;
mod live;
mod live_drops;
mod log;
mod ops;
mod orders;
mod orders_of_stores;
mod parcels;
mod people;
mod props;
mod stock;
mod stores;
mod subjects;
mod warehouses;
mod world;
