//! The runner over the embedded log: threads, restarts, settling, a state that is broken.

mod assigned;
mod cluster;
mod gathered;
mod outcomes;
mod tampered;

use domain::Policy;
use event_log::{
    EventLog, ReplySink,
    sqlite::{SqliteLog, SqliteOptions},
};
use processor::{Processor, ProcessorOptions};
use schemas::{
    Caller, Clock, Command, CommandEnvelope, CommandId, CorrelationId, Digest, Effect, EffectId, FreeHoldId, ItemId,
    LineId, LocationId, Metadata, Money, OrderId, PositionToken, Quantity, Rejection, Reply, ReplyAddress, Role,
    ShardCount, SubjectId, Timestamp,
    item::{Catalog, HoldId, ItemCommand, ItemKind, ListItem, PlaceHold, ReceiveStock},
    order::{OrderCommand, OrderLine, PaymentMode, PlaceOrder, SubmitMode},
    reply::Undecidable,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that is moved by hand.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }
}

struct Sink(Sender<Reply>);

impl ReplySink for Sink {
    fn deliver(&self, replies: Vec<Reply>) {
        // Nobody listens while a test ends.
        replies.into_iter().for_each(|reply| drop(self.0.send(reply)));
    }
}

/// An engine of a log and its shards.
struct Engine {
    log: Arc<SqliteLog>,
    clock: Arc<HandClock>,
    processor: Processor,
    node: u32,
    replies: Receiver<Reply>,
    sent: u64,
}

impl Engine {
    fn start(dir: &Path) -> Self {
        Self::over(dir, |log| log)
    }

    /// The shards see the log through something.
    fn over(dir: &Path, through: impl Fn(Arc<dyn EventLog>) -> Arc<dyn EventLog>) -> Self {
        let shards = ShardCount::new(4).expect("four");
        let log = SqliteLog::open(SqliteOptions { shards, ..SqliteOptions::new(dir) }).expect("a log");
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
        let mut options = ProcessorOptions::new(through(log.clone()), clock.clone(), Policy::default());
        options.tick = Duration::from_millis(5);
        let processor = Processor::start(options).expect("threads");
        assert!(processor.wait_ready(PATIENCE), "{:?}", processor.status());
        let (sender, replies) = channel();
        let node = log.register(Arc::new(Sink(sender)));
        Self { log, clock, processor, node, replies, sent: 0 }
    }

    fn send(&mut self, command: Command) {
        self.sent += 1;
        let envelope = envelope(self.node, self.sent, &self.clock, command);
        self.log.submit(envelope).expect("the log takes commands");
    }

    fn hear(&self) -> Reply {
        self.replies.recv_timeout(PATIENCE).expect("an answer")
    }

    fn ask(&mut self, command: Command) -> Reply {
        self.send(command);
        self.hear()
    }

    fn settle(&self) {
        let since = Instant::now();
        while !self.processor.settled_at(self.clock.now()) {
            assert!(since.elapsed() < PATIENCE, "never settled: {:?}", self.processor.status());
            std::thread::yield_now();
        }
    }

    fn stop(self) {
        self.processor.stop();
        self.log.close();
        assert!(self.log.wait_closed(PATIENCE), "the log closes");
    }
}

/// A command as request `request` of `node`.
fn envelope(node: u32, request: u64, clock: &HandClock, command: Command) -> CommandEnvelope {
    let id = format!("c{request}");
    CommandEnvelope {
        id: CommandId::parse(&id).expect("an id"),
        caller: service(),
        correlation: CorrelationId::parse(&id).expect("an id"),
        reply_to: Some(ReplyAddress { node, request }),
        positions: PositionToken::default(),
        sent_at: clock.now(),
        traceparent: None,
        command,
    }
}

fn service() -> Caller {
    Caller { role: Role::Service, subject: SubjectId::parse("shop").expect("an id"), store: None, location: None }
}

