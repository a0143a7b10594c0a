//! A log whose snapshot of the item `a` does not add up: no further event fits it.

use event_log::{Assignee, EventLog, Lease, LogError, Membership, ReadFrom, Reader, Record, ReplySink, SubmitError};
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use std::{sync::Arc, time::Duration};

type OnLease = Box<dyn Fn(Box<dyn Lease>) -> Box<dyn Lease> + Send + Sync>;

struct Tampered(Arc<dyn EventLog>, OnLease);

/// The log, tampered with.
pub fn through(log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
    with_leases(log, Box::new(|lease| lease))
}

/// The same, whose leases are made into others.
pub fn with_leases(log: Arc<dyn EventLog>, on_lease: OnLease) -> Arc<dyn EventLog> {
    Arc::new(Tampered(log, on_lease))
}

struct TamperedReader(Box<dyn Reader>);

impl Reader for TamperedReader {
    fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        let mut records = self.0.poll(max_bytes, wait)?;
        for record in records.iter_mut().filter(|record| record.key == "item/a/0") {
            let text = String::from_utf8(record.value.take().expect("no tombstone")).expect("JSON");
            assert!(text.contains("\"received\":500"), "{text}");
            record.value = Some(text.replace("\"received\":500", "\"received\":501").into_bytes());
        }
        Ok(records)
    }

    fn places(&self) -> &[ReadFrom] {
        self.0.places()
    }
}

impl EventLog for Tampered {
    fn shards(&self) -> ShardCount {
        self.0.shards()
    }

    fn namespace(&self) -> &str {
        self.0.namespace()
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        self.0.acquire(shard).map(&self.1)
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
        self.0.reader(from).map(|reader| Box::new(TamperedReader(reader)) as Box<dyn Reader>)
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
