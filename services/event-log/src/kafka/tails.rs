//! The newest record of a partition: after it stand only the markers that end transactions, and what was aborted.

use super::{
    client::{self, Consuming, Ear, Place, Topics, at, offset, unavailable},
    records,
};
use crate::LogError;
use parking_lot::Mutex;
use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::Message as _,
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long reading may take.
const LIMIT: Duration = Duration::from_secs(5);
/// So many offsets before the stable end the newest record is looked for; then so many times more.
const BACK: u64 = 2;
const FURTHER: u64 = 16;

/// See the module.
pub(super) struct Tails {
    topics: Arc<Topics>,
    consumer: Mutex<Consuming>,
}

impl Tails {
    pub(super) fn new(topics: &Arc<Topics>, consumer: Consuming) -> Self {
        Self { topics: Arc::clone(topics), consumer: Mutex::new(consumer) }
    }

    /// The offset after the newest record before each stable end, of partitions of one topic that begin at `lows`.
    pub(super) fn newest(&self, wanted: &[(Place, u64)], lows: &[u64]) -> Result<Vec<u64>, LogError> {
        let mut found = lows.to_vec();
        let consumer = self.consumer.lock();
        let mut open: Vec<usize> = (0..wanted.len()).filter(|i| lows[*i] < wanted[*i].1).collect();
        let mut back = BACK;
        while !open.is_empty() {
            let from = |i: usize| wanted[i].1.saturating_sub(back).max(lows[i]);
            let read = self.read(&consumer, wanted, &open, from, &mut found);
            consumer.unassign().map_err(|error| failed(&error))?;
            read?;
            open.retain(|i| found[*i] == lows[*i] && from(*i) > lows[*i]);
            back = back.saturating_mul(FURTHER);
        }
        Ok(found)
    }

    fn read(
        &self,
        consumer: &BaseConsumer<Ear>,
        wanted: &[(Place, u64)],
        open: &[usize],
        from: impl Fn(usize) -> u64,
        found: &mut [u64],
    ) -> Result<(), LogError> {
        let places = open.iter().map(|&i| (wanted[i].0.0, wanted[i].0.1, at(from(i))));
        consumer.assign(&self.topics.places(places)?).map_err(|error| failed(&error))?;
        let until = Instant::now() + LIMIT;
        let mut left: BTreeSet<usize> = open.iter().copied().collect();
        let of = |i: &usize| client::number(wanted[*i].0.1);
        while !left.is_empty() {
            match consumer.poll(Duration::from_millis(20)) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(partition))) => left.retain(|i| of(i) != partition),
                Some(Err(error)) => client::lasting(&error)?,
                Some(Ok(message)) => {
                    let Some(&i) = left.iter().find(|i| of(i) == message.partition()) else { continue };
                    let next = offset(message.offset()) + 1;
                    let key = String::from_utf8_lossy(message.key().unwrap_or_default());
                    if next <= wanted[i].1 && !records::is_own(wanted[i].0.0, &key) {
                        found[i] = next;
                    }
                    if next >= wanted[i].1 {
                        left.remove(&i);
                    }
                }
            }
            if Instant::now() > until {
                return Err(LogError::Unavailable("the end of the log cannot be read in time".to_owned()));
            }
        }
        Ok(())
    }
}

fn failed(error: &KafkaError) -> LogError {
    unavailable("the end of the log cannot be read", error)
}
