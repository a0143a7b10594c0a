//! Orders that a store has placed, newest first. It holds keys only, as the list of a shopper's orders does.

use super::orders_by_shopper::{OrderPlace, entry, page_of, placed};
use crate::{
    fold::{Fact, Listing},
    store::{RowWrite, StoreError, Table, ViewStore},
};
use schemas::{Role, StoreId};

/// The table: partition store, ordered by (ordered at, order id).
pub const TABLE: Table = Table { name: "orders_by_store_v1" };

/// Orders of a store after (older than) a place, newest first; fewer than `limit` at the end.
pub async fn page(
    views: &dyn ViewStore,
    store: &StoreId,
    after: Option<&OrderPlace>,
    limit: usize,
) -> Result<Vec<OrderPlace>, StoreError> {
    page_of(views, TABLE, store.as_str(), after, limit).await
}

/// The fold.
pub struct OrdersByStore;

impl Listing for OrdersByStore {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(placed) = placed(fact) else { return };
        let by = &placed.owner.placed_by;
        let store = by.store.as_ref().filter(|_| by.role == Role::Store);
        rows.extend(store.map(|store| entry(TABLE, store.as_str(), placed.ordered_at, fact)));
    }
}
