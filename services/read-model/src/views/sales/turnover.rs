//! What was sold and taken back, by day and store: a row for each day, source partition and store.
//!
//! The day is that of the event in UTC: what is cancelled or comes back counts on the day on which that happens, so a day may
//! come to less than nothing.

use crate::{
    fold::decode,
    store::{RowKey, Scan, StoreError, Table, ViewStore},
    views::rows,
};
use schemas::{ShardCount, StoreId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table: partition day and source partition, ordered by store; what the shop itself sells stands under no name.
pub const TABLE: Table = Table { name: "turnover_v1" };

const DAY_MS: i64 = 86_400_000;
/// Rows that are read at once.
const PAGE: usize = 1_000;

/// What was sold and taken back in one currency. Money in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Takings {
    /// Orders that were confirmed; one with lines of two stores counts at both.
    pub orders: i64,
    /// Units in them.
    pub units: i64,
    /// Units that were cancelled or came back.
    pub units_back: i64,
    /// What the orders came to.
    pub gross: i64,
    /// What was cancelled of orders that were confirmed.
    pub cancelled: i64,
    /// What came back.
    pub returned: i64,
    /// What operators gave back beside that.
    pub refunded: i64,
}

impl Takings {
    /// What remains.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross.saturating_sub(self.cancelled).saturating_sub(self.returned).saturating_sub(self.refunded)
    }

    /// Adds others to these.
    pub const fn add(&mut self, other: &Self) {
        self.orders = self.orders.saturating_add(other.orders);
        self.units = self.units.saturating_add(other.units);
        self.units_back = self.units_back.saturating_add(other.units_back);
        self.gross = self.gross.saturating_add(other.gross);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
        self.returned = self.returned.saturating_add(other.returned);
        self.refunded = self.refunded.saturating_add(other.refunded);
    }
}

/// Takings of a store on a day, by the code of their currency; of one source partition or of all.
pub type ByCurrency = BTreeMap<String, Takings>;

/// A day, since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub i64);

impl Day {
    /// The day of a time.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.millis().div_euclid(DAY_MS))
    }

    /// When it begins.
    #[must_use]
    pub const fn begin(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MS))
    }
}

fn partition_of(day: Day, partition: u32) -> String {
    format!("{}/{partition}", day.0)
}

/// Where the takings of a store stand.
pub(super) fn key(day: Day, partition: u32, store: Option<&StoreId>) -> RowKey {
    RowKey { partition: partition_of(day, partition), clustering: store.map_or("", StoreId::as_str).to_owned() }
}

/// Takings of one store on a day.
pub async fn of_store(
    views: &dyn ViewStore,
    shards: ShardCount,
    day: Day,
    store: &StoreId,
) -> Result<ByCurrency, StoreError> {
    let keys: Vec<_> = shards.all().map(|shard| key(day, shard.0, Some(store))).collect();
    let found: Vec<Option<ByCurrency>> = rows(views, TABLE, &keys).await?;
    let mut sum = ByCurrency::new();
    found.into_iter().flatten().for_each(|row| add_to(&mut sum, row));
    Ok(sum)
}

/// Takings of all stores on a day; under no store what the shop itself sells.
pub async fn of_all(
    views: &dyn ViewStore,
    shards: ShardCount,
    day: Day,
) -> Result<BTreeMap<Option<StoreId>, ByCurrency>, StoreError> {
    let mut sums = BTreeMap::new();
    for shard in shards.all() {
        let partition = partition_of(day, shard.0);
        let mut last: Option<String> = None;
        loop {
            let scan =
                Scan { table: TABLE, partition: &partition, after: last.as_deref(), descending: false, limit: PAGE };
            let found = views.scan(scan).await?;
            let is_last = found.len() < PAGE;
            last = found.last().map(|row| row.clustering.clone());
            for row in found {
                let key = RowKey { partition: partition.clone(), clustering: row.clustering };
                let taken = decode(TABLE, &key, &row.body)?;
                add_to(sums.entry(StoreId::parse(&key.clustering).ok()).or_default(), taken);
            }
            if is_last {
                break;
            }
        }
    }
    Ok(sums)
}

fn add_to(sum: &mut ByCurrency, other: ByCurrency) {
    for (currency, takings) in other {
        sum.entry(currency).or_default().add(&takings);
    }
}
