//! The right to write a shard of the embedded log.

use super::{handover::EncodedBatch, reader, schema, shared::Shared};
use crate::{Batch, CommandSource, CommitOutcome, Consumed, Lease, LogError, Polled, Received};
use rusqlite::Connection;
use schemas::{ShardId, Topic};
use std::{sync::Arc, time::Duration};

/// A poll takes no more commands than this: few enough that one batch is written while the next is decided.
const MOST_COMMANDS: usize = 256;

/// See the module.
pub(super) struct SqliteLease {
    shared: Arc<Shared>,
    shard: ShardId,
    epoch: u64,
    consumed: Consumed,
    /// The place of the newest batch with snapshots.
    snapshots_ticket: u64,
    /// The place of the newest batch.
    ticket: u64,
    /// Opened when a snapshot must be read.
    connection: Option<Connection>,
}

impl SqliteLease {
    /// Fences the owner, and waits until all that it handed over is durable: the new owner reads it from the log.
    pub(super) fn acquire(shared: &Arc<Shared>, shard: ShardId) -> Result<Self, LogError> {
        if shard.0 >= shared.shards.get() {
            return Err(LogError::Mismatch(format!(
                "there is no shard {}: the log has {}",
                shard.0,
                shared.shards.get()
            )));
        }
        let (epoch, consumed, ticket) = {
            let mut core = shared.core.lock();
            if core.closing || core.failed {
                return Err(LogError::Unavailable("the log is closing".to_owned()));
            }
            let (epoch, consumed) = core.take(shard);
            shared.inboxes[shard.0 as usize].change(|inbox| inbox.hand_to(epoch));
            (epoch, consumed, core.tickets())
        };
        let lease = Self {
            shared: Arc::clone(shared),
            shard,
            epoch,
            consumed,
            snapshots_ticket: ticket,
            ticket,
            connection: None,
        };
        // An owner that waits for room must look again.
        shared.space.notify_all();
        shared.committed.wait_durable(ticket)?;
        Ok(lease)
    }

    /// The internal commands that stand on disk.
    fn load(&self, from: u64, end: u64) -> Result<Vec<Received>, LogError> {
        if from >= end {
            return Ok(Vec::new());
        }
        let connection = schema::open_reader(&self.shared.file)?;
        let mut records = Vec::new();
        let mut next = from;
        while next < end {
            let place = crate::ReadFrom { topic: Topic::InternalCommands, partition: self.shard.0, offset: next };
            let before = next;
            next = reader::read_batches(&connection, place, usize::MAX, &mut records)?;
            if next == before {
                break;
            }
        }
        let wanted = records.into_iter().filter(|record| (from..end).contains(&record.offset));
        let wanted: Vec<_> = wanted.collect();
        if let Some((at, _)) = (from..end)
            .zip(wanted.iter().map(Some).chain(std::iter::repeat(None)))
            .find(|(at, record)| record.is_none_or(|record| record.offset != *at))
        {
            let (topic, partition) = (Topic::InternalCommands, self.shard.0);
            return Err(LogError::Corrupt(format!(
                "commands are missing: {topic}/{partition} has none at offset {at}"
            )));
        }
        let read = wanted.into_iter().map(|record| {
            let value = record.value.unwrap_or_default();
            let envelope = serde_json::from_slice(&value).map_err(|error| {
                let at = record.offset;
                LogError::Corrupt(format!(
                    "{}/{} at offset {at} is not a command: {error}",
                    record.topic, record.partition
                ))
            })?;
            Ok(Received { source: CommandSource::Internal(record.offset), envelope: Arc::new(envelope) })
        });
        read.collect()
    }
}

impl Lease for SqliteLease {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn consumed(&self) -> Consumed {
        self.consumed
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        let inbox = &self.shared.inboxes[self.shard.0 as usize];
        let (end, ticket) = {
            let core = self.shared.core.lock();
            if !core.is_owner(self.shard, self.epoch) {
                return Err(LogError::Fenced);
            }
            // From this mark on commands come through the inbox, before it from the disk: none is lost or doubled.
            inbox.change(crate::inbox::Inbox::begin_loading);
            (core.internal_end(self.shard), core.tickets())
        };
        self.shared.committed.wait_durable(ticket)?;
        let older = self.load(consumed.internal, end)?;
        inbox.change(|inbox| {
            if inbox.is_lost_to(self.epoch) {
                return Err(LogError::Fenced);
            }
            inbox.open(consumed.internal, older);
            Ok(())
        })
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError> {
        Ok(self.shared.inboxes[self.shard.0 as usize].poll(self.epoch, max.min(MOST_COMMANDS), wait))
    }

    fn commit(&mut self, batch: Batch) -> CommitOutcome {
        let has_snapshots = !batch.snapshots.is_empty();
        let encoded = EncodedBatch::of(self.shared.shards, self.shard, self.epoch, batch);
        let Some(ticket) = self.shared.hand_over(encoded) else { return CommitOutcome::Fenced };
        self.ticket = ticket;
        if has_snapshots {
            self.snapshots_ticket = ticket;
        }
        CommitOutcome::Committed
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        if !self.shared.core.lock().is_owner(self.shard, self.epoch) {
            return Err(LogError::Fenced);
        }
        self.shared.committed.wait_durable(self.snapshots_ticket)?;
        if self.connection.is_none() {
            self.connection = Some(schema::open_reader(&self.shared.file)?);
        }
        let connection = self.connection.as_ref().expect("opened above");
        reader::newest_snapshot(connection, self.shard, key)
    }

    fn is_durable(&self) -> bool {
        self.shared.committed.is_durable(self.ticket)
    }
}

impl Drop for SqliteLease {
    fn drop(&mut self) {
        let mut core = self.shared.core.lock();
        core.release(self.shard, self.epoch);
        self.shared.inboxes[self.shard.0 as usize].change(|inbox| inbox.give_up(self.epoch));
        drop(core);
        // A closed log ends with its last lease.
        self.shared.work.notify_one();
    }
}
