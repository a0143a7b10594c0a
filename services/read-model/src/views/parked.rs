//! What the projector could not fold: keys whose events are parked from one on, and views that stand still because of them.
//!
//! Written by the projector with the checkpoint that passes the event, so that no later event of such a key is ever folded.

use crate::{
    fold::{decode, encode},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{Position, Timestamp, Topic};
use serde::{Deserialize, Serialize};

/// The table: one partition, ordered by topic, partition and key. They are few: the projector bounds them.
pub const TABLE: Table = Table { name: "parked_v1" };

const EVERYTHING: &str = "parked";
/// Rows that are read at once.
const PAGE: usize = 1_000;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkedState {
    /// Nothing from `first` on is in the rows.
    Parked,
    /// It was redriven up to `first`. A projector that was further then, and has not heard of it, has left out what follows.
    Redriven,
}

/// A key of a partition, or all views that are fed by more than one key of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parked {
    /// The key; none = the views that are fed by more than one.
    pub key: Option<String>,
    /// The first event that is not in the rows.
    pub first: Position,
    /// Its offset.
    pub offset: u64,
    /// Why it cannot be read.
    pub reason: String,
    /// The time of that event; of what was redriven, of the newest event then.
    pub since: Timestamp,
    /// Its dead letter.
    pub letter: String,
    /// How it stands.
    pub state: ParkedState,
}

impl Parked {
    /// The row. Of two writes the one that is about later events wins.
    ///
    /// # Panics
    /// Never: words and numbers are JSON.
    #[must_use]
    pub fn row(&self) -> RowWrite {
        let Position { topic, partition, seq } = self.first;
        let key = row_key(topic, partition, self.key.as_deref());
        let body = encode(TABLE, &key, self).expect("a row of words and numbers is JSON");
        let version = match self.state {
            ParkedState::Parked => seq * 16,
            ParkedState::Redriven => redriven(seq - 1),
        };
        RowWrite { table: TABLE, key, version, body: Some(body) }
    }
}

/// After all writes about events up to that one, before any about a later one.
const fn redriven(seq: u64) -> u64 {
    seq * 16 + 8
}

/// Says that nothing of a key is parked, and that whoever folds from `seq` on has all of it.
#[must_use]
pub fn forgotten(topic: Topic, partition: u32, key: Option<&str>, seq: u64) -> RowWrite {
    // One higher than what it replaces, where nothing was folded in between.
    RowWrite { table: TABLE, key: row_key(topic, partition, key), version: redriven(seq) + 1, body: None }
}

/// Where the row of a key is; without one, of the views that are fed by several.
#[must_use]
pub fn row_key(topic: Topic, partition: u32, key: Option<&str>) -> RowKey {
    let clustering = match key {
        Some(key) => format!("{topic}/{partition}/{key}"),
        None => format!("{topic}/{partition}"),
    };
    RowKey { partition: EVERYTHING.to_owned(), clustering }
}

/// Reads a row's body.
pub fn read(clustering: &str, body: &[u8]) -> Result<Parked, StoreError> {
    decode(TABLE, &RowKey { partition: EVERYTHING.to_owned(), clustering: clustering.to_owned() }, body)
}

/// All of them, by topic, partition and key.
pub async fn all(views: &dyn ViewStore) -> Result<Vec<Parked>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let scan =
            Scan { table: TABLE, partition: EVERYTHING, after: after.as_deref(), descending: false, limit: PAGE };
        let rows = views.scan(scan).await?;
        let is_last = rows.len() < PAGE;
        for row in &rows {
            all.push(read(&row.clustering, &row.body)?);
        }
        match rows.into_iter().next_back() {
            Some(last) if !is_last => after = Some(last.clustering),
            _ => return Ok(all),
        }
    }
}
