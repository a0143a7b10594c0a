//! Readers of committed records: the newest from memory, older ones from the file.

use super::{
    codec::{Damage, events, plain, published, stored},
    committed::{Interest, Ready, TailBatch, Wanted},
    key::{offset, partition_range, row_id},
    schema,
    shared::Shared,
};
use crate::{LogError, ReadFrom, Reader, Record};
use rusqlite::{Connection, OptionalExtension};
use schemas::{ShardId, Topic};
use std::{sync::Arc, time::Duration};

/// See the module.
pub(super) struct SqliteReader {
    shared: Arc<Shared>,
    /// Opened when something must be read from the file.
    connection: Option<Connection>,
    /// The next offset of each partition.
    places: Vec<ReadFrom>,
    interest: Interest,
    /// Which partition comes first next time, so that a busy one does not starve the others.
    start: usize,
}

impl SqliteReader {
    /// A reader from these places on.
    pub(super) fn new(shared: &Arc<Shared>, from: &[ReadFrom]) -> Result<Self, LogError> {
        for place in from {
            shared.committed.end(place.topic, place.partition)?;
        }
        Ok(Self {
            shared: Arc::clone(shared),
            connection: None,
            places: from.to_vec(),
            interest: Interest::in_places(from),
            start: 0,
        })
    }

    fn read_disk(&mut self, i: usize, max_bytes: usize, out: &mut Vec<Record>) -> Result<u64, LogError> {
        if self.connection.is_none() {
            self.connection = Some(schema::open_reader(&self.shared.file)?);
        }
        let connection = self.connection.as_ref().expect("opened above");
        match self.places[i].topic {
            Topic::Snapshots => read_snapshots(connection, self.places[i], max_bytes, out),
            Topic::ItemsState | Topic::StockState | Topic::OrdersState => {
                read_states(connection, self.places[i], max_bytes, out)
            }
            Topic::Commands
            | Topic::InternalCommands
            | Topic::InventoryEvents
            | Topic::OrdersEvents
            | Topic::CartsEvents
            | Topic::StoresEvents
            | Topic::WarehousesEvents
            | Topic::DropsEvents
            | Topic::FollowsEvents
            | Topic::ShoppersEvents
            | Topic::DeadLetters
            | Topic::Replies
            | Topic::SupplierItems => read_batches(connection, self.places[i], max_bytes, out),
        }
    }
}

impl Reader for SqliteReader {
    fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        let (places, interest) = (&*self.places, &self.interest);
        let wanted = Wanted { places, interest, start: self.start, max_bytes: max_bytes.max(1) };
        let ready = self.shared.committed.ready(&wanted, wait);
        let mut records = Vec::new();
        for (i, found) in ready {
            let next = match found {
                Ready::Tail(batches) => read_tail(self.places[i], &batches, &mut records)?,
                Ready::Disk(end) => {
                    let next = self.read_disk(i, max_bytes, &mut records)?;
                    let has_read = next > self.places[i].offset;
                    // What was compacted or trimmed away at the end leaves nothing to read.
                    if has_read { next } else { self.nothing_until(i, end)? }
                }
            };
            self.places[i].offset = next;
            self.start = (i + 1) % self.places.len();
        }
        Ok(records)
    }

    fn places(&self) -> &[ReadFrom] {
        &self.places
    }
}

impl SqliteReader {
    fn nothing_until(&self, i: usize, end: u64) -> Result<u64, LogError> {
        let ReadFrom { topic, partition, offset } = self.places[i];
        if Topic::EVENTS.contains(&topic) {
            return Err(gap(topic, partition, offset, end));
        }
        Ok(end)
    }
}

fn gap(topic: Topic, partition: u32, wanted: u64, found: u64) -> LogError {
    // In terms of seq: that is what operators see.
    LogError::Corrupt(format!("events are missing: after {topic}/{partition}@{wanted} comes @{}", found + 1))
}

fn damaged(topic: Topic, partition: u32, first: u64, damage: Damage) -> LogError {
    LogError::Corrupt(format!("the batch of {topic}/{partition} at offset {first} cannot be read: {damage}"))
}

fn unread(error: rusqlite::Error) -> LogError {
    schema::failed(&error)
}

fn read_tail(from: ReadFrom, batches: &[TailBatch], out: &mut Vec<Record>) -> Result<u64, LogError> {
    let ReadFrom { topic, partition, offset: mut next } = from;
    for batch in batches {
        let place = events::Place { topic, partition, first: batch.first, from: next };
        // It never left memory.
        next = events::decode(&batch.bytes, place, out)
            .map_err(|damage| damaged(topic, partition, batch.first, damage))?;
    }
    Ok(next)
}

