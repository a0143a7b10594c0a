//! The one reader of a node: follows the log and wakes who watches. However many connections there are, each event is
//! read once.

use super::core::{Bell, Core, Key, SubscriberId};
use crate::progress::Progress;
use edge::Problem;
use event_log::{EventLog, LogError, ReadFrom, Record};
use parking_lot::Mutex;
use read_model::{
    StoreError, ViewStore,
    fold::Fact,
    views::{CONSUMER, drop, item, queue_place},
};
use schemas::{Event, ItemId, Position, Topic};
use std::{sync::Arc, time::Duration};
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
    /// Whether the log is being followed.
    following: watch::Sender<bool>,
}

impl Hub {
    /// Begins to follow the log, until `stop` is true or its sender is gone. Call it inside of a runtime.
    pub fn start(
        log: Arc<dyn EventLog>,
        views: Arc<dyn ViewStore>,
        progress: Arc<Progress>,
        stop: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let core = Mutex::new(Core::new(log.shards()));
        let hub = Arc::new(Self { core, log, views, progress, following: watch::Sender::new(false) });
        let (runs, runtime) = (Arc::clone(&hub), Handle::current());
        let spawned = std::thread::Builder::new().name("live".to_owned()).spawn(move || runs.run(&runtime, &stop));
        if let Err(fault) = spawned {
            tracing::error!(%fault, "live streams have no thread to follow the log");
        }
        hub
    }

    fn run(&self, runtime: &Handle, stop: &watch::Receiver<bool>) {
        let (mut places, mut rest) = (Vec::new(), REST.0);
        while !has_ended(stop) {
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

    /// Reads from `places` on, or from where the views are; brings `places` along.
    fn follow(
        &self,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
        places: &mut Vec<ReadFrom>,
    ) -> Result<(), LogError> {
        if places.is_empty() {
            *places = self.beginnings(runtime)?;
        }
        let mut reader = self.log.reader(places)?;
        self.following.send_replace(true);
        while !has_ended(stop) {
            let records = reader.poll(CHUNK_BYTES, POLL)?;
            self.apply(&records);
            places.clear();
            places.extend_from_slice(reader.places());
        }
        Ok(())
    }

    /// Where the views are: what is before they have, what comes after is heard here, and nothing falls in between.
    fn beginnings(&self, runtime: &Handle) -> Result<Vec<ReadFrom>, LogError> {
        let folded = runtime.block_on(self.views.checkpoints(CONSUMER));
        let folded = folded.map_err(|fault| LogError::Unavailable(fault.to_string()))?;
        let partitions =
            TOPICS.into_iter().flat_map(|topic| self.log.shards().all().map(move |shard| (topic, shard.0)));
        let place = |(topic, partition)| {
            let offset = folded.get(&(topic, partition)).map_or(0, |checkpoint| checkpoint.offset);
            ReadFrom { topic, partition, offset }
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
        let mut following = self.following.subscribe();
        let begun = tokio::time::timeout(BEGIN_LIMIT, following.wait_for(|following| *following)).await;
        if !matches!(begun, Ok(Ok(_))) {
            return Err(Problem::unavailable("live_unavailable", "the log cannot be followed at the moment"));
        }
        let bell = Arc::new(Notify::new());
        let id = {
            let mut core = self.core.lock();
            if core.watched() + keys.len() > MAX_WATCHED {
                return Err(Problem::unavailable("too_many_streams", "too much is being watched"));
            }
            core.subscribe(keys.clone(), Arc::clone(&bell))
        };
        Ok(Subscription { hub: Arc::clone(self), id, keys, bell })
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

/// What one stream watches. It ends with this value.
pub(super) struct Subscription {
    hub: Arc<Hub>,
    id: SubscriberId,
    keys: Vec<Key>,
    bell: Arc<Notify>,
}

impl Subscription {
    /// Sees to it that the beginnings are read: at once, or where the views are behind as soon as they are not.
    pub async fn begin(&self) -> Result<(), Problem> {
        match self.hub.begin(&self.keys).await {
            Err(problem) if problem.code() == "view_behind" => {
                let (hub, keys) = (Arc::clone(&self.hub), self.keys.clone());
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
        let mut core = self.hub.core.lock();
        let changed = core.take(self.id);
        read(&mut core, &changed)
    }

    /// Whether the beginnings of all keys are known.
    pub fn is_known(&self) -> bool {
        self.hub.core.lock().missing(&self.keys).is_empty()
    }

    /// Whether changes are heard.
    pub fn is_following(&self) -> bool {
        self.hub.is_following()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.core.lock().unsubscribe(self.id);
    }
}
