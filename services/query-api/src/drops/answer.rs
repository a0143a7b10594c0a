//! What is told of a drop.

use edge::openapi::MoneySchema;
use read_model::views::drop::DropRow;
use schemas::{
    DropId, ItemId, Metadata, Money, Quantity, StoreId, Timestamp,
    drop::{DropItem, DropStatus, LoanRefused, PoolLevels, Seed, SeedHash},
};
use serde::Serialize;

/// A drop.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Drop)]
pub(crate) struct DropAnswer {
    #[schema(value_type = String)]
    drop_id: DropId,
    /// The store that offers it.
    #[schema(value_type = String)]
    store: StoreId,
    /// `scheduled`, `queueing`, `live`, `all_held`, `paused`, `sold_out`, `ended` or `cancelled`; for its own store also `draft`
    /// and `rejected`.
    #[schema(value_type = String)]
    status: DropStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    items: Vec<DropItemAnswer>,
    /// When units can be claimed from.
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    /// When they can be claimed to.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// Units that one shopper may have, over all items and orders.
    #[schema(value_type = u32)]
    limit_per_shopper: Quantity,
    /// When the waiting room opens; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    queue_opens_at: Option<Timestamp>,
    /// How many shoppers are admitted at once, at most.
    admit_at_once: Option<u32>,
    /// The waiting room; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueAnswer>,
    /// SHA-256 of the seed of the draw, 64 hexadecimal digits: it was told before anybody could join.
    #[schema(value_type = Option<String>)]
    seed_hash: Option<SeedHash>,
    /// The seed, 64 hexadecimal digits, once the drop has opened.
    #[schema(value_type = Option<String>)]
    seed: Option<Seed>,
    /// When it opened.
    #[schema(value_type = Option<String>, format = DateTime)]
    opened_at: Option<Timestamp>,
    /// When it ended or was called off.
    #[schema(value_type = Option<String>, format = DateTime)]
    over_at: Option<Timestamp>,
    /// What its store said when it paused it or called it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Of a rejected one: which item did not lend its units, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    refusals: Vec<LoanRefused>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
    /// Rises when the terms change; the first part of the ETag.
    version: u64,
    /// When anything changed last.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

/// An item of a drop.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DropItemLevels)]
struct DropItemAnswer {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Units that the item lends.
    #[schema(value_type = u32)]
    quantity: Quantity,
    /// The price of one unit in the drop.
    #[schema(value_type = MoneySchema)]
    price: Money,
    /// Units that nobody has claimed.
    remaining: u32,
    /// Units that are claimed and not paid for: they may return.
    held: u32,
    /// Units that are bought.
    sold: u32,
}

/// A waiting room.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DropQueue)]
struct QueueAnswer {
    /// Places that were ever taken.
    places: u64,
    /// Shoppers who may claim now.
    admitted: u64,
    /// The rank that is admitted next.
    next_rank: u64,
    /// How many joined before the start, and are drawn; null before it.
    early: Option<u64>,
    /// How many of them are drawn.
    drawn: u64,
}

/// A page of drops.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DropList {
    pub drops: Vec<DropAnswer>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
    pub limit: usize,
}

impl From<DropRow> for DropAnswer {
    fn from(row: DropRow) -> Self {
        let item = |item: &DropItem| {
            let PoolLevels { remaining, held, sold } = row.levels(item);
            let (item_id, quantity, price) = (item.item_id.clone(), item.quantity, item.price);
            DropItemAnswer { item_id, quantity, price, remaining, held, sold }
        };
        let items = row.terms.items.iter().map(item).collect();
        let queue = row.terms.queue_opens_at.map(|_| QueueAnswer {
            places: row.queue.places,
            admitted: row.queue.admitted,
            next_rank: row.queue.next_rank,
            early: row.early,
            drawn: row.drawn,
        });
        Self {
            items,
            queue,
            drop_id: row.drop_id,
            store: row.store,
            status: row.status,
            title: row.terms.title,
            starts_at: row.terms.starts_at,
            ends_at: row.terms.ends_at,
            limit_per_shopper: row.terms.limit_per_shopper,
            queue_opens_at: row.terms.queue_opens_at,
            admit_at_once: row.terms.admit_at_once,
            seed_hash: row.seed_hash,
            seed: row.seed,
            opened_at: row.opened_at,
            over_at: row.over_at,
            reason: row.reason,
            refusals: row.refusals,
            metadata: row.metadata,
            version: row.version,
            changed_at: row.changed_at,
        }
    }
}
