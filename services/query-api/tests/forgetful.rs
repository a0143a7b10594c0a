//! A log that has kept none of its dead letters.

use event_log::{
    Assignee, EventLog, Lease, LogError, Membership, ReadFrom, Reader, Record, ReplySink, SubmitError,
    sqlite::SqliteLog,
};
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use std::{sync::Arc, time::Duration};

pub struct Forgetful(pub Arc<SqliteLog>);

struct ForgetfulReader(Box<dyn Reader>);

impl Reader for ForgetfulReader {
    fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        let mut records = self.0.poll(max_bytes, wait)?;
        records.retain(|record| record.topic != Topic::DeadLetters);
        Ok(records)
    }

    fn places(&self) -> &[ReadFrom] {
        self.0.places()
    }
}

impl EventLog for Forgetful {
    fn shards(&self) -> ShardCount {
        self.0.shards()
    }

    fn namespace(&self) -> &str {
        self.0.namespace()
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        self.0.acquire(shard)
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        self.0.join(assignee)
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.0.submit(command)
    }

    fn publish(&self, records: Vec<event_log::NewRecord>) -> Result<(), LogError> {
        self.0.publish(records)
    }

    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.0.register(sink)
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(ForgetfulReader(self.0.reader(from)?)))
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.0.end(topic, partition)
    }

    fn writable(&self) -> Result<(), SubmitError> {
        self.0.writable()
    }

    fn close(&self) {
        self.0.close();
    }
}
