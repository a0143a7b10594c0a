//! The committed records of a simulated log.

use crate::Record;
use schemas::Topic;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
struct Partition {
    records: Vec<Record>,
    /// The offset after the newest record.
    end: u64,
    /// The next record's: markers use offsets up too.
    next: u64,
}

/// What is committed, by topic and partition.
#[derive(Debug)]
pub(super) struct Partitions {
    partitions: BTreeMap<(Topic, u32), Partition>,
    /// Whether old values of a compacted topic, and tombstones of snapshots, vanish at once, or stay for a while as on Kafka.
    compacts: bool,
    /// Whether every transaction uses up one offset more in each partition, as Kafka's markers do.
    has_markers: bool,
}

impl Partitions {
    /// No records.
    pub(super) const fn new(compacts: bool, has_markers: bool) -> Self {
        Self { partitions: BTreeMap::new(), compacts, has_markers }
    }

    /// The offset after the newest committed record.
    pub(super) fn end(&self, topic: Topic, partition: u32) -> u64 {
        self.partitions.get(&(topic, partition)).map_or(0, |partition| partition.end)
    }

    /// The records at `from` and later.
    pub(super) fn read(&self, topic: Topic, partition: u32, from: u64) -> impl Iterator<Item = &Record> {
        let records = self.partitions.get(&(topic, partition)).map_or(&[][..], |partition| &partition.records);
        records[records.partition_point(|record| record.offset < from)..].iter()
    }

    /// The seq of the newest event of a partition.
    pub(super) fn last_seq(&self, topic: Topic, partition: u32) -> u64 {
        let newest = self.partitions.get(&(topic, partition)).and_then(|partition| partition.records.last());
        newest.and_then(|record| record.envelope.as_ref()).map_or(0, |envelope| envelope.seq)
    }

    /// The newest value of a key.
    pub(super) fn newest(&self, topic: Topic, partition: u32, key: &str) -> Option<Vec<u8>> {
        let records = self.partitions.get(&(topic, partition)).map_or(&[][..], |partition| &partition.records);
        records.iter().rev().find(|record| record.key == key).and_then(|record| record.value.clone())
    }

    /// Appends one record; its offset is given here.
    pub(super) fn append(&mut self, mut record: Record) {
        let partition = self.partitions.entry((record.topic, record.partition)).or_default();
        record.offset = partition.next;
        partition.next += 1;
        partition.end = partition.next;
        if self.compacts && record.topic.is_compacted() {
            partition.records.retain(|earlier| earlier.key != record.key);
            // Of a state the tombstone stays: whoever follows the topic must see it.
            if record.value.is_none() && record.topic == Topic::Snapshots {
                return;
            }
        }
        partition.records.push(record);
    }

    /// A transaction over these partitions has ended, and used `aborted` offsets in each for nothing.
    pub(super) fn mark(&mut self, touched: impl IntoIterator<Item = (Topic, u32)>, aborted: u64) {
        if self.has_markers {
            for place in touched {
                self.partitions.entry(place).or_default().next += 1 + aborted;
            }
        }
    }
}
