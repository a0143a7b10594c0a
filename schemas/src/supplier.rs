//! What suppliers publish: the data of the CloudEvents in `supplier.items.v1`.
//!
//! The attributes of the event say the rest: `type` is one of [`SupplierEventType`], `source` is the supplier's system,
//! `subject` is the item, `time` is when it became so there, and the extension `sequence` rises with every event of the
//! source about that item. Unknown fields are refused: what nobody reads is nobody's word.

use crate::{
    ids::{LocationId, StoreId},
    item::ItemKind,
    metadata::Metadata,
    money::Money,
    quantity::Quantity,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The types of events that suppliers publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SupplierEventType {
    /// The item is in sale there, with these facts: [`ItemListedData`].
    ItemListed,
    /// It costs something else: [`PriceChangedData`].
    PriceChanged,
    /// It is not in sale there any more: [`ItemDelistedData`].
    ItemDelisted,
    /// So many sellable units were at a location at `time`: [`StockReportedData`].
    StockReported,
    /// Units came in at a location at `time`: [`StockReceivedData`].
    StockReceived,
}

impl SupplierEventType {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ItemListed, Self::PriceChanged, Self::ItemDelisted, Self::StockReported, Self::StockReceived];

    /// The `type` of the event.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ItemListed => "stockfold.supplier.item-listed.v1",
            Self::PriceChanged => "stockfold.supplier.price-changed.v1",
            Self::ItemDelisted => "stockfold.supplier.item-delisted.v1",
            Self::StockReported => "stockfold.supplier.stock-reported.v1",
            Self::StockReceived => "stockfold.supplier.stock-received.v1",
        }
    }

    /// The type of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The data of `stockfold.supplier.item-listed.v1`: all facts of an item and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemListedData {
    /// What a person reads.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// A longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub description: Option<String>,
    /// A word that follows the rule of ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"))]
    pub category: Option<String>,
    /// The store that owns the item; without it the shop itself does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Whether it has stock; cannot change.
    pub kind: ItemKind,
    /// Zero or more.
    pub price: Money,
    /// Free JSON, at most 16 KiB.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// At most five, http or https.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub images: Vec<String>,
    /// Where the file of a digital item is, https: for who buys it, and not public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2_048))]
    pub file: Option<String>,
    /// The supplier's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `stockfold.supplier.price-changed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceChangedData {
    /// Zero or more.
    pub price: Money,
}

/// The data of `stockfold.supplier.item-delisted.v1`: nothing; it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemDelistedData {}

/// The data of `stockfold.supplier.stock-reported.v1`: an absolute count, as of the event's `time`.
///
/// What the engine booked at the location after that time is added on top; what it holds for orders is not touched. A
/// report of less than is held or sold is taken, and tells a shortfall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockReportedData {
    /// Where.
    pub location: LocationId,
    /// Sellable units there.
    #[schemars(range(max = 1_000_000_000))]
    pub quantity: u64,
}

/// The data of `stockfold.supplier.stock-received.v1`: units that came in at the event's `time`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockReceivedData {
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantity: Quantity,
    /// The delivery note or the like.
    #[schemars(length(min = 1, max = 200))]
    pub document: String,
}
