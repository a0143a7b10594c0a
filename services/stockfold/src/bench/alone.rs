//! What the thing below us does alone, beside which the engine's figures stand: the disk, or the brokers.

use super::disk;
use crate::engine::Engine;
use anyhow::{Context as _, Result, ensure};
use event_log::{EventLog, ReadFrom, Record, kafka::KafkaLog, shard_of};
use schemas::{AggregateKey, ItemId, Topic};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Which thing it is.
pub enum Alone<'a> {
    /// The disk on which the scratch directory is.
    Disk(PathBuf),
    /// The brokers on which the log is.
    Brokers(&'a KafkaLog),
}

impl<'a> Alone<'a> {
    /// What the engine's log stands on.
    pub fn of(engine: &'a Engine, folder: Option<&Path>) -> Self {
        match engine.kafka() {
            Some(log) => Self::Brokers(log),
            None => Self::Disk(folder.unwrap_or(Path::new(".")).to_owned()),
        }
    }

    /// What is measured of it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Disk(_) => "4 KiB append + fdatasync",
            Self::Brokers(_) => "one idempotent producer",
        }
    }

    /// Holds in flight in this process, and how many times its rate they should reach.
    pub const fn goals_in_process(&self) -> [(usize, Option<f64>); 3] {
        match self {
            Self::Disk(_) => [(1, Some(0.6)), (64, None), (1_024, Some(30.0))],
            Self::Brokers(_) => [(1, None), (64, None), (1_024, Some(0.25))],
        }
    }

    /// The same over HTTP, with 64 connections.
    pub const fn goal_over_http(&self) -> Option<f64> {
        match self {
            Self::Disk(_) => Some(5.0),
            Self::Brokers(_) => None,
        }
    }

    /// Its rate; `None` where that takes an event of `item` to write again, and no item is known yet.
    pub fn per_second(&self, time: Duration, item: Option<&ItemId>) -> Result<Option<f64>> {
        match (self, item) {
            (Self::Disk(folder), _) => disk::syncs_per_second(folder, time).map(Some),
            (Self::Brokers(_), None) => Ok(None),
            (Self::Brokers(log), Some(item)) => Ok(Some(log.raw_rate(&newest(log, item)?, time)?)),
        }
    }
}

/// The newest event of an item's partition.
fn newest(log: &KafkaLog, item: &ItemId) -> Result<Record> {
    let topic = Topic::InventoryEvents;
    let partition = shard_of(log.shards(), &AggregateKey::Item(item.clone())).0;
    let end = log.end(topic, partition)?;
    ensure!(end > 0, "there is no event of {item}");
    let mut reader = log.reader(&[ReadFrom { topic, partition, offset: end - 1 }])?;
    reader.poll(1, Duration::from_secs(5))?.pop().context("the newest event cannot be read")
}
