//! The query API over an embedded log and embedded views, with rows folded from events.

mod forgetful;
mod items;
mod log;
mod ops;
mod orders;
mod props;
mod stock;
mod world;
