//! The views. To add one: its file, and a line in each of [`all`]; the projector need not know.

pub mod backorders;
pub mod cart;
pub mod dead_letters;
pub mod drop;
pub mod drops;
pub mod fan_outs;
pub mod followers;
pub mod follows;
pub mod hold;
pub mod inbox;
pub mod item;
pub mod item_list;
pub mod ledger;
pub mod order;
pub mod orders_by_shopper;
pub mod orders_by_store;
pub mod orders_by_warehouse;
pub mod parked;
pub mod queue_place;
pub mod sales;
pub mod shoppers;
pub mod stock;
pub mod stock_history;
pub mod stores;
pub mod warehouses;

use crate::{
    fold::{Folded, Listed, ViewFold, decode},
    store::{Row, RowKey, StoreError, Table, ViewStore},
};
use serde::de::DeserializeOwned;

/// The consumer whose checkpoints say how far all of these views are.
pub const CONSUMER: &str = "projector";

/// Rows of a view that stay in memory, in bytes as stored; twice that at most.
const CACHE_BYTES: usize = 16 << 20;

/// The same for holds: a hot item makes very many, and few come again soon.
const HOLD_CACHE_BYTES: usize = 1 << 20;

/// The same for numbers of followers, which are small, and for shoppers, who come once.
const FOLLOWER_CACHE_BYTES: usize = 4 << 20;
const SHOPPER_CACHE_BYTES: usize = 1 << 20;

/// The folds of all views, with nothing in memory yet.
#[must_use]
pub fn all() -> Vec<Box<dyn ViewFold>> {
    vec![
        Box::new(Folded::<item::ItemView>::new(CACHE_BYTES)),
        Box::new(Listed::<item_list::ByAll>::default()),
        Box::new(Listed::<item_list::ByCategory>::default()),
        Box::new(Listed::<item_list::ByStore>::default()),
        Box::new(Folded::<stock::StockView>::new(CACHE_BYTES)),
        Box::new(Listed::<stock_history::StockHistory>::default()),
        Box::<ledger::LedgerFold>::default(),
        Box::new(Folded::<hold::HoldView>::new(HOLD_CACHE_BYTES)),
        Box::new(Folded::<order::OrderView>::new(CACHE_BYTES)),
        Box::new(Listed::<orders_by_shopper::OrdersByShopper>::default()),
        Box::new(Listed::<orders_by_store::OrdersByStore>::default()),
        Box::new(Listed::<orders_by_warehouse::OrdersByWarehouse>::default()),
        Box::new(Folded::<cart::CartView>::new(CACHE_BYTES)),
        Box::new(Folded::<stores::StoreView>::new(CACHE_BYTES)),
        Box::new(Listed::<backorders::Backorders>::default()),
        Box::new(Listed::<backorders::BackordersByItem>::default()),
        Box::new(Listed::<warehouses::Warehouses>::default()),
        Box::new(Folded::<drop::DropView>::new(CACHE_BYTES)),
        Box::new(Listed::<drops::ByStore>::default()),
        Box::new(Listed::<drops::ByStart>::default()),
        Box::new(Listed::<drops::Days>::default()),
        Box::new(Listed::<queue_place::QueuePlaces>::default()),
        Box::new(Listed::<follows::Follows>::default()),
        Box::new(Listed::<followers::ByStore>::default()),
        Box::new(Folded::<followers::Counts>::new(FOLLOWER_CACHE_BYTES)),
        Box::new(Folded::<shoppers::Shoppers>::new(SHOPPER_CACHE_BYTES)),
        Box::new(Listed::<inbox::Inbox>::default()),
        Box::<sales::SalesFold>::default(),
    ]
}

/// The tables of all views, and of what services keep beside them.
#[must_use]
pub fn tables() -> Vec<Table> {
    all()
        .iter()
        .map(|view| view.table())
        .chain(sales::NUMBERS)
        .chain([fan_outs::TABLE, parked::TABLE, dead_letters::LETTERS, dead_letters::LIST, dead_letters::MINUTES])
        .collect()
}

/// Reads rows of one table by key.
async fn rows<R: DeserializeOwned>(
    store: &dyn ViewStore,
    table: Table,
    keys: &[RowKey],
) -> Result<Vec<Option<R>>, StoreError> {
    let found = store.get(table, keys).await?;
    let read = |(key, row): (&RowKey, Option<Row>)| row.map(|row| decode(table, key, &row.body)).transpose();
    keys.iter().zip(found).map(read).collect()
}

/// Reads the one row of a partition.
async fn row<R: DeserializeOwned>(store: &dyn ViewStore, table: Table, key: &str) -> Result<Option<R>, StoreError> {
    Ok(rows(store, table, &[RowKey::single(key.to_owned())]).await?.pop().flatten())
}

/// Reads rows that are each the only one of their partition.
async fn rows_of<'k, R: DeserializeOwned>(
    store: &dyn ViewStore,
    table: Table,
    keys: impl Iterator<Item = &'k str>,
) -> Result<Vec<Option<R>>, StoreError> {
    let keys: Vec<_> = keys.map(|key| RowKey::single(key.to_owned())).collect();
    rows(store, table, &keys).await
}
