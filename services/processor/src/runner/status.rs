//! What a shard shows of itself.

use crate::{Shard, ShardStats};
use schemas::{ShardId, Timestamp, Topic};
use serde::Serialize;

/// What a shard is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum ShardState {
    /// Reads snapshots and events.
    Recovering,
    /// Takes commands.
    Serving,
    /// Takes nothing any more, for this reason.
    Stopped(String),
}

/// How a shard does.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardStatus {
    /// Which.
    pub shard: ShardId,
    /// Of its lease.
    pub epoch: u64,
    /// What it is doing.
    #[serde(flatten)]
    pub state: ShardState,
    /// The newest seq of the items' events.
    pub inventory_seq: u64,
    /// The newest seq of the orders' events.
    pub orders_seq: u64,
    /// The time up to which deadlines have been handled.
    pub clock_seen: Option<Timestamp>,
    /// Aggregates in memory.
    pub aggregates: usize,
    /// Finished aggregates that have left memory.
    pub finished: usize,
    /// Aggregates that have a deadline.
    pub deadlines: usize,
    /// The earliest deadline.
    pub next_due: Option<Timestamp>,
    /// Clients that wait for an answer of a later transaction.
    pub waiters: usize,
    /// How long the last recovery took.
    pub recovered_in_ms: u64,
    /// Events that it applied.
    pub events_replayed: u64,
    /// Commands decided since then.
    pub commands: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Commands that could not be decided.
    pub dead_letters: u64,
}

/// A status, and what the processor needs beside it.
pub(super) struct Tracked {
    pub status: ShardStatus,
    /// Whether it is this process's.
    pub assigned: bool,
    /// The newest time at which a pass found nothing to do.
    pub quiet_since: Option<Timestamp>,
    /// The count of internal traffic when that pass began.
    pub quiet_at_traffic: u64,
}

impl Tracked {
    pub fn new(shard: ShardId) -> Self {
        let status = ShardStatus {
            shard,
            epoch: 0,
            state: ShardState::Recovering,
            inventory_seq: 0,
            orders_seq: 0,
            clock_seen: None,
            aggregates: 0,
            finished: 0,
            deadlines: 0,
            next_due: None,
            waiters: 0,
            recovered_in_ms: 0,
            events_replayed: 0,
            commands: 0,
            refused: 0,
            dead_letters: 0,
        };
        Self { status, assigned: false, quiet_since: None, quiet_at_traffic: 0 }
    }

    /// Takes over what the shard says.
    pub fn show(&mut self, shard: &Shard) {
        let status = &mut self.status;
        let ShardStats { commands, refused, dead_letters, .. } = shard.stats();
        status.epoch = shard.epoch();
        status.inventory_seq = shard.seq(Topic::InventoryEvents);
        status.orders_seq = shard.seq(Topic::OrdersEvents);
        (status.aggregates, status.finished) = shard.aggregates();
        (status.deadlines, status.next_due) = shard.deadlines();
        status.waiters = shard.waiting();
        (status.commands, status.refused, status.dead_letters) = (commands, refused, dead_letters);
    }
}
