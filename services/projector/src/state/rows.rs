//! Rows of the views, and what they show of items and of stock.

use super::{order, record::Shown};
use read_model::{
    StoreError, ViewStore,
    views::{
        item::{self, ItemRow},
        order::{self as orders, OrderRow},
        stock::{self, StockRow},
    },
};
use schemas::{
    ItemId, OrderId, Timestamp, Topic,
    item::{ItemKind, LocationLevels, StockLevels},
    state::{ItemState, LocationState, StockState},
};
use std::collections::{BTreeMap, BTreeSet};

/// Rows as they stood when they were looked up.
#[derive(Debug, Default)]
pub struct StateRows {
    items: BTreeMap<String, ItemRow>,
    stock: BTreeMap<String, StockRow>,
    orders: BTreeMap<String, OrderRow>,
}

impl StateRows {
    /// Looks up what a round names.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(views: &dyn ViewStore, keys: &BTreeSet<(Topic, String)>) -> Result<Self, StoreError> {
        let of = |topic: Topic| keys.iter().filter(move |(of, _)| *of == topic).map(|(_, key)| key.as_str());
        let items: Vec<ItemId> = of(Topic::InventoryEvents).filter_map(|key| ItemId::parse(key).ok()).collect();
        let order_ids: Vec<OrderId> = of(Topic::OrdersEvents).filter_map(|key| OrderId::parse(key).ok()).collect();
        let mut rows = Self::default();
        if !items.is_empty() {
            let found = item::get_many(views, &items).await?.into_iter().flatten();
            rows.items = found.map(|row| (row.item_id.to_string(), row)).collect();
            let found = stock::get_many(views, &items).await?.into_iter().flatten();
            rows.stock = found.map(|row| (row.item_id.to_string(), row)).collect();
        }
        if !order_ids.is_empty() {
            let found = orders::get_many(views, &order_ids).await?.into_iter().flatten();
            rows.orders = found.map(|row| (row.order_id.to_string(), row)).collect();
        }
        Ok(rows)
    }

    /// What is shown in a topic of states under that key.
    pub(super) fn shown(&self, topic: Topic, key: &str) -> Shown {
        let (item, stock) = (self.items.get(key), self.stock.get(key));
        match topic {
            Topic::ItemsState => match item {
                Some(row) => item_state(row).map_or(Shown::Never, |state| {
                    // The item's own row has no time of what changes its stock.
                    let time = stock.map_or(row.changed_at, |stock| stock.time.max(row.changed_at));
                    Shown::row(row.seq, time, &state)
                }),
                None => Shown::Gone,
            },
            Topic::StockState => match (stock, item) {
                (Some(row), item) => Shown::row(row.position.seq, row.time, &stock_state(row, item)),
                // It is known, and never had stock.
                (None, Some(_)) => Shown::Never,
                (None, None) => Shown::Gone,
            },
            Topic::OrdersState => self.orders.get(key).map_or(Shown::Gone, |row| {
                let state = order::state(row.clone());
                let time: Timestamp = state.history.last().map_or(row.placed_at, |newest| newest.time);
                Shown::row(row.position.seq, time, &state)
            }),
            _ => Shown::Never,
        }
    }
}

/// `None` before it is listed: nobody outside sees it.
fn item_state(row: &ItemRow) -> Option<ItemState> {
    let (catalog, price) = row.published()?;
    let catalog = catalog.clone();
    let available = match catalog.kind {
        ItemKind::Physical => Some(u64::try_from(row.available).unwrap_or(0)),
        ItemKind::Digital => None,
    };
    Some(ItemState {
        item_id: row.item_id.clone(),
        name: catalog.name,
        description: catalog.description,
        category: catalog.category,
        store: catalog.store,
        kind: catalog.kind,
        price,
        available,
        listed: row.listed,
        attributes: catalog.attributes,
        images: catalog.images,
        file: catalog.file,
        metadata: catalog.metadata,
        catalog_version: row.catalog_version,
        changed_at: row.changed_at,
    })
}

fn stock_state(row: &StockRow, item: Option<&ItemRow>) -> StockState {
    let is_digital = item.and_then(ItemRow::published).is_some_and(|(catalog, _)| catalog.kind == ItemKind::Digital);
    let StockLevels { available, on_hand, held, committed, allotted, safety } = row.levels;
    StockState {
        item_id: row.item_id.clone(),
        available: (!is_digital).then_some(available),
        on_hand,
        held,
        committed,
        allotted,
        safety,
        locations: row.locations.values().cloned().map(location_state).collect(),
        position: row.position,
        as_of: row.time,
    }
}

fn location_state(levels: LocationLevels) -> LocationState {
    let LocationLevels { location, sellable, damaged, quality_control, allocated, incoming, forwarded } = levels;
    LocationState { location, sellable, damaged, quality_control, allocated, incoming, forwarded }
}
