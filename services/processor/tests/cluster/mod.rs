//! The runner over Kafka: shards that move between processes, and what stands in for forgotten positions.

use crate::{HandClock, ITEMS, PATIENCE, Sink, envelope, hold, list, order, receive};
use domain::Policy;
use event_log::{
    EventLog, MAX_RECORD_BYTES,
    kafka::{
        KafkaConfig, KafkaLog, KafkaOptions,
        admin::{self, Copies, Options},
    },
};
use processor::{Processor, ProcessorOptions};
use schemas::{Command, Rejection, Reply, ShardCount, item::ItemCommand, reply::Undecidable};
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
        Self::of(4)
    }

    fn of(shards: u32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("p{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let config = KafkaConfig { namespace, allow_unsafe: true, ..KafkaConfig::new(engines::kafka().bootstrap()) };
        let copies = Copies { replication: 1, min_isr: 1 };
        let shards = ShardCount::new(shards).expect("some shards");
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

    /// Writes a record to the clients' commands as no client of ours would.
    fn write(&self, record: &[u8]) {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("record").display().to_string();
        std::fs::write(&file, record).expect("a file");
        let topic = format!("{}.commands.v1", self.options.config.namespace);
        let brokers = format!("bootstrap.servers={}", self.options.config.brokers);
        let one = ["--num-records", "1", "--throughput", "-1", "--payload-file", &file, "--topic", &topic];
        let props = ["--producer-props", &brokers, "max.request.size=8000000", "batch.size=1"];
        let told = engines::kafka_tool("org.apache.kafka.tools.ProducerPerformance", &[&one[..], &props].concat());
        assert!(told.status.success(), "{told:?}");
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

#[test]
fn a_foreign_command_that_no_record_holds_is_refused_and_the_shard_goes_on() {
    let mut cluster = Cluster::of(1);
    let process = cluster.process();
    process.serves(1);
    let Command::Item { item, command: ItemCommand::List(mut large) } = list("a") else { panic!("a listing") };
    large.catalog.description = Some("x".repeat(MAX_RECORD_BYTES as usize + 100_000));
    let large = Command::Item { item, command: ItemCommand::List(large) };
    let command = envelope(cluster.node, 1_000, &cluster.clock, large);
    cluster.write(&serde_json::to_vec(&command).expect("JSON"));
    let reply = cluster.replies.recv_timeout(PATIENCE).expect("an answer");
    assert_eq!((reply.to.request, reply.outcome), (1_000, Err(Rejection::Undecidable(Undecidable::TooLarge))));
    assert!(cluster.ask(&list("a")).outcome.is_ok());
    assert_eq!(process.processor().status()[0].dead_letters, 1);
    process.stop();
}

#[test]
fn a_foreign_record_that_is_no_command_is_kept_as_far_as_a_record_goes() {
    let mut cluster = Cluster::of(1);
    let process = cluster.process();
    process.serves(1);
    for byte in [b"x", b"\"".as_slice(), b"\0"] {
        cluster.write(&byte.repeat(MAX_RECORD_BYTES as usize + 100_000));
    }
    assert!(cluster.ask(&list("a")).outcome.is_ok());
    process.stop();
}
