//! The transactional producer of a shard.

use super::{
    KafkaConfig,
    classify::Verdict,
    client::{Ear, Health, Topics, number, unavailable},
    polling::Polling,
    records::Outgoing,
};
use crate::{CommitOutcome, LogError};
use parking_lot::{Condvar, Mutex};
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerGroupMetadata,
    error::KafkaError,
    message::{DeliveryResult, Message as _},
    producer::{BaseRecord, Producer as _, ProducerContext},
    topic_partition_list::TopicPartitionList,
    types::RDKafkaErrorCode as Code,
};
use schemas::{ShardId, Topic};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A commit that may be retried is, so often.
const ATTEMPTS: u32 = 5;
/// Between two of them.
const BETWEEN: Duration = Duration::from_millis(20);

/// What became of the records that were sent.
#[derive(Debug, Default)]
struct Reports {
    waiting: usize,
    failed: Option<KafkaError>,
    /// Where each was written, by its number.
    offsets: Vec<i64>,
}

/// Takes the delivery reports.
#[derive(Debug, Clone)]
struct Deliveries {
    ear: Ear,
    reports: Arc<(Mutex<Reports>, Condvar)>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        self.ear.log(level, fac, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// The number of the record.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let mut reports = self.reports.0.lock();
        match result {
            Ok(message) => {
                if let Some(offset) = reports.offsets.get_mut(number) {
                    *offset = message.offset();
                }
            }
            Err((error, _)) => {
                reports.failed.get_or_insert_with(|| error.clone());
            }
        }
        reports.waiting = reports.waiting.saturating_sub(1);
        if reports.waiting == 0 {
            self.reports.1.notify_one();
        }
    }
}

/// Since when a call of librdkafka lasts.
///
/// It takes a limit of its own for each, which `rd_kafka_send_offsets_to_transaction` does not keep: where the coordinator of
/// the group dies at the wrong moment it returns never (librdkafka#5456, librdkafka#5511). So who waits for it looks here.
#[derive(Debug, Clone, Default)]
pub(super) struct Call(Arc<Mutex<Option<Instant>>>);

impl Call {
    fn make<T>(&self, call: impl FnOnce() -> T) -> T {
        *self.0.lock() = Some(Instant::now());
        let made = call();
        *self.0.lock() = None;
        made
    }

