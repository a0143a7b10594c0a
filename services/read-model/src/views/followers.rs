//! Followers of a store, in a bucket for each partition of the follows topic, so that no row has two writers and a store with
//! millions is read in chunks; and how many there are.

use crate::{
    fold::{Fact, FedBy, Listing, Touch, View},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
    views::{follows::told, rows_of},
};
use schemas::{ShardCount, StoreId, SubjectId, Topic};
use serde::{Deserialize, Serialize};

/// The table of followers: partition store and source partition, ordered by shopper.
pub const TABLE: Table = Table { name: "followers_v1" };
/// The table of their numbers: a row for each store and source partition.
pub const COUNTS: Table = Table { name: "follower_counts_v1" };

/// How many follow a store, of one source partition or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Followers {
    /// So many follow it.
    pub count: u64,
    /// So often that has changed: another number is another state.
    pub changes: u64,
}

/// Followers of a store in one source partition after one of them, by pseudonym; fewer than `limit` at the end.
pub async fn page(
    views: &dyn ViewStore,
    store: &StoreId,
    partition: u32,
    after: Option<&SubjectId>,
    limit: usize,
) -> Result<Vec<SubjectId>, StoreError> {
    let (bucket, after) = (bucket(store, partition), after.map(SubjectId::as_str));
    let rows = views.scan(Scan { table: TABLE, partition: &bucket, after, descending: false, limit }).await?;
    let broken = |key: &str| StoreError::Corrupt(format!("{} {bucket}: not a shopper: {key}", TABLE.name));
    rows.iter().map(|row| SubjectId::parse(&row.clustering).map_err(|_| broken(&row.clustering))).collect()
}

/// How many follow a store.
pub async fn count(views: &dyn ViewStore, store: &StoreId, shards: ShardCount) -> Result<Followers, StoreError> {
    let buckets: Vec<String> = shards.all().map(|shard| bucket(store, shard.0)).collect();
    let rows: Vec<Option<Followers>> = rows_of(views, COUNTS, buckets.iter().map(String::as_str)).await?;
    let sum =
        |sum: Followers, row: Followers| Followers { count: sum.count + row.count, changes: sum.changes + row.changes };
    Ok(rows.into_iter().flatten().fold(Followers::default(), sum))
}

/// No id has a slash.
fn bucket(store: &StoreId, partition: u32) -> String {
    format!("{store}/{partition}")
}

/// The fold of the followers.
pub struct ByStore;

impl Listing for ByStore {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some((store, is_followed)) = told(fact) else { return };
        let (partition, clustering) = (bucket(store, fact.position.partition), fact.envelope.subject.clone());
        let body = is_followed.then(|| b"{}".to_vec());
        rows.push(RowWrite { table: TABLE, key: RowKey { partition, clustering }, version: fact.version(), body });
    }
}

/// The fold of their numbers. Events of a shopper say changes only, so each counts.
pub struct Counts;

impl View for Counts {
    type Row = Followers;
    const TABLE: Table = COUNTS;
    const FED_BY: FedBy = FedBy::ManyKeys(&[Topic::FollowsEvents]);

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        let Some((store, _)) = told(fact) else { return Touch::None };
        key.push_str(&bucket(store, fact.position.partition));
        Touch::Row
    }

    fn fold(row: &mut Option<Followers>, fact: &Fact<'_>) {
        let Some((_, is_followed)) = told(fact) else { return };
        let row = row.get_or_insert_default();
        row.changes += 1;
        row.count = if is_followed { row.count + 1 } else { row.count.saturating_sub(1) };
    }
}
