//! Given what happened, when a command, then these events: a file per command, a test per outcome, in the order of the
//! checks. The properties are in `properties`, against the naive reckoning of `model`.

mod allocate;
mod allot;
mod clock;
mod close_hold;
mod commit_hold;
mod count;
mod delist;
mod forward;
mod kit;
mod list;
mod model;
mod move_stock;
mod patch;
mod place_hold;
mod place_order_hold;
mod properties;
mod receive;
mod receive_forward;
mod receive_transfer;
mod release_hold;
mod restock;
mod retention;
mod safety;
mod ship;
mod snapshot;
mod supply;
mod supply_facts;
mod supply_kit;
mod supply_random;
mod told;
mod transfer;
mod transfers_kit;
mod uncommit;
