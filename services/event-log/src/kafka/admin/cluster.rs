//! The cluster itself, as its brokers describe it and change it.

use super::{
    check::KAFKAS_OWN,
    plan::{Change, Existing, Wanted, plan},
};
use crate::{LogError, kafka::KafkaConfig};
use parking_lot::Mutex;
use rdkafka::{
    ClientContext,
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
        OwnedResourceSpecifier, ResourceSpecifier, TopicReplication, TopicResult,
    },
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// How long the brokers may take to answer at all.
const REACH_LIMIT: Duration = Duration::from_secs(9);
/// How long one attempt to reach them takes, before it is asked what went wrong.
const REACH_ATTEMPT: Duration = Duration::from_secs(3);
/// How long the brokers may take to change something.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);
/// How many errors and lines of its log may have gathered during an attempt.
const WORDS_AT_ONCE: u32 = 100;
/// How often it is looked whether new topics are there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A connection to a cluster.
pub(super) struct Cluster {
    brokers: String,
    consumer: BaseConsumer<Reasons>,
    admin: AdminClient<Reasons>,
    reasons: Reasons,
}

/// What a cluster has.
pub(super) struct State {
    /// How many brokers are up.
    pub(super) brokers: u32,
    /// The topics that were asked for, as far as they exist, and those of Kafka's own.
    pub(super) topics: Vec<Existing>,
    /// By topic, the settings that were made on it itself.
    own_settings: BTreeMap<String, BTreeMap<String, String>>,
    /// Topics of which a partition has no leader.
    leaderless: BTreeSet<String>,
}

impl State {
    fn note(&mut self, ConfigResource { specifier, entries }: ConfigResource) {
        let OwnedResourceSpecifier::Topic(name) = specifier else { return };
        let Some(topic) = self.topics.iter_mut().find(|topic| topic.name == name) else { return };
        let own = self.own_settings.entry(name).or_default();
        for entry in entries {
            let Some(value) = entry.value else { continue };
            if entry.source == ConfigSource::DynamicTopic {
                own.insert(entry.name.clone(), value.clone());
            }
            topic.settings.insert(entry.name, value);
        }
    }
}

/// Keeps the last words of librdkafka: its errors say that a broker is out of reach, its log says why.
#[derive(Clone, Default)]
struct Reasons(Arc<Mutex<Last>>);

#[derive(Default)]
struct Last {
    words: Option<String>,
    /// Whether trying again brings nothing.
    is_final: bool,
}

impl ClientContext for Reasons {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, fac, "{text}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let is_final = matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL));
        let mut last = self.0.lock();
        // "All brokers are down" says less than what came before it.
        if is_final || (!last.is_final && code != Some(RDKafkaErrorCode::AllBrokersDown)) {
            *last = Last { words: Some(reason.to_owned()), is_final };
        }
    }
}

impl ConsumerContext for Reasons {}

impl Cluster {
    /// A connection; what is wrong with the settings of it is an error, an unreachable broker is not yet.
    pub(super) fn connect(config: &KafkaConfig) -> Result<Self, LogError> {
        config.validate()?;
        let client = config.client();
        let reasons = Reasons::default();
        let failed = |error: KafkaError| LogError::Unavailable(format!("Kafka's client cannot start: {error}"));
        Ok(Self {
            brokers: config.brokers.clone(),
            consumer: BaseConsumer::from_config_and_context(&client, reasons.clone()).map_err(failed)?,
            admin: AdminClient::from_config_and_context(&client, reasons.clone()).map_err(failed)?,
            reasons,
        })
    }

    /// What the cluster has of the topics of these names, and of Kafka's own.
    pub(super) fn state(&self, names: &[String]) -> Result<State, LogError> {
        // All topics, and not these alone: asking for a topic by its name can make it.
        let metadata = self.metadata()?;
        let is_asked = |name: &str| names.iter().any(|asked| asked == name) || KAFKAS_OWN.contains(&name);
        let mut state = State {
            brokers: u32::try_from(metadata.brokers().len()).unwrap_or(u32::MAX),
            topics: Vec::new(),
            own_settings: BTreeMap::new(),
            leaderless: BTreeSet::new(),
        };
        for topic in metadata.topics().iter().filter(|topic| is_asked(topic.name())) {
            let partitions = topic.partitions();
            let copies = partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
            if partitions.is_empty() || partitions.iter().any(|partition| partition.leader() < 0) {
                state.leaderless.insert(topic.name().to_owned());
            }
            state.topics.push(Existing {
                name: topic.name().to_owned(),
                partitions: u32::try_from(partitions.len()).unwrap_or(u32::MAX),
                replication: u32::try_from(copies).unwrap_or(u32::MAX),
                settings: BTreeMap::new(),
            });
        }
        self.describe(&mut state)?;
        Ok(state)
    }

