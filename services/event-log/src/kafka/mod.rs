//! The log on Kafka.
//!
//! A shard is partition *s* of the command topics, of every events topic and of the snapshots. Its lease is a transactional
//! producer ([`producer`]): taking it fences the earlier one ([`acquire`]). What the shard decides ([`lease`]) is handed to a
//! thread that writes all that waits as one transaction, with the positions of the commands that it consumes ([`writer`]).
//! Commands of clients and answers to them go outside of transactions ([`sender`], [`replies`]), and so do records that are
//! published by themselves ([`publisher`]). A command to a shard of its own process goes by the log only where its
//! lease leaves it behind ([`gates`]). Which process owns which shard the consumer group on the commands says ([`group`]).

mod acquire;
pub mod admin;
mod classify;
mod client;
pub mod config;
mod ends;
mod gates;
mod group;
mod intake;
mod lease;
mod measure;
mod owned;
mod polling;
mod producer;
mod publisher;
mod reader;
mod records;
mod replies;
mod scan;
mod sender;
mod settings;
mod shared;
mod shelf;
mod tails;
mod writer;

#[cfg(test)]
mod stuck_tests;

pub use config::{KafkaConfig, MAX_RECORD_BYTES, Sasl, SaslMechanism, Security, Tls};

use crate::{Assignee, EventLog, Lease, LogError, Membership, NewRecord, ReadFrom, Reader, ReplySink, SubmitError};
use client::{Ear, Health, Isolation, Topics};
use ends::Ends;
use gates::Gates;
use parking_lot::{Mutex, RwLock};
use producer::Limits;
use publisher::Publisher;
use rdkafka::consumer::Consumer as _;
use replies::Node;
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use sender::Sender;
use shared::Shared;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long the brokers may take to answer at a start.
const START: Duration = Duration::from_secs(15);

/// Settings of the log on Kafka.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// The cluster.
    pub config: KafkaConfig,
    /// Whether the clock is moved by hand, fixed when the cluster is created.
    pub test_clock: bool,
    /// How many commands of clients may wait in memory at each shard of this process.
    pub inbox_capacity: usize,
    /// How long commands and answers gather before they are sent: fewer and larger requests for that much delay.
    pub linger: Duration,
    /// After how long a process that is silent loses its shards (`session.timeout.ms`).
    pub session: Duration,
    /// After how long the transaction of a process that is silent is aborted (`transaction.timeout.ms`).
    pub transaction: Duration,
    /// How long a step of a transaction may take before its outcome counts as unknown.
    pub step: Duration,
    /// How long taking a shard may wait for its last transaction.
    pub take: Duration,
}

impl KafkaOptions {
    /// The usual settings.
    #[must_use]
    pub const fn new(config: KafkaConfig) -> Self {
        Self {
            config,
            test_clock: false,
            inbox_capacity: 10_000,
            linger: Duration::from_millis(1),
            session: Duration::from_secs(6),
            transaction: Duration::from_secs(5),
            step: Duration::from_secs(5),
            take: Duration::from_secs(10),
        }
    }
}

/// The log on Kafka.
pub struct KafkaLog {
    shared: Arc<Shared>,
    session: Duration,
    nodes: Mutex<Vec<Node>>,
}

impl KafkaLog {
    /// Opens the log of a namespace, whose topics are there.
    ///
    /// # Errors
    /// [`LogError::Mismatch`] if the topics are not as they must be, or were made for something else;
    /// [`LogError::Unavailable`] if brokers are out of reach.
    pub fn open(options: KafkaOptions) -> Result<Arc<Self>, LogError> {
        let KafkaOptions { config, test_clock, inbox_capacity, linger, session, transaction, step, take } = options;
        let shards = admin::check(&config)?;
        let health = Health::reachable();
        let topics = Arc::new(Topics::new(&config, shards, count_replies(&config, &health)?));
        let ends = Ends::start(&config, &topics, &health)?;
        let sender = Sender::start(config.client(), Ear { health: Arc::clone(&health) }, linger)?;
        let publisher = Publisher::new(config.client(), Ear { health: Arc::clone(&health) });
        let shared = Arc::new(Shared {
            limits: Limits { begin: take, step, transaction },
            source: schemas::cloud_event::source(&config.namespace),
            config,
            topics,
            health,
            ends,
            sender,
            publisher,
            gates: Gates::new(shards, inbox_capacity),
            owners: Mutex::default(),
            fenced: Mutex::default(),
            sinks: RwLock::default(),
            closing: false.into(),
        });
        settings::agree(&shared, test_clock)?;
        Ok(Arc::new(Self { shared, session, nodes: Mutex::default() }))
    }

