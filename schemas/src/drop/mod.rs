//! The drop: a limited-time offer with units of its own, lent by its items.

mod command;
mod event;
mod rejection;
mod reply;

pub use command::*;
pub use event::*;
pub use rejection::*;
pub use reply::*;

use crate::{
    ids::{AllotmentId, ClaimId, DropId, ItemId, OrderId, StoreId, SubjectId},
    money::Money,
    quantity::Quantity,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The phase of a drop that its status shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropStatus {
    /// Its items were asked to lend their units and have not all answered.
    Draft,
    /// All units are lent; it has not begun.
    Scheduled,
    /// The waiting room is open, the drop is not.
    Queueing,
    /// Units can be claimed.
    Live,
    /// Every unit is claimed, some are not paid for: they may return.
    AllHeld,
    /// The store has stopped it for a while.
    Paused,
    /// Every unit is bought. Reopens where units come back before the end.
    SoldOut,
    /// Its time is over.
    Ended,
    /// The store has called it off.
    Cancelled,
    /// Some item did not lend its units: it never was scheduled.
    Rejected,
}

impl DropStatus {
    /// Every status, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Draft,
        Self::Scheduled,
        Self::Queueing,
        Self::Live,
        Self::AllHeld,
        Self::Paused,
        Self::SoldOut,
        Self::Ended,
        Self::Cancelled,
        Self::Rejected,
    ];

    /// The status as JSON and queries name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Queueing => "queueing",
            Self::Live => "live",
            Self::AllHeld => "all_held",
            Self::Paused => "paused",
            Self::SoldOut => "sold_out",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }
}

/// What a drop offers of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropItem {
    /// What.
    pub item_id: ItemId,
    /// How many units the item lends.
    pub quantity: Quantity,
    /// The price of one unit in the drop.
    pub price: Money,
}

/// What a drop is, as its store says it. Times are the engine's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropTerms {
    /// 1–200 characters, public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 1–20 items, each once, one currency.
    pub items: Vec<DropItem>,
    /// When claims are taken from.
    pub starts_at: Timestamp,
    /// When claims are taken to; after the start, at most 30 days.
    pub ends_at: Timestamp,
    /// Units that one shopper may have of it, over all of its items and all of their orders.
    pub limit_per_shopper: Quantity,
    /// When the waiting room opens, not after the start; without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_opens_at: Option<Timestamp>,
    /// How many shoppers are admitted at once, at most; without it as many as units are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admit_at_once: Option<u32>,
}

/// SHA-256 of the seed of a draw: published before anybody joins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SeedHash(pub [u8; 32]);

/// The seed of a draw: revealed once joining early is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

macro_rules! hex32 {
    ($($name:ident),+) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                bytes32(&text).map(Self).ok_or_else(|| serde::de::Error::custom("64 hexadecimal digits are expected"))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$"})
            }
        }
    )+};
}
hex32!(SeedHash, Seed);

/// The bytes that 64 hexadecimal digits name.
fn bytes32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// The units of one item in a drop. `allotted = remaining + held + sold`, until the drop has given units back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolLevels {
    /// Units that nobody has claimed.
    pub remaining: u32,
    /// Units that are claimed and not paid for.
    pub held: u32,
    /// Units that are bought, less what was cancelled.
    pub sold: u32,
}

/// The units of an item in a drop after an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemPool {
    /// What.
    pub item_id: ItemId,
    /// Its units.
    pub levels: PoolLevels,
}

/// How far the waiting room is: everybody whose rank is lower has been admitted. Ranks begin at 1; who joined early has
/// one once the draw is over, later ones have theirs when they join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueLevels {
    /// The rank that is admitted next.
    pub next_rank: u64,
    /// Places that were ever taken.
    pub places: u64,
    /// Shoppers who are admitted and have neither claimed nor let it pass.
    pub admitted: u64,
}

/// The claim that an order stems from. The order's hold of the item is `HoldId::Drop { drop, claim }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropClaim {
    /// The drop.
    pub drop: DropId,
    /// The claim.
    pub claim: ClaimId,
}

/// The allotment under which an item lends its units to a drop: one per drop and item.
#[must_use]
pub fn allotment_of(drop: &DropId, index: usize) -> AllotmentId {
    // Ids have at most 64 characters, so a long name is told by its hash; the index keeps the items of one drop apart.
    let name = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("drop/{drop}/{index}").as_bytes());
    AllotmentId::parse(&name.to_string()).expect("a UUID is an id")
}

/// Who a claim is for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimFacts {
    /// The claim.
    pub claim: ClaimId,
    /// The order that it opens.
    pub order_id: OrderId,
    /// Whose.
    pub shopper: SubjectId,
    /// What.
    pub item_id: ItemId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit.
    pub unit_price: Money,
    /// The store of the drop.
    pub store: StoreId,
}
