//! The stock of each location after every change there: what a location held at any time.
//!
//! The ledger has the levels over all locations after every event, and the locations that the event touched; to tell
//! the others as of then, their newest change before is looked up here.

use crate::{
    fold::{Fact, Listing, decode, version},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
    views::{
        ledger::{self, seq_key},
        stock::{self, StockRow},
    },
};
use schemas::{Event, ItemId, LocationId, Position, Timestamp, item::LocationLevels};
use std::collections::BTreeMap;

/// The table: partition `item/location`, ordered by seq.
pub const TABLE: Table = Table { name: "stock_history_v1" };

/// A point in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// After the event at this position, which must be of the item's own partition.
    Position(Position),
    /// After the last event at or before this time.
    Time(Timestamp),
}

/// The stock of an item as of then; `None` where it had none yet, or the position is of another partition.
pub async fn as_of(store: &dyn ViewStore, item: &ItemId, at: AsOf) -> Result<Option<StockRow>, StoreError> {
    let Some(now) = stock::get(store, item).await? else { return Ok(None) };
    let entry = match at {
        AsOf::Position(at) if (at.topic, at.partition) != (now.position.topic, now.position.partition) => None,
        AsOf::Position(at) => ledger::at_seq(store, item, at.seq).await?,
        AsOf::Time(at) => ledger::at_time(store, item, at).await?,
    };
    let Some(entry) = entry else { return Ok(None) };
    let mut locations = BTreeMap::new();
    for location in now.locations.keys() {
        if let Some(place) = place_at(store, item, location, entry.position.seq).await? {
            locations.insert(location.clone(), place);
        }
    }
    let item_id = item.clone();
    Ok(Some(StockRow { item_id, position: entry.position, time: entry.time, levels: entry.levels, locations }))
}

async fn place_at(
    store: &dyn ViewStore,
    item: &ItemId,
    location: &LocationId,
    seq: u64,
) -> Result<Option<LocationLevels>, StoreError> {
    let partition = partition(item.as_str(), location);
    let after = seq_key(seq + 1);
    let scan = Scan { table: TABLE, partition: &partition, after: Some(&after), descending: true, limit: 1 };
    let row = store.scan(scan).await?.pop();
    row.map(|row| decode(TABLE, &RowKey { partition, clustering: row.clustering }, &row.body)).transpose()
}

// No id holds a slash.
fn partition(item: &str, location: &LocationId) -> String {
    format!("{item}/{location}")
}

/// The fold.
pub struct StockHistory;

impl Listing for StockHistory {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Event::Item(event) = fact.event else { return };
        for place in stock::places(event) {
            let key = RowKey {
                partition: partition(&fact.envelope.subject, &place.location),
                clustering: seq_key(fact.position.seq),
            };
            let body = serde_json::to_vec(place).expect("levels are always JSON");
            rows.push(RowWrite { table: TABLE, key, version: version(fact.position.seq), body: Some(body) });
        }
    }
}
