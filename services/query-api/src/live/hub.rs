//! The one reader of a node: follows the log while somebody watches, and wakes who does. However many connections there
//! are, each event is read once; where there are none, none is read.

use super::core::{Bell, Core, Key, SubscriberId};
use crate::progress::Progress;
use edge::Problem;
use event_log::{EventLog, LogError, ReadFrom, Record};
use parking_lot::{Condvar, Mutex};
use read_model::{
    StoreError, ViewStore,
    fold::Fact,
    views::{CONSUMER, drop, item, queue_place},
};
use schemas::{Event, ItemId, Position, Topic};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

/// What is followed.
const TOPICS: [Topic; 3] = [Topic::InventoryEvents, Topic::DropsEvents, Topic::ShoppersEvents];
/// Bytes of records that are read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// How long the log is waited for before looking whether the process ends.
const POLL: Duration = Duration::from_millis(250);
/// How long the reader rests after a fault, at first and at most.
const REST: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a stream waits for the reader to begin.
const BEGIN_LIMIT: Duration = Duration::from_secs(10);
/// How long nothing is read again after the store failed.
const STORE_REST: Duration = Duration::from_secs(1);
/// The most keys that are watched in all; a key of an item takes about 300 bytes.
const MAX_WATCHED: usize = 400_000;

impl Bell for Arc<Notify> {
    fn ring(&self) {
        self.notify_one();
    }
}

/// The values that are watched, and where their beginnings are read.
pub(super) struct Hub {
    core: Mutex<Core<Arc<Notify>>>,
    log: Arc<dyn EventLog>,
    views: Arc<dyn ViewStore>,
    progress: Arc<Progress>,
    linger: Duration,
    /// Streams that watch, or are about to.
    streams: Mutex<usize>,
    /// Notified of the first of them.
    wanted: Condvar,
    /// Whether the log is being followed. It begins whenever it likes, and ends under the lock of `core`: who has begun to
    /// watch under that lock, while it was, is told of everything.
    following: watch::Sender<bool>,
}

impl Hub {
    /// Follows the log while somebody watches, until `stop` is true or its sender is gone. Call it inside of a runtime.
    pub fn start(
        log: Arc<dyn EventLog>,
        views: Arc<dyn ViewStore>,
        progress: Arc<Progress>,
        linger: Duration,
        stop: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let core = Mutex::new(Core::new(log.shards()));
        let (streams, wanted, following) = (Mutex::default(), Condvar::new(), watch::Sender::new(false));
        let hub = Arc::new(Self { core, log, views, progress, linger, streams, wanted, following });
        let (runs, runtime) = (Arc::clone(&hub), Handle::current());
        let spawned = std::thread::Builder::new().name("live".to_owned()).spawn(move || runs.run(&runtime, &stop));
        if let Err(fault) = spawned {
            tracing::error!(%fault, "live streams have no thread to follow the log");
        }
        hub
    }

    fn run(&self, runtime: &Handle, stop: &watch::Receiver<bool>) {
        let (mut places, mut rest) = (Vec::new(), REST.0);
        while self.is_wanted(stop) {
            let before = places.clone();
            if let Err(fault) = self.follow(runtime, stop, &mut places) {
                tracing::warn!(%fault, "live streams cannot follow the log; trying again");
                self.following.send_replace(false);
                // What was read in between says that it is not the same fault over and over.
                rest = if places == before { (rest * 2).min(REST.1) } else { REST.0 };
                std::thread::sleep(rest);
            }
        }
        self.following.send_replace(false);
    }

    /// Waits until somebody watches; false once it is to end.
    fn is_wanted(&self, stop: &watch::Receiver<bool>) -> bool {
        let mut streams = self.streams.lock();
        while *streams == 0 && !has_ended(stop) {
            self.wanted.wait_for(&mut streams, POLL);
        }
        !has_ended(stop)
    }

    /// Ends the following where nobody has watched since `idle` for long enough.
    fn rests(&self, idle: &mut Option<Instant>) -> bool {
        if *self.streams.lock() > 0 {
            *idle = None;
        } else if idle.get_or_insert_with(Instant::now).elapsed() >= self.linger {
            let core = self.core.lock();
            // Who has come since that look, and is not in the core yet, looks again.
            if core.watched() == 0 {
                self.following.send_replace(false);
                return true;
            }
        }
        false
    }

    /// Reads from `places` on while it is wanted, and brings them along. Who watches already is told of everything from
    /// there; where nobody does, what the views have by now is passed over.
    fn follow(
        &self,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
        places: &mut Vec<ReadFrom>,
    ) -> Result<(), LogError> {
        // Nobody begins to watch in between: the log is not being followed.
        if self.core.lock().watched() == 0 {
            *places = self.beginnings(runtime, places)?;
        }
        let mut reader = self.log.reader(places)?;
        self.following.send_replace(true);
        let mut idle = None;
        while !has_ended(stop) && !self.rests(&mut idle) {
            let records = reader.poll(CHUNK_BYTES, POLL)?;
            self.apply(&records);
            places.clear();
            places.extend_from_slice(reader.places());
        }
        Ok(())
    }

