//! Waiting until the views are as far as a position token says.
//!
//! [`covers`] and [`is_of`] decide and know neither time nor store; [`Progress`] looks and waits.

use axum::http::StatusCode;
use edge::Problem;
use parking_lot::RwLock;
use read_model::{Checkpoints, ViewStore, views::CONSUMER};
use schemas::{Position, PositionToken, ShardCount, Topic};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The longest that a GET waits for its view, unless told otherwise.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Whether the views have folded all that the token names.
#[must_use]
pub fn covers(checkpoints: &Checkpoints, token: &PositionToken) -> bool {
    let is_folded = |position: Position| {
        let folded = checkpoints.get(&(position.topic, position.partition)).map_or(0, |checkpoint| checkpoint.seq);
        folded >= position.seq
    };
    let mut positions = token.positions();
    if planted::bug!("view-not-awaited") && !token.is_empty() {
        positions.any(is_folded)
    } else {
        positions.all(is_folded)
    }
}

/// Whether a log with so many shards can have given the token: it names partitions of events topics only.
#[must_use]
pub fn is_of(token: &PositionToken, shards: ShardCount) -> bool {
    token.positions().all(|position| Topic::EVENTS.contains(&position.topic) && position.partition < shards.get())
}

/// How far the views are, kept in memory: a GET asks the store only when what is known is not enough.
pub struct Progress {
    views: Arc<dyn ViewStore>,
    shards: ShardCount,
    longest: Duration,
    known: RwLock<Checkpoints>,
    /// One look at the store at a time, whoever waits.
    looking: tokio::sync::Mutex<()>,
    looks_begun: AtomicU64,
}

impl Progress {
    pub(crate) fn new(views: Arc<dyn ViewStore>, shards: ShardCount, longest: Duration) -> Self {
        Self {
            views,
            shards,
            longest,
            known: RwLock::default(),
            looking: tokio::sync::Mutex::new(()),
            looks_begun: AtomicU64::new(0),
        }
    }

    /// Waits until the views cover the token; 409 `view_behind` when they do not in time.
    pub(crate) async fn wait(&self, token: &PositionToken) -> Result<(), Problem> {
        if covers(&self.known.read(), token) {
            return Ok(());
        }
        if !is_of(token, self.shards) {
            return Err(Problem::bad_request("invalid_position", "the token names no partition of this log"));
        }
        let deadline = tokio::time::Instant::now() + self.longest;
        loop {
            // Subscribed before looking, or a write between the two would go unnoticed.
            let changed = self.views.changed();
            self.look().await?;
            if covers(&self.known.read(), token) {
                return Ok(());
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return Err(behind());
            }
        }
    }

    /// Brings what is known up to date, unless another waiter's look began after this call.
    async fn look(&self) -> Result<(), Problem> {
        let begun = self.looks_begun.load(Ordering::SeqCst);
        let _one_at_a_time = self.looking.lock().await;
        if self.looks_begun.load(Ordering::SeqCst) > begun {
            return Ok(());
        }
        self.looks_begun.fetch_add(1, Ordering::SeqCst);
        let checkpoints = self.views.checkpoints(CONSUMER).await.map_err(crate::store_problem)?;
        *self.known.write() = checkpoints;
        Ok(())
    }
}

fn behind() -> Problem {
    Problem::new(StatusCode::CONFLICT, "view_behind", "the view is not there yet; try again").retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use read_model::Checkpoint;

    fn token(text: &str) -> PositionToken {
        PositionToken::parse(text).expect("a token")
    }

    #[test]
    fn covers_when_every_position_is_folded() {
        let at = |seq| Checkpoint { seq, offset: seq, epoch: 1 };
        let folded = Checkpoints::from([((Topic::InventoryEvents, 0), at(5)), ((Topic::OrdersEvents, 3), at(2))]);
        assert!(covers(&folded, &PositionToken::default()));
        assert!(covers(&folded, &token("inventory.events.v1/0@5~orders.events.v1/3@2")));
        assert!(!covers(&folded, &token("inventory.events.v1/0@6")));
        assert!(!covers(&folded, &token("inventory.events.v1/0@5~orders.events.v1/3@3")));
        assert!(!covers(&folded, &token("inventory.events.v1/1@1")));
        let mut none_yet = PositionToken::default();
        none_yet.add(Position { topic: Topic::OrdersEvents, partition: 9, seq: 0 });
        assert!(covers(&folded, &none_yet));
    }

    #[test]
    fn a_token_is_of_this_log_when_its_partitions_are() {
        let shards = ShardCount::new(4).expect("a count");
        assert!(is_of(&token("inventory.events.v1/3@1"), shards));
        assert!(!is_of(&token("inventory.events.v1/4@1"), shards));
        assert!(!is_of(&token("commands.v1/0@1"), shards));
    }
}
