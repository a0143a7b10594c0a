//! What an operator sees and does: readiness, status, the test clock, and the order of a stop.

use crate::clock::{NotMoved, TestClock};
use command_api::AdvanceError;
use event_log::{EventLog, SubmitError};
use fulfilment::FulfilmentRunner;
use inbound::{FeedStatus, InboundRunner};
use notifier::NotifierRunner;
use parking_lot::Mutex;
use payments::PaymentsRunner;
use processor::{Processor, ShardState};
use projector::{PartitionState, PartitionStatus, Projector, ProjectorStatus, state::StateWriter};
use read_model::{ViewStore, views::CONSUMER};
use schemas::{Clock as _, Timestamp, Topic};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an advance of the test clock may take to settle.
const SETTLE_LIMIT: Duration = Duration::from_secs(30);

/// How long the store of views may take to answer before the process is not ready.
const STORE_LIMIT: Duration = Duration::from_secs(2);

/// The services of this process that do not serve HTTP.
#[derive(Default)]
pub struct Running {
    /// Decides commands.
    pub processor: Option<Processor>,
    /// Folds events into views.
    pub projector: Option<Projector>,
    /// Writes the state topics.
    pub states: Option<StateWriter>,
    /// Talks to the payment provider.
    pub payments: Option<PaymentsRunner>,
    /// Plans which warehouse ships what.
    pub fulfilment: Option<FulfilmentRunner>,
    /// Tells people what happens.
    pub notifier: Option<NotifierRunner>,
    /// Takes what suppliers publish.
    pub inbound: Option<InboundRunner>,
}

/// The running services, as an operator needs them.
pub struct Ops {
    log: Arc<dyn EventLog>,
    views: Arc<dyn ViewStore>,
    has_processor: bool,
    processor: Mutex<Option<Processor>>,
    projector: Option<Projector>,
    states: Option<StateWriter>,
    has_payments: bool,
    payments: tokio::sync::Mutex<Option<PaymentsRunner>>,
    has_fulfilment: bool,
    fulfilment: tokio::sync::Mutex<Option<FulfilmentRunner>>,
    has_notifier: bool,
    notifier: tokio::sync::Mutex<Option<NotifierRunner>>,
    has_inbound: bool,
    inbound: tokio::sync::Mutex<Option<InboundRunner>>,
    test_clock: Option<Arc<TestClock>>,
    stopping: AtomicBool,
}

impl Ops {
    /// Over running services.
    pub fn new(
        log: Arc<dyn EventLog>,
        views: Arc<dyn ViewStore>,
        running: Running,
        test_clock: Option<Arc<TestClock>>,
    ) -> Self {
        let Running { processor, projector, states, payments, fulfilment, notifier, inbound } = running;
        Self {
            log,
            views,
            has_processor: processor.is_some(),
            processor: Mutex::new(processor),
            projector,
            states,
            has_payments: payments.is_some(),
            payments: tokio::sync::Mutex::new(payments),
            has_fulfilment: fulfilment.is_some(),
            fulfilment: tokio::sync::Mutex::new(fulfilment),
            has_notifier: notifier.is_some(),
            notifier: tokio::sync::Mutex::new(notifier),
            has_inbound: inbound.is_some(),
            inbound: tokio::sync::Mutex::new(inbound),
            test_clock,
            stopping: AtomicBool::new(false),
        }
    }

    /// Each dependency of this process, and what is wrong with it.
    pub async fn readiness(&self) -> Vec<(&'static str, Result<(), String>)> {
        let stopping = self.stopping.load(Ordering::Relaxed);
        let process = if stopping { Err("stopping".to_owned()) } else { Ok(()) };
        let log = self.log.writable().map_err(|error: SubmitError| error.to_string());
        let mut checked = vec![("process", process), ("log", log)];
        if self.has_processor {
            checked.push(("shards", self.shards_ready()));
        }
        checked.push(("views", self.views_ready().await));
        if self.has_payments {
            checked.push(("payments", trouble_of(&self.payments, PaymentsRunner::failure)));
        }
        if self.has_fulfilment {
            checked.push(("fulfilment", trouble_of(&self.fulfilment, FulfilmentRunner::failure)));
        }
        if self.has_notifier {
            checked.push(("notifier", trouble_of(&self.notifier, NotifierRunner::failure)));
        }
        if self.has_inbound {
            checked.push(("inbound", trouble_of(&self.inbound, InboundRunner::failure)));
        }
        checked
    }

