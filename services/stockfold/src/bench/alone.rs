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

/// So many of the newest events are written again to measure the brokers: as different as those of a load are.
const SAMPLES: u64 = 1_000;
const SAMPLE_BYTES: usize = 1 << 20;

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

    /// Whether it is measured with events of an item.
    pub const fn needs_sample(&self) -> bool {
        matches!(self, Self::Brokers(_))
    }

    /// Its rate, where it needs that with the events of this item.
    pub fn per_second(&self, time: Duration, sample: Option<&ItemId>) -> Result<f64> {
        match self {
            Self::Disk(folder) => disk::syncs_per_second(folder, time),
            Self::Brokers(log) => Ok(log.raw_rate(&newest(log, sample.context("no item to write again")?)?, time)?),
        }
    }
}

/// The newest events of an item's partition.
fn newest(log: &KafkaLog, item: &ItemId) -> Result<Vec<Record>> {
    let topic = Topic::InventoryEvents;
    let partition = shard_of(log.shards(), &AggregateKey::Item(item.clone())).0;
    let offset = log.end(topic, partition)?.saturating_sub(SAMPLES);
    let mut reader = log.reader(&[ReadFrom { topic, partition, offset }])?;
    let found = reader.poll(SAMPLE_BYTES, Duration::from_secs(5))?;
    ensure!(!found.is_empty(), "there is no event of {item}");
    Ok(found)
}
