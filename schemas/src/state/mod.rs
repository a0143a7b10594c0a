//! The values of the state topics: the newest public row of each key, whole. They say what the queries answer to who runs
//! the shop; personal data stands in them as ciphertext only.

mod order;

pub use order::*;

use crate::{
    ids::{ItemId, LocationId, StoreId},
    item::ItemKind,
    metadata::Metadata,
    money::Money,
    position::Position,
    time::Timestamp,
    topic::Topic,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The type of the records of a state topic; `None` for another topic.
#[must_use]
pub const fn state_type(topic: Topic) -> Option<&'static str> {
    match topic {
        Topic::ItemsState => Some("stockfold.items.item-state.v1"),
        Topic::StockState => Some("stockfold.stock.stock-state.v1"),
        Topic::OrdersState => Some("stockfold.orders.order-state.v1"),
        _ => None,
    }
}

/// The value of `stockfold.items.item-state.v1`: an item that was ever listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemState {
    /// The item.
    pub item_id: ItemId,
    /// What a person reads.
    pub name: String,
    /// A longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// One word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The store that owns it; absent = the shop itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Whether it has stock.
    pub kind: ItemKind,
    /// The price of one unit.
    pub price: Money,
    /// Units that can be bought, never below zero; null of a digital item.
    pub available: Option<u64>,
    /// Whether it is in sale.
    pub listed: bool,
    /// Free JSON.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Where the file of a digital item is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Pairs of the supplier's own.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Rises with every change of facts, price or sale.
    pub catalog_version: u64,
    /// When one of these changed last.
    pub changed_at: Timestamp,
}

/// The value of `stockfold.stock.stock-state.v1`: the stock of an item that ever had any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockState {
    /// The item.
    pub item_id: ItemId,
    /// Units that can be sold; below zero while units are missing; null of a digital item.
    pub available: Option<i64>,
    /// Sellable, damaged and in quality control.
    pub on_hand: u64,
    /// Reserved by active holds.
    pub held: u64,
    /// Ordered, not yet bound to a location.
    pub committed: u64,
    /// Lent to drops.
    pub allotted: u64,
    /// Kept back from sale.
    pub safety: u64,
    /// Every location that ever had stock of it.
    pub locations: Vec<LocationState>,
    /// The newest event in it.
    #[schemars(with = "String")]
    pub position: Position,
    /// When that was.
    pub as_of: Timestamp,
}

/// The stock of an item at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationState {
    /// Where.
    pub location: LocationId,
    /// Can be sold; allocated units stay in it until they ship.
    pub sellable: u64,
    /// Cannot be sold.
    pub damaged: u64,
    /// Waits for a look.
    pub quality_control: u64,
    /// Bound to sub-orders.
    pub allocated: u64,
    /// On its way here.
    pub incoming: u64,
    /// Units of these that are ordered: they are allocated when they arrive.
    pub forwarded: u64,
}