    /// Where the views are, or where was read to: what is before they have, or are waited for until they do; what comes
    /// after is heard here, and nothing falls in between.
    fn beginnings(&self, runtime: &Handle, read: &[ReadFrom]) -> Result<Vec<ReadFrom>, LogError> {
        let folded = runtime.block_on(self.views.checkpoints(CONSUMER));
        let folded = folded.map_err(|fault| LogError::Unavailable(fault.to_string()))?;
        let partitions =
            TOPICS.into_iter().flat_map(|topic| self.log.shards().all().map(move |shard| (topic, shard.0)));
        let place = |(topic, partition)| {
            let folded = folded.get(&(topic, partition)).map_or(0, |checkpoint| checkpoint.offset);
            let read = read.iter().find(|place| (place.topic, place.partition) == (topic, partition));
            ReadFrom { topic, partition, offset: read.map_or(0, |place| place.offset).max(folded) }
        };
        Ok(partitions.map(place).collect())
    }

    fn apply(&self, records: &[Record]) {
        for record in records {
            let (Some(envelope), Some(value)) = (&record.envelope, &record.value) else { continue };
            let position = Position { topic: record.topic, partition: record.partition, seq: envelope.seq };
            {
                // In one: whoever begins to watch it after this reads what the views have up to here.
                let mut core = self.core.lock();
                if !core.is_watched(record.topic, &envelope.subject) {
                    core.pass(position);
                    continue;
                }
            }
            match Event::read(&envelope.event_type, value) {
                Ok(event) => self.core.lock().apply(&Fact { position, envelope, event: &event }),
                Err(fault) => {
                    tracing::warn!(%position, %fault, "live streams do not tell of an event");
                    self.core.lock().pass(position);
                }
            }
        }
    }

    /// Whether the log is being followed.
    pub fn is_following(&self) -> bool {
        *self.following.borrow()
    }

    /// Watches some keys. 503 while the log is not being followed, or too much is watched.
    pub async fn subscribe(self: &Arc<Self>, keys: Vec<Key>) -> Result<Subscription, Problem> {
        let stream = Stream::come(self);
        let (mut following, bell) = (self.following.subscribe(), Arc::new(Notify::new()));
        let until = tokio::time::Instant::now() + BEGIN_LIMIT;
        loop {
            // What it gives holds a lock that whoever ends the following waits for: it must not live on.
            let begun = tokio::time::timeout_at(until, following.wait_for(|following| *following)).await;
            if !matches!(begun.map(|begun| begun.is_ok()), Ok(true)) {
                return Err(Problem::unavailable("live_unavailable", "the log cannot be followed at the moment"));
            }
            let mut core = self.core.lock();
            if core.watched() + keys.len() > MAX_WATCHED {
                return Err(Problem::unavailable("too_many_streams", "too much is being watched"));
            }
            if self.is_following() {
                let id = core.subscribe(keys.clone(), Arc::clone(&bell));
                drop(core);
                return Ok(Subscription { stream, id, keys, bell });
            }
        }
    }

    /// Reads the beginnings of those keys that have none yet, once the views are past what was heard before.
    async fn begin(&self, keys: &[Key]) -> Result<(), Problem> {
        loop {
            let (missing, heard) = {
                let core = self.core.lock();
                let missing = core.missing(keys);
                let heard = core.read_of(&missing);
                (missing, heard)
            };
            if missing.is_empty() {
                return Ok(());
            }
            self.progress.wait(&heard).await?;
            self.read(&missing).await.map_err(crate::store_problem)?;
        }
    }

    async fn read(&self, missing: &[Key]) -> Result<(), StoreError> {
        let items = missing.iter().filter_map(|key| if let Key::Item(item) = key { Some(item.clone()) } else { None });
        let items: Vec<ItemId> = items.collect();
        let rows = item::get_many(&*self.views, &items).await?;
        for (item, row) in items.iter().zip(rows) {
            self.core.lock().begin_item(item, |now| now.begin(row.as_ref()));
        }
        for key in missing {
            match key {
                Key::Drop(id) => {
                    let row = drop::get(&*self.views, id).await?;
                    self.core.lock().begin_drop(id, |now| now.begin(row));
                }
                Key::Place(id, shopper) => {
                    let place = queue_place::get(&*self.views, id, shopper).await?;
                    self.core.lock().begin_place(id, shopper, |now| now.begin(place));
                }
                Key::Item(_) | Key::Inbox(_) => {}
            }
        }
        Ok(())
    }
}

