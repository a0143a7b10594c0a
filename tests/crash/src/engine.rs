//! The embedded engine: its real log, shards, projector, views and keys over one directory.

use crate::{plant::Plant, scenario};
use domain::Policy;
use event_log::{
    EventLog, ReplySink,
    sqlite::{SqliteLog, SqliteOptions},
};
use keys::{KeyStore, SqliteKeyStore};
use processor::{Processor, ProcessorOptions};
use projector::{Projector, ProjectorOptions};
use read_model::{ViewStore, sqlite::SqliteViews, views};
use schemas::{Clock, Command, Reply, ReplyAddress, ShardCount, Timestamp};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};
use tokio::runtime::Runtime;

/// When a run begins.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// How long the engine may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is waited before a look.
const LOOK: Duration = Duration::from_micros(300);
/// A small write-ahead log, so that it is copied into the file and begun anew often.
const CHECKPOINT_BYTES: usize = 160 << 10;
/// So many events bring a snapshot.
const SNAPSHOT_EVERY: u64 = 20;

/// Two: an order is on another shard than some of its items.
#[must_use]
pub fn shards() -> ShardCount {
    ShardCount::new(2).expect("two")
}

/// A clock that is moved by hand.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }
}

/// Hears every answer as it comes.
pub type Hearing = Box<dyn Fn(&Reply) + Send + Sync>;

struct Sink {
    hearing: Hearing,
    sender: Sender<Reply>,
}

impl ReplySink for Sink {
    fn deliver(&self, replies: Vec<Reply>) {
        for reply in replies {
            (self.hearing)(&reply);
            // Nobody listens once the engine ends.
            drop(self.sender.send(reply));
        }
    }
}

/// The files, opened; nothing runs yet but the log's writer.
pub struct Stores {
    /// The log.
    pub log: Arc<SqliteLog>,
    /// The views.
    pub views: Arc<dyn ViewStore>,
    /// The keys.
    pub keys: Arc<dyn KeyStore>,
    failed: Arc<Mutex<Option<String>>>,
}

impl Stores {
    /// Opens the files of a directory, or makes them, as `stockfold up` does.
    pub fn open(dir: &Path, plant: Option<Plant>) -> Result<Self, String> {
        let failed = Arc::new(Mutex::new(None));
        let failure = Arc::clone(&failed);
        let options = SqliteOptions {
            shards: shards(),
            disk_reserve_bytes: 0,
            checkpoint_bytes: CHECKPOINT_BYTES,
            on_failure: Arc::new(move |why| *failure.lock().expect("plain text") = Some(why.to_owned())),
            ..SqliteOptions::new(dir)
        };
        let log = SqliteLog::open(options).map_err(|error| format!("log: it does not open: {error}"))?;
        let views = SqliteViews::open(&dir.join("views.sqlite"), &views::tables())
            .map_err(|error| format!("views: they do not open: {error}"))?;
        let keys = SqliteKeyStore::open(&dir.join(SqliteKeyStore::FILE))
            .map_err(|error| format!("keys: they do not open: {error}"))?;
        let views: Arc<dyn ViewStore> = Arc::new(views);
        let views = if plant == Some(Plant::CheckpointFirst) { crate::plant::checkpoint_first(views) } else { views };
        Ok(Self { log, views, keys: Arc::new(keys), failed })
    }

    /// Starts to fold the log into the views.
    pub fn project(&self, runtime: &Runtime) -> Result<Projector, String> {
        let (log, views) = (Arc::clone(&self.log), Arc::clone(&self.views));
        let options = ProjectorOptions { log, views, runtime: runtime.handle().clone() };
        Projector::start(options).map_err(|error| format!("views: the projector does not start: {error}"))
    }
}

/// What is left of the time that the engine may take, by the waits that were made: a process that is stopped for a while
/// does not wait meanwhile.
struct Patience(Duration);

impl Patience {
    const fn new() -> Self {
        Self(PATIENCE)
    }

    /// Takes a wait from what is left; false where nothing is.
    fn spend(&mut self, wait: Duration) -> bool {
        let left = self.0.checked_sub(wait);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }

