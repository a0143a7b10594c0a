//! The services of one process, from their start to their end.

use crate::{
    app,
    auth::Auth,
    backends::Backends,
    clock::{SystemClock, TestClock},
    http::Server,
    ops::{Ops, Running},
    plan::Plan,
    provider::{ProviderCards, ProviderWebhooks},
    settings::Settings,
};
use anyhow::{Context as _, Result};
use command_api::{CommandState, Origin, Submitter};
use edge::Edge;
use event_log::EventLog;
use fulfilment::{FulfilmentOptions, FulfilmentRunner};
use inbound::{InboundOptions, InboundRunner};
use intake::{MacKey, feed::SourcePseudonyms};
use notifier::{NotifierOptions, NotifierRunner};
use payments::{PaymentsOptions, PaymentsRunner, Provider};
use processor::{Processor, ProcessorOptions};
use projector::{
    Projector, ProjectorOptions,
    state::{StateWriter, StateWriterOptions},
};
use query_api::QueryState;
use schemas::{
    Caller, Clock, Command, CorrelationId, Digest, Effect, EffectId, FreeHoldId, ItemId, Metadata, Quantity, Role,
    item::{HoldId, ItemCommand, PlaceHold},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// How long recovery may take before the start is given up.
const READY_LIMIT: Duration = Duration::from_secs(600);

/// Which services a process runs. Where the log is embedded, one process runs all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Services {
    /// Decides commands.
    pub processor: bool,
    /// Folds events into views.
    pub projector: bool,
    /// Talks to the payment provider.
    pub payments: bool,
    /// Plans which warehouse ships what.
    pub fulfilment: bool,
    /// Tells people what happens.
    pub notifier: bool,
    /// Takes what suppliers publish.
    pub inbound: bool,
    /// Takes commands over HTTP.
    pub commands: bool,
    /// Serves views over HTTP.
    pub queries: bool,
}

impl Services {
    /// All in one.
    pub const ALL: Self = Self {
        processor: true,
        projector: true,
        payments: true,
        fulfilment: true,
        notifier: true,
        inbound: true,
        commands: true,
        queries: true,
    };
    /// None: a base to name one from.
    const NONE: Self = Self {
        processor: false,
        projector: false,
        payments: false,
        fulfilment: false,
        notifier: false,
        inbound: false,
        commands: false,
        queries: false,
    };
    /// What decides commands and takes them over HTTP; nothing is folded.
    pub const DECIDING: Self = Self { processor: true, commands: true, queries: true, ..Self::NONE };
    /// `stockfold processor`.
    pub const PROCESSOR: Self = Self { processor: true, ..Self::NONE };
    /// `stockfold projector`.
    pub const PROJECTOR: Self = Self { projector: true, ..Self::NONE };
    /// `stockfold payments`.
    pub const PAYMENTS: Self = Self { payments: true, ..Self::NONE };
    /// `stockfold fulfilment`.
    pub const FULFILMENT: Self = Self { fulfilment: true, ..Self::NONE };
    /// `stockfold notifier`.
    pub const NOTIFIER: Self = Self { notifier: true, ..Self::NONE };
    /// `stockfold inbound`.
    pub const INBOUND: Self = Self { inbound: true, ..Self::NONE };
    /// `stockfold command-api`.
    pub const COMMAND_API: Self = Self { commands: true, ..Self::NONE };
    /// `stockfold query-api`.
    pub const QUERY_API: Self = Self { queries: true, ..Self::NONE };
    /// `stockfold api`.
    pub const API: Self = Self { commands: true, queries: true, ..Self::NONE };
}

/// A running engine, or a part of one.
pub struct Engine {
    runtime: Runtime,
    auth: Auth,
    server: Server,
    backends: Backends,
    ops: Arc<Ops>,
    submitter: Option<Arc<Submitter>>,
}

