//! The runner: one thread per shard performs what its [`Shard`](crate::Shard) asks for.

mod assignment;
mod metrics;
mod recover;
mod status;
mod thread;

pub use status::{ShardState, ShardStatus};

use assignment::Assignment;
use domain::Policy;
use event_log::{EventLog, LogError, Membership};
use parking_lot::{Condvar, Mutex};
use schemas::{Clock, ShardId, Timestamp};
use status::Tracked;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use thiserror::Error;

/// What a processor is made with.
#[derive(Clone)]
pub struct ProcessorOptions {
    /// The log; it says how many shards there are.
    pub log: Arc<dyn EventLog>,
    /// The engine's time.
    pub clock: Arc<dyn Clock>,
    /// The shop's times.
    pub policy: Policy,
    /// See [`ShardOptions::snapshot_every_events`](crate::ShardOptions::snapshot_every_events).
    pub snapshot_every_events: u64,
    /// See [`ShardOptions::snapshot_every_ms`](crate::ShardOptions::snapshot_every_ms).
    pub snapshot_every_ms: i64,
    /// How long an idle shard waits for commands before it looks at the clock again.
    pub tick: Duration,
}

impl ProcessorOptions {
    /// The usual intervals.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, policy: Policy) -> Self {
        Self {
            log,
            clock,
            policy,
            snapshot_every_events: 10_000,
            snapshot_every_ms: 30_000,
            tick: Duration::from_millis(50),
        }
    }
}

/// Why a processor does not start.
#[derive(Debug, Error)]
pub enum ProcessorError {
    /// The system gives no thread.
    #[error("no thread for shard {}: {source}", shard.0)]
    Thread {
        /// Of which shard.
        shard: ShardId,
        /// What the system said.
        source: std::io::Error,
    },
    /// The processes that share the shards cannot be joined.
    #[error("the shards cannot be shared: {0}")]
    Log(#[from] LogError),
}

/// What the threads of all shards share.
struct Shared {
    options: ProcessorOptions,
    shards: Vec<Mutex<Tracked>>,
    /// Notified when a shard begins or ceases to serve.
    changed: Condvar,
    changes: Mutex<u64>,
    /// Whether it was ever told what is its own, be it nothing.
    joined: AtomicBool,
    stopping: AtomicBool,
    /// Rises before and after each commit that has to do with internal commands.
    traffic: AtomicU64,
}

impl Shared {
    fn update(&self, shard: ShardId, change: impl FnOnce(&mut Tracked)) {
        if let Some(tracked) = self.shards.get(shard.0 as usize) {
            change(&mut tracked.lock());
        }
    }

    fn turn(&self, shard: ShardId, state: ShardState) {
        self.update(shard, |tracked| tracked.status.state = state);
        self.tell();
    }

    /// Something has changed that others wait for.
    fn tell(&self) {
        *self.changes.lock() += 1;
        self.changed.notify_all();
    }

    fn has_stopped(&self, shard: ShardId) -> bool {
        let tracked = self.shards.get(shard.0 as usize);
        tracked.is_some_and(|tracked| matches!(tracked.lock().status.state, ShardState::Stopped(_)))
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether all shards of this process are as asked, once it is known which those are.
    fn all(&self, is_so: impl Fn(&Tracked) -> bool) -> bool {
        let is_so = |tracked: &Mutex<Tracked>| {
            let tracked = tracked.lock();
            !tracked.assigned || is_so(&tracked)
        };
        self.joined.load(Ordering::Acquire) && self.shards.iter().all(is_so)
    }
}

/// The shards of this process: all, or those that it is assigned. Dropping it stops them without waiting.
pub struct Processor {
    shared: Arc<Shared>,
    assignment: Arc<Assignment>,
    membership: Option<Box<dyn Membership>>,
}

impl Processor {
    /// Starts a thread for each shard as it is assigned: fence, load the snapshot, replay, consume.
    pub fn start(options: ProcessorOptions) -> Result<Self, ProcessorError> {
        let count = options.log.shards();
        let shared = Arc::new(Shared {
            options,
            shards: count.all().map(|shard| Mutex::new(Tracked::new(shard))).collect(),
            changed: Condvar::new(),
            changes: Mutex::new(0),
            joined: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            traffic: AtomicU64::new(1),
        });
        let assignment = Arc::new(Assignment::new(&shared));
        let membership = shared.options.log.join(Arc::<Assignment>::clone(&assignment))?;
        let processor = Self { shared, assignment, membership: Some(membership) };
        processor.assignment.failure().map_or(Ok(processor), Err)
    }

    /// How every shard of this process does.
    #[must_use]
    pub fn status(&self) -> Vec<ShardStatus> {
        let status = |tracked: &Mutex<Tracked>| {
            let tracked = tracked.lock();
            tracked.assigned.then(|| tracked.status.clone())
        };
        self.shared.shards.iter().filter_map(status).collect()
    }

    /// Whether it is known which shards are this process's, and every one of them serves.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.all(|tracked| tracked.status.state == ShardState::Serving)
    }

    /// Waits until every shard serves; `false` where one has stopped or `within` is over. Blocks the thread.
    #[must_use]
    pub fn wait_ready(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut changes = self.shared.changes.lock();
        loop {
            if self.is_ready() {
                return true;
            }
            if self.has_stopped() || self.shared.changed.wait_until(&mut changes, until).timed_out() {
                return self.is_ready();
            }
        }
    }

    /// Whether a shard of this process has stopped: its part of the shop is closed until the shard is assigned again, to
    /// this process or another, or the process starts again.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        let has_stopped = |tracked: &Mutex<Tracked>| {
            let tracked = tracked.lock();
            tracked.assigned && matches!(tracked.status.state, ShardState::Stopped(_))
        };
        self.shared.shards.iter().any(has_stopped)
    }

    /// Whether nothing is due at `time` any longer, no internal command is open in this process and all is durable.
    ///
    /// Each shard notes the count of internal traffic at the beginning of a pass that found nothing to do at `time`. All
    /// of them at the newest count: nothing was handed over since they looked.
    #[must_use]
    pub fn settled_at(&self, time: Timestamp) -> bool {
        let traffic = self.shared.traffic.load(Ordering::Acquire);
        let is_quiet = |tracked: &Tracked| {
            tracked.status.state == ShardState::Serving
                && tracked.quiet_at_traffic == traffic
                && tracked.quiet_since.is_some_and(|seen| seen >= time)
        };
        self.shared.all(is_quiet) && self.shared.traffic.load(Ordering::Acquire) == traffic
    }

    /// Finishes what was taken, writes all snapshots and gives the shards up. Blocks the thread.
    pub fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Gives up what the log shares among processes; the rest ends here.
        drop(self.membership.take());
        self.assignment.end();
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        if let Some(membership) = self.membership.take() {
            // Leaving waits for the shards.
            drop(std::thread::Builder::new().name("shards-leave".to_owned()).spawn(move || drop(membership)));
        }
    }
}