    /// How long the one that is under way lasts; zero where there is none.
    pub(super) fn lasts(&self) -> Duration {
        self.0.lock().map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// See the module. One transaction at a time; after [`CommitOutcome::Fenced`] and [`CommitOutcome::Indefinite`] no more.
pub(super) struct Transactor {
    // Its thread takes delivery reports as they come, also while a call of ours waits in librdkafka.
    producer: Polling<Deliveries>,
    reports: Arc<(Mutex<Reports>, Condvar)>,
    limit: Duration,
    call: Call,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Fencing the earlier owner.
    pub(super) begin: Duration,
    /// Each step of a transaction.
    pub(super) step: Duration,
    /// After that the coordinator aborts a transaction whose producer is silent.
    pub(super) transaction: Duration,
}

impl Transactor {
    /// Makes the producer of a shard. Every earlier one is fenced, and its open transaction ended, when this returns.
    pub(super) fn start(
        config: &KafkaConfig,
        health: &Arc<Health>,
        topics: &Topics,
        shard: ShardId,
        limits: Limits,
    ) -> Result<Self, LogError> {
        let mut client = config.client();
        client
            .set("transactional.id", format!("{}.shard-{}", config.namespace, shard.0))
            .set("transaction.timeout.ms", limits.transaction.as_millis().to_string())
            .set("message.timeout.ms", limits.transaction.as_millis().to_string())
            .set("acks", "all")
            // The positions of a transaction that is begun before the markers of the last one are written are asked for again
            // after this (see `Order`); the default is 100 ms. It doubles each time. Measured: a pause of 1 ms in
            // place of asking again costs a fifth of what a busy shard decides.
            .set("retry.backoff.ms", "1")
            // All records of a batch are queued while the partitions are being registered: waiting for more brings none.
            .set("linger.ms", "0")
            .set("compression.type", "lz4");
        let reports = Arc::new((Mutex::new(Reports::default()), Condvar::new()));
        let context = Deliveries { ear: Ear { health: Arc::clone(health) }, reports: Arc::clone(&reports) };
        let producer = Polling::start(&client, context)?;
        let taken = |error| unavailable(&format!("shard {} cannot be taken", shard.0), &error);
        // Asked before it is connected to a broker, librdkafka looks for the coordinator again after 500 ms only.
        let name = topics.name(Topic::Snapshots);
        producer.client().fetch_watermarks(name, number(shard.0), limits.begin).map_err(taken)?;
        match producer.init_transactions(limits.begin) {
            Ok(()) => Ok(Self { producer, reports, limit: limits.step, call: Call::default() }),
            Err(error) if Verdict::of(&error) == Verdict::Fenced => Err(LogError::Fenced),
            Err(error) => Err(taken(error)),
        }
    }

    /// Tells of the calls that it makes.
    pub(super) fn call(&self) -> Call {
        self.call.clone()
    }

    /// Commits records, and positions if there are any, as one transaction; gives the offset of each record, in their order.
    pub(super) fn transact(
        &self,
        topics: &Topics,
        records: Vec<Outgoing>,
        positions: Option<(&TopicPartitionList, &ConsumerGroupMetadata)>,
        order: Order,
    ) -> Result<Written, CommitOutcome> {
        let began = Instant::now();
        self.write(topics, records, positions, order).map_err(|error| self.abort(&error))?;
        let wrote = began.elapsed();
        self.commit()?;
        Ok(Written { offsets: std::mem::take(&mut self.reports.0.lock().offsets), began, wrote })
    }

    fn write(
        &self,
        topics: &Topics,
        records: Vec<Outgoing>,
        positions: Option<(&TopicPartitionList, &ConsumerGroupMetadata)>,
        order: Order,
    ) -> Result<(), KafkaError> {
        *self.reports.0.lock() = Reports { waiting: records.len(), failed: None, offsets: vec![-1; records.len()] };
        self.producer.begin_transaction()?;
        let place = || {
            let Some((positions, group)) = positions else { return Ok(()) };
            self.call.make(|| self.producer.send_offsets_to_transaction(positions, group, self.limit))
        };
        if order == Order::PositionsFirst {
            place()?;
        }
        for (number, record) in records.into_iter().enumerate() {
            self.send(topics, number, record)?;
        }
        if order == Order::RecordsFirst {
            place()?;
        }
        // With messages in flight a commit polls for their reports, 100 ms at a time.
        let until = Instant::now() + self.limit;
        let mut reports = self.reports.0.lock();
        while reports.waiting > 0 {
            if self.reports.1.wait_until(&mut reports, until).timed_out() && reports.waiting > 0 {
                return Err(KafkaError::Flush(Code::OperationTimedOut));
            }
        }
        if let Some(error) = reports.failed.take() {
            return Err(error);
        }
        drop(reports);
        // The last reports are being put away by the producer's thread.
        while self.producer.in_flight_count() > 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        Ok(())
    }

    fn send(&self, topics: &Topics, at: usize, record: Outgoing) -> Result<(), KafkaError> {
        let Outgoing { topic, partition, key, value, headers } = record;
        let mut next =
            BaseRecord::with_opaque_to(topics.name(topic), at).partition(number(partition)).key(key.as_bytes());
        next.payload = value.as_deref();
        next.headers = headers;
        let until = Instant::now() + self.limit;
        loop {
            match self.producer.send(next) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) if Instant::now() < until => {
                    next = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    fn commit(&self) -> Result<(), CommitOutcome> {
        for attempt in 1.. {
            let Err(error) = self.producer.commit_transaction(self.limit) else { return Ok(()) };
            match Verdict::of(&error) {
                Verdict::Retry if attempt < ATTEMPTS => std::thread::sleep(BETWEEN),
                Verdict::Fenced => return Err(CommitOutcome::Fenced),
                // The commit may have reached the coordinator, and an abort after it need not be sent to succeed.
                verdict => {
                    tracing::warn!(%error, ?verdict, "nobody knows whether a transaction was committed");
                    return Err(CommitOutcome::Indefinite);
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Ends a transaction whose commit was not asked for: whatever happens, it is not in the log. What differs is whether
    /// the producer can go on.
    fn abort(&self, error: &KafkaError) -> CommitOutcome {
        let fatal = self.producer.client().fatal_error();
        let verdict = fatal.as_ref().map_or_else(|| Verdict::of(error), |(code, _)| Verdict::of_code(*code));
        if verdict == Verdict::Fenced {
            return CommitOutcome::Fenced;
        }
        tracing::warn!(%error, ?fatal, "a transaction is given up");
        if fatal.is_some() {
            return CommitOutcome::Indefinite;
        }
        match self.producer.abort_transaction(self.limit) {
            Ok(()) => CommitOutcome::Aborted,
            Err(error) if Verdict::of(&error) == Verdict::Fenced => CommitOutcome::Fenced,
            Err(_) => CommitOutcome::Indefinite,
        }
    }
}

/// What a transaction begins with.
///
/// Until the markers of the last one are written, the brokers refuse whatever begins the next: librdkafka asks again after
/// 20 ms for records, and after its `retry.backoff.ms` for positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Both at once, if there are positions: the last transaction was over long ago.
    RecordsFirst,
    /// The last one has only just ended. Where there are none to begin with, the writer pauses.
    PositionsFirst,
}

/// A committed transaction.
#[derive(Debug)]
pub(super) struct Written {
    /// Of each record.
    pub(super) offsets: Vec<i64>,
    /// When it began.
    pub(super) began: Instant,
    /// How long it took until all was written, but the commit.
    pub(super) wrote: Duration,
}
