//! What the settings mean, checked as a whole before anything is opened, made or listened on.

use crate::{
    auth::Auth,
    backends::{Backing, Cluster},
    clock::SystemClock,
    kafka, keyspaces, logging,
    mail::MailPlan,
    provider::ProviderPlan,
    settings::Settings,
};
use anyhow::{Context as _, Result, bail};
use domain::{Policy, drop::DrawSecret};
use edge::{Edge, EdgeConfig, RateConfig};
use event_log::{kafka::KafkaOptions, sqlite::SqliteOptions};
use keys::Secrets;
use query_api::LiveLimits;
use schemas::ShardCount;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// The settings of an engine, as values that cannot be bad.
pub struct Plan {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// What it works on.
    pub backing: Backing,
    /// The times of orders, holds and drops. Draws are made with a secret that nobody has yet: see [`Self::drawing_with`].
    pub policy: Policy,
    /// Whether several parcels of an order are joined at one warehouse.
    pub consolidate: bool,
    /// Whether the projector writes the state topics.
    pub state_topics: bool,
    /// How many live streams may be open.
    pub live: LiveLimits,
    /// The payment provider.
    pub provider: ProviderPlan,
    /// How people are told.
    pub mail: MailPlan,
    /// The conventions of its API. Tokens would be checked with secrets that nobody has: see [`Self::edge`].
    edge: EdgeConfig,
}

impl Plan {
    /// Checks all settings; the first that cannot be is the error. Makes nothing.
    pub fn of(settings: &Settings, test_clock: bool) -> Result<Self> {
        let backing = |data| backing(settings, data, test_clock);
        Self::on(settings, backing)
    }

    /// The same for an engine that is thrown away: its views and keys may stand in its data directory, and its log on Kafka.
    pub fn of_trial(settings: &Settings) -> Result<Self> {
        Self::on(settings, |data| match (settings.some("kafka"), settings.some("scylla")) {
            (Some(_), None) => {
                Ok(Backing::Cluster(Box::new(Cluster { log: kafka_log(settings, false)?, keyspaces: None })))
            }
            _ => backing(settings, data, false),
        })
    }

    fn on(settings: &Settings, backing: impl FnOnce(PathBuf) -> Result<Backing>) -> Result<Self> {
        logging::filter(settings.text("log"))?;
        let data = PathBuf::from(settings.text("data"));
        // The data directory's own secrets may not exist yet; all else is checked with any.
        let edge = edge_config(settings, &Auth::of(settings, &Secrets::random()?))?;
        Edge::new(edge.clone(), Arc::new(SystemClock), Arc::new(SystemClock))?;
        Ok(Self {
            address: settings.address()?,
            backing: backing(data.clone())?,
            data,
            policy: policy(settings)?,
            consolidate: settings.switch("consolidate")?,
            state_topics: settings.switch("state-topics")?,
            live: live(settings)?,
            provider: ProviderPlan::of(settings)?,
            mail: MailPlan::of(settings)?,
            edge,
        })
    }

    /// The same, with draws of drops that nobody foresees who does not know the secrets behind `auth`. All processors of
    /// an engine must draw alike, so it is made from a secret that they share.
    pub fn drawing_with(mut self, auth: &Auth) -> Self {
        self.policy.draw_secret = DrawSecret::of(&auth.config().pseudonym_secret);
        self
    }

    /// The conventions of the API, with tokens checked by `auth`.
    pub fn edge(&self, auth: &Auth) -> EdgeConfig {
        EdgeConfig { auth: auth.config(), ..self.edge.clone() }
    }
}

fn backing(settings: &Settings, data: PathBuf, test_clock: bool) -> Result<Backing> {
    match (settings.some("kafka"), settings.some("scylla")) {
        (None, None) => embedded(settings, data, test_clock).map(Backing::Embedded),
        (Some(_), Some(_)) => {
            let keyspaces = Some(keyspaces::config(settings)?);
            Ok(Backing::Cluster(Box::new(Cluster { log: kafka_log(settings, test_clock)?, keyspaces })))
        }
        (Some(_), None) => bail!("a log on Kafka needs its views in ScyllaDB: give --scylla NODES too"),
        (None, Some(_)) => bail!("views in ScyllaDB need their log on Kafka: give --kafka BROKERS too"),
    }
}

fn kafka_log(settings: &Settings, test_clock: bool) -> Result<KafkaOptions> {
    let inbox_capacity = inbox_capacity(settings)?;
    Ok(KafkaOptions { test_clock, inbox_capacity, ..KafkaOptions::new(kafka::config(settings)?) })
}

fn embedded(settings: &Settings, data: PathBuf, test_clock: bool) -> Result<SqliteOptions> {
    let shards = u32::try_from(settings.number("shards", 1, 4_096)?)?;
    Ok(SqliteOptions {
        namespace: settings.text("namespace").to_owned(),
        shards: ShardCount::new(shards).context("`shards` is 1 to 4,096")?,
        inbox_capacity: inbox_capacity(settings)?,
        disk_reserve_bytes: settings.number("disk-reserve-mib", 0, 1 << 40)? << 20,
        test_clock,
        ..SqliteOptions::new(data)
    })
}

fn inbox_capacity(settings: &Settings) -> Result<usize> {
    Ok(usize::try_from(settings.number("inbox-capacity", 1, 10_000_000)?)?)
}

fn policy(settings: &Settings) -> Result<Policy> {
    let seconds = |key, min| Ok::<u32, anyhow::Error>(u32::try_from(settings.number(key, min, 2_592_000)?)?);
    Ok(Policy {
        answer_timeout_seconds: seconds("answer-timeout-seconds", 1)?,
        checkout_seconds: seconds("checkout-seconds", 1)?,
        grace_seconds: seconds("grace-seconds", 0)?,
        admission_seconds: seconds("admission-seconds", 1)?,
        return_seconds: u32::try_from(settings.number("return-days", 0, 3_650)?)? * 24 * 3_600,
        ..Policy::default()
    })
}

fn live(settings: &Settings) -> Result<LiveLimits> {
    let number = |key, min| Ok::<usize, anyhow::Error>(usize::try_from(settings.number(key, min, 1_000_000)?)?);
    Ok(LiveLimits {
        streams: number("live-streams", 1)?,
        per_caller: number("live-streams-per-caller", 0)?,
        per_address: number("live-streams-per-address", 0)?,
        ..LiveLimits::default()
    })
}

fn edge_config(settings: &Settings, auth: &Auth) -> Result<EdgeConfig> {
    let people_per_second = u32::try_from(settings.number("rate-limit", 0, 1_000_000)?)?;
    Ok(EdgeConfig {
        rate: RateConfig {
            people_per_second,
            systems_per_second: people_per_second.saturating_mul(100),
            ..RateConfig::default()
        },
        cors_origins: settings
            .some("cors-origins")
            .map_or_else(Vec::new, |origins| origins.split(',').map(|origin| origin.trim().to_owned()).collect()),
        ..EdgeConfig::new(auth.config())
    })
}
