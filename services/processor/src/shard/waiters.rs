//! Who waits for an answer that comes transactions later. In memory only: after a failover nobody is answered.

use domain::{Aggregate, Wait, Waiter};
use schemas::{AggregateKey, PositionToken, Reply, Timestamp};
use std::collections::{HashMap, VecDeque};

/// A client has given up long before.
const GIVEN_UP_AFTER_SECONDS: u32 = 60;
/// No more wait at once; the oldest leaves.
const MOST: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_aggregate: HashMap<AggregateKey, Vec<(u64, Waiter)>>,
    /// Every waiter in the order of its coming; those that were answered are passed over.
    order: VecDeque<(Timestamp, u64, AggregateKey)>,
    next: u64,
    count: usize,
}

impl Waiters {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn contains(&self, key: &AggregateKey) -> bool {
        self.count > 0 && self.by_aggregate.contains_key(key)
    }

    pub fn add(&mut self, now: Timestamp, key: AggregateKey, waiter: Waiter) {
        self.order.push_back((now, self.next, key.clone()));
        self.by_aggregate.entry(key).or_default().push((self.next, waiter));
        self.next += 1;
        self.count += 1;
        while self.count > MOST {
            self.drop_oldest();
        }
        if self.order.len() > 2 * MOST {
            let by_aggregate = &self.by_aggregate;
            self.order.retain(|(_, number, key)| {
                by_aggregate.get(key).is_some_and(|waiting| waiting.iter().any(|(other, _)| other == number))
            });
        }
    }

    /// After a command on the aggregate: its positions belong to the chain of all who wait there; answers who can be.
    pub fn answer(
        &mut self,
        key: &AggregateKey,
        aggregate: &Aggregate,
        positions: &PositionToken,
        replies: &mut Vec<Reply>,
    ) {
        if self.count == 0 {
            return;
        }
        let Some(waiting) = self.by_aggregate.get_mut(key) else { return };
        let before = waiting.len();
        waiting.retain_mut(|(_, waiter)| {
            waiter.positions.union(positions);
            let Some(outcome) = answer_of(aggregate, &waiter.wait) else { return true };
            replies.push(Reply { to: waiter.to, positions: std::mem::take(&mut waiter.positions), outcome });
            false
        });
        self.count -= before - waiting.len();
        if waiting.is_empty() {
            self.by_aggregate.remove(key);
        }
    }

    /// Forgets whom no client waits for any longer.
    pub fn expire(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(since, _, _)| since.plus_seconds(GIVEN_UP_AFTER_SECONDS) <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, number, key)) = self.order.pop_front() else { return };
        let Some(waiting) = self.by_aggregate.get_mut(&key) else { return };
        let before = waiting.len();
        waiting.retain(|(other, _)| *other != number);
        self.count -= before - waiting.len();
        if waiting.is_empty() {
            self.by_aggregate.remove(&key);
        }
    }
}

/// A panic here must not take the shard along: who cannot be answered waits until it gives up.
fn answer_of(aggregate: &Aggregate, wait: &Wait) -> Option<Result<schemas::ReplyBody, schemas::Rejection>> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| aggregate.answer(wait))).ok().flatten()
}
