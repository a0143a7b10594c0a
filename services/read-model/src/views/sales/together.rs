//! What is bought together: for an item how many confirmed orders had it and another, by source partition.
//!
//! It is a memory of what buyers chose: what is cancelled later stays in it. Both its bounds lose the rare first: of an order
//! with very many items only the first are paired, and in a full row a newcomer takes the place of the least.

use crate::{
    fold::decode,
    store::{RowKey, Scan, StoreError, Table, ViewStore},
};
use schemas::{ItemId, ShardCount};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table: partition item, ordered by source partition.
pub const TABLE: Table = Table { name: "bought_together_v1" };
/// The most items of an order that are paired.
pub const MOST_OF_ORDER: usize = 20;
/// The most others that are remembered of an item, by source partition.
pub const MOST_OTHERS: usize = 200;

/// What was bought together with an item, of one source partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Together {
    /// Confirmed orders with both, by the other item.
    pub others: BTreeMap<ItemId, u64>,
}

/// Where it stands.
pub(super) fn key(item: &ItemId, partition: u32) -> RowKey {
    RowKey { partition: item.as_str().to_owned(), clustering: format!("{partition:05}") }
}

/// The items of an order that are paired.
pub(super) fn paired<'i>(items: impl Iterator<Item = &'i ItemId>) -> Vec<&'i ItemId> {
    let mut paired: Vec<&ItemId> = Vec::new();
    for item in items {
        if paired.len() < MOST_OF_ORDER && !paired.contains(&item) {
            paired.push(item);
        }
    }
    paired
}

/// Counts an order with these others.
pub(super) fn count(row: &mut Option<Together>, others: &[ItemId]) {
    let row = row.get_or_insert_default();
    for other in others {
        if row.others.len() >= MOST_OTHERS && !row.others.contains_key(other) {
            // Of those that come with it in this order none leaves: they are the newest.
            let least = row.others.iter().filter(|(item, _)| !others.contains(item)).min_by_key(|(_, count)| **count);
            let Some(least) = least.map(|(item, _)| item.clone()) else { continue };
            row.others.remove(&least);
        }
        *row.others.entry(other.clone()).or_default() += 1;
    }
}

/// What was most often bought together with an item, with the number of orders; ties by id.
pub async fn top(
    views: &dyn ViewStore,
    shards: ShardCount,
    item: &ItemId,
    limit: usize,
) -> Result<Vec<(ItemId, u64)>, StoreError> {
    let (partition, limit_rows) = (item.as_str(), shards.get() as usize);
    let scan = Scan { table: TABLE, partition, after: None, descending: false, limit: limit_rows };
    let mut sums: BTreeMap<ItemId, u64> = BTreeMap::new();
    for row in views.scan(scan).await? {
        let key = RowKey { partition: partition.to_owned(), clustering: row.clustering };
        let together: Together = decode(TABLE, &key, &row.body)?;
        for (other, orders) in together.others {
            *sums.entry(other).or_default() += orders;
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    // Stable: what is equal stays in the order of the ids.
    sums.sort_by_key(|(_, orders)| std::cmp::Reverse(*orders));
    sums.truncate(limit);
    Ok(sums)
}
