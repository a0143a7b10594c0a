//! A broken aggregate in the middle of commands that came in memory, and a transaction that is aborted: each is decided once.

use super::{HandClock, PATIENCE, Sink, envelope, list, receive, receive_as, tampered};
use domain::Policy;
use event_log::{
    Batch, CommitOutcome, Consumed, EventLog, Lease, LogError, Polled, Received,
    simulated::{Fate, Profile, SimulatedLog, SimulatedOptions},
};
use processor::{Processor, ProcessorOptions};
use schemas::{Command, Reply, ShardCount, ShardId};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

/// So many commands are polled at once, the first time.
const TOGETHER: usize = 3;

/// A lease whose first commands are polled together.
struct GatheredLease {
    lease: Box<dyn Lease>,
    is_done: Arc<AtomicBool>,
    held: Vec<Received>,
}

impl Lease for GatheredLease {
    fn shard(&self) -> ShardId {
        self.lease.shard()
    }

    fn epoch(&self) -> u64 {
        self.lease.epoch()
    }

    fn consumed(&self) -> Consumed {
        self.lease.consumed()
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        self.lease.consume_from(consumed)
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError> {
        let polled = self.lease.poll(max, wait)?;
        if self.is_done.load(Ordering::Acquire) {
            return Ok(polled);
        }
        self.held.extend(polled.commands);
        if self.held.len() < TOGETHER {
            return Ok(Polled { commands: Vec::new(), drained: polled.drained && self.held.is_empty(), ..polled });
        }
        self.is_done.store(true, Ordering::Release);
        Ok(Polled { commands: std::mem::take(&mut self.held), ..polled })
    }

    fn commit(&mut self, batch: Batch) -> CommitOutcome {
        self.lease.commit(batch)
    }

    fn hand_over(&mut self, batch: Batch) -> CommitOutcome {
        self.lease.hand_over(batch)
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.lease.snapshot(key)
    }

    fn is_durable(&self) -> bool {
        self.lease.is_durable()
    }
}

/// A client of one shard on a log of a cluster.
struct Client {
    log: Arc<SimulatedLog>,
    clock: Arc<HandClock>,
    node: u32,
    replies: Receiver<Reply>,
    sent: u64,
}

impl Client {
    fn send(&mut self, command: Command) {
        self.sent += 1;
        self.log.submit(envelope(self.node, self.sent, &self.clock, command)).expect("the log takes commands");
    }

    /// How often each request was answered, until the newest one is.
    fn hear(&self) -> BTreeMap<u64, u32> {
        let mut heard = BTreeMap::new();
        let since = std::time::Instant::now();
        while !heard.contains_key(&self.sent) {
            self.log.deliver_replies(usize::MAX);
            while let Ok(reply) = self.replies.try_recv() {
                *heard.entry(reply.to.request).or_default() += 1;
            }
            assert!(since.elapsed() < PATIENCE, "{heard:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        heard
    }
}

#[test]
fn what_an_abort_and_a_broken_aggregate_leave_is_decided_once() {
    let log = SimulatedLog::new(SimulatedOptions::new(Profile::Cluster, ShardCount::new(1).expect("one")));
    let is_next_aborted = Arc::new(AtomicBool::new(false));
    let aborts = Arc::clone(&is_next_aborted);
    let fate = move || if aborts.swap(false, Ordering::AcqRel) { Fate::Aborted } else { Fate::Committed };
    log.on_commit(Box::new(move |_| fate()));
    let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
    let (sender, replies) = channel();
    let node = log.register(Arc::new(Sink(sender)));
    let mut client = Client { log: log.clone(), clock: clock.clone(), node, replies, sent: 0 };
    let start = |through: Arc<dyn EventLog>| {
        let processor = Processor::start(ProcessorOptions::new(through, clock.clone(), Policy::default()));
        let processor = processor.expect("threads");
        assert!(processor.wait_ready(PATIENCE), "{:?}", processor.status());
        processor
    };

    let processor = start(log.clone());
    for command in [list("a"), receive("a", 500), list("b"), receive("b", 5)] {
        client.send(command);
    }
    client.hear();
    processor.stop();

    let is_done = Arc::<AtomicBool>::default();
    let gather = move |lease| -> Box<dyn Lease> {
        Box::new(GatheredLease { lease, is_done: Arc::clone(&is_done), held: Vec::new() })
    };
    let processor = start(tampered::with_leases(log.clone(), Box::new(gather)));
    is_next_aborted.store(true, Ordering::Release);
    for (item, receipt) in [("b", "second"), ("a", "no-event-fits"), ("b", "third")] {
        client.send(receive_as(item, 1, receipt));
    }
    let mut heard = client.hear();
    // Whatever is still under way comes before this one.
    client.send(receive_as("b", 1, "last"));
    for (request, times) in client.hear() {
        *heard.entry(request).or_default() += times;
    }
    assert_eq!(heard, BTreeMap::from([(5, 1), (6, 1), (7, 1), (8, 1)]), "{:?}", processor.status());
    assert!(!is_next_aborted.load(Ordering::Acquire), "a commit was aborted");
    processor.stop();
}
