//! Runs the core: one thread reads, waits for the views, looks up and writes.

use super::{
    STATE_CONSUMER,
    core::StateCore,
    record::Publication,
    rows::StateRows,
    status::{Progress, StateWriterStatus},
};
use crate::{
    ProjectorError,
    runner::{BATCH_BYTES, damaged, stand_back},
};
use event_log::{EventLog, LogError, ReadFrom, Reader};
use read_model::{Checkpoints, StoreError, ViewStore, views::CONSUMER};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// Bytes of states that are written at once: nobody's command waits behind more.
const WRITE_BYTES: usize = 1 << 20;
/// Between two rounds: what gathers in it is written once. Who reads states wants the newest, not every step.
const REST: Duration = Duration::from_millis(200);
/// How long a poll waits: how late a stop is noticed.
const POLL: Duration = Duration::from_millis(100);
/// Between two looks at how far the views are.
const LOOK: Duration = Duration::from_millis(20);
/// After so long without progress of the views nobody waits for them: only the partitions that stand still do.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts at a log or store that is out of reach.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the checkpoints are written: what was written since is written again after a crash.
const SAVE: Duration = Duration::from_secs(1);

/// What a state writer works on.
pub struct StateWriterOptions {
    /// Where events come from, and states go to.
    pub log: Arc<dyn EventLog>,
    /// Whose rows are written.
    pub views: Arc<dyn ViewStore>,
    /// Drives the store's futures.
    pub runtime: Handle,
}

pub(super) struct Shared {
    pub(super) log: Arc<dyn EventLog>,
    stop: AtomicBool,
    progress: Mutex<Progress>,
}

impl Shared {
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        // Only plain values are set under it: they are whole even after a panic.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A running state writer. Dropping it stops it.
pub struct StateWriter {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl StateWriter {
    /// Starts to write where the checkpoints are.
    ///
    /// # Errors
    /// If there is no thread to be had. What else goes wrong is in [`StateWriter::status`], and tried again.
    pub fn start(options: StateWriterOptions) -> Result<Self, ProjectorError> {
        let StateWriterOptions { log, views, runtime } = options;
        let shared = Arc::new(Shared { log, stop: AtomicBool::new(false), progress: Mutex::new(Progress::begun()) });
        let worker = Worker::new(Arc::clone(&shared), views, runtime);
        let named = std::thread::Builder::new().name("state-writer".to_owned());
        let thread = named.spawn(move || worker.run()).map_err(|error| ProjectorError::Thread(error.to_string()))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> StateWriterStatus {
        self.shared.progress().status(&*self.shared.log)
    }

    /// Ends after the round at hand. What is not written is written after the next start.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread is in its status already.
            _ = thread.join();
        }
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Says that the thread has ended, however it ends.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.running = false;
        if std::thread::panicking() {
            progress.trouble = Some("the state writer panicked".to_owned());
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    views: Arc<dyn ViewStore>,
    runtime: Handle,
    /// `ce_source` of every state.
    source: String,
    saved: Instant,
    unsaved: Checkpoints,
    _ending: Ending,
}

/// What reads, and from where it did when it was made.
struct Following {
    reader: Box<dyn Reader>,
    partitions: Vec<ReadFrom>,
}

fn partitions(places: &[ReadFrom]) -> impl Iterator<Item = (schemas::Topic, u32)> {
    places.iter().map(|place| (place.topic, place.partition))
}

impl Worker {
    fn new(shared: Arc<Shared>, views: Arc<dyn ViewStore>, runtime: Handle) -> Self {
        let source = schemas::cloud_event::source(shared.log.namespace());
        let ending = Ending(Arc::clone(&shared));
        let (saved, unsaved) = (Instant::now(), Checkpoints::new());
        Self { shared, views, runtime, source, saved, unsaved, _ending: ending }
    }

    /// Starts over from the checkpoints after an error, until it is to stop.
    fn run(mut self) {
        stand_back();
        while !self.shared.stopping() {
            if let Err(error) = self.work() {
                tracing::warn!(%error, "the state topics stand still; trying again");
                self.shared.progress().trouble = Some(error.to_string());
                std::thread::sleep(PAUSE);
            }
        }
        if let Err(error) = self.save() {
            tracing::warn!(%error, "the last checkpoint of the state topics was not written");
        }
    }

    fn work(&mut self) -> Result<(), ProjectorError> {
        self.save()?;
        let checkpoints = self.runtime.block_on(self.views.checkpoints(STATE_CONSUMER))?;
        let checkpoints = self.within_log(checkpoints)?;
        self.shared.progress().done.clone_from(&checkpoints);
        let mut core = StateCore::new(self.shared.log.shards(), &checkpoints);
        let mut following = None;
        while !self.shared.stopping() {
            if !self.round(&mut core, &mut following)? {
                std::thread::sleep(REST);
            }
        }
        Ok(())
    }

