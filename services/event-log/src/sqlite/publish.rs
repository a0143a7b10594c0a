//! Records that are published by themselves: they go through the one appender as batches of shards do.

use super::{
    codec::{Encoded, published},
    handover::Handed,
    shared::Shared,
};
use crate::{LogError, NewRecord};
use schemas::{ShardCount, Topic};

/// Records of one row, with its key where the topic is compacted.
type Part = (Topic, u32, Option<String>, Encoded);

/// Sorts records by the row that holds them: one for each record of a compacted topic, one per partition otherwise.
fn encode(shards: ShardCount, records: &[NewRecord]) -> Vec<Part> {
    let mut parts: Vec<(Topic, u32, Vec<&NewRecord>)> = Vec::new();
    for record in records {
        let place = (record.topic, shards.of_key(&record.key).0);
        let is_it = |part: &&mut (Topic, u32, Vec<&NewRecord>)| !place.0.is_compacted() && (part.0, part.1) == place;
        match parts.iter_mut().find(is_it) {
            Some((_, _, records)) => records.push(record),
            None => parts.push((place.0, place.1, vec![record])),
        }
    }
    let row = |(topic, partition, records): (Topic, u32, Vec<&NewRecord>)| {
        let key = topic.is_compacted().then(|| records[0].key.clone());
        (topic, partition, key, published::encode(records))
    };
    parts.into_iter().map(row).collect()
}

impl Shared {
    /// Appends the records and waits until they are durable.
    pub(super) fn publish(&self, records: &[NewRecord]) -> Result<(), LogError> {
        crate::published::check(records)?;
        if records.is_empty() {
            return Ok(());
        }
        if self.disk.is_low() {
            return Err(LogError::Unavailable("the disk is nearly full".to_owned()));
        }
        let parts = encode(self.shards, records);
        let bytes = parts.iter().map(|(_, _, _, encoded)| encoded.bytes.len()).sum();
        let mut core = self.core.lock();
        loop {
            if core.failed || core.closing {
                return Err(LogError::Unavailable("the log is closing".to_owned()));
            }
            if core.has_room(bytes, self.queue_bytes) {
                break;
            }
            self.space.wait(&mut core);
        }
        let rows = parts.into_iter().map(|(topic, partition, key, encoded)| core.place(topic, partition, key, encoded));
        let handed = Handed::published(rows.collect());
        let ticket = core.enqueue(handed, bytes);
        drop(core);
        self.work.notify_one();
        self.committed.wait_durable(ticket)
    }
}
