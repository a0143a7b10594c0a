//! What goes to the log outside of transactions: commands of clients, and answers to them.

use super::{
    client::{Ear, Topics, number},
    polling::Polling,
    records::Outgoing,
};
use crate::{LogError, SubmitError};
use parking_lot::RwLock;
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext},
    types::RDKafkaErrorCode as Code,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a command may be on its way: as long as a client waits, about.
const MESSAGE_TIMEOUT_MS: &str = "8000";
/// How many records may wait to be sent, and how much of them.
const WAITING: &str = "50000";
const WAITING_KIB: &str = "65536";

/// How many records of a kind are on their way.
pub(super) type Count = Arc<AtomicUsize>;

/// Hears what became of records.
#[derive(Debug, Clone)]
struct Sent {
    ear: Ear,
    /// Whether the last one was not written.
    failing: Arc<AtomicBool>,
}

impl ClientContext for Sent {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        self.ear.log(level, fac, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ProducerContext for Sent {
    type DeliveryOpaque = Count;

    fn delivery(&self, result: &DeliveryResult<'_>, count: Count) {
        count.fetch_sub(1, Ordering::AcqRel);
        // Whoever sent it waits until it gives up: what became of it is unknown.
        let (was_failing, fails) = (self.failing.swap(result.is_err(), Ordering::Relaxed), result.as_ref().err());
        if let Some((error, _)) = fails
            && !was_failing
        {
            tracing::warn!(%error, "commands and answers may not reach the log");
        }
    }
}

/// See the module.
pub(super) struct Sender {
    client: ClientConfig,
    context: Sent,
    producer: RwLock<Arc<Polling<Sent>>>,
    /// Of what nobody else counts.
    others: Count,
}

impl Sender {
    /// The process's idempotent producer.
    pub(super) fn start(mut client: ClientConfig, ear: Ear, linger: Duration) -> Result<Self, LogError> {
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS)
            .set("queue.buffering.max.messages", WAITING)
            .set("queue.buffering.max.kbytes", WAITING_KIB)
            .set("linger.ms", (linger.as_secs_f64() * 1_000.0).to_string())
            .set("compression.type", "lz4");
        let context = Sent { ear, failing: Arc::default() };
        let producer = RwLock::new(create(&client, &context)?);
        Ok(Self { client, context, producer, others: Count::default() })
    }

    /// Hands a record over; it is sent in the background.
    pub(super) fn send(&self, topics: &Topics, record: Outgoing) -> Result<(), SubmitError> {
        self.others.fetch_add(1, Ordering::AcqRel);
        self.send_counted(topics, record, &self.others)
    }

    /// The same for a record that is counted, until it is known what became of it.
    pub(super) fn send_counted(&self, topics: &Topics, record: Outgoing, count: &Count) -> Result<(), SubmitError> {
        let Outgoing { topic, partition, key, value, headers } = record;
        let to = BaseRecord::with_opaque_to(topics.name(topic), Arc::clone(count));
        let mut next = to.partition(number(partition)).key(key.as_bytes());
        next.payload = value.as_deref();
        next.headers = headers;
        let producer = Arc::clone(&self.producer.read());
        let Err((error, _)) = producer.send(next) else { return Ok(()) };
        count.fetch_sub(1, Ordering::AcqRel);
        match error {
            KafkaError::MessageProduction(Code::QueueFull) => Err(SubmitError::Full),
            error => {
                tracing::warn!(%error, "a record cannot be sent");
                self.renew(&producer);
                Err(SubmitError::Unavailable)
            }
        }
    }

    /// Another producer, where this one will never send again.
    fn renew(&self, failed: &Arc<Polling<Sent>>) {
        if failed.client().fatal_error().is_none() {
            return;
        }
        let mut producer = self.producer.write();
        if Arc::ptr_eq(&producer, failed) {
            match create(&self.client, &self.context) {
                Ok(fresh) => *producer = fresh,
                Err(error) => tracing::error!(%error, "no producer for commands and answers"),
            }
        }
    }

    /// Waits until all that was handed over has reached the log, or never will; false if that takes longer.
    pub(super) fn flush(&self, wait: Duration) -> bool {
        let producer = Arc::clone(&self.producer.read());
        let until = Instant::now() + wait;
        while producer.in_flight_count() > 0 {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

fn create(client: &ClientConfig, context: &Sent) -> Result<Arc<Polling<Sent>>, LogError> {
    Polling::start(client, context.clone()).map(Arc::new)
}
