//! What the brokers take from a producer alone: the measure beside which a log on them is judged.

use super::{KafkaLog, client::Ear, records::Outgoing, sender::Sender};
use crate::{LogError, NewEvent, Record, SubmitError};
use schemas::Topic;
use std::time::{Duration, Instant};

/// The linger of a producer that is after throughput.
const LINGER: Duration = Duration::from_millis(5);
/// How long the last records may be on their way.
const REST: Duration = Duration::from_secs(10);

impl KafkaLog {
    /// Records a second that one idempotent producer alone writes (`acks=all`): these events of this log, over and over, and
    /// like those of one shard to one partition: of the dead letters, so that nobody folds them.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the brokers do not take them; [`LogError::Mismatch`] for samples that are no events.
    pub fn raw_rate(&self, samples: &[Record], time: Duration) -> Result<f64, LogError> {
        let event = |sample: &Record| {
            let (envelope, value) = (sample.envelope.clone()?, sample.value.clone()?);
            Some(NewEvent { topic: sample.topic, envelope, value })
        };
        let events: Option<Vec<NewEvent>> = samples.iter().map(event).collect();
        let events = events.filter(|events| !events.is_empty());
        let events = events.ok_or_else(|| LogError::Mismatch("the samples are no events".to_owned()))?;
        let ear = Ear { health: self.shared.health.clone() };
        let sender = Sender::start(self.shared.config.client(), ear, LINGER)?;
        let begin = Instant::now();
        let mut records = 0_u64;
        for event in events.iter().cycle() {
            if begin.elapsed() >= time {
                break;
            }
            let record = Outgoing::event(event.clone(), 0, &self.shared.source);
            match sender.send(&self.shared.topics, Outgoing { topic: Topic::DeadLetters, ..record }) {
                Ok(()) => records += 1,
                Err(SubmitError::Full) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(LogError::Unavailable(error.to_string())),
            }
        }
        if !sender.flush(REST) {
            return Err(LogError::Unavailable("the brokers do not take what is sent".to_owned()));
        }
        #[allow(clippy::cast_precision_loss)]
        Ok(records as f64 / begin.elapsed().as_secs_f64())
    }
}
