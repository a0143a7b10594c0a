//! A producer with a thread that takes its delivery reports as they come.
//!
//! rdkafka has one too, which looks ten times a second whether it is to end, and spins for the last part of a millisecond each
//! time: with a producer per shard, a tenth of a core for nothing.

use super::client::unavailable;
use crate::LogError;
use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext as _,
    producer::{BaseProducer, ProducerContext},
};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How soon the thread sees that it is to end.
const STEP: Duration = Duration::from_secs(1);

/// See the module. Dropped, it is put away by its thread.
pub(super) struct Polling<C: ProducerContext + 'static> {
    producer: Arc<BaseProducer<C>>,
    stop: Arc<AtomicBool>,
}

impl<C: ProducerContext + 'static> Polling<C> {
    /// Makes the producer, and its thread.
    pub(super) fn start(client: &ClientConfig, context: C) -> Result<Self, LogError> {
        let producer = BaseProducer::from_config_and_context(client, context);
        let producer = Arc::new(producer.map_err(|error| unavailable("Kafka's client cannot start", &error))?);
        let stop = Arc::new(AtomicBool::new(false));
        let polling = Self { producer: Arc::clone(&producer), stop: Arc::clone(&stop) };
        let thread = std::thread::Builder::new().name("log-producer".to_owned()).spawn(move || {
            while !stop.load(Ordering::Acquire) {
                producer.poll(STEP);
            }
        });
        match thread {
            Ok(_) => Ok(polling),
            Err(error) => Err(LogError::Unavailable(format!("cannot start a thread: {error}"))),
        }
    }
}

impl<C: ProducerContext + 'static> Deref for Polling<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &Self::Target {
        &self.producer
    }
}

impl<C: ProducerContext + 'static> Drop for Polling<C> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}