impl Engine {
    /// All services: listens, opens the backends, recovers, and serves.
    pub fn start(settings: &Settings, test_clock: bool) -> Result<Self> {
        Self::start_services(settings, test_clock, Services::ALL)
    }

    /// Some of the services.
    pub fn start_services(settings: &Settings, test_clock: bool, services: Services) -> Result<Self> {
        Self::start_plan(settings, Plan::of(settings, test_clock)?, test_clock, services)
    }

    /// An engine that is thrown away: see [`Plan::of_trial`].
    pub fn start_trial(settings: &Settings, services: Services) -> Result<Self> {
        Self::start_plan(settings, Plan::of_trial(settings)?, false, services)
    }

    fn start_plan(settings: &Settings, plan: Plan, test_clock: bool, services: Services) -> Result<Self> {
        app::metrics();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.spawn(app::keep_metrics());
        // What can be refused is refused before the data directory is made, which fixes its shards and its clock.
        let server = runtime.block_on(Server::listen(plan.address, app::starting(), plan.live.streams))?;
        // Secrets are made where everything is: the parts of an engine must share one set of them.
        let is_whole = services.processor && services.commands && services.queries;
        let auth = if is_whole { Auth::existing_or_new(settings)? } else { Auth::existing(settings)? };
        let plan = plan.drawing_with(&auth);
        let data = plan.data.as_path();
        let backends = runtime.block_on(async { Backends::open(&plan.backing, data).await })?;
        let test_clock = test_clock_of(data, test_clock)?;
        let clock: Arc<dyn Clock> = match &test_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        // Only where it takes webhooks too can it send them to itself.
        let own = (services.payments && services.commands).then(|| server.base_url());
        let provider = Arc::new(plan.provider.sandbox(&auth.config().pseudonym_secret, own)?);
        let sources = SourcePseudonyms::of(&MacKey::new(&auth.config().pseudonym_secret));
        let running = run(&runtime, services, &backends, &clock, provider.clone(), sources, &plan)?;
        let ops = Arc::new(Ops::new(backends.log.clone(), backends.views.clone(), running, test_clock));
        let edge = Edge::new(plan.edge(&auth), clock.clone(), Arc::new(SystemClock))?;
        let commands = services.commands.then(|| CommandState {
            edge: edge.clone(),
            submitter: runtime.block_on(async { Submitter::start(backends.log.clone(), clock) }),
            keys: backends.keys.clone(),
            views: backends.views.clone(),
            cards: Arc::new(ProviderCards(provider.clone())),
            webhooks: command_api::Webhooks::new(Arc::new(ProviderWebhooks(provider))),
            test_clock: ops.has_test_clock().then(|| ops.clone() as Arc<dyn command_api::TestClock>),
        });
        let submitter = commands.as_ref().map(|commands| commands.submitter.clone());
        let queries = services.queries.then(|| {
            let Backends { log, views, keys, .. } = &backends;
            let state = QueryState::new(edge.clone(), views.clone(), log.clone(), keys.clone(), server.stopping());
            state.with_live(plan.live)
        });
        server.show(app::router(&edge, commands, queries, &ops));
        Ok(Self { runtime, auth, server, backends, ops, submitter })
    }

