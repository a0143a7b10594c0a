//! How far the views must be before they are looked at, and what is read from them then.

use crate::{CHUNK, CONSUMER, core::Page};
use event_log::{EventLog, LogError};
use read_model::{
    Checkpoints, StoreError, ViewStore,
    views::{
        self,
        fan_outs::{self, Cursor},
        followers, order, shoppers,
    },
};
use schemas::{OrderId, Position, StoreId, SubjectId, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use thiserror::Error;

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

    /// Whether views with these checkpoints show all of it.
    fn is_passed(&self, checkpoints: &Checkpoints) -> bool {
        let offset = |place: &(Topic, u32)| checkpoints.get(place).map_or(0, |checkpoint| checkpoint.offset);
        self.0.iter().all(|(place, floor)| offset(place) >= *floor)
    }
}

/// What is read with.
#[derive(Clone)]
pub(crate) struct Sources {
    pub log: Arc<dyn EventLog>,
    pub views: Arc<dyn ViewStore>,
}

impl Sources {
    /// Waits until the views are past the floor.
    async fn wait(&self, floor: &Floor) -> Result<(), StoreError> {
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

    /// All that the log has now of the follows.
    async fn follows(&self) -> Result<Floor, LookError> {
        let log = Arc::clone(&self.log);
        let raised = tokio::task::spawn_blocking(move || {
            let mut floor = Floor::default();
            for shard in log.shards().all() {
                floor.raise(Topic::FollowsEvents, shard.0, log.end(Topic::FollowsEvents, shard.0)?);
            }
            Ok::<_, LogError>(floor)
        });
        Ok(raised.await.map_err(|error| LogError::Unavailable(error.to_string()))??)
    }

    /// A chunk of the followers of a store from a place on; without one from where the fan-out of that event was, on views that
    /// show everybody who follows now.
    pub async fn page(&self, event: Position, store: &StoreId, from: Option<Cursor>) -> Result<Page, LookError> {
        let from = match from {
            Some(from) => from,
            None => {
                self.wait(&self.follows().await?).await?;
                fan_outs::get(&*self.views, event).await?.unwrap_or_default()
            }
        };
        let chunks = from.chunks + 1;
        let mut after = from.after;
        for partition in from.partition..self.log.shards().get() {
            let followers = followers::page(&*self.views, store, partition, after.as_ref(), CHUNK).await?;
            let is_last = followers.len() < CHUNK;
            if !followers.is_empty() {
                let next = if is_last {
                    let next = partition + 1;
                    (next < self.log.shards().get()).then_some(Cursor { partition: next, after: None, chunks })
                } else {
                    Some(Cursor { partition, after: followers.last().cloned(), chunks })
                };
                return Ok(Page { followers, next });
            }
            after = None;
        }
        Ok(Page { followers: Vec::new(), next: None })
    }

    /// The shoppers of orders, of those who have said how they want to be told.
    pub async fn buyers(
        &self,
        floor: &Floor,
        wanted: &[(u64, OrderId)],
    ) -> Result<Vec<(u64, Option<SubjectId>)>, LookError> {
        self.wait(floor).await?;
        let orders: Vec<OrderId> = wanted.iter().map(|(_, order)| order.clone()).collect();
        let rows = order::get_many(&*self.views, &orders).await?;
        let owners: Vec<Option<SubjectId>> = rows.into_iter().map(|row| row?.owner?.shopper).collect();
        let asked: Vec<SubjectId> = owners.iter().flatten().cloned().collect();
        let rows = if asked.is_empty() { Vec::new() } else { shoppers::get_many(&*self.views, &asked).await? };
        let mut known = rows.into_iter().map(|row| row.is_some());
        let found = |owner: Option<SubjectId>| owner.filter(|_| known.next().unwrap_or_default());
        Ok(wanted.iter().map(|(job, _)| *job).zip(owners.into_iter().map(found)).collect())
    }

    /// Notes where a fan-out goes on.
    pub async fn keep(&self, event: Position, cursor: &Cursor) -> Result<(), StoreError> {
        fan_outs::keep(&*self.views, CONSUMER, event, cursor).await
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
        floor.raise(Topic::OrdersEvents, 1, 7);
        floor.raise(Topic::OrdersEvents, 1, 5);
        let shown = |offset| Checkpoints::from([((Topic::OrdersEvents, 1), at(offset))]);
        assert!(!floor.is_passed(&Checkpoints::new()));
        assert!(!floor.is_passed(&shown(6)));
        assert!(floor.is_passed(&shown(7)));
    }
}
