//! How far the followers of a store have been told of a thing: written by the notifier itself, and folded from nothing.
//!
//! A row that is lost, with the views, costs repeats only: whoever was told is not told again.

use crate::{
    fold::encode,
    store::{Checkpoints, RowKey, RowWrite, StoreError, Table, ViewStore},
    views::row,
};
use schemas::{Position, SubjectId};
use serde::{Deserialize, Serialize};

/// The table: a row for the event that is told. It stays: drops are few, and whoever reads their events anew begins nothing twice.
pub const TABLE: Table = Table { name: "fan_outs_v1" };

/// Where a fan-out goes on: all followers before it have been told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    /// The source partition of the followers; the number of partitions at the end.
    pub partition: u32,
    /// After whom in it; none = from its begin.
    pub after: Option<SubjectId>,
    /// Chunks told so far: what a later cursor has more of.
    pub chunks: u64,
}

/// Where the fan-out of an event goes on.
pub async fn get(views: &dyn ViewStore, event: Position) -> Result<Option<Cursor>, StoreError> {
    row(views, TABLE, &event.to_string()).await
}

/// Keeps where it goes on; one with fewer chunks changes nothing.
pub async fn keep(views: &dyn ViewStore, consumer: &str, event: Position, cursor: &Cursor) -> Result<(), StoreError> {
    let key = RowKey::single(event.to_string());
    let body = Some(encode(TABLE, &key, cursor)?);
    let row = RowWrite { table: TABLE, key, version: cursor.chunks, body };
    views.write(consumer, &[row], &Checkpoints::new()).await
}