    /// Where it listens, `http://address:port`.
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// The runtime that serves HTTP.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The log.
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.backends.log.clone()
    }

    /// The log, where it is on Kafka.
    pub fn kafka(&self) -> Option<&event_log::kafka::KafkaLog> {
        self.backends.kafka()
    }

    /// What places holds in this process, without HTTP.
    pub fn hold_placer(&self) -> Result<HoldPlacer> {
        let subject = self.auth.config().pseudonym("bench");
        let caller = Caller { role: Role::Service, subject, store: None, location: None };
        let submitter = self.submitter.clone().context("this process takes no commands")?;
        Ok(HoldPlacer { submitter, caller })
    }

    /// Waits until the views show all of the log; how long that took, where this process folds them.
    pub async fn views_catch_up(&self) -> Result<Option<Duration>> {
        let start = std::time::Instant::now();
        while self.ops.views_lag() > 0 {
            anyhow::ensure!(start.elapsed() < READY_LIMIT, "the views do not catch up with the log");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(self.ops.folds().then(|| start.elapsed()))
    }

    /// A token of this engine, valid for a day.
    pub fn mint(&self, role: Role, sub: &str, store: Option<&str>) -> Result<String> {
        self.auth.mint(role, sub, store, None, 86_400)
    }

    /// Finishes what was taken, writes snapshots and gives up the shards.
    pub fn stop(self) {
        self.ops.begin_stop();
        self.runtime.block_on(self.server.stop());
        self.runtime.block_on(self.ops.stop());
        self.backends.close();
        self.runtime.shutdown_timeout(Duration::from_secs(2));
    }
}

/// Starts the services that do not serve HTTP, and waits until the shards of this process serve.
fn run(
    runtime: &Runtime,
    services: Services,
    backends: &Backends,
    clock: &Arc<dyn Clock>,
    provider: Arc<dyn Provider>,
    sources: SourcePseudonyms,
    plan: &Plan,
) -> Result<Running> {
    let Backends { log, views, keys, .. } = backends;
    let processor = services
        .processor
        .then(|| Processor::start(ProcessorOptions::new(log.clone(), clock.clone(), plan.policy.clone())))
        .transpose()?;
    let projector = services
        .projector
        .then(|| {
            let (log, views, runtime) = (log.clone(), views.clone(), runtime.handle().clone());
            Projector::start(ProjectorOptions { log, views, runtime })
        })
        .transpose()?;
    let states = (services.projector && plan.state_topics).then(|| {
        let (log, views, runtime) = (log.clone(), views.clone(), runtime.handle().clone());
        StateWriter::start(StateWriterOptions { log, views, runtime })
    });
    let states = states.transpose()?;
    if let Some(processor) = &processor {
        // A shard that has stopped closes its part of the shop only: the log and `/readyz` say which and why.
        let recovered = processor.wait_ready(READY_LIMIT) || processor.has_stopped();
        anyhow::ensure!(recovered, "the shards did not recover within {READY_LIMIT:?}");
    }
    let payments = services.payments.then(|| {
        let (log, views, clock) = (log.clone(), views.clone(), clock.clone());
        runtime.block_on(PaymentsRunner::start(PaymentsOptions { log, views, provider, clock }))
    });
    let fulfilment = services.fulfilment.then(|| {
        let (log, views, keys, clock) = (log.clone(), views.clone(), keys.clone(), clock.clone());
        let options = FulfilmentOptions { log, views, keys, clock, consolidate: plan.consolidate };
        runtime.block_on(FulfilmentRunner::start(options))
    });
    let notifier = services.notifier.then(|| {
        let (log, views, keys, clock) = (log.clone(), views.clone(), keys.clone(), clock.clone());
        let (per_second, post) = (plan.mail.per_second, plan.mail.post.clone());
        runtime.block_on(NotifierRunner::start(NotifierOptions { log, views, keys, clock, per_second, post }))
    });
    let inbound = services.inbound.then(|| {
        let (log, views, clock) = (log.clone(), views.clone(), clock.clone());
        runtime.block_on(InboundRunner::start(InboundOptions { log, views, clock, sources }))
    });
    let (payments, fulfilment, notifier) = (payments.transpose()?, fulfilment.transpose()?, notifier.transpose()?);
    Ok(Running { processor, projector, states, payments, fulfilment, notifier, inbound: inbound.transpose()? })
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

/// The clock that is moved by hand, where the engine is made for it.
fn test_clock_of(data: &Path, test_clock: bool) -> Result<Option<Arc<TestClock>>> {
    test_clock.then(|| TestClock::open(&data.join("test-clock")).map(Arc::new)).transpose()
}
