//! What was bought most of late: units by item, in a row for each minute and source partition.
//!
//! The rows are a ring: a minute takes the place of the one that many minutes before it, so old ones leave without anybody
//! looking for them, and there are never more rows than that by partition. In a partition time does not go back.

use crate::{
    store::{RowKey, StoreError, Table, ViewStore},
    views::rows,
};
use schemas::{ItemId, ShardCount, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table: a row for each place in the ring and source partition.
pub const TABLE: Table = Table { name: "most_bought_v1" };
/// The most minutes that can be asked for.
pub const MOST_MINUTES: u32 = 60;
/// Places in the ring: more than can be asked for.
const RING: i64 = 64;
/// The most different items that are counted in a minute of a partition. What comes after these is counted together.
pub const MOST_ITEMS: usize = 1_024;

const MINUTE_MS: i64 = 60_000;

/// What was bought in a minute, of one source partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bought {
    /// Which minute, since 1970.
    pub minute: i64,
    /// Units by item, without those that were cancelled since.
    pub items: BTreeMap<ItemId, u64>,
    /// Units of items that found no room.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(units: &u64) -> bool {
    *units == 0
}

/// The minute of a time.
pub(super) const fn minute_of(time: Timestamp) -> i64 {
    time.millis().div_euclid(MINUTE_MS)
}

/// Where the minute of a partition stands.
pub(super) fn key(minute: i64, partition: u32) -> RowKey {
    RowKey::single(format!("{:02}/{partition}", minute.rem_euclid(RING)))
}

/// Units by item that a minute has more, or fewer.
pub(super) struct Change {
    pub(super) minute: i64,
    pub(super) items: BTreeMap<ItemId, i64>,
}

impl Change {
    pub(super) fn apply(&self, row: &mut Option<Bought>) {
        if self.items.values().all(|units| *units > 0) && row.as_ref().is_none_or(|row| row.minute < self.minute) {
            *row = Some(Bought { minute: self.minute, ..Bought::default() });
        }
        // A cancellation of what was bought in a minute that has left takes nothing back.
        let Some(row) = row.as_mut().filter(|row| row.minute == self.minute) else { return };
        for (item, &units) in &self.items {
            let has_room = row.items.len() < MOST_ITEMS || row.items.contains_key(item);
            if !has_room {
                row.left_out = row.left_out.saturating_add_signed(units);
                continue;
            }
            let bought = row.items.entry(item.clone()).or_default();
            *bought = bought.saturating_add_signed(units);
            if *bought == 0 {
                row.items.remove(item);
            }
        }
    }
}

/// Units by item, the most first, that were bought in the minute of `now` and those before it, so many in all; ties by id.
pub async fn top(
    views: &dyn ViewStore,
    shards: ShardCount,
    now: Timestamp,
    minutes: u32,
    limit: usize,
) -> Result<Vec<(ItemId, u64)>, StoreError> {
    let last = minute_of(now);
    let wanted = |minute: &i64| *minute <= last && *minute > last - i64::from(minutes.min(MOST_MINUTES));
    let keys = (0..i64::from(minutes.min(MOST_MINUTES)))
        .flat_map(|back| shards.all().map(move |shard| key(last - back, shard.0)))
        .collect::<Vec<_>>();
    let found: Vec<Option<Bought>> = rows(views, TABLE, &keys).await?;
    let mut sums: BTreeMap<ItemId, u64> = BTreeMap::new();
    for (item, units) in found.into_iter().flatten().filter(|row| wanted(&row.minute)).flat_map(|row| row.items) {
        let sum = sums.entry(item).or_default();
        *sum = sum.saturating_add(units);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    // Stable: what is equal stays in the order of the ids.
    sums.sort_by_key(|(_, units)| std::cmp::Reverse(*units));
    sums.truncate(limit);
    Ok(sums)
}