    /// Of a topic that ends before its checkpoint all is read again: it is another log, or an older one that was restored.
    fn within_log(&self, mut checkpoints: Checkpoints) -> Result<Checkpoints, LogError> {
        let shards = self.shared.log.shards().get();
        checkpoints.retain(|&(_, partition), _| partition < shards);
        let mut beyond = Vec::new();
        for (&(topic, partition), at) in &checkpoints {
            if at.offset > self.shared.log.end(topic, partition)? {
                beyond.push((topic, partition));
            }
        }
        checkpoints.retain(|place, _| !beyond.contains(place));
        Ok(checkpoints)
    }

    /// Writes what has gathered; whether there is more than that.
    fn round(&mut self, core: &mut StateCore, following: &mut Option<Following>) -> Result<bool, ProjectorError> {
        let from = core.read_from();
        // Partitions whose views stand still are left out, and come back once they move.
        let reader = match following {
            Some(following) if partitions(&following.partitions).eq(partitions(&from)) => &mut following.reader,
            _ => {
                let reader = self.shared.log.reader(&from)?;
                &mut following.insert(Following { reader, partitions: from }).reader
            }
        };
        let records = match reader.poll(BATCH_BYTES, POLL) {
            Err(LogError::Corrupt(why)) => {
                *following = None;
                return self.leave_out(core, why).map(|()| true);
            }
            told => told?,
        };
        let bytes: usize = records.iter().map(|record| record.value.as_ref().map_or(0, Vec::len)).sum();
        core.read(records);
        let views = self.await_views(core)?;
        let round = core.ready(&views);
        if round.is_empty() {
            return Ok(false);
        }
        let rows = self.runtime.block_on(StateRows::load(&*self.views, &round.keys()))?;
        let publications = round.publications(&rows, &self.source);
        core.expect(&publications);
        self.publish(publications)?;
        self.unsaved.extend(round.checkpoints());
        let mut progress = self.shared.progress();
        progress.done.extend(round.checkpoints());
        progress.trouble = None;
        metrics::gauge!("stockfold_states_lag").set(progress.behind(&views) as f64);
        drop(progress);
        if self.saved.elapsed() >= SAVE {
            self.save()?;
        }
        Ok(bytes >= BATCH_BYTES / 2)
    }

    /// Leaves out the partitions that are damaged, so that the others go on; an error where it is none of them.
    fn leave_out(&self, core: &mut StateCore, why: String) -> Result<(), ProjectorError> {
        let damaged = damaged(&*self.shared.log, core.read_from());
        if damaged.is_empty() {
            return Err(LogError::Corrupt(why).into());
        }
        for (from, why) in damaged {
            tracing::error!(why, topic = %from.topic, partition = from.partition, "the states of it stand still");
            core.stop(from);
        }
        Ok(())
    }

    /// How far the views are, once they have passed what was read, or stand still.
    fn await_views(&self, core: &StateCore) -> Result<Checkpoints, StoreError> {
        let (mut newest, mut moved) = (Vec::new(), Instant::now());
        loop {
            let views = self.runtime.block_on(self.views.checkpoints(CONSUMER))?;
            let awaited = core.awaits(&views);
            if awaited.is_empty() || self.shared.stopping() {
                return Ok(views);
            }
            if awaited != newest {
                (newest, moved) = (awaited, Instant::now());
            } else if moved.elapsed() >= PATIENCE {
                return Ok(views);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn publish(&self, publications: Vec<Publication>) -> Result<(), LogError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut publications = publications.into_iter().peekable();
        while let Some(Publication { record, .. }) = publications.next() {
            bytes += record.value.as_ref().map_or(0, Vec::len);
            batch.push(record);
            if bytes >= WRITE_BYTES || publications.peek().is_none() {
                self.write(std::mem::take(&mut batch))?;
                bytes = 0;
            }
        }
        Ok(())
    }

    /// Writes records. One that no log takes is left out, loudly: the others are not to wait for it.
    fn write(&self, records: Vec<event_log::NewRecord>) -> Result<(), LogError> {
        let count = records.len() as u64;
        match self.shared.log.publish(records.clone()) {
            Err(LogError::Mismatch(error)) if count == 1 => {
                tracing::error!(error, key = records[0].key, "a state cannot be written: its last record stays");
                metrics::counter!("stockfold_states_refused_total").increment(1);
                Ok(())
            }
            Err(LogError::Mismatch(_)) => records.into_iter().try_for_each(|record| self.write(vec![record])),
            told => told.inspect(|()| metrics::counter!("stockfold_states_written_total").increment(count)),
        }
    }

    fn save(&mut self) -> Result<(), StoreError> {
        if !self.unsaved.is_empty() {
            self.runtime.block_on(self.views.write(STATE_CONSUMER, &[], &self.unsaved))?;
            self.unsaved.clear();
        }
        self.saved = Instant::now();
        Ok(())
    }
}
