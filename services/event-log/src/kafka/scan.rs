//! Reading a partition from one place to another, at a start.

use super::client::{self, Ear, Topics, at, offset, unavailable};
use crate::LogError;
use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{BorrowedMessage, Message as _},
};
use schemas::Topic;
use std::time::{Duration, Instant};

/// How long the brokers may bring nothing.
const SILENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(100);

/// A part of a partition: from an offset up to another, which is not beyond the stable end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) from: u64,
    pub(super) until: u64,
}

/// Gives every record of a part; whatever `consumer` read before ends.
pub(super) fn scan(
    consumer: &BaseConsumer<Ear>,
    topics: &Topics,
    part: Part,
    mut take: impl FnMut(&BorrowedMessage<'_>) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let Part { topic, partition, from, until } = part;
    if from >= until {
        return Ok(());
    }
    let failed = |error| unavailable(&format!("{topic}/{partition} cannot be read"), &error);
    consumer.assign(&topics.places([(topic, partition, at(from))])?).map_err(failed)?;
    let mut heard = Instant::now();
    let read = loop {
        match consumer.poll(STEP) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let next = offset(message.offset()) + 1;
                if next <= until
                    && let Err(error) = take(&message)
                {
                    break Err(error);
                }
                if next >= until {
                    break Ok(());
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => break Ok(()),
            Some(Err(error)) => {
                if let Err(error) = client::lasting(&error) {
                    break Err(error);
                }
            }
            None => {}
        }
        if heard.elapsed() > SILENCE {
            break Err(LogError::Unavailable(format!(
                "{topic}/{partition} cannot be read: nothing comes from the brokers"
            )));
        }
    };
    consumer.unassign().map_err(failed)?;
    read
}
