//! What a shopper was told in the app, newest first.

use crate::{
    fold::{Fact, Listing, decode, encode},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    Event, SubjectId, Timestamp,
    shopper::{Notification, ShopperEvent},
};
use serde::{Deserialize, Serialize};

/// The table: partition shopper, ordered by seq.
pub const TABLE: Table = Table { name: "inbox_v1" };

/// Something that a shopper was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxRow {
    /// Its seq in the log, which orders the inbox.
    pub seq: u64,
    /// When they were told.
    pub told_at: Timestamp,
    /// What.
    pub notification: Notification,
}

/// What a shopper was told before (older than) an entry, newest first; fewer than `limit` at the end.
pub async fn page(
    views: &dyn ViewStore,
    shopper: &SubjectId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<InboxRow>, StoreError> {
    let after = before.map(clustering);
    let scan = Scan { table: TABLE, partition: shopper.as_str(), after: after.as_deref(), descending: true, limit };
    let rows = views.scan(scan).await?;
    let key = |clustering: &str| RowKey { partition: shopper.to_string(), clustering: clustering.to_owned() };
    rows.iter().map(|row| decode(TABLE, &key(&row.clustering), &row.body)).collect()
}

fn clustering(seq: u64) -> String {
    format!("{seq:016x}")
}

/// The fold.
pub struct Inbox;

impl Listing for Inbox {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Event::Shopper(ShopperEvent::ShopperNotified(event)) = fact.event else { return };
        if !event.channels.in_app {
            return;
        }
        let seq = fact.position.seq;
        let row = InboxRow { seq, told_at: fact.envelope.time, notification: event.notification.clone() };
        let key = RowKey { partition: fact.envelope.subject.clone(), clustering: clustering(seq) };
        let body = encode(TABLE, &key, &row).expect("a row of words and numbers is JSON");
        rows.push(RowWrite { table: TABLE, key, version: fact.version(), body: Some(body) });
    }
}
