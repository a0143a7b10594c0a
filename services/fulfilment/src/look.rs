//! How far the views must be before they are looked at, and what is read from them then.

use crate::{CONSUMER, core::Listed, known::Known};
use event_log::{EventLog, LogError};
use keys::KeyStore;
use read_model::{
    Checkpoints, StoreError, ViewStore,
    views::{
        self,
        backorders::{self, BackorderRow, Waiting},
        order, stock, warehouses,
    },
};
use schemas::{ItemId, OrderId, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::task::JoinSet;

/// How long to wait for the views before their checkpoints are read again, moved or not.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why the views could not be looked at. All of it passes, or an operator must help.
#[derive(Debug, Error)]
pub(crate) enum LookError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// By partition the offset that the views must have passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Floor(BTreeMap<(Topic, u32), u64>);

impl Floor {
    /// Asks for this partition, up to this offset at least.
    pub fn raise(&mut self, topic: Topic, partition: u32, offset: u64) {
        let floor = self.0.entry((topic, partition)).or_default();
        *floor = offset.max(*floor);
    }

    /// Asks for all that the log has now of the partitions.
    pub fn raise_to_end(&mut self, log: &dyn EventLog) -> Result<(), LogError> {
        for ((topic, partition), floor) in &mut self.0 {
            *floor = log.end(*topic, *partition)?.max(*floor);
        }
        Ok(())
    }

    /// Whether views with these checkpoints show all of it.
    pub fn is_passed(&self, checkpoints: &Checkpoints) -> bool {
        let offset = |place: &(Topic, u32)| checkpoints.get(place).map_or(0, |checkpoint| checkpoint.offset);
        self.0.iter().all(|(place, floor)| offset(place) >= *floor) || planted::bug!("plan-on-stale-view")
    }
}

/// What is read with.
#[derive(Clone)]
pub(crate) struct Sources {
    pub log: Arc<dyn EventLog>,
    pub views: Arc<dyn ViewStore>,
    pub keys: Arc<dyn KeyStore>,
}

impl Sources {
    /// Waits until the views are past the floor, and past all that the log has of its partitions now.
    async fn wait(&self, mut floor: Floor) -> Result<(), LookError> {
        let log = Arc::clone(&self.log);
        let raised = tokio::task::spawn_blocking(move || floor.raise_to_end(&*log).map(|()| floor)).await;
        let floor = raised.map_err(|error| LogError::Unavailable(error.to_string()))??;
        loop {
            // Subscribed before looking, or a write between the two would go unnoticed.
            let changed = self.views.changed();
            if floor.is_passed(&self.views.checkpoints(views::CONSUMER).await?) {
                return Ok(());
            }
            // Whether it moved or not: look.
            let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
        }
    }

    /// Reads what a round of plans needs.
    pub async fn look(&self, floor: Floor, items: &[ItemId], orders: &[OrderId]) -> Result<Known, LookError> {
        self.wait(floor).await?;
        let views = &*self.views;
        let free = |row: stock::StockRow| {
            let units = |place: &schemas::item::LocationLevels| place.sellable.saturating_sub(place.allocated);
            row.locations.iter().map(|(location, place)| (location.clone(), units(place))).collect()
        };
        let rows = stock::get_many(views, items).await?;
        let stock = items.iter().zip(rows).filter_map(|(item, row)| Some((item.clone(), free(row?)))).collect();
        let warehouses = warehouses::all(views).await?.into_iter().map(|row| (row.location, row.facts)).collect();
        let mut opening = JoinSet::new();
        for row in order::get_many(views, orders).await?.into_iter().flatten() {
            let Some(sealed) = row.shipping_address else { continue };
            let keys = Arc::clone(&self.keys);
            opening.spawn(async move { (row.order_id, keys::open(&*keys, &sealed).await) });
        }
        let mut addresses = std::collections::HashMap::new();
        while let Some(opened) = opening.join_next().await {
            match opened {
                Ok((order, Ok(address))) => _ = addresses.insert(order, address),
                // Forgotten, or out of reach: it is planned without distances.
                Ok((order, Err(error))) => tracing::debug!(%order, %error, "the address cannot be opened"),
                Err(error) => tracing::error!(%error, "opening an address ended badly"),
            }
        }
        Ok(Known { stock, warehouses, addresses })
    }

    /// Reads who waits for items, each from its place in the list on.
    pub async fn list(
        &self,
        floor: Floor,
        wanted: &[(ItemId, Option<Waiting>)],
        limit: usize,
    ) -> Result<Vec<Listed>, LookError> {
        self.wait(floor).await?;
        let mut found = Vec::new();
        for (item, after) in wanted {
            let waiting = backorders::waiting(&*self.views, item, after.as_ref(), limit).await?;
            let orders: Vec<OrderId> = waiting.iter().map(|waiting| waiting.order_id.clone()).collect();
            let rows = if orders.is_empty() { Vec::new() } else { backorders::get_many(&*self.views, &orders).await? };
            let rows: Vec<BackorderRow> = rows.into_iter().flatten().collect();
            let next = (waiting.len() == limit).then(|| waiting.last().cloned()).flatten();
            found.push(Listed { rows, next });
        }
        Ok(found)
    }

    /// Where the service goes on.
    pub async fn checkpoints(&self) -> Result<Checkpoints, StoreError> {
        self.views.checkpoints(CONSUMER).await
    }
}

#[cfg(test)]
mod tests {
    use super::Floor;
    use read_model::{Checkpoint, Checkpoints};
    use schemas::Topic;

    #[test]
    fn views_that_are_behind_in_one_partition_are_waited_for() {
        let at = |offset| Checkpoint { seq: offset, offset, epoch: 1 };
        let mut floor = Floor::default();
        assert!(floor.is_passed(&Checkpoints::new()));
        floor.raise(Topic::InventoryEvents, 1, 7);
        floor.raise(Topic::InventoryEvents, 1, 5);
        floor.raise(Topic::WarehousesEvents, 0, 0);
        let shown = |offset| Checkpoints::from([((Topic::InventoryEvents, 1), at(offset))]);
        assert!(!floor.is_passed(&Checkpoints::new()));
        assert!(!floor.is_passed(&shown(6)));
        assert!(floor.is_passed(&shown(7)));
        floor.raise(Topic::InventoryEvents, 2, 1);
        assert!(!floor.is_passed(&shown(9)));
    }
}
