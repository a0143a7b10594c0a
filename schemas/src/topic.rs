//! Topics, aggregates and which shard owns a key.

use crate::ids::{DropId, ItemId, LocationId, OrderId, StoreId, SubjectId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A topic of the log. The namespace prefix is added by the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Commands of clients.
    Commands,
    /// Commands from one aggregate to another: the outbox.
    InternalCommands,
    /// Events of items.
    InventoryEvents,
    /// Events of orders.
    OrdersEvents,
    /// Events of carts.
    CartsEvents,
    /// Events of stores.
    StoresEvents,
    /// Events of warehouses.
    WarehousesEvents,
    /// Events of drops.
    DropsEvents,
    /// Events of what shoppers follow.
    FollowsEvents,
    /// Events of shoppers.
    ShoppersEvents,
    /// State of shards, compacted.
    Snapshots,
    /// What could not be read or decided.
    DeadLetters,
    /// Answers to clients: one partition per node that takes commands.
    Replies,
    /// What suppliers' systems say of items. Others write it.
    SupplierItems,
    /// The newest public row of each item, compacted.
    ItemsState,
    /// The newest stock of each item, compacted.
    StockState,
    /// The newest public row of each order, compacted.
    OrdersState,
}

impl Topic {
    /// The topics that carry events, in the order of their codes.
    pub const EVENTS: [Self; 8] = [
        Self::InventoryEvents,
        Self::OrdersEvents,
        Self::CartsEvents,
        Self::StoresEvents,
        Self::WarehousesEvents,
        Self::DropsEvents,
        Self::FollowsEvents,
        Self::ShoppersEvents,
    ];
    /// The topics that carry the newest row of each key, written by the projector.
    pub const STATES: [Self; 3] = [Self::ItemsState, Self::StockState, Self::OrdersState];
    /// Every topic.
    pub const ALL: [Self; 17] = [
        Self::Commands,
        Self::InternalCommands,
        Self::InventoryEvents,
        Self::OrdersEvents,
        Self::CartsEvents,
        Self::StoresEvents,
        Self::WarehousesEvents,
        Self::DropsEvents,
        Self::FollowsEvents,
        Self::ShoppersEvents,
        Self::Snapshots,
        Self::DeadLetters,
        Self::Replies,
        Self::SupplierItems,
        Self::ItemsState,
        Self::StockState,
        Self::OrdersState,
    ];

    /// The name without namespace. Renaming one orphans its records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commands => "commands.v1",
            Self::InternalCommands => "internal.commands.v1",
            Self::InventoryEvents => "inventory.events.v1",
            Self::OrdersEvents => "orders.events.v1",
            Self::CartsEvents => "carts.events.v1",
            Self::StoresEvents => "stores.events.v1",
            Self::WarehousesEvents => "warehouses.events.v1",
            Self::DropsEvents => "drops.events.v1",
            Self::FollowsEvents => "follows.events.v1",
            Self::ShoppersEvents => "shoppers.events.v1",
            Self::Snapshots => "snapshots.v1",
            Self::DeadLetters => "dead-letters.v1",
            Self::Replies => "replies.v1",
            Self::SupplierItems => "supplier.items.v1",
            Self::ItemsState => "items.state.v1",
            Self::StockState => "stock.state.v1",
            Self::OrdersState => "orders.state.v1",
        }
    }

    /// The topic of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Whether only the newest record of a key is kept.
    #[must_use]
    pub const fn is_compacted(self) -> bool {
        matches!(self, Self::Snapshots | Self::ItemsState | Self::StockState | Self::OrdersState)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of a shard: a partition of the command topics and of every events topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub u32);

/// How many shards there are; fixed when a data directory or cluster is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardCount(std::num::NonZeroU32);

impl ShardCount {
    /// 1 to 4,096 shards.
    #[must_use]
    pub fn new(count: u32) -> Option<Self> {
        std::num::NonZeroU32::new(count).filter(|n| n.get() <= 4_096).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// All shards, in order.
    pub fn all(self) -> impl Iterator<Item = ShardId> {
        (0..self.get()).map(ShardId)
    }

    /// The shard of a key: murmur2 as Kafka's Java client partitions keyed records.
    #[must_use]
    pub fn of_key(self, key: &str) -> ShardId {
        ShardId((murmur2(key.as_bytes()) & 0x7fff_ffff) % self.get())
    }
}

/// MurmurHash2 with Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`).
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    // The formula takes the length modulo 2^32.
    let mut h = SEED ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// The key of an aggregate: one consistency unit with one writer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum AggregateKey {
    /// An item.
    Item(ItemId),
    /// An order.
    Order(OrderId),
    /// A cart, by the shopper's or guest's pseudonym.
    Cart(SubjectId),
    /// A store.
    Store(StoreId),
    /// A warehouse.
    Warehouse(LocationId),
    /// A drop.
    Drop(DropId),
    /// What a shopper follows, by the pseudonym.
    Follows(SubjectId),
    /// A shopper, by the pseudonym.
    Shopper(SubjectId),
}

impl AggregateKey {
    /// The key of its records.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Item(id) => id.as_str(),
            Self::Order(id) => id.as_str(),
            Self::Cart(id) | Self::Follows(id) | Self::Shopper(id) => id.as_str(),
            Self::Store(id) => id.as_str(),
            Self::Warehouse(id) => id.as_str(),
            Self::Drop(id) => id.as_str(),
        }
    }

    /// The word for its type. Renaming one orphans its snapshots.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Item(_) => "item",
            Self::Order(_) => "order",
            Self::Cart(_) => "cart",
            Self::Store(_) => "store",
            Self::Warehouse(_) => "warehouse",
            Self::Drop(_) => "drop",
            Self::Follows(_) => "follows",
            Self::Shopper(_) => "shopper",
        }
    }

    /// The topic of its events.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Item(_) => Topic::InventoryEvents,
            Self::Order(_) => Topic::OrdersEvents,
            Self::Cart(_) => Topic::CartsEvents,
            Self::Store(_) => Topic::StoresEvents,
            Self::Warehouse(_) => Topic::WarehousesEvents,
            Self::Drop(_) => Topic::DropsEvents,
            Self::Follows(_) => Topic::FollowsEvents,
            Self::Shopper(_) => Topic::ShoppersEvents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::murmur2;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_agrees_with_kafkas_java_client() {
        let cases: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, expected) in cases {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
        }
    }
}
