//! A log that shares its shards among processes: its assignments are made by the test.

use crate::{HandClock, PATIENCE, Sink, list};
use domain::Policy;
use event_log::{
    Assignee, EventLog, Lease, LogError, Membership, ReadFrom, Reader, ReplySink, SubmitError,
    sqlite::{SqliteLog, SqliteOptions},
};
use parking_lot::Mutex;
use processor::{Processor, ProcessorOptions, ShardState};
use schemas::{CommandEnvelope, ShardCount, ShardId, Topic};
use std::{
    sync::{Arc, atomic::AtomicI64, mpsc::channel},
    time::{Duration, Instant},
};

/// Counts its leases, and assigns nothing by itself.
struct Shared {
    log: Arc<SqliteLog>,
    assignee: Mutex<Option<Arc<dyn Assignee>>>,
    leases: Arc<Mutex<Vec<u32>>>,
}

struct Left;

impl Membership for Left {}

/// A lease that is known to be alive.
struct Counted {
    lease: Box<dyn Lease>,
    leases: Arc<Mutex<Vec<u32>>>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let shard = self.lease.shard().0;
        self.leases.lock().retain(|alive| *alive != shard);
    }
}

impl Lease for Counted {
    fn shard(&self) -> ShardId {
        self.lease.shard()
    }
    fn epoch(&self) -> u64 {
        self.lease.epoch()
    }
    fn consumed(&self) -> event_log::Consumed {
        self.lease.consumed()
    }
    fn consume_from(&mut self, consumed: event_log::Consumed) -> Result<(), LogError> {
        self.lease.consume_from(consumed)
    }
    fn poll(&mut self, max: usize, wait: Duration) -> Result<event_log::Polled, LogError> {
        self.lease.poll(max, wait)
    }
    fn commit(&mut self, batch: event_log::Batch) -> event_log::CommitOutcome {
        self.lease.commit(batch)
    }
    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.lease.snapshot(key)
    }
    fn is_durable(&self) -> bool {
        self.lease.is_durable()
    }
}

impl EventLog for Shared {
    fn shards(&self) -> ShardCount {
        self.log.shards()
    }
    fn namespace(&self) -> &str {
        self.log.namespace()
    }
    fn acquire(&self, shard: ShardId) -> Result<Box<dyn Lease>, LogError> {
        let lease = self.log.acquire(shard)?;
        self.leases.lock().push(shard.0);
        Ok(Box::new(Counted { lease, leases: Arc::clone(&self.leases) }))
    }
    fn join(&self, assignee: Arc<dyn Assignee>) -> Result<Box<dyn Membership>, LogError> {
        *self.assignee.lock() = Some(assignee);
        Ok(Box::new(Left))
    }
    fn submit(&self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.log.submit(command)
    }

    fn publish(&self, records: Vec<event_log::NewRecord>) -> Result<(), LogError> {
        self.log.publish(records)
    }
    fn register(&self, sink: Arc<dyn ReplySink>) -> u32 {
        self.log.register(sink)
    }
    fn reader(&self, from: &[ReadFrom]) -> Result<Box<dyn Reader>, LogError> {
        self.log.reader(from)
    }
    fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.log.end(topic, partition)
    }
    fn writable(&self) -> Result<(), SubmitError> {
        self.log.writable()
    }
    fn close(&self) {
        self.log.close();
    }
}