fn has_ended(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// That there is a stream, for which the log is followed.
struct Stream(Arc<Hub>);

impl Stream {
    fn come(hub: &Arc<Hub>) -> Self {
        *hub.streams.lock() += 1;
        hub.wanted.notify_one();
        Self(Arc::clone(hub))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        *self.0.streams.lock() -= 1;
    }
}

/// What one stream watches. It ends with this value.
pub(super) struct Subscription {
    stream: Stream,
    id: SubscriberId,
    keys: Vec<Key>,
    bell: Arc<Notify>,
}

impl Subscription {
    fn hub(&self) -> &Arc<Hub> {
        &self.stream.0
    }

    /// Sees to it that the beginnings are read: at once, or where the views are behind as soon as they are not.
    pub async fn begin(&self) -> Result<(), Problem> {
        match self.hub().begin(&self.keys).await {
            Err(problem) if problem.code() == "view_behind" => {
                let (hub, keys) = (Arc::clone(self.hub()), self.keys.clone());
                tokio::spawn(async move {
                    // Ends with its subscribers: what nobody watches is not missing.
                    while let Err(problem) = hub.begin(&keys).await {
                        if problem.code() != "view_behind" {
                            tokio::time::sleep(STORE_REST).await;
                        }
                    }
                });
                Ok(())
            }
            done => done,
        }
    }

    /// Waits until a key has changed since [`Self::take`].
    pub async fn changed(&self) {
        self.bell.notified().await;
    }

    /// Which keys have changed, and what `read` makes of them, at one moment.
    pub fn take<T>(&self, read: impl FnOnce(&mut Core<Arc<Notify>>, &[Key]) -> T) -> T {
        let mut core = self.hub().core.lock();
        let changed = core.take(self.id);
        read(&mut core, &changed)
    }

    /// Whether the beginnings of all keys are known.
    pub fn is_known(&self) -> bool {
        self.hub().core.lock().missing(&self.keys).is_empty()
    }

    /// Whether changes are heard.
    pub fn is_following(&self) -> bool {
        self.hub().is_following()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub().core.lock().unsubscribe(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_log::simulated::{Profile, SimulatedLog, SimulatedOptions};
    use read_model::{sqlite::SqliteViews, views};
    use schemas::ShardCount;

    fn tea() -> Vec<Key> {
        vec![Key::Item(ItemId::parse("tea").expect("an id"))]
    }

    /// The hub of an empty log, which rests after so long.
    fn hub(linger: Duration) -> (Arc<Hub>, watch::Sender<bool>, tempfile::TempDir) {
        let shards = ShardCount::new(1).expect("one");
        let log = SimulatedLog::new(SimulatedOptions::new(Profile::Embedded, shards));
        let dir = tempfile::tempdir().expect("a directory");
        let views = SqliteViews::open(&dir.path().join("views.sqlite"), &views::tables()).expect("views");
        let views: Arc<dyn ViewStore> = Arc::new(views);
        let progress = Arc::new(Progress::new(Arc::clone(&views), shards, Duration::ZERO));
        let (stop, stopped) = watch::channel(false);
        (Hub::start(log, views, progress, linger, stopped), stop, dir)
    }

    async fn is_soon(what: impl Fn() -> bool) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while !what() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        what()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_is_followed_while_somebody_watches() {
        let (hub, stop, _dir) = hub(Duration::from_millis(20));
        for _ in 0..3 {
            assert!(is_soon(|| !hub.is_following()).await);
            let both = tokio::join!(hub.subscribe(tea()), hub.subscribe(tea()));
            assert!(both.0.is_ok_and(|watches| watches.is_following()) && both.1.is_ok());
        }
        assert!(is_soon(|| !hub.is_following()).await);
        let Ok(watches) = hub.subscribe(tea()).await else { panic!("it watches") };
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(watches.is_following());
        stop.send_replace(true);
        assert!(is_soon(|| !watches.is_following()).await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn streams_that_come_while_it_begins_to_rest_keep_nobody_waiting() {
        let (hub, _stop, _dir) = hub(Duration::ZERO);
        let until = Instant::now() + Duration::from_secs(2);
        let come_and_go = |hub: Arc<Hub>| async move {
            let mut streams = 0;
            while Instant::now() < until {
                hub.subscribe(tea()).await.map_err(|problem| problem.code().to_owned()).expect("it watches");
                streams += 1;
                // Now and then nobody watches for long enough.
                if streams % 50 == 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        };
        let all: Vec<_> = (0..4).map(|_| tokio::spawn(come_and_go(Arc::clone(&hub)))).collect();
        for one in all {
            tokio::time::timeout(Duration::from_secs(30), one).await.expect("nobody is stuck").expect("it ends");
        }
    }
}