    /// Waits a moment; false where nothing is left.
    fn look(&mut self) -> bool {
        std::thread::sleep(LOOK);
        self.spend(LOOK)
    }
}

/// Waits until the views show the whole log.
pub fn wait_folded(projector: &Projector) -> Result<(), String> {
    let mut patience = Patience::new();
    loop {
        let status = projector.status();
        if !status.is_healthy() {
            return Err(format!("views: the projector is in trouble: {status:?}"));
        }
        if status.lag() == 0 {
            return Ok(());
        }
        if !patience.look() {
            return Err(format!("views: they do not catch up: {status:?}"));
        }
    }
}

/// A running engine.
pub struct Engine {
    /// Its files.
    pub stores: Stores,
    /// Folds.
    pub projector: Projector,
    processor: Processor,
    clock: Arc<HandClock>,
    node: u32,
    replies: Receiver<Reply>,
    heard: BTreeMap<u64, Reply>,
    /// Distinguishes its commands from those of other lives.
    life: String,
}

impl Engine {
    /// Recovers the shards at this time and serves.
    pub fn start(
        stores: Stores,
        projector: Projector,
        life: &str,
        now: Timestamp,
        hearing: Hearing,
        plant: Option<Plant>,
    ) -> Result<Self, String> {
        let clock = Arc::new(HandClock(AtomicI64::new(now.millis())));
        let mut log: Arc<dyn EventLog> = stores.log.clone();
        if plant == Some(Plant::BatchInTwo) {
            log = crate::plant::batch_in_two(log);
        }
        let mut options = ProcessorOptions::new(log, clock.clone(), Policy::default());
        options.tick = Duration::from_millis(2);
        options.snapshot_every_events = SNAPSHOT_EVERY;
        let processor = Processor::start(options).map_err(|error| error.to_string())?;
        let (sender, replies) = channel();
        let node = stores.log.register(Arc::new(Sink { hearing, sender }));
        let engine =
            Self { stores, projector, processor, clock, node, replies, heard: BTreeMap::new(), life: life.to_owned() };
        let mut patience = Patience::new();
        while !engine.processor.is_ready() {
            if engine.processor.has_stopped() || !patience.look() {
                return Err(format!("serves: the shards do not recover: {}", engine.trouble()));
            }
        }
        Ok(engine)
    }

    /// Sends a command as this request.
    pub fn send(&self, request: u64, command: Command) -> Result<(), String> {
        let to = ReplyAddress { node: self.node, request };
        let envelope = scenario::envelope(command, &self.life, to, self.clock.now());
        self.stores.log.submit(envelope).map_err(|error| format!("serves: a command is not taken: {error}"))
    }

    /// The answer to a request.
    pub fn hear(&mut self, request: u64) -> Result<Reply, String> {
        let (mut patience, slice) = (Patience::new(), Duration::from_millis(100));
        loop {
            if let Some(reply) = self.heard.remove(&request) {
                return Ok(reply);
            }
            match self.replies.recv_timeout(slice) {
                Ok(reply) => _ = self.heard.insert(reply.to.request, reply),
                Err(_) if patience.spend(slice) => {}
                Err(_) => return Err(format!("serves: request {request} is not answered; {}", self.trouble())),
            }
        }
    }

    fn trouble(&self) -> String {
        let failed = self.stores.failed.lock().expect("plain text").clone();
        format!("log: {failed:?}; shards: {:?}", self.processor.status())
    }

    /// Moves the clock forward, in seconds.
    pub fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000, Ordering::AcqRel);
    }

    /// The engine's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until nothing is under way or due, and the views show it all.
    pub fn settle(&self) -> Result<(), String> {
        let mut patience = Patience::new();
        while !self.processor.settled_at(self.clock.now()) {
            if self.processor.has_stopped() || !patience.look() {
                return Err(format!("serves: the shards never come to rest; {}", self.trouble()));
            }
        }
        wait_folded(&self.projector)
    }

    /// A clean stop.
    pub fn stop(self) -> Result<(), String> {
        let Self { stores, projector, processor, .. } = self;
        projector.stop();
        processor.stop();
        stores.log.close();
        if stores.log.wait_closed(PATIENCE) { Ok(()) } else { Err("the log does not close".to_owned()) }
    }
}
