//! The runner over Kafka: shards that move between processes, and what stands in for forgotten positions.

use crate::{HandClock, ITEMS, PATIENCE, Sink, envelope, hold, list, order, receive};
use domain::Policy;
use event_log::{
    EventLog,
    kafka::{
        KafkaConfig, KafkaLog, KafkaOptions,
        admin::{self, Copies, Options},
    },
};
use processor::{Processor, ProcessorOptions};
use schemas::{Command, Reply, ShardCount};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

/// A process: its log and, as long as it runs, its shards.
struct Process {
    log: Arc<KafkaLog>,
    processor: Option<Processor>,
}

/// Processes of one namespace, and a client of theirs.
struct Cluster {
    options: KafkaOptions,
    clock: Arc<HandClock>,
    client: Arc<KafkaLog>,
    node: u32,
    replies: Receiver<Reply>,
    sent: u64,
}

impl Cluster {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("p{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let config = KafkaConfig { namespace, allow_unsafe: true, ..KafkaConfig::new(engines::kafka().bootstrap()) };
        let copies = Copies { replication: 1, min_isr: 1 };
        let shards = ShardCount::new(4).expect("four");
        let applied = admin::apply(&config, Options { shards, copies, dry_run: false }).expect("topics");
        assert!(applied.applied, "{applied:?}");
        let options = KafkaOptions::new(config);
        let client = KafkaLog::open(options.clone()).expect("a log");
        let (sender, replies) = channel();
        let node = client.register(Arc::new(Sink(sender)));
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
        Self { options, clock, client, node, replies, sent: 0 }
    }

    fn process(&self) -> Process {
        let log = KafkaLog::open(self.options.clone()).expect("a log");
        let mut options = ProcessorOptions::new(log.clone(), self.clock.clone(), Policy::default());
        options.tick = Duration::from_millis(5);
        Process { log, processor: Some(Processor::start(options).expect("a processor")) }
    }

    /// Asks until it is answered, as clients do: a shard that moves may lose an answer, but not what it did.
    fn ask(&mut self, command: &Command) -> Reply {
        let until = Instant::now() + PATIENCE;
        loop {
            self.sent += 1;
            let envelope = envelope(self.node, self.sent, &self.clock, command.clone());
            self.client.submit(envelope).expect("the log takes commands");
            while let Ok(reply) = self.replies.recv_timeout(Duration::from_secs(3)) {
                if reply.to.request == self.sent {
                    return reply;
                }
            }
            assert!(Instant::now() < until, "no answer");
        }
    }

    fn stock(&mut self) {
        for id in ITEMS {
            assert!(self.ask(&list(id)).outcome.is_ok());
            assert!(self.ask(&receive(id, 500)).outcome.is_ok());
        }
    }
}

impl Process {
    fn processor(&self) -> &Processor {
        self.processor.as_ref().expect("it runs")
    }

    /// Waits until it serves so many shards.
    fn serves(&self, count: usize) {
        let until = Instant::now() + PATIENCE;
        while self.processor().status().len() != count || !self.processor().is_ready() {
            assert!(Instant::now() < until, "{:?}", self.processor().status());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(mut self) {
        self.processor.take().expect("it runs").stop();
        self.log.close();
    }
}

#[test]
fn a_checkout_over_processes_survives_their_coming_and_going() {
    let mut cluster = Cluster::new();
    let first = cluster.process();
    first.serves(4);
    cluster.stock();
    let before = cluster.ask(&hold("f", "h1"));
    assert!(before.outcome.is_ok(), "{before:?}");

    let second = cluster.process();
    first.serves(2);
    second.serves(2);
    // The order and its items are decided by both.
    let placed = cluster.ask(&order("o", &ITEMS[..5]));
    assert!(placed.outcome.is_ok(), "{placed:?}");
    assert!(placed.positions.positions().count() > 1);

    first.stop();
    second.serves(4);
    let again = cluster.ask(&hold("f", "h1"));
    assert_eq!((again.outcome, again.positions), (before.outcome, before.positions));
    let status = second.processor().status();
    assert_eq!(status.iter().map(|shard| shard.deadlines).sum::<usize>(), 2, "the order's and the hold's: {status:?}");
    second.stop();
}

#[test]
fn where_positions_are_forgotten_a_start_goes_by_the_checkpoint() {
    let mut cluster = Cluster::new();
    let process = cluster.process();
    process.serves(4);
    cluster.stock();
    let placed = cluster.ask(&order("o", &ITEMS));
    assert!(placed.outcome.is_ok(), "{placed:?}");
    process.stop();

    let group = format!("{}.processor", cluster.options.config.namespace);
    let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let brokers = cluster.options.config.brokers.clone();
    let told = engines::kafka_tool(class, &["--bootstrap-server", &brokers, "--group", &group, "--delete"]);
    assert!(told.status.success(), "{told:?}");

    let process = cluster.process();
    process.serves(4);
    let again = cluster.ask(&order("o", &ITEMS));
    assert_eq!(again.outcome, placed.outcome);
    let status = process.processor().status();
    assert_eq!(status.iter().map(|shard| shard.events_replayed).sum::<u64>(), 0, "{status:?}");
    assert_eq!(status.iter().map(|shard| shard.commands).sum::<u64>(), 1, "nothing is decided again: {status:?}");
    process.stop();
}
