//! What the bodies about drops say: terms, changes of them, and reasons.

use edge::{
    Fields, FromFields,
    fields::{id, list, metadata, nested, price, quantity, small, text, time},
    openapi::{IdSchema, MoneySchema},
};
use schemas::{DropId, ItemId, Metadata, Money, Quantity, StoreId, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The most items of a drop.
const MAX_ITEMS: usize = 20;
/// The longest that a drop lasts: 30 days.
const LONGEST_MS: i64 = 30 * 86_400_000;
/// The most shoppers that are admitted at once.
const MAX_ADMITTED: u32 = 1_000_000;

/// What a drop is.
#[derive(Debug, ToSchema)]
#[schema(as = DropTerms, rename_all = "camelCase")]
pub(crate) struct DropBody {
    /// The caller's id for it; made of the Idempotency-Key without it.
    #[schema(value_type = Option<IdSchema>)]
    pub drop_id: Option<DropId>,
    /// Whose drop it is: said by a service or operator; a store's own are its own.
    #[schema(value_type = Option<IdSchema>)]
    pub store: Option<StoreId>,
    /// 1–200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// 1–20 items, each once, all prices in one currency.
    #[schema(min_items = 1, max_items = 20)]
    pub items: Vec<DropItemBody>,
    /// When units can be claimed from; not in the past.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When they can be claimed to: after the start, at most 30 days.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// Units that one shopper may have, over all items and all of their orders.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    pub limit_per_shopper: Quantity,
    /// When the waiting room opens, not after the start; without it there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub queue_opens_at: Option<Timestamp>,
    /// How many shoppers are admitted at once, at most; without it as many as units are free.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub admit_at_once: Option<u32>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    pub metadata: Metadata,
}

/// What a drop offers of one item.
#[derive(Debug, ToSchema)]
#[schema(as = DropItem, rename_all = "camelCase")]
pub(crate) struct DropItemBody {
    /// What.
    #[schema(value_type = IdSchema)]
    pub item_id: ItemId,
    /// How many units the item lends.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    pub quantity: Quantity,
    /// The price of one unit in the drop.
    #[schema(value_type = MoneySchema)]
    pub price: Money,
}

impl FromFields for DropItemBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item_id = fields.get("itemId", id(ItemId::parse));
        let quantity = fields.get("quantity", quantity);
        let price = fields.get("price", price);
        Some(Self { item_id: item_id?, quantity: quantity?, price: price? })
    }
}

impl FromFields for DropBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let drop_id = fields.opt("dropId", id(DropId::parse));
        let store = fields.opt("store", id(StoreId::parse));
        let title = fields.opt("title", text(1..=200));
        let items = fields.get("items", list(1..=MAX_ITEMS, nested::<DropItemBody>));
        let starts_at = fields.get("startsAt", time);
        let ends_at = fields.get("endsAt", time);
        let limit_per_shopper = fields.get("limitPerShopper", quantity);
        let queue_opens_at = fields.opt("queueOpensAt", time);
        let admit_at_once = fields.opt("admitAtOnce", small(1..=MAX_ADMITTED));
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        if admit_at_once.is_some() && !fields.has("queueOpensAt") {
            fields.fault::<()>(
                "admitAtOnce",
                "out_of_range",
                "is of a drop with a waiting room: give queueOpensAt too",
            );
        }
        check_items(fields, items.as_deref().unwrap_or_default());
        check_times(fields, starts_at, ends_at, queue_opens_at);
        Some(Self {
            drop_id,
            store,
            title,
            items: items?,
            starts_at: starts_at?,
            ends_at: ends_at?,
            limit_per_shopper: limit_per_shopper?,
            queue_opens_at,
            admit_at_once,
            metadata,
        })
    }
}

fn check_items(fields: &Fields<'_>, items: &[DropItemBody]) {
    let mut seen = BTreeSet::new();
    for item in items.iter().map(|item| &item.item_id) {
        if !seen.insert(item) {
            fields.fault::<()>("items", "duplicate_item", format!("has the item {item} twice"));
        }
    }
    if items.windows(2).any(|two| two[0].price.currency() != two[1].price.currency()) {
        fields.fault::<()>("items", "mixed_currencies", "has prices in more than one currency");
    }
}

/// What holds between the times, as far as they are there: the drop looks at the rest when it has them all.
fn check_times(fields: &Fields<'_>, starts: Option<Timestamp>, ends: Option<Timestamp>, queue: Option<Timestamp>) {
    if let Some((starts, ends)) = starts.zip(ends) {
        if ends <= starts {
            fields.fault::<()>("endsAt", "out_of_range", "must be after startsAt");
        } else if ends > starts.plus_millis(LONGEST_MS) {
            fields.fault::<()>("endsAt", "out_of_range", "is at most 30 days after startsAt");
        }
    }
    if starts.zip(queue).is_some_and(|(starts, queue)| queue > starts) {
        fields.fault::<()>("queueOpensAt", "out_of_range", "must not be after startsAt");
    }
}

/// A JSON merge patch of the terms: null takes a field away.
#[derive(Debug)]
pub(crate) struct PatchBody {
    pub patch: Map<String, Value>,
}

impl FromFields for PatchBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const KNOWN: [&str; 6] = ["title", "startsAt", "endsAt", "limitPerShopper", "queueOpensAt", "admitAtOnce"];
        // The patch is merged where it is decided; what it sets is checked here like the terms of a new drop.
        let patch = fields.whole().clone();
        for unknown in patch.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            fields.fault::<()>(unknown, "unknown_field", "is not a field that can be changed");
        }
        let needed = ["startsAt", "endsAt", "limitPerShopper"];
        for needed in needed.into_iter().filter(|name| patch.get(*name) == Some(&Value::Null)) {
            fields.fault::<()>(needed, "missing", "cannot be taken away");
        }
        fields.opt("title", text(1..=200));
        let starts_at = fields.opt("startsAt", time);
        let ends_at = fields.opt("endsAt", time);
        fields.opt("limitPerShopper", quantity);
        let queue_opens_at = fields.opt("queueOpensAt", time);
        fields.opt("admitAtOnce", small(1..=MAX_ADMITTED));
        check_times(fields, starts_at, ends_at, queue_opens_at);
        Some(Self { patch })
    }
}

/// Why a drop is paused or called off.
#[derive(Debug, ToSchema)]
#[schema(as = DropReason)]
pub(crate) struct ReasonBody {
    /// Why; everybody is shown it.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: Option<String>,
}

impl FromFields for ReasonBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.opt("reason", text(1..=200)) })
    }
}
