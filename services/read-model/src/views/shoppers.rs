//! What shoppers say of themselves, by pseudonym. The e-mail address is sealed.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::{row, rows_of},
};
use schemas::{
    Event, SubjectId,
    shopper::{ShopperEvent, ShopperFacts},
};
use serde::{Deserialize, Serialize};

/// The table.
pub const TABLE: Table = Table { name: "shopper_v1" };

/// A shopper who has said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopperRow {
    /// Rises with every change.
    pub version: u64,
    /// What they say of themselves.
    pub facts: ShopperFacts,
}

/// A shopper; `None` where they have said nothing.
pub async fn get(views: &dyn ViewStore, shopper: &SubjectId) -> Result<Option<ShopperRow>, StoreError> {
    row(views, TABLE, shopper.as_str()).await
}

/// Several, in the order asked.
pub async fn get_many(views: &dyn ViewStore, shoppers: &[SubjectId]) -> Result<Vec<Option<ShopperRow>>, StoreError> {
    rows_of(views, TABLE, shoppers.iter().map(SubjectId::as_str)).await
}

/// The fold.
pub struct Shoppers;

impl View for Shoppers {
    type Row = ShopperRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            Event::Shopper(ShopperEvent::ShopperSet(_) | ShopperEvent::ShopperForgotten(_)) => {
                key.push_str(&fact.envelope.subject);
                Touch::FreshRow
            }
            Event::Shopper(ShopperEvent::ShopperNotified(_))
            | Event::Item(_)
            | Event::Order(_)
            | Event::Cart(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<ShopperRow>, fact: &Fact<'_>) {
        let Event::Shopper(event) = fact.event else { return };
        *row = match event {
            ShopperEvent::ShopperSet(event) => Some(ShopperRow { version: event.version, facts: event.facts.clone() }),
            ShopperEvent::ShopperForgotten(event) => {
                Some(ShopperRow { version: event.version, facts: ShopperFacts::default() })
            }
            ShopperEvent::ShopperNotified(_) => return,
        };
    }
}