    /// Waits until all that was submitted has reached the log, and all answers that stand in it for this process have been
    /// delivered; false if that takes longer.
    #[must_use]
    pub fn flush(&self, wait: Duration) -> bool {
        self.shared.sender.flush(wait) && self.nodes.lock().iter().all(|node| node.catch_up(&self.shared, wait))
    }
}

fn count_replies(config: &KafkaConfig, health: &Arc<Health>) -> Result<u32, LogError> {
    let consumer = client::consumer(config, health, &client::readers(config), Isolation::Committed, client::GOES)?;
    let name = config.topic(Topic::Replies);
    let metadata = consumer
        .fetch_metadata(Some(&name), START)
        .map_err(|error| client::unavailable("the brokers do not describe the topics", &error))?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count == 0 { Err(LogError::Mismatch(format!("the topic {name} is missing"))) } else { Ok(count) }
}

impl EventLog for KafkaLog {
    fn shards(&self) -> ShardCount {
        self.shared.topics.shards
    }

    fn namespace(&self) -> &str {
        &self.shared.config.namespace
    }

    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        let lease = acquire::acquire(&self.shared, shard).inspect_err(|error| {
            if matches!(error, LogError::Fenced) {
                self.shared.fenced(shard);
            }
        });
        Ok(Box::new(lease?))
    }

    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        Ok(Box::new(group::join(&self.shared, self.session, assignee)?))
    }

    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.writable()?;
        let shard = crate::shard_of_command(self.shared.topics.shards, &command.command);
        match self.shared.gates.of(shard).submit(Arc::new(command))? {
            Some((command, count)) => self.shared.send_command(&command, &count),
            None => Ok(()),
        }
    }

    fn publish(&self, records: Vec<NewRecord>) -> Result<(), LogError> {
        crate::published::check(&records)?;
        self.writable().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let topics = &self.shared.topics;
        let records = records.into_iter().map(|record| records::published(topics, record)).collect();
        self.shared.publisher.publish(topics, records)?;
        // Whoever asks from now on where a partition ends is told of them.
        self.shared.ends.wrote([]);
        Ok(())
    }

    /// Waits for brokers that are out of reach.
    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        // Random, so that an answer to an earlier life of a process reaches nobody.
        let number = rand::random_range(1..=u32::MAX);
        match Node::start(&self.shared, number, Arc::clone(&sink)) {
            Ok(node) => {
                self.nodes.lock().push(node);
                self.shared.sinks.write().insert(number, sink);
            }
            Err(error) => tracing::error!(%error, "answers cannot be read: what becomes of commands stays unknown"),
        }
        number
    }

    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(reader::KafkaReader::new(&self.shared, from)?))
    }

    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        // Asked once for some events of a busy shard: its owner knows.
        let is_own = Topic::EVENTS.contains(&topic) && self.shared.owners.lock().contains_key(&ShardId(partition));
        let own = is_own.then(|| self.shared.ends.own((topic, partition))).flatten();
        own.map_or_else(|| self.shared.ends.end(topic, partition), Ok)
    }

    fn writable(&self) -> Result<(), SubmitError> {
        let is_open = !self.shared.is_closing() && self.shared.health.is_reachable();
        if is_open { Ok(()) } else { Err(SubmitError::Unavailable) }
    }

    fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.close();
        // What was submitted or answered is under way still.
        self.shared.sender.flush(self.session);
    }
}
