//! Stores that a shopper follows.

use crate::{
    fold::{Fact, Listing, decode, encode},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    Event, StoreId, SubjectId, Timestamp,
    follows::{FollowsEvent, StoreFollowed, StoreUnfollowed},
};
use serde::{Deserialize, Serialize};

/// The table: partition shopper, ordered by store.
pub const TABLE: Table = Table { name: "follows_v1" };

/// What is stored of a follow beside its key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    followed_at: Timestamp,
}

/// A store that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// Which.
    pub store: StoreId,
    /// Since when.
    pub followed_at: Timestamp,
}

/// Stores that a shopper follows after one of them, by id; fewer than `limit` at the end.
pub async fn page(
    views: &dyn ViewStore,
    shopper: &SubjectId,
    after: Option<&StoreId>,
    limit: usize,
) -> Result<Vec<Follow>, StoreError> {
    let after = after.map(StoreId::as_str);
    let scan = Scan { table: TABLE, partition: shopper.as_str(), after, descending: false, limit };
    let rows = views.scan(scan).await?;
    rows.iter()
        .map(|row| {
            let key = RowKey { partition: shopper.to_string(), clustering: row.clustering.clone() };
            let Stored { followed_at } = decode(TABLE, &key, &row.body)?;
            let broken = |_| StoreError::Corrupt(format!("{} {key:?}: not a store", TABLE.name));
            Ok(Follow { store: StoreId::parse(&row.clustering).map_err(broken)?, followed_at })
        })
        .collect()
}

/// What an event says of a follow: which store, and whether it is followed now.
pub(super) fn told<'f>(fact: &Fact<'f>) -> Option<(&'f StoreId, bool)> {
    let Event::Follows(event) = fact.event else { return None };
    Some(match event {
        FollowsEvent::StoreFollowed(StoreFollowed { store, .. }) => (store, true),
        FollowsEvent::StoreUnfollowed(StoreUnfollowed { store, .. }) => (store, false),
    })
}

/// The fold.
pub struct Follows;

impl Listing for Follows {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some((store, is_followed)) = told(fact) else { return };
        let key = RowKey { partition: fact.envelope.subject.clone(), clustering: store.to_string() };
        let stored = Stored { followed_at: fact.envelope.time };
        let body = is_followed.then(|| encode(TABLE, &key, &stored).expect("a time is JSON"));
        rows.push(RowWrite { table: TABLE, key, version: fact.version(), body });
    }
}
