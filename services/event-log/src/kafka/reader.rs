//! Readers of committed records.

use super::{
    client::{self, Consuming, Isolation, STAYS, at},
    records,
    shared::Shared,
};
use crate::{LogError, ReadFrom, Reader, Record};
use rdkafka::consumer::Consumer as _;
use schemas::Topic;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What the attributes of a record are counted as.
const ATTRIBUTES: usize = 400;

/// See the module.
pub(super) struct KafkaReader {
    shared: Arc<Shared>,
    consumer: Consuming,
    places: Vec<ReadFrom>,
    /// What is to be told once the records before it have been taken.
    failure: Option<LogError>,
}

impl KafkaReader {
    /// A reader from these places on.
    pub(super) fn new(shared: &Arc<Shared>, from: &[ReadFrom]) -> Result<Self, LogError> {
        for place in from {
            shared.topics.check(place.topic, place.partition)?;
        }
        let Shared { config, health, topics, .. } = &**shared;
        let consumer = client::consumer(config, health, &client::readers(config), Isolation::Committed, STAYS)?;
        let places = begin(shared, from)?;
        if !places.is_empty() {
            let list = topics.places(places.iter().map(|place| (place.topic, place.partition, at(place.offset))))?;
            consumer.assign(&list).map_err(|error| client::unavailable("the log cannot be read", &error))?;
        }
        Ok(Self { shared: Arc::clone(shared), consumer, places, failure: None })
    }

    /// Says which record is missing.
    fn explain(&self, error: LogError) -> LogError {
        let LogError::Corrupt(_) = error else { return error };
        check(&self.shared, &self.places).err().unwrap_or(error)
    }
}

/// [`LogError::Corrupt`] where a partition does not have what should be read next; gives where each begins.
fn check(shared: &Shared, places: &[ReadFrom]) -> Result<Vec<u64>, LogError> {
    let partitions: Vec<_> = places.iter().map(|place| (place.topic, place.partition)).collect();
    let (lows, highs) = (shared.ends.lows(&partitions)?, shared.ends.highs(&partitions)?);
    for (&ReadFrom { topic, partition, offset }, (low, high)) in places.iter().zip(lows.iter().zip(&highs)) {
        // Other topics keep their records for a while only.
        let is_missing = offset < *low && Topic::EVENTS.contains(&topic);
        if is_missing || offset > *high {
            return Err(LogError::Corrupt(format!(
                "{topic}/{partition} has the offsets {low} to {high}, and {offset} should be read"
            )));
        }
    }
    Ok(lows)
}

/// Where reading begins: of topics that keep their records for a while only, with the oldest that is left.
fn begin(shared: &Shared, from: &[ReadFrom]) -> Result<Vec<ReadFrom>, LogError> {
    let lows = check(shared, from)?;
    let place = |(place, low): (&ReadFrom, u64)| ReadFrom { offset: place.offset.max(low), ..*place };
    Ok(from.iter().zip(lows).map(place).collect())
}

impl Reader for KafkaReader {
    fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        match &self.failure {
            // Nothing more of that partition would come, and nobody would know.
            Some(LogError::Corrupt(why)) => return Err(LogError::Corrupt(why.clone())),
            Some(_) => return Err(self.failure.take().expect("matched")),
            None => {}
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        let until = Instant::now() + wait;
        while bytes < max_bytes {
            let left =
                if records.is_empty() { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.consumer.poll(client::whole_ms(left)) {
                None if left.is_zero() => break,
                None => {}
                Some(Ok(message)) => {
                    let Some(record) = records::read(&self.shared.topics, &message) else { continue };
                    let is_it =
                        |place: &&mut ReadFrom| (place.topic, place.partition) == (record.topic, record.partition);
                    if let Some(place) = self.places.iter_mut().find(is_it) {
                        place.offset = record.offset + 1;
                    }
                    if !records::is_own(record.topic, &record.key) {
                        bytes += ATTRIBUTES + record.key.len() + record.value.as_ref().map_or(0, Vec::len);
                        records.push(record);
                    }
                }
                Some(Err(error)) => {
                    let Err(error) = client::lasting(&error) else { continue };
                    self.failure = Some(self.explain(error));
                    // What came before it first.
                    return if records.is_empty() { self.poll(max_bytes, Duration::ZERO) } else { Ok(records) };
                }
            }
        }
        Ok(records)
    }

    fn places(&self) -> &[ReadFrom] {
        &self.places
    }
}
