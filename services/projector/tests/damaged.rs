//! A log of which one partition of the items' events cannot be read, and which takes no dead letters.

use event_log::{
    Assignee, EventLog, Lease, LogError, Membership, ReadFrom, Reader, Record, ReplySink, SubmitError,
    sqlite::SqliteLog,
};
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use std::{sync::Arc, time::Duration};

pub struct Damaged {
    pub log: Arc<SqliteLog>,
    pub partition: u32,
}

struct DamagedReader;

impl Reader for DamagedReader {
    fn poll(&mut self, _: usize, _: Duration) -> Result<Vec<Record>, LogError> {
        Err(LogError::Corrupt("its checksum is wrong".to_owned()))
    }

    fn places(&self) -> &[ReadFrom] {
        &[]
    }
}

impl EventLog for Damaged {
    fn shards(&self) -> ShardCount {
        self.log.shards()
    }

    fn namespace(&self) -> &str {
        self.log.namespace()
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        self.log.acquire(shard)
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        self.log.join(assignee)
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.log.submit(command)
    }

    fn publish(&self, records: Vec<event_log::NewRecord>) -> Result<(), LogError> {
        if records.iter().any(|record| record.topic == Topic::DeadLetters) {
            return Err(LogError::Unavailable("no letter is taken".to_owned()));
        }
        self.log.publish(records)
    }

    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.log.register(sink)
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        let reads_it = |from: &ReadFrom| from.topic == Topic::InventoryEvents && from.partition == self.partition;
        if from.iter().any(reads_it) { Ok(Box::new(DamagedReader)) } else { self.log.reader(from) }
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.log.end(topic, partition)
    }

    fn writable(&self) -> Result<(), SubmitError> {
        self.log.writable()
    }

    fn close(&self) {
        self.log.close();
    }
}
