//! What all clients of the cluster have in common: names of topics, errors, and who listens to librdkafka.

use super::KafkaConfig;
use crate::LogError;
use rdkafka::{
    ClientContext,
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    topic_partition_list::{Offset, TopicPartitionList},
    types::RDKafkaErrorCode as Code,
};
use schemas::{ShardCount, Topic};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How much a consumer fetches ahead.
const AHEAD_KIB: &str = "4096";

/// A partition.
pub(super) type Place = (Topic, u32);

/// The topics by their full names, and how many partitions each has.
#[derive(Debug)]
pub(super) struct Topics {
    names: Vec<String>,
    pub(super) shards: ShardCount,
    pub(super) replies: u32,
}

impl Topics {
    pub(super) fn new(config: &KafkaConfig, shards: ShardCount, replies: u32) -> Self {
        Self { names: Topic::ALL.map(|topic| config.topic(topic)).into(), shards, replies }
    }

    /// The full name.
    pub(super) fn name(&self, topic: Topic) -> &str {
        &self.names[Topic::ALL.iter().position(|other| *other == topic).expect("ALL holds every topic")]
    }

    /// The topic of a full name.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        self.names.iter().position(|other| other == name).map(|at| Topic::ALL[at])
    }

    /// How many partitions a topic has.
    pub(super) const fn partitions(&self, topic: Topic) -> u32 {
        if matches!(topic, Topic::Replies) { self.replies } else { self.shards.get() }
    }

    /// [`LogError::Mismatch`] for a partition that is not there.
    pub(super) fn check(&self, topic: Topic, partition: u32) -> Result<(), LogError> {
        let count = self.partitions(topic);
        if partition < count {
            return Ok(());
        }
        Err(LogError::Mismatch(format!("there is no {topic}/{partition}: it has {count} partitions")))
    }

    /// Partitions with a place in each, in librdkafka's form.
    pub(super) fn places(
        &self,
        places: impl IntoIterator<Item = (Topic, u32, Offset)>,
    ) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in places {
            list.add_partition_offset(self.name(topic), number(partition), offset)
                .map_err(|error| unavailable("a place in the log cannot be named", &error))?;
        }
        Ok(list)
    }
}

/// Whether brokers can be reached: asked by those who would send them something.
#[derive(Debug, Default)]
pub(super) struct Health(AtomicBool);

impl Health {
    /// As it is while nobody has seen otherwise.
    pub(super) fn reachable() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes what was seen, and says so when it changes.
    pub(super) fn set(&self, reachable: bool) {
        if self.0.swap(reachable, Ordering::Relaxed) == reachable {
            return;
        }
        if reachable {
            tracing::info!("the Kafka brokers can be reached again");
        } else {
            tracing::warn!("no Kafka broker can be reached; trying again");
        }
    }
}

/// Listens to librdkafka.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    pub(super) health: Arc<Health>,
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "librdkafka", fac, "{text}");
            }
            // Each client tells of each attempt to reach a broker: `Health` says once what matters.
            _ => tracing::debug!(target: "librdkafka", ?level, fac, "{text}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => self.health.set(false),
            // No error: a poll reports it.
            Some(Code::PartitionEOF) => {}
            // What an operator must mend.
            Some(
                Code::Authentication
                | Code::SSL
                | Code::SaslAuthenticationFailed
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed,
            ) => tracing::warn!(%error, reason, "the Kafka brokers refuse a client"),
            _ => tracing::debug!(target: "librdkafka", %error, reason, "a client has trouble"),
        }
    }
}

impl ConsumerContext for Ear {}

/// Which records a consumer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Those of committed transactions, up to the first that is open.
    Committed,
    /// All.
    Uncommitted,
}

/// How long brokers wait for new records, for consumers that stay.
pub(super) const STAYS: Duration = Duration::from_millis(100);
/// The same for those that read something and go.
pub(super) const GOES: Duration = Duration::from_millis(5);

