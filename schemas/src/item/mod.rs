//! The item: catalog facts, price and stock.

mod allotment;
mod close;
mod command;
mod event;
mod levels;
mod rejection;
mod reply;
mod supply;
mod transfer;

pub use allotment::*;
pub use close::*;
pub use command::*;
pub use event::*;
pub use levels::*;
pub use rejection::*;
pub use reply::*;
pub use supply::*;
pub use transfer::*;

use crate::{
    ids::{ClaimId, DropId, FreeHoldId, ItemId, OrderId, SourceId, StoreId, SubjectId},
    metadata::Metadata,
};
use serde::{Deserialize, Deserializer, Serialize};

/// Whether an item has stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Has stock and is shipped.
    Physical,
    /// Has none: every hold is granted, nothing ships.
    Digital,
}

/// The catalog facts of an item, without its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// What a person reads, 1–200 characters.
    pub name: String,
    /// A longer text, at most 10,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A category, an id-like word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The store that owns it; none = the shop itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Whether it has stock.
    pub kind: ItemKind,
    /// Free JSON: a television has a size, a shirt a colour. At most 16 KiB.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// At most five images, by URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Where the file of a digital item is, an https URL of at most 2,048 characters: for who bought it, and not public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Where a catalog fact came from, and its version there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceVersion {
    /// The system that published it.
    pub source: SourceId,
    /// Rises with every change there; an older one is ignored.
    pub version: u64,
}

/// Who holds units, under which id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum HoldId {
    /// An order's, one per order, attempt and item.
    Order {
        /// The order.
        order: OrderId,
        /// 1, and one more for each time that an expired order holds again.
        attempt: u32,
        /// The item.
        item: ItemId,
    },
    /// A drop claim's.
    Drop {
        /// The drop.
        drop: DropId,
        /// The claim.
        claim: ClaimId,
    },
    /// A foreign system's own.
    Free {
        /// Who placed it: ids of two callers never meet.
        caller: SubjectId,
        /// The caller's id for it.
        id: FreeHoldId,
    },
}

// By hand: the derived reader buffers a tagged enum, and every event of a hold has one.
impl<'de> Deserialize<'de> for HoldId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Kind {
            Order,
            Drop,
            Free,
        }
        #[derive(Deserialize)]
        struct Fields {
            kind: Kind,
            order: Option<OrderId>,
            attempt: Option<u32>,
            item: Option<ItemId>,
            drop: Option<DropId>,
            claim: Option<ClaimId>,
            caller: Option<SubjectId>,
            id: Option<FreeHoldId>,
        }
        fn has<T, E: serde::de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
            field.ok_or_else(|| E::missing_field(name))
        }
        let f = Fields::deserialize(deserializer)?;
        Ok(match f.kind {
            Kind::Order => Self::Order {
                order: has(f.order, "order")?,
                attempt: has(f.attempt, "attempt")?,
                item: has(f.item, "item")?,
            },
            Kind::Drop => Self::Drop { drop: has(f.drop, "drop")?, claim: has(f.claim, "claim")? },
            Kind::Free => Self::Free { caller: has(f.caller, "caller")?, id: has(f.id, "id")? },
        })
    }
}

/// Where units of a location lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Can be sold.
    Sellable,
    /// Cannot be sold.
    Damaged,
    /// Waits for a look.
    QualityControl,
}

/// The state of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    /// Units are reserved.
    Active,
    /// Units are ordered: committed or allocated, or have left.
    Committed,
    /// Given back.
    Released,
    /// Given back by its deadline.
    Expired,
    /// All units have left.
    Shipped,
}
