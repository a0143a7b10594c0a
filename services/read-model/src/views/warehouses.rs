//! Warehouses, all in one list: there are few, and whoever plans shipments wants them all.

use crate::{
    fold::{Fact, Listing, decode, encode},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
    views::rows,
};
use schemas::{
    Event, LocationId, Position, Timestamp,
    warehouse::{WarehouseEvent, WarehouseFacts},
};
use serde::{Deserialize, Serialize};

/// The table: one partition, ordered by location.
pub const TABLE: Table = Table { name: "warehouses_v1" };

/// The one partition.
const EVERYTHING: &str = "all";
/// Rows that one read of the list takes.
const PAGE: usize = 500;

/// A warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseRow {
    /// The location.
    pub location: LocationId,
    /// The newest event in it.
    pub position: Position,
    /// When that was.
    pub time: Timestamp,
    /// From 1, dense.
    pub version: u64,
    /// What is known of it.
    pub facts: WarehouseFacts,
}

/// A warehouse; `None` where nothing is known of that location.
pub async fn get(store: &dyn ViewStore, location: &LocationId) -> Result<Option<WarehouseRow>, StoreError> {
    Ok(rows(store, TABLE, &[key(location.as_str())]).await?.pop().flatten())
}

/// All of them, ordered by location.
pub async fn all(store: &dyn ViewStore) -> Result<Vec<WarehouseRow>, StoreError> {
    let mut found: Vec<WarehouseRow> = Vec::new();
    loop {
        let after = found.last().map(|row| row.location.as_str().to_owned());
        let scan =
            Scan { table: TABLE, partition: EVERYTHING, after: after.as_deref(), descending: false, limit: PAGE };
        let page = store.scan(scan).await?;
        for row in &page {
            found.push(decode(TABLE, &key(&row.clustering), &row.body)?);
        }
        if page.len() < PAGE {
            return Ok(found);
        }
    }
}

fn key(location: &str) -> RowKey {
    RowKey { partition: EVERYTHING.to_owned(), clustering: location.to_owned() }
}

/// The fold.
pub struct Warehouses;

impl Listing for Warehouses {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Event::Warehouse(event) = fact.event else { return };
        let WarehouseEvent::WarehouseSet(set) = event;
        let row = WarehouseRow {
            location: LocationId::parse(&fact.envelope.subject).expect("the subject of a warehouse's event is its id"),
            position: fact.position,
            time: fact.envelope.time,
            version: set.version,
            facts: set.facts.clone(),
        };
        let key = key(&fact.envelope.subject);
        let body = encode(TABLE, &key, &row).expect("a row of words and numbers is JSON");
        rows.push(RowWrite { table: TABLE, key, version: fact.version(), body: Some(body) });
    }
}
