//! Records that are published by themselves, outside of transactions: by a producer of their own, so that many of them are
//! in the way of no command and no answer.

use super::{
    client::{Ear, Topics, number, unavailable},
    polling::Polling,
    records::Outgoing,
};
use crate::LogError;
use parking_lot::{Condvar, Mutex};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext},
    types::RDKafkaErrorCode as Code,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a record may be on its way.
const MESSAGE_TIMEOUT_MS: &str = "8000";
/// How long a call may take: every record is told of before that.
const LIMIT: Duration = Duration::from_secs(20);
/// How many records may wait to be sent, and how much of them. A call with more waits for room.
const WAITING: &str = "50000";
const WAITING_KIB: &str = "65536";

/// What became of the records of one call.
#[derive(Debug, Default)]
struct Reports {
    waiting: usize,
    failed: Option<KafkaError>,
}

/// Waits for the reports of one call.
#[derive(Debug, Default)]
struct Delivery {
    reports: Mutex<Reports>,
    done: Condvar,
}

impl Delivery {
    fn expect_one(&self) {
        self.reports.lock().waiting += 1;
    }

    fn told(&self, failed: Option<&KafkaError>) {
        let mut reports = self.reports.lock();
        reports.waiting -= 1;
        if let Some(error) = failed {
            reports.failed.get_or_insert_with(|| error.clone());
        }
        if reports.waiting == 0 {
            self.done.notify_one();
        }
    }

    /// Waits until every record was told of.
    fn wait(&self, until: Instant) -> Result<(), KafkaError> {
        let mut reports = self.reports.lock();
        while reports.waiting > 0 {
            if self.done.wait_until(&mut reports, until).timed_out() && reports.waiting > 0 {
                return Err(KafkaError::Flush(Code::OperationTimedOut));
            }
        }
        reports.failed.take().map_or(Ok(()), Err)
    }
}

/// Takes the delivery reports.
#[derive(Debug, Clone)]
struct Deliveries(Ear);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        self.0.log(level, fac, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Arc<Delivery>) {
        delivery.told(result.as_ref().err().map(|(error, _)| error));
    }
}

type Producer = Arc<Polling<Deliveries>>;

/// See the module.
pub(super) struct Publisher {
    client: ClientConfig,
    ear: Ear,
    /// Made when it is needed first: most processes publish nothing.
    producer: Mutex<Option<Producer>>,
}

impl Publisher {
    /// Starts nothing yet.
    pub(super) fn new(mut client: ClientConfig, ear: Ear) -> Self {
        client
            // Records of a key stay in their order over every retry.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS)
            .set("queue.buffering.max.messages", WAITING)
            .set("queue.buffering.max.kbytes", WAITING_KIB)
            // A call is one burst: waiting for more brings little.
            .set("linger.ms", "1")
            .set("compression.type", "lz4");
        Self { client, ear, producer: Mutex::new(None) }
    }

    /// Sends records and waits until each has been acknowledged by all in-sync copies.
    pub(super) fn publish(&self, topics: &Topics, records: Vec<Outgoing>) -> Result<(), LogError> {
        let producer = self.producer()?;
        let (delivery, until) = (Arc::new(Delivery::default()), Instant::now() + LIMIT);
        let sent = records.into_iter().try_for_each(|record| send(&producer, topics, &delivery, record, until));
        // Also where one could not be sent: once this has returned, none of them is under way.
        let written = delivery.wait(until);
        sent.and(written).map_err(|error| {
            self.discard_failed(&producer);
            unavailable("what became of records is unknown", &error)
        })
    }

    fn producer(&self) -> Result<Producer, LogError> {
        let mut producer = self.producer.lock();
        if let Some(producer) = &*producer {
            return Ok(Arc::clone(producer));
        }
        let fresh = Arc::new(Polling::start(&self.client, Deliveries(self.ear.clone()))?);
        Ok(Arc::clone(producer.insert(fresh)))
    }

    /// Another producer next time, where this one will never send again.
    fn discard_failed(&self, failed: &Producer) {
        let is_fatal = failed.client().fatal_error().is_some();
        self.producer.lock().take_if(|producer| is_fatal && Arc::ptr_eq(producer, failed));
    }
}

fn send(
    producer: &Producer,
    topics: &Topics,
    delivery: &Arc<Delivery>,
    record: Outgoing,
    until: Instant,
) -> Result<(), KafkaError> {
    let Outgoing { topic, partition, key, value, headers } = record;
    let mut next = BaseRecord::with_opaque_to(topics.name(topic), Arc::clone(delivery))
        .partition(number(partition))
        .key(key.as_bytes());
    next.payload = value.as_deref();
    next.headers = headers;
    // The report may come before the call returns.
    delivery.expect_one();
    loop {
        match producer.send(next) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(Code::QueueFull), back)) if Instant::now() < until => {
                next = back;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err((error, _)) => {
                delivery.told(None);
                return Err(error);
            }
        }
    }
}