/// A processor of a shared log.
struct Rig {
    log: Arc<Shared>,
    processor: Processor,
    clock: Arc<HandClock>,
    _dir: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let shards = ShardCount::new(4).expect("four");
        let log = SqliteLog::open(SqliteOptions { shards, ..SqliteOptions::new(dir.path()) }).expect("a log");
        let log = Arc::new(Shared { log, assignee: Mutex::new(None), leases: Arc::default() });
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
        let mut options = ProcessorOptions::new(log.clone(), clock.clone(), Policy::default());
        options.tick = Duration::from_millis(5);
        let processor = Processor::start(options).expect("a processor");
        Self { log, processor, clock, _dir: dir }
    }

    fn assign(&self, shards: &[u32]) {
        let shards: Vec<_> = shards.iter().copied().map(ShardId).collect();
        self.log.assignee.lock().clone().expect("it has joined").assigned(&shards);
    }

    fn revoke(&self, shards: &[u32]) {
        let shards: Vec<_> = shards.iter().copied().map(ShardId).collect();
        self.log.assignee.lock().clone().expect("it has joined").revoked(&shards);
    }

    fn shards(&self) -> Vec<u32> {
        self.processor.status().iter().map(|status| status.shard.0).collect()
    }

    /// Lists an item that `shard` owns; whether that was answered in time.
    fn is_served(&self, shard: u32, within: Duration) -> bool {
        let (sender, replies) = channel();
        let node = self.log.register(Arc::new(Sink(sender)));
        let ids = (0..).map(|n| format!("sku-{n}"));
        let id = ids.into_iter().find(|id| self.log.shards().of_key(id) == ShardId(shard)).expect("an item");
        self.log.submit(crate::envelope(node, 1, &self.clock, list(&id))).expect("the log takes commands");
        replies.recv_timeout(within).is_ok()
    }
}

#[test]
fn it_is_ready_once_it_is_told_what_is_its_own_be_it_nothing() {
    let rig = Rig::new();
    assert!(!rig.processor.is_ready());
    rig.assign(&[]);
    assert!(rig.processor.is_ready());
    assert!(rig.shards().is_empty());
    rig.processor.stop();
}

#[test]
fn a_shard_is_served_from_its_assignment_to_its_revocation() {
    let rig = Rig::new();
    rig.assign(&[1, 3]);
    assert!(rig.processor.wait_ready(PATIENCE), "{:?}", rig.processor.status());
    assert_eq!(rig.shards(), [1, 3]);
    assert!(rig.is_served(3, PATIENCE));

    rig.revoke(&[3]);
    assert_eq!(*rig.log.leases.lock(), [1], "a revocation returns without the lease");
    assert_eq!(rig.shards(), [1]);
    assert!(rig.processor.is_ready());
    assert!(!rig.is_served(3, Duration::from_millis(50)));
    assert!(rig.is_served(1, PATIENCE));

    rig.assign(&[3]);
    assert!(rig.processor.wait_ready(PATIENCE));
    assert!(rig.is_served(3, PATIENCE));
    rig.processor.stop();
}

#[test]
fn what_is_assigned_again_goes_on() {
    let rig = Rig::new();
    rig.assign(&[2]);
    assert!(rig.processor.wait_ready(PATIENCE));
    let epoch = rig.processor.status()[0].epoch;
    rig.assign(&[2]);
    assert!(rig.is_served(2, PATIENCE));
    assert_eq!(rig.processor.status()[0].epoch, epoch);
    rig.processor.stop();
}

#[test]
fn a_shard_that_was_fenced_rests_until_it_is_assigned_again() {
    let rig = Rig::new();
    rig.assign(&[0, 2]);
    assert!(rig.processor.wait_ready(PATIENCE));
    let other = rig.log.log.acquire(ShardId(2)).expect("another owner");
    let since = Instant::now();
    while !rig.processor.has_stopped() {
        assert!(since.elapsed() < PATIENCE, "{:?}", rig.processor.status());
        std::thread::yield_now();
    }
    let states: Vec<_> = rig.processor.status().into_iter().map(|status| status.state).collect();
    assert!(matches!(states[..], [ShardState::Serving, ShardState::Stopped(_)]), "{states:?}");
    assert!(!rig.processor.is_ready());
    drop(other);

    rig.assign(&[2]);
    assert!(rig.processor.wait_ready(PATIENCE), "{:?}", rig.processor.status());
    assert!(rig.is_served(2, PATIENCE));
    rig.processor.stop();
}