    fn metadata(&self) -> Result<rdkafka::metadata::Metadata, LogError> {
        let start = Instant::now();
        loop {
            let error = match self.consumer.fetch_metadata(None, REACH_ATTEMPT) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => error,
            };
            // Errors and lines of the log are delivered by polling, one at a time, and of a line no poll tells.
            for _ in 0..WORDS_AT_ONCE {
                drop(self.consumer.poll(Duration::ZERO));
            }
            let last = self.reasons.0.lock();
            if last.is_final || start.elapsed() >= REACH_LIMIT {
                let why = last.words.clone().unwrap_or_else(|| error.to_string());
                let brokers = &self.brokers;
                return Err(LogError::Unavailable(format!("no Kafka broker can be used at {brokers}: {why}")));
            }
        }
    }

    /// Fills in the settings of our topics.
    fn describe(&self, state: &mut State) -> Result<(), LogError> {
        let start = Instant::now();
        loop {
            let names = state.topics.iter().map(|topic| topic.name.clone());
            let names: Vec<_> = names.filter(|name| !KAFKAS_OWN.contains(&name.as_str())).collect();
            let told = if names.is_empty() { Vec::new() } else { self.told(&names)? };
            // rdkafka drops the error that brokers answer for one topic. One that was made just now is told of soon.
            let untold = told.iter().find(|resource| resource.entries.is_empty());
            match untold.map(|resource| &resource.specifier) {
                None => {
                    told.into_iter().for_each(|resource| state.note(resource));
                    return Ok(());
                }
                Some(specifier) if start.elapsed() >= REACH_LIMIT => {
                    return Err(LogError::Unavailable(format!(
                        "the brokers tell nothing of the settings of {specifier:?}: that takes the right DescribeConfigs"
                    )));
                }
                Some(_) => thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn told(&self, names: &[String]) -> Result<Vec<ConfigResource>, LogError> {
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let failed = |error: String| LogError::Unavailable(format!("the settings of topics cannot be read: {error}"));
        let described =
            wait(self.admin.describe_configs(&asked, &options())).map_err(|error| failed(error.to_string()))?;
        described.into_iter().map(|resource| resource.map_err(|error| failed(error.to_string()))).collect()
    }

    /// Performs changes, but refusals, of which there must be none.
    pub(super) fn perform(&self, changes: &[Change], state: &State) -> Result<(), LogError> {
        let mut settings: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Create { topic, partitions, replication, settings } => {
                    self.create(topic, *partitions, *replication, settings)?;
                }
                Change::Grow { topic, to, .. } => self.grow(topic, *to)?,
                Change::Set { topic, setting, to, .. } => {
                    // What is set replaces all that was set on the topic, so that goes along.
                    let kept = || state.own_settings.get(topic).cloned().unwrap_or_default();
                    settings.entry(topic).or_insert_with(kept).insert(setting.clone(), to.clone());
                }
                Change::Refuse { topic, .. } => unreachable!("{topic} was to stop this"),
            }
        }
        settings.into_iter().try_for_each(|(topic, settings)| self.set(topic, &settings))
    }

    fn create(
        &self,
        topic: &str,
        partitions: u32,
        replication: u32,
        settings: &BTreeMap<String, String>,
    ) -> Result<(), LogError> {
        let replication = TopicReplication::Fixed(i32::try_from(replication).unwrap_or(i32::MAX));
        let new = NewTopic::new(topic, i32::try_from(partitions).unwrap_or(i32::MAX), replication);
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        outcome("make", topic, wait(self.admin.create_topics([&new], &options())))
    }

    fn grow(&self, topic: &str, to: u32) -> Result<(), LogError> {
        let new = NewPartitions::new(topic, usize::try_from(to).unwrap_or(usize::MAX));
        outcome("add partitions to", topic, wait(self.admin.create_partitions([&new], &options())))
    }

    fn set(&self, topic: &str, settings: &BTreeMap<String, String>) -> Result<(), LogError> {
        let new = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let results = wait(self.admin.alter_configs([&new], &options()));
        let results = results.map(|results| {
            let results = results.into_iter();
            results
                .map(|result| result.map(|_| topic.to_owned()).map_err(|(_, code)| (topic.to_owned(), code)))
                .collect()
        });
        outcome("change the settings of", topic, results)
    }

    /// Waits until the brokers tell of these topics as wanted, each partition with a leader.
    pub(super) fn wait_for(&self, wanted: &[Wanted]) -> Result<(), LogError> {
        let start = Instant::now();
        let names: Vec<_> = wanted.iter().map(|wanted| wanted.name.clone()).collect();
        loop {
            let state = self.state(&names)?;
            let rest = plan(&state.topics, wanted);
            let late = rest.first().map(|change| format!("{}: {change}", change.topic()));
            let leaderless = state.leaderless.iter().find(|name| names.contains(name));
            let late = late.or_else(|| leaderless.map(|name| format!("{name} has no leader")));
            let Some(late) = late else { return Ok(()) };
            if start.elapsed() >= CHANGE_LIMIT {
                return Err(LogError::Unavailable(format!("not done after {CHANGE_LIMIT:?}: {late}")));
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CHANGE_LIMIT)).operation_timeout(Some(CHANGE_LIMIT))
}

/// What a change of one topic came to.
fn outcome(verb: &str, topic: &str, results: Result<Vec<TopicResult>, KafkaError>) -> Result<(), LogError> {
    let code = match results {
        Ok(results) => results.into_iter().find_map(Result::err).map(|(_, code)| code.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match code {
        None => Ok(()),
        Some(why) => Err(LogError::Unavailable(format!("the brokers do not {verb} {topic}: {why}"))),
    }
}

/// Waits for what rdkafka's own thread completes.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