/// Reads batches from the one that holds the offset on, about `max_bytes` of them; gives the next offset.
pub(super) fn read_batches(
    connection: &Connection,
    from: ReadFrom,
    max_bytes: usize,
    out: &mut Vec<Record>,
) -> Result<u64, LogError> {
    let ReadFrom { topic, partition, offset: mut next } = from;
    let (lowest, highest) = partition_range(topic, partition);
    let sql = "SELECT id FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1";
    let mut seek = connection.prepare_cached(sql).map_err(unread)?;
    let begin = seek.query_row((lowest, row_id(topic, partition, next)), |row| row.get::<_, i64>(0));
    let begin = begin.optional().map_err(unread)?.unwrap_or(lowest);
    let sql = "SELECT id, count, data FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql).map_err(unread)?;
    let mut rows = select.query((begin, highest)).map_err(unread)?;
    let (mut bytes, mut scratch) = (0, Vec::new());
    while bytes < max_bytes
        && let Some(row) = rows.next().map_err(unread)?
    {
        let first = offset(row.get(0).map_err(unread)?);
        let end = first + row.get::<_, u32>(1).map(u64::from).map_err(unread)?;
        let data = row
            .get_ref(2)
            .map_err(unread)?
            .as_blob()
            .map_err(|_| damaged(topic, partition, first, Damage::Malformed))?;
        if end <= next {
            continue;
        }
        let unpacked = stored::unpack(data, &mut scratch);
        let data = unpacked.map_err(|damage| damaged(topic, partition, first, damage))?;
        bytes += data.len();
        let after = if Topic::EVENTS.contains(&topic) {
            if first > next && !planted::bug!("reader-over-gap") {
                return Err(gap(topic, partition, next, first));
            }
            let place = events::Place { topic, partition, first, from: next };
            events::decode(data, place, out).map_err(|damage| damaged(topic, partition, first, damage))?
        } else {
            let from = ReadFrom { topic, partition, offset: next };
            let records = if published::is_it(data) { published_records } else { plain_records };
            records(data, from, first, out).map_err(|damage| damaged(topic, partition, first, damage))?
        };
        if after != end {
            return Err(damaged(topic, partition, first, Damage::Malformed));
        }
        next = after;
    }
    Ok(next)
}

fn plain_records(data: &[u8], from: ReadFrom, first: u64, out: &mut Vec<Record>) -> Result<u64, Damage> {
    let records = plain::decode(data)?;
    let end = first + records.len() as u64;
    let wanted = (first..).zip(records).filter(|(at, _)| *at >= from.offset);
    out.extend(wanted.map(|(offset, (key, value))| Record {
        topic: from.topic,
        partition: from.partition,
        offset,
        key: key.to_owned(),
        envelope: None,
        headers: Vec::new(),
        value: Some(value.to_vec()),
    }));
    Ok(end)
}

fn published_records(data: &[u8], from: ReadFrom, first: u64, out: &mut Vec<Record>) -> Result<u64, Damage> {
    let records = published::decode(data)?;
    let end = first + records.len() as u64;
    let wanted = (first..).zip(records).filter(|(at, _)| *at >= from.offset);
    out.extend(wanted.map(|(offset, published::Published { key, headers, value })| Record {
        topic: from.topic,
        partition: from.partition,
        offset,
        key,
        envelope: None,
        headers,
        value,
    }));
    Ok(end)
}

/// Reads the newest records of keys; older ones are gone.
fn read_states(
    connection: &Connection,
    from: ReadFrom,
    max_bytes: usize,
    out: &mut Vec<Record>,
) -> Result<u64, LogError> {
    let ReadFrom { topic, partition, offset: mut next } = from;
    let (_, highest) = partition_range(topic, partition);
    let sql = "SELECT id, data FROM states WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql).map_err(unread)?;
    let mut rows = select.query((row_id(topic, partition, next), highest)).map_err(unread)?;
    let (mut bytes, mut scratch) = (0, Vec::new());
    while bytes < max_bytes
        && let Some(row) = rows.next().map_err(unread)?
    {
        let at = offset(row.get(0).map_err(unread)?);
        let data: Vec<u8> = row.get(1).map_err(unread)?;
        bytes += data.len();
        let read = stored::unpack(&data, &mut scratch).and_then(|data| published_records(data, from, at, out));
        next = read.map_err(|damage| damaged(topic, partition, at, damage))?;
    }
    Ok(next)
}

fn read_snapshots(
    connection: &Connection,
    from: ReadFrom,
    max_bytes: usize,
    out: &mut Vec<Record>,
) -> Result<u64, LogError> {
    let ReadFrom { topic, partition, offset: mut next } = from;
    let (_, highest) = partition_range(topic, partition);
    let sql = "SELECT id, key, value FROM snapshots WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql).map_err(unread)?;
    let mut rows = select.query((row_id(topic, partition, next), highest)).map_err(unread)?;
    let mut bytes = 0;
    while bytes < max_bytes
        && let Some(row) = rows.next().map_err(unread)?
    {
        let at = offset(row.get(0).map_err(unread)?);
        let (key, value): (String, Vec<u8>) = (row.get(1).map_err(unread)?, row.get(2).map_err(unread)?);
        bytes += value.len();
        out.push(Record { topic, partition, offset: at, key, envelope: None, headers: Vec::new(), value: Some(value) });
        next = at + 1;
    }
    Ok(next)
}

/// The newest value of a key.
pub(super) fn newest_snapshot(connection: &Connection, shard: ShardId, key: &str) -> Result<Option<Vec<u8>>, LogError> {
    let sql = "SELECT value FROM snapshots WHERE partition = ?1 AND key = ?2";
    let mut select = connection.prepare_cached(sql).map_err(unread)?;
    select.query_row((shard.0, key), |row| row.get(0)).optional().map_err(unread)
}
