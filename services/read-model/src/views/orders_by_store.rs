//! Orders of a store, newest first: those that it has placed, and those with a line that it sells. It holds keys only, as the
//! list of a shopper's orders does.

use super::orders_by_shopper::{OrderPlace, entry, page_of, placed};
use crate::{
    fold::{Fact, Listing},
    store::{RowWrite, StoreError, Table, ViewStore},
};
use schemas::{
    Event, Role, StoreId,
    order::{HoldsGranted, OrderEvent},
};
use std::collections::BTreeSet;

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
        if let Some(placed) = placed(fact) {
            let by = &placed.owner.placed_by;
            let store = by.store.as_ref().filter(|_| by.role == Role::Store);
            rows.extend(store.map(|store| entry(TABLE, store.as_str(), placed.ordered_at, fact)));
        }
        // Who sells a line is known from the grant on, and never changes: what was refused is nobody's order.
        if let Event::Order(OrderEvent::HoldsGranted(granted)) = fact.event
            && let Some(ordered_at) = granted.ordered_at
        {
            rows.extend(sellers(granted).into_iter().map(|store| entry(TABLE, store.as_str(), ordered_at, fact)));
        }
    }
}

/// Each store that sells a line.
fn sellers(granted: &HoldsGranted) -> BTreeSet<&StoreId> {
    granted.lines.iter().filter_map(|line| line.store.as_ref()).collect()
}