fn item_id(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

fn item(id: &str, command: ItemCommand) -> Command {
    Command::Item { item: item_id(id), command }
}

fn list(id: &str) -> Command {
    let catalog = Catalog {
        name: id.to_owned(),
        description: None,
        category: None,
        store: None,
        kind: ItemKind::Physical,
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: None,
        metadata: Metadata::default(),
    };
    let price = Money::new(500, schemas::Currency::parse("EUR").expect("a currency")).expect("a price");
    item(id, ItemCommand::List(ListItem { catalog, price, source: None, expected_version: None }))
}

fn receive(id: &str, units: u32) -> Command {
    receive_as(id, units, "receipt")
}

fn receive_as(id: &str, units: u32, receipt: &str) -> Command {
    let receive = ReceiveStock {
        effect: effect(receipt),
        location: LocationId::parse("berlin").expect("an id"),
        quantity: Quantity::new(units).expect("a quantity"),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
    };
    item(id, ItemCommand::Receive(receive))
}

fn hold(id: &str, hold: &str) -> Command {
    let place = PlaceHold {
        hold: HoldId::Free { caller: service().subject, id: FreeHoldId::parse(hold).expect("an id") },
        quantity: Quantity::new(1).expect("one"),
        expected_price: None,
        only_store: None,
        expires_in_seconds: Some(60),
        reference: None,
        metadata: Metadata::default(),
        effect: Some(effect(hold)),
    };
    item(id, ItemCommand::PlaceHold(place))
}

fn order(id: &str, items: &[&str]) -> Command {
    let lines = items.iter().enumerate().map(|(n, item)| OrderLine {
        line_id: LineId::parse(&format!("l{n}")).expect("an id"),
        item_id: item_id(item),
        quantity: Quantity::new(1).expect("one"),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    });
    let place = PlaceOrder {
        from_cart: false,
        effect: effect(id),
        shopper: None,
        channel: None,
        ordered_at: None,
        lines: lines.collect(),
        adjustments: Vec::new(),
        payment: PaymentMode::External,
        submit: SubmitMode::Explicit,
        expires_in_seconds: None,
        metadata: Metadata::default(),
    };
    Command::Order { order: OrderId::parse(id).expect("an id"), command: OrderCommand::Place(place) }
}

const ITEMS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn stock(engine: &mut Engine) {
    for id in ITEMS {
        assert!(engine.ask(list(id)).outcome.is_ok());
        assert!(engine.ask(receive(id, 500)).outcome.is_ok());
    }
}

#[test]
fn a_restart_after_a_stop_replays_nothing_and_answers_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut engine = Engine::start(dir.path());
    stock(&mut engine);
    (0..300).for_each(|n| engine.send(hold("a", &format!("h{n}"))));
    let granted = (0..300).filter(|_| engine.hear().outcome.is_ok()).count();
    assert_eq!(granted, 300);
    let first = engine.ask(hold("b", "again"));
    engine.stop();

    let mut engine = Engine::start(dir.path());
    let status = engine.processor.status();
    assert_eq!(status.iter().map(|shard| shard.events_replayed).sum::<u64>(), 0, "{status:?}");
    assert_eq!(status.iter().map(|shard| shard.aggregates).sum::<usize>(), ITEMS.len());
    assert!(status.iter().all(|shard| shard.epoch == 2));
    let again = engine.ask(hold("b", "again"));
    assert_eq!((again.outcome, again.positions), (first.outcome, first.positions));
    engine.stop();
}

#[test]
fn a_checkout_over_several_shards_is_answered_and_expires_when_the_clock_is_moved() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut engine = Engine::start(dir.path());
    stock(&mut engine);
    let reply = engine.ask(order("o", &ITEMS));
    assert!(reply.outcome.is_ok(), "{reply:?}");
    assert!(reply.positions.positions().count() > 1, "the chain went over several partitions");
    engine.settle();
    assert!(engine.processor.status().iter().any(|shard| shard.deadlines == 1));

    engine.clock.0.fetch_add(361_000, Ordering::AcqRel);
    engine.settle();
    assert!(engine.processor.status().iter().all(|shard| shard.deadlines == 0));
    // Nothing stays held: all units are available again.
    let reply = engine.ask(order("o2", &ITEMS));
    assert!(reply.outcome.is_ok(), "{reply:?}");
    engine.stop();
}

#[test]
fn a_finished_order_leaves_memory_and_answers_the_same_from_its_snapshot() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut engine = Engine::start(dir.path());
    let refused = engine.ask(order("o", &ITEMS));
    assert!(refused.outcome.is_err());
    engine.stop();

    let mut engine = Engine::start(dir.path());
    let status = engine.processor.status();
    assert_eq!(status.iter().map(|shard| shard.finished).sum::<usize>(), 1, "{status:?}");
    let again = engine.ask(order("o", &ITEMS));
    assert_eq!(again.outcome, refused.outcome);
    engine.stop();
}

#[test]
fn a_command_on_a_broken_state_is_dead_lettered_and_all_others_are_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut engine = Engine::start(dir.path());
    stock(&mut engine);
    engine.stop();

    let mut engine = Engine::over(dir.path(), tampered::through);
    engine.send(receive_as("a", 1, "poison"));
    (0..50).for_each(|n| engine.send(hold("b", &format!("h{n}"))));
    engine.send(receive_as("a", 1, "poison-too"));
    let dead = Err(Rejection::Undecidable(Undecidable::CommandDeadLettered));
    let (buried, done): (Vec<_>, Vec<_>) = (0..52).map(|_| engine.hear()).partition(|reply| reply.outcome == dead);
    assert_eq!((buried.len(), done.iter().filter(|reply| reply.outcome.is_ok()).count()), (2, 50));
    let status = engine.processor.status();
    assert_eq!(status.iter().map(|shard| shard.epoch).max(), Some(3), "one shard was rebuilt, once: {status:?}");
    assert!(engine.processor.is_ready());
    engine.stop();
}
