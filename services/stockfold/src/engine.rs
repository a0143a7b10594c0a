//! All services in one process, on an embedded log, embedded views and embedded keys.
//!
//! This is the only place that knows that they are embedded.

use crate::{
    app::{self, ProviderCards},
    auth::Auth,
    clock::{SystemClock, TestClock},
    http,
    ops::Ops,
    settings::Settings,
};
use anyhow::{Context as _, Result};
use command_api::{CommandState, Origin, Submitter};
use domain::Policy;
use edge::{Edge, EdgeConfig, RateConfig};
use event_log::{
    EventLog,
    sqlite::{SqliteLog, SqliteOptions},
};
use payments::{PaymentsOptions, PaymentsRunner, Sandbox};
use processor::{Processor, ProcessorOptions};
use projector::{Projector, ProjectorOptions};
use query_api::QueryState;
use read_model::{sqlite::SqliteViews, views};
use schemas::{
    Caller, Clock, Command, CorrelationId, Digest, Effect, EffectId, FreeHoldId, ItemId, Metadata, Quantity, Role,
    ShardCount,
    item::{HoldId, ItemCommand, PlaceHold},
};
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch, task::JoinHandle};

/// How long recovery may take before the start is given up.
const READY_LIMIT: Duration = Duration::from_secs(600);
/// How long open requests may take once the engine is told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long the log may take to write what was handed over, and its last checkpoint.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A running engine.
pub struct Engine {
    runtime: Runtime,
    auth: Auth,
    base_url: String,
    log: Arc<SqliteLog>,
    ops: Arc<Ops>,
    commands: CommandState,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Engine {
    /// Opens the data directory, recovers, and listens.
    pub fn start(settings: &Settings, test_clock: bool) -> Result<Self> {
        app::metrics();
        let auth = Auth::existing_or_new(settings)?;
        let data = Path::new(settings.text("data"));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.spawn(app::keep_metrics());
        let log = SqliteLog::open(log_options(settings, data, test_clock)?)?;
        let test_clock = test_clock_of(data, test_clock)?;
        let clock: Arc<dyn Clock> = match &test_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        let store = Arc::new(SqliteViews::open(&data.join("views.sqlite"), &views::tables())?);
        let keys = Arc::new(keys::SqliteKeyStore::open(&data.join("keys.sqlite"))?);

        let processor = Processor::start(ProcessorOptions::new(log.clone(), clock.clone(), policy(settings)?))?;
        let projector = Projector::start(ProjectorOptions {
            log: log.clone(),
            views: store.clone(),
            runtime: runtime.handle().clone(),
        })?;
        // A shard that has stopped closes its part of the shop only: the log and `/readyz` say which and why.
        let recovered = processor.wait_ready(READY_LIMIT) || processor.has_stopped();
        anyhow::ensure!(recovered, "the shards did not recover within {READY_LIMIT:?}");
        let provider = Arc::new(Sandbox::new());
        let payments = runtime.block_on(PaymentsRunner::start(PaymentsOptions {
            log: log.clone(),
            views: store.clone(),
            provider: provider.clone(),
            clock: clock.clone(),
        }))?;

        let edge = Edge::new(edge_config(settings, &auth)?, clock.clone(), Arc::new(SystemClock))?;
        let ops = Arc::new(Ops::new(log.clone(), processor, projector, payments, test_clock));
        let commands = CommandState {
            edge: edge.clone(),
            submitter: runtime.block_on(async { Submitter::start(log.clone(), clock) }),
            keys: keys.clone(),
            cards: Arc::new(ProviderCards(provider)),
            test_clock: ops.has_test_clock().then(|| ops.clone() as Arc<dyn command_api::TestClock>),
        };
        let (stop, stopped) = watch::channel(false);
        let queries = {
            let _inside = runtime.enter();
            QueryState::new(edge.clone(), store, log.clone(), keys, stopped.clone())
        };
        let router = app::router(&edge, commands.clone(), queries, &ops);
        let address: SocketAddr =
            format!("{}:{}", bracketed(settings.text("bind")), settings.number("port", 0, 65_535)?)
                .parse()
                .context("`bind` is an IP address, such as 127.0.0.1")?;
        let listener = runtime.block_on(TcpListener::bind(address)).with_context(|| {
            format!("cannot listen on {address}; is another engine running there? --port takes another port")
        })?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let server = runtime.spawn(http::serve(listener, router, stopped, DRAIN_LIMIT));
        Ok(Self { runtime, auth, base_url, log, ops, commands, stop, server })
    }

    /// Where it listens, `http://address:port`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The runtime that serves HTTP.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The log.
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    /// What places holds in this process, without HTTP.
    pub fn hold_placer(&self) -> Result<HoldPlacer> {
        let subject = self.auth.config().pseudonym("bench");
        let caller = Caller { role: Role::Service, subject, store: None, location: None };
        Ok(HoldPlacer { submitter: self.commands.submitter.clone(), caller })
    }

    /// Waits until the views show all of the log; how long that took.
    pub async fn views_catch_up(&self) -> Result<Duration> {
        let start = std::time::Instant::now();
        while self.ops.views_lag() > 0 {
            anyhow::ensure!(start.elapsed() < READY_LIMIT, "the views do not catch up with the log");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(start.elapsed())
    }

    /// A token of this engine, valid for a day.
    pub fn mint(&self, role: Role, sub: &str, store: Option<&str>) -> Result<String> {
        self.auth.mint(role, sub, store, None, 86_400)
    }

    /// Finishes what was taken, writes snapshots and gives up the shards.
    pub fn stop(self) {
        self.ops.begin_stop();
        let _ = self.stop.send(true);
        if self.runtime.block_on(self.server).is_err() {
            tracing::warn!("the HTTP server ended with a panic");
        }
        self.runtime.block_on(self.ops.stop());
        self.log.close();
        if !self.log.wait_closed(CLOSE_LIMIT) {
            tracing::warn!("the log was left without a last checkpoint; the next start reads it all the same");
        }
        self.runtime.shutdown_timeout(Duration::from_secs(2));
    }
}

/// Places free holds by the way of a command that HTTP takes too.
#[derive(Clone)]
pub struct HoldPlacer {
    submitter: Arc<Submitter>,
    caller: Caller,
}

impl HoldPlacer {
    /// Places a hold of one unit; whether it was granted. Any other refusal than for want of stock is an error.
    pub async fn place(&self, item: &ItemId, id: &str) -> Result<bool> {
        let hold = HoldId::Free { caller: self.caller.subject.clone(), id: FreeHoldId::parse(id)? };
        let command = ItemCommand::PlaceHold(PlaceHold {
            hold,
            quantity: Quantity::new(1)?,
            expected_price: None,
            only_store: None,
            expires_in_seconds: Some(3_600),
            reference: None,
            metadata: Metadata::default(),
            effect: Some(Effect { id: EffectId::parse(id)?, digest: Digest::default() }),
        });
        let origin =
            Origin { correlation: CorrelationId::parse(id)?, traceparent: None, wait: Duration::from_secs(30) };
        let command = Command::Item { item: item.clone(), command };
        match self.submitter.ask(self.caller.clone(), command, origin).await {
            Ok(_) => Ok(true),
            Err(problem) if problem.code() == "insufficient_stock" => Ok(false),
            Err(problem) => anyhow::bail!("{problem:?}"),
        }
    }
}

fn log_options(settings: &Settings, data: &Path, test_clock: bool) -> Result<SqliteOptions> {
    let shards = u32::try_from(settings.number("shards", 1, 4_096)?)?;
    Ok(SqliteOptions {
        namespace: settings.text("namespace").to_owned(),
        shards: ShardCount::new(shards).context("`shards` is 1 to 4,096")?,
        inbox_capacity: usize::try_from(settings.number("inbox-capacity", 1, 10_000_000)?)?,
        disk_reserve_bytes: settings.number("disk-reserve-mib", 0, 1 << 40)? << 20,
        test_clock,
        ..SqliteOptions::new(data)
    })
}

fn policy(settings: &Settings) -> Result<Policy> {
    let seconds = |key, min| Ok::<u32, anyhow::Error>(u32::try_from(settings.number(key, min, 2_592_000)?)?);
    Ok(Policy {
        answer_timeout_seconds: seconds("answer-timeout-seconds", 1)?,
        checkout_seconds: seconds("checkout-seconds", 1)?,
        grace_seconds: seconds("grace-seconds", 0)?,
        ..Policy::default()
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

/// The clock that is moved by hand, where the engine is made for it.
fn test_clock_of(data: &Path, test_clock: bool) -> Result<Option<Arc<TestClock>>> {
    test_clock.then(|| TestClock::open(&data.join("test-clock")).map(Arc::new)).transpose()
}

/// An IPv6 address stands in brackets before a port.
fn bracketed(address: &str) -> String {
    if address.contains(':') && !address.starts_with('[') { format!("[{address}]") } else { address.to_owned() }
}
