//! Stores, by id.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::row,
};
use schemas::{
    Event, StoreId,
    store::{StoreEvent, StoreFacts},
};
use serde::{Deserialize, Serialize};

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRow {
    /// The seq of the newest event in it: the row version of the ETag.
    pub seq: u64,
    /// Rises with every change.
    pub version: u64,
    /// What it says of itself; the e-mail address is sealed.
    pub facts: StoreFacts,
}

/// The table.
pub const TABLE: Table = Table { name: "store_v1" };

/// A store.
pub async fn get(views: &dyn ViewStore, store: &StoreId) -> Result<Option<StoreRow>, StoreError> {
    row(views, TABLE, store.as_str()).await
}

/// The fold.
pub struct StoreView;

impl View for StoreView {
    type Row = StoreRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            Event::Store(StoreEvent::StoreSet(_)) => {
                key.push_str(&fact.envelope.subject);
                Touch::FreshRow
            }
            Event::Item(_)
            | Event::Order(_)
            | Event::Cart(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_)
            | Event::Shopper(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<StoreRow>, fact: &Fact<'_>) {
        let Event::Store(StoreEvent::StoreSet(event)) = fact.event else { return };
        let (version, facts) = (event.version, event.facts.clone());
        *row = Some(StoreRow { seq: fact.position.seq, version, facts });
    }
}