    fn shards_ready(&self) -> Result<(), String> {
        let processor = self.processor.lock();
        let Some(processor) = processor.as_ref() else { return Err("stopped".to_owned()) };
        let trouble = processor.status().into_iter().find_map(|status| match status.state {
            ShardState::Serving => None,
            ShardState::Recovering => Some(format!("shard {} is recovering", status.shard.0)),
            ShardState::Stopped(reason) => Some(format!("shard {} has stopped: {reason}", status.shard.0)),
        });
        trouble.map_or(Ok(()), Err)
    }

    async fn views_ready(&self) -> Result<(), String> {
        let Some(projector) = &self.projector else {
            // Somebody else folds them: it is enough that they can be read.
            let read = tokio::time::timeout(STORE_LIMIT, self.views.checkpoints(CONSUMER)).await;
            let read = read.map_err(|_| "the store does not answer".to_owned())?;
            return read.map(drop).map_err(|error| error.to_string());
        };
        let projector = projector.status();
        if projector.is_healthy() {
            return Ok(());
        }
        let stopped = projector.partitions.iter().find_map(|partition| match &partition.state {
            PartitionState::Stopped(reason) => Some(reason.clone()),
            PartitionState::Running => None,
        });
        Err(projector.trouble.or(stopped).unwrap_or_else(|| "the projector has stopped".to_owned()))
    }

    /// Shards, positions, lag and what is due, as JSON.
    pub fn status(&self) -> Value {
        let shards = self.processor.lock().as_ref().map(Processor::status).unwrap_or_default();
        let projector = self.projector.as_ref().map(Projector::status);
        let partition = |partition: &PartitionStatus| {
            let (state, reason) = match &partition.state {
                PartitionState::Running => ("running", None),
                PartitionState::Stopped(reason) => ("stopped", Some(reason)),
            };
            json!({
                "topic": partition.topic.name(), "partition": partition.partition, "seq": partition.seq,
                "end": partition.end, "lag": partition.lag(), "state": state, "reason": reason,
            })
        };
        json!({
            "namespace": self.log.namespace(),
            "shards": shards,
            "projector": projector.iter().flat_map(|projector| &projector.partitions).map(partition).collect::<Vec<_>>(),
            "lag": projector.as_ref().map(ProjectorStatus::lag),
            "parked": projector.as_ref().map(|projector| &projector.parked),
            "inbound": self.feeds(),
            "states": self.states(),
        })
    }

    /// How far the suppliers' feeds are; null where another process takes them.
    fn feeds(&self) -> Value {
        let Ok(inbound) = self.inbound.try_lock() else { return Value::Null };
        let Some(inbound) = inbound.as_ref() else { return Value::Null };
        let feed = |feed: &FeedStatus| json!({"partition": feed.partition, "done": feed.done, "end": feed.end, "lag": feed.lag()});
        let feeds = inbound.status();
        let lag: u64 = feeds.iter().map(FeedStatus::lag).sum();
        json!({"lag": lag, "partitions": feeds.iter().map(feed).collect::<Vec<_>>()})
    }

    /// How far the state topics are; null where another process writes them, or nobody does.
    fn states(&self) -> Value {
        let Some(states) = self.states.as_ref().map(StateWriter::status) else { return Value::Null };
        json!({"lag": states.lag, "running": states.running, "trouble": states.trouble})
    }