/// A consumer that reads what it is told to, and belongs to no group: `group` is only whose positions it can ask for.
pub(super) fn consumer(
    config: &KafkaConfig,
    health: &Arc<Health>,
    group: &str,
    isolation: Isolation,
    wait: Duration,
) -> Result<Consuming, LogError> {
    let isolation = match isolation {
        Isolation::Committed => "read_committed",
        Isolation::Uncommitted => "read_uncommitted",
    };
    let mut client = config.client();
    client
        .set("group.id", group)
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Never a silent jump: what is not there any more is an error.
        .set("auto.offset.reset", "error")
        // Told once each time that everything has been read.
        .set("enable.partition.eof", "true")
        // New records are answered at once. This is how long the brokers wait where there are none, and so how late it is
        // told that everything has been read, and a further partition asked for.
        .set("fetch.wait.max.ms", wait.as_millis().to_string())
        .set("fetch.error.backoff.ms", "100")
        // Once so much has been fetched ahead, librdkafka looks after this time again whether some of it was taken.
        .set("fetch.queue.backoff.ms", "5")
        .set("check.crcs", "true")
        .set("fetch.max.bytes", "4194304")
        .set("queued.max.messages.kbytes", AHEAD_KIB);
    let ear = Ear { health: Arc::clone(health) };
    let consumer = BaseConsumer::from_config_and_context(&client, ear);
    consumer
        .map(|consumer| Consuming(Some(consumer)))
        .map_err(|error| unavailable("Kafka's client cannot start", &error))
}

/// A consumer that is closed in the background: rdkafka waits 100 ms for that.
pub(super) struct Consuming(Option<BaseConsumer<Ear>>);

impl Deref for Consuming {
    type Target = BaseConsumer<Ear>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("taken when it is dropped")
    }
}

impl Consuming {
    /// Calls this whenever there is something to poll and was nothing before, from a thread of librdkafka that holds a lock.
    pub(super) fn notify(&mut self, ring: impl Fn() + Send + Sync + 'static) {
        if let Some(consumer) = &mut self.0 {
            consumer.set_nonempty_callback(ring);
        }
    }
}

impl Drop for Consuming {
    fn drop(&mut self) {
        let consumer = self.0.take();
        // Where there is no thread to be had, it is closed here and now: with what the thread was to do.
        drop(std::thread::Builder::new().name("log-close".to_owned()).spawn(move || drop(consumer)));
    }
}

/// Whose positions in the command topics those of the processors are.
pub(super) fn processors(config: &KafkaConfig) -> String {
    format!("{}.processor", config.namespace)
}

/// The name that readers go by. Nobody keeps positions under it.
pub(super) fn readers(config: &KafkaConfig) -> String {
    format!("{}.reader", config.namespace)
}

/// The next offset of a partition for a consumer that has begun at `start`: past all that it was given, and past the ends
/// of transactions and aborted records, which it is not.
pub(super) fn position(consumer: &BaseConsumer<Ear>, name: &str, partition: u32, start: u64) -> u64 {
    let Ok(positions) = consumer.position() else { return start };
    match positions.find_partition(name, number(partition)).map(|found| found.offset()) {
        Some(Offset::Offset(at)) => offset(at).max(start),
        _ => start,
    }
}

/// Whole milliseconds, at least as long: for the rest of one rdkafka spins.
pub(super) fn whole_ms(wait: Duration) -> Duration {
    let millis = wait.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// A partition's number as librdkafka has it.
pub(super) fn number(partition: u32) -> i32 {
    i32::try_from(partition).expect("a topic has fewer than 2^31 partitions")
}

/// An offset as we have it.
pub(super) fn offset(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0)
}

/// An offset as librdkafka has it.
pub(super) fn at(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

/// What could not be done, and why.
pub(super) fn unavailable(what: &str, error: &KafkaError) -> LogError {
    LogError::Unavailable(format!("{what}: {error}"))
}

/// What an error of consuming means for a reader; nothing where librdkafka mends it by itself, as it does where brokers are
/// out of reach for a while.
pub(super) fn lasting(error: &KafkaError) -> Result<(), LogError> {
    let code = error.rdkafka_error_code();
    match code {
        Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation) => {
            Err(LogError::Corrupt("the log does not have what should be read next".to_owned()))
        }
        Some(Code::BadMessage) => Err(LogError::Corrupt("a record of the log is damaged".to_owned())),
        Some(
            Code::Fatal
            | Code::Authentication
            | Code::SSL
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition,
        ) => Err(unavailable("the log cannot be read", error)),
        _ => Ok(()),
    }
}
