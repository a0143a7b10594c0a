//! Fence, load the snapshot, replay the events to the end, consume: always in this order.

use super::thread::{Halt, Owner};
use crate::{Recovery, Shard, ShardOptions};
use event_log::{Lease, ReadFrom, Record};
use schemas::{AggregateKey, Topic};
use std::{collections::HashSet, time::Duration};

const READ_BYTES: usize = 4 << 20;
/// How long a reader may bring nothing before the end that the log told: 100 × 100 ms.
const EMPTY_POLLS: u32 = 100;

/// A shard that is rebuilt, under its lease.
pub(super) struct Recovered {
    pub lease: Box<dyn Lease>,
    pub shard: Shard,
    pub replayed: u64,
}

pub(super) fn recover(owner: &Owner, careful: &HashSet<AggregateKey>) -> Result<Recovered, Halt> {
    let (shard, options) = (owner.shard, &owner.shared.options);
    let log = &*options.log;
    let mut lease = log.acquire(shard)?;
    let shard_options = ShardOptions {
        snapshot_every_events: options.snapshot_every_events,
        snapshot_every_ms: options.snapshot_every_ms,
        careful: careful.clone(),
        ..ShardOptions::new(shard, log.shards(), options.policy.clone())
    };
    let mut recovery = Recovery::new(shard_options, lease.epoch());
    let snapshots = ReadFrom { topic: Topic::Snapshots, partition: shard.0, offset: 0 };
    read_to_end(owner, snapshots, |record| {
        recovery.snapshot(record);
        Ok(())
    })?;
    let mut replay = recovery.replay();
    for from in replay.from() {
        read_to_end(owner, from, |record| replay.event(&record).map_err(Halt::from))?;
    }
    let (replayed, repeats) = (replay.replayed(), replay.repeats());
    if repeats > 0 {
        tracing::warn!(shard = shard.0, repeats, "ignored events of an owner that had been fenced");
    }
    let mut shard = replay.finish(lease.consumed())?;
    for topic in Topic::EVENTS {
        if shard.wants_mark(topic) {
            shard.mark(topic, log.end(topic, shard.id().0)?);
        }
    }
    lease.consume_from(shard.consumed())?;
    Ok(Recovered { lease, shard, replayed })
}

/// Every committed record from a place to the end of its partition as it is now: the shard is fenced, so it stays so.
fn read_to_end(owner: &Owner, from: ReadFrom, mut take: impl FnMut(Record) -> Result<(), Halt>) -> Result<(), Halt> {
    let log = &*owner.shared.options.log;
    let end = log.end(from.topic, from.partition)?;
    if from.offset >= end {
        return Ok(());
    }
    let mut reader = log.reader(&[from])?;
    let mut empty = 0;
    loop {
        if owner.is_stopping() {
            return Err(Halt::Finished);
        }
        let records = reader.poll(READ_BYTES, Duration::from_millis(100))?;
        empty = if records.is_empty() { empty + 1 } else { 0 };
        if empty > EMPTY_POLLS {
            let name = from.topic;
            return Err(Halt::Retry(format!("{name} could not be read to its end at offset {end}")));
        }
        for record in records {
            let offset = record.offset;
            take(record)?;
            if offset + 1 >= end {
                return Ok(());
            }
        }
    }
}