    /// Whether this process folds views.
    pub const fn folds(&self) -> bool {
        self.projector.is_some()
    }

    /// Events that are not in the views yet.
    pub fn views_lag(&self) -> u64 {
        self.projector.as_ref().map_or(0, |projector| projector.status().lag())
    }

    /// Whether there is a clock to move.
    pub fn has_test_clock(&self) -> bool {
        self.test_clock.is_some()
    }

    /// Moves the test clock, and answers when nothing is due, nothing is under way and the views have caught up.
    pub async fn settle(&self, to: Timestamp) -> Result<Timestamp, AdvanceError> {
        let Some(clock) = &self.test_clock else {
            return Err(AdvanceError::Unmoved("this engine runs on the system's clock".to_owned()));
        };
        let at = clock.advance(to).map_err(|fault| match fault {
            NotMoved::Past(now) => AdvanceError::Past { now },
            NotMoved::Unwritten(_) => AdvanceError::Unmoved(fault.to_string()),
        })?;
        let start = Instant::now();
        // These services make commands of events, and commands make events: all must be at rest at the same look.
        while !(self.is_settled(at).await && self.is_settled(at).await) {
            if start.elapsed() > SETTLE_LIMIT {
                return Err(AdvanceError::Restless(format!("not at rest within {} s", SETTLE_LIMIT.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(clock.now())
    }

    async fn is_settled(&self, at: Timestamp) -> bool {
        let shards = self.processor.lock().as_ref().is_some_and(|processor| processor.settled_at(at));
        let told = || async {
            self.is_fulfilment_done().await && self.is_notifier_done().await && self.is_inbound_done().await
        };
        shards && self.are_payments_done().await && told().await && self.views_lag() == 0
    }

    async fn are_payments_done(&self) -> bool {
        let payments = self.payments.lock().await;
        payments.as_ref().is_none_or(|payments| self.has_all(payments.done()))
    }

    async fn is_fulfilment_done(&self) -> bool {
        let fulfilment = self.fulfilment.lock().await;
        let Some(fulfilment) = fulfilment.as_ref() else { return true };
        self.has_all(fulfilment.done())
    }

    /// Whether everybody was told in the app; mails may still be on their way.
    async fn is_notifier_done(&self) -> bool {
        let notifier = self.notifier.lock().await;
        notifier.as_ref().is_none_or(|notifier| self.has_all(notifier.done()))
    }

    async fn is_inbound_done(&self) -> bool {
        let inbound = self.inbound.lock().await;
        inbound.as_ref().is_none_or(|inbound| self.has_all(inbound.done()))
    }

    /// Whether what is done is all that the log has.
    fn has_all(&self, done: BTreeMap<(Topic, u32), u64>) -> bool {
        done.into_iter().all(|((topic, partition), offset)| {
            let end = self.log.end(topic, partition).unwrap_or_default();
            end == 0 || offset >= end
        })
    }

    /// Says that the process is not ready any more.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Stops the services, those that send commands first.
    pub async fn stop(&self) {
        if let Some(inbound) = self.inbound.lock().await.take() {
            inbound.stop().await;
        }
        if let Some(payments) = self.payments.lock().await.take() {
            payments.stop().await;
        }
        if let Some(fulfilment) = self.fulfilment.lock().await.take() {
            fulfilment.stop().await;
        }
        if let Some(notifier) = self.notifier.lock().await.take() {
            notifier.stop().await;
        }
        let processor = self.processor.lock().take();
        // All of these join threads.
        tokio::task::block_in_place(|| {
            if let Some(processor) = processor {
                processor.stop();
            }
            if let Some(states) = &self.states {
                states.stop();
            }
            if let Some(projector) = &self.projector {
                projector.stop();
            }
        });
    }
}

/// What keeps a service of this process from its work.
fn trouble_of<S>(
    service: &tokio::sync::Mutex<Option<S>>,
    failure: impl Fn(&S) -> Option<String>,
) -> Result<(), String> {
    match service.try_lock() {
        Ok(service) => {
            service.as_ref().map_or_else(|| Err("stopped".to_owned()), |running| failure(running).map_or(Ok(()), Err))
        }
        // Somebody looks how far it is, or stops it: the process says so then.
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::scratch::with_engine_in;
    use event_log::{
        Batch, CommitOutcome, EventLog as _, NewEvent,
        sqlite::{SqliteLog, SqliteOptions},
    };
    use schemas::{AggregateKey, CommandId, CorrelationId, Envelope, OrderId, ShardId, Timestamp, Topic};
    use std::{path::Path, time::Duration};

    const ORDER: &str = "o-1";

    /// A data directory whose log has one event, about money, that nobody can read.
    fn damage(data: &Path) -> ShardId {
        let log = SqliteLog::open(SqliteOptions { disk_reserve_bytes: 0, ..SqliteOptions::new(data) }).expect("opens");
        let order = AggregateKey::Order(OrderId::parse(ORDER).expect("an id"));
        let mut lease = log.acquire(event_log::shard_of(log.shards(), &order)).expect("the shard is free");
        let envelope = Envelope {
            event_type: "stockfold.orders.payment-started.v1".into(),
            subject: ORDER.to_owned(),
            time: Timestamp::from_millis(1),
            seq: 1,
            epoch: lease.epoch(),
            actor: "service:erp".to_owned(),
            causation: CommandId::parse("cmd").expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        };
        let event = NewEvent { topic: Topic::OrdersEvents, envelope, value: b"{\"no\":1}".to_vec() };
        assert_eq!(lease.commit(Batch { events: vec![event], ..Batch::default() }), CommitOutcome::Committed);
        let shard = lease.shard();
        drop(lease);
        log.close();
        assert!(log.wait_closed(Duration::from_secs(20)));
        shard
    }

    #[test]
    fn an_event_that_cannot_be_read_closes_its_shard_alone_and_readiness_says_why() {
        let home = tempfile::tempdir().expect("a directory");
        let data = home.path().join("data");
        let shard = damage(&data);
        let checked = with_engine_in(Some(data), None, |engine| {
            engine.runtime().block_on(async {
                let url = engine.base_url();
                let bad = ["shards", "payments"];
                let detail = loop {
                    let ready = reqwest::get(format!("{url}/readyz")).await?;
                    assert_eq!(ready.status(), 503);
                    let ready: serde_json::Value = ready.json().await?;
                    let found = ready["dependencies"].as_array().cloned().unwrap_or_default();
                    let found: Vec<_> = found.into_iter().filter(|at| at["ready"] == false).collect();
                    // Projector and payments read at their own pace.
                    if found.iter().map(|at| at["name"].as_str().unwrap_or("")).eq(bad) {
                        break found[0]["detail"].as_str().unwrap_or("").to_owned();
                    }
                    tokio::task::yield_now().await;
                };
                let named = [&format!("shard {}", shard.0), "orders.events.v1@1", "payment-started"];
                assert!(named.iter().all(|part| detail.contains(part)), "{detail}");
                let token = engine.mint(schemas::Role::Operator, "ops", None)?;
                let item = (0..).map(|n| format!("i-{n}")).find(|id| {
                    let key = AggregateKey::Item(schemas::ItemId::parse(id).expect("an id"));
                    event_log::shard_of(engine.log().shards(), &key) != shard
                });
                let item = item.expect("there are more shards than one");
                let listed = reqwest::Client::new()
                    .put(format!("{url}/v1/items/{item}"))
                    .bearer_auth(token)
                    .json(&serde_json::json!({"name": "a", "kind": "physical", "price": {"amount": 1, "currency": "EUR"}}))
                    .send()
                    .await?;
                assert_eq!(listed.status(), 201, "{}", listed.text().await?);
                Ok(())
            })
        });
        checked.expect("it runs");
    }
}
