//! What a shard counts for Prometheus.

use crate::ShardStats;
use metrics::{Counter, Histogram, counter, histogram};
use schemas::ShardId;

/// The counters of a shard, looked up once.
pub(super) struct Meter {
    commands: Counter,
    refused: Counter,
    events: Counter,
    internal: Counter,
    dead_letters: Counter,
    batch: Histogram,
    recovery: Histogram,
    replayed: Counter,
    shown: ShardStats,
}

impl Meter {
    pub fn new(shard: ShardId) -> Self {
        let shard = shard.0.to_string();
        Self {
            commands: counter!("stockfold_commands_total", "shard" => shard.clone()),
            refused: counter!("stockfold_commands_refused_total", "shard" => shard.clone()),
            events: counter!("stockfold_events_total", "shard" => shard.clone()),
            internal: counter!("stockfold_internal_commands_total", "shard" => shard.clone()),
            dead_letters: counter!("stockfold_dead_letters_total", "shard" => shard.clone()),
            batch: histogram!("stockfold_batch_commands"),
            recovery: histogram!("stockfold_recovery_seconds"),
            replayed: counter!("stockfold_replayed_events_total", "shard" => shard),
            shown: ShardStats::default(),
        }
    }

    pub fn recovered(&mut self, seconds: f64, replayed: u64) {
        self.recovery.record(seconds);
        self.replayed.increment(replayed);
        self.shown = ShardStats::default();
    }

    pub fn batch(&self, commands: usize) {
        // A batch is far below 2^32 commands.
        self.batch.record(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
    }

    /// Adds what has been done since it was last called for this shard.
    pub fn show(&mut self, stats: ShardStats) {
        let before = std::mem::replace(&mut self.shown, stats);
        self.commands.increment(stats.commands - before.commands);
        self.refused.increment(stats.refused - before.refused);
        self.events.increment(stats.events - before.events);
        self.internal.increment(stats.received - before.received);
        self.dead_letters.increment(stats.dead_letters - before.dead_letters);
    }
}
