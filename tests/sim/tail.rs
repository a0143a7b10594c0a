//! Reads the log as anybody would: event by event as JSON, and how far it is.

use super::checker::evidence::{Event, Positions};
use event_log::{EventLog, ReadFrom, Record, simulated::SimulatedLog};
use schemas::Topic;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Everything that is in the log so far.
#[derive(Default)]
pub struct Tail {
    next: BTreeMap<(Topic, u32), u64>,
    pub events: Vec<Event>,
    /// Commands from one aggregate to another.
    pub internal: Vec<Value>,
    /// The newest seq of each partition.
    pub seen: Positions,
}

impl Tail {
    /// Reads what the log has got since.
    pub fn read(&mut self, log: &SimulatedLog) {
        let topics = Topic::EVENTS.into_iter().chain([Topic::InternalCommands]);
        let partitions = topics.flat_map(|topic| log.shards().all().map(move |shard| (topic, shard.0)));
        for (topic, partition) in partitions {
            let offset = self.next.get(&(topic, partition)).copied().unwrap_or(0);
            if offset == log.end(topic, partition).expect("a partition that exists") {
                continue;
            }
            let mut reader = log.reader(&[ReadFrom { topic, partition, offset }]).expect("a partition that exists");
            for record in reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read") {
                self.next.insert((topic, partition), record.offset + 1);
                self.take(record);
            }
        }
    }

    fn take(&mut self, record: Record) {
        let value: Value = serde_json::from_slice(&record.value.expect("it has a value")).expect("JSON");
        let Some(envelope) = record.envelope else {
            self.internal.push(value);
            return;
        };
        let name = envelope.event_type.rsplit('.').nth(1).expect("a type with a version").to_owned();
        let event = Event {
            topic: record.topic.name().to_owned(),
            partition: record.partition,
            seq: envelope.seq,
            epoch: envelope.epoch,
            name,
            subject: envelope.subject,
            time: envelope.time.to_string(),
            actor: envelope.actor,
            causation: envelope.causation.as_str().to_owned(),
            correlation: envelope.correlation.as_str().to_owned(),
            value,
        };
        self.seen.insert(event.place(), event.seq);
        self.events.push(event);
    }
}
