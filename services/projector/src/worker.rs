//! The thread: reads, folds and writes, batch by batch.

use crate::{
    fold::{After, Batch, Fold, StopReason},
    runner::{BATCH_BYTES, Ending, ProjectorError, Shared, damaged},
};
use event_log::{LogError, NewRecord, Reader};
use read_model::{
    Checkpoints, RowWrite, StoreError, ViewStore,
    views::{self, CONSUMER, parked},
};
use schemas::Topic;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// The longest rest between two batches.
const MAX_REST: Duration = Duration::from_millis(50);
/// How long a poll waits: how late a stop is noticed.
const POLL: Duration = Duration::from_millis(100);
/// Between two attempts at a log or store that is out of reach.
const PAUSE: Duration = Duration::from_millis(200);

/// A reader of a partition that is read again.
struct Again {
    place: (Topic, u32),
    reader: Box<dyn Reader>,
}

pub(crate) struct Worker {
    shared: Arc<Shared>,
    views: Arc<dyn ViewStore>,
    runtime: Handle,
    fold: Fold,
    reader: Box<dyn Reader>,
    again: Option<Again>,
    _ending: Ending,
}

impl Worker {
    pub(crate) fn begin(
        shared: &Arc<Shared>,
        views: Arc<dyn ViewStore>,
        runtime: Handle,
    ) -> Result<Self, ProjectorError> {
        let checkpoints = runtime.block_on(views.checkpoints(CONSUMER))?;
        for (&(topic, partition), at) in &checkpoints {
            let end = shared.log.end(topic, partition)?;
            if at.offset > end {
                return Err(ProjectorError::AheadOfLog { topic, partition, folded: at.offset, end });
            }
        }
        let parked = runtime.block_on(parked::all(&*views))?;
        let fold = Fold::new(views::all(), shared.log.shards(), &checkpoints).with_parked(parked);
        let reader = shared.log.reader(&fold.read_from())?;
        shared.progress().folded = checkpoints;
        let (again, ending) = (None, Ending(Arc::clone(shared)));
        let worker = Self { shared: Arc::clone(shared), views, runtime, fold, reader, again, _ending: ending };
        worker.tell();
        Ok(worker)
    }

    pub(crate) fn run(mut self) {
        while !self.shared.stopping() {
            let start = Instant::now();
            match self.batch() {
                // A fifth of the time at most goes into views while they keep up, and what gathers meanwhile costs less
                // per event: a single one waits a millisecond. One that has fallen behind finds full batches: no rest.
                Ok(Some(bytes)) if bytes < BATCH_BYTES / 2 => std::thread::sleep((start.elapsed() * 4).min(MAX_REST)),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the projector has stopped; restart it once that is repaired");
                    self.shared.progress().trouble = Some(error.to_string());
                    return;
                }
            }
        }
    }

    /// Folds what has gathered, and a part of what is read again; how many bytes it was, if anything. An error is for good.
    fn batch(&mut self) -> Result<Option<usize>, ProjectorError> {
        let again = self.read_again()?;
        self.obey()?;
        let records = match self.reader.poll(BATCH_BYTES, if again { Duration::ZERO } else { POLL }) {
            Ok(records) => records,
            Err(error) => return self.log_failed(error).map(|()| None),
        };
        if records.is_empty() {
            return Ok(again.then_some(BATCH_BYTES));
        }
        let bytes: usize = records.iter().map(|record| record.value.as_ref().map_or(0, Vec::len)).sum();
        let batch = self.fold.read(records);
        self.tell();
        if batch.is_empty() || !self.write_batch(batch)? {
            return Ok(None);
        }
        Ok(Some(if again { BATCH_BYTES } else { bytes }))
    }

    /// Folds a part of what is read again, for keys that are redriven; whether there is any.
    fn read_again(&mut self) -> Result<bool, ProjectorError> {
        let Some(from) = self.fold.again() else {
            self.again = None;
            return Ok(false);
        };
        let place = (from.topic, from.partition);
        let mut again = match self.again.take().filter(|again| again.place == place) {
            Some(again) => again,
            None => match self.shared.log.reader(&[from]) {
                Ok(reader) => Again { place, reader },
                Err(error) => return self.log_failed(error).map(|()| true),
            },
        };
        let records = match again.reader.poll(BATCH_BYTES, POLL) {
            Ok(records) => records,
            Err(error) => return self.log_failed(error).map(|()| true),
        };
        let batch = self.fold.read_again(&records);
        // The next pass begins elsewhere: it has a reader of its own.
        self.again = (!batch.ends_pass()).then_some(again);
        self.write_batch(batch)?;
        self.tell();
        Ok(true)
    }

    /// Does what operators have asked for.
    fn obey(&mut self) -> Result<(), ProjectorError> {
        let asked = self.fold.asked();
        if asked.is_empty() {
            return Ok(());
        }
        let read = |worker: &Self| worker.runtime.block_on(worker.views.get(parked::TABLE, &asked));
        let Some(rows) = self.insist(read)? else { return Ok(()) };
        let batch = self.fold.obey(rows)?;
        self.write_batch(batch).map(|_| ())
    }

    /// Writes what follows from a batch, in the order in which nothing is lost by a crash: letters, rows with checkpoints, and
    /// what says that these are there. Whether it is written: not, when the projector is to stop.
    fn write_batch(&mut self, mut batch: Batch) -> Result<bool, ProjectorError> {
        let (events, letters, after) = (batch.len() as u64, batch.take_letters(), batch.take_after());
        if !planted::bug!("letter-after-checkpoint") && !self.publish(&letters)? {
            return Ok(false);
        }
        for needs in [Fold::needs, Fold::needs_more] {
            for needed in needs(&mut self.fold, &batch) {
                let read = |worker: &Self| worker.runtime.block_on(worker.views.get(needed.table, &needed.keys));
                let Some(rows) = self.insist(read)? else { return Ok(false) };
                self.fold.load(needed, rows)?;
            }
        }
        let (rows, checkpoints) = self.fold.fold(batch)?;
        if self.insist(|worker| worker.write(&rows, &checkpoints))?.is_none() {
            return Ok(false);
        }
        metrics::counter!("stockfold_projector_events_total").increment(events);
        metrics::counter!("stockfold_projector_rows_total").increment(rows.len() as u64);
        metrics::counter!("stockfold_projector_letters_total").increment(letters.len() as u64);
        self.shared.progress().folded.extend(checkpoints);
        if planted::bug!("letter-after-checkpoint") && !self.publish(&letters)? {
            return Ok(false);
        }
        let After { rows, records } = after;
        if !rows.is_empty() && self.insist(|worker| worker.write(&rows, &Checkpoints::new()))?.is_none() {
            return Ok(false);
        }
        self.publish(&records)
    }

    /// Publishes records; not where the projector is to stop.
    fn publish(&self, records: &[NewRecord]) -> Result<bool, ProjectorError> {
        if records.is_empty() {
            return Ok(true);
        }
        let attempt = |worker: &Self| match worker.shared.log.publish(records.to_vec()) {
            Ok(()) => Ok(()),
            Err(error @ (LogError::Mismatch(_) | LogError::Corrupt(_))) => Err(StoreError::Corrupt(error.to_string())),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        };
        Ok(self.insist(attempt)?.is_some())
    }

    fn write(&self, rows: &[RowWrite], checkpoints: &Checkpoints) -> Result<(), StoreError> {
        self.runtime.block_on(self.views.write(CONSUMER, rows, checkpoints))
    }

    /// Tries until the store can be reached; `None` once the projector is to stop.
    fn insist<T>(&self, attempt: impl Fn(&Self) -> Result<T, StoreError>) -> Result<Option<T>, ProjectorError> {
        let mut failed = false;
        loop {
            match attempt(self) {
                Ok(value) => {
                    if failed {
                        self.shared.progress().trouble = None;
                    }
                    return Ok(Some(value));
                }
                Err(error @ StoreError::Corrupt(_)) => return Err(error.into()),
                Err(error @ StoreError::Unavailable(_)) => {
                    if !failed {
                        tracing::warn!(%error, "the projector tries again");
                    }
                    failed = true;
                    self.shared.progress().trouble = Some(error.to_string());
                }
            }
            if self.shared.stopping() {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Goes on with a new reader where the log may come back.
    fn log_failed(&mut self, error: LogError) -> Result<(), ProjectorError> {
        match error {
            LogError::Unavailable(_) | LogError::Fenced | LogError::Locked(_) => {}
            LogError::Corrupt(_) => return self.stop_damaged(error),
            LogError::Mismatch(_) => return Err(error.into()),
        }
        if self.shared.stopping() {
            return Ok(());
        }
        tracing::warn!(%error, "the projector tries again");
        self.shared.progress().trouble = Some(error.to_string());
        std::thread::sleep(PAUSE);
        if let Ok(reader) = self.shared.log.reader(&self.fold.read_from()) {
            self.reader = reader;
            self.shared.progress().trouble = None;
        }
        Ok(())
    }

    /// Stops the partitions that are damaged, so that the others go on; an error where it is none of them.
    fn stop_damaged(&mut self, error: LogError) -> Result<(), ProjectorError> {
        let damaged = damaged(&*self.shared.log, self.fold.read_from());
        if damaged.is_empty() {
            return Err(error.into());
        }
        for (from, why) in damaged {
            self.fold.stop(from, StopReason::Damaged(why));
        }
        self.tell();
        self.reader = self.shared.log.reader(&self.fold.read_from())?;
        Ok(())
    }

    /// Says which partitions have stopped and what is parked, each once and loudly.
    fn tell(&self) {
        let mut progress = self.shared.progress();
        progress.ignored = self.fold.ignored();
        for stopped in self.fold.stopped() {
            progress.stopped.entry((stopped.topic, stopped.partition)).or_insert_with(|| {
                tracing::error!(%stopped, "a partition cannot be folded any further; its views stand still");
                metrics::counter!("stockfold_projector_stopped_total").increment(1);
                stopped.to_string()
            });
        }
        if self.fold.parked().eq(&progress.parked) {
            return;
        }
        let parked: Vec<_> = self.fold.parked().cloned().collect();
        for new in parked.iter().filter(|row| !progress.parked.contains(row)) {
            let (first, reason) = (new.first, &new.reason);
            match &new.key {
                Some(key) => tracing::error!(key, %first, reason, "an event cannot be read; its key is parked"),
                None => tracing::error!(%first, reason, "views that are fed by several keys stand still"),
            }
        }
        let keys = parked.iter().filter(|row| row.key.is_some()).count();
        metrics::gauge!("stockfold_projector_parked_keys").set(keys as f64);
        metrics::gauge!("stockfold_projector_stopped_views").set((parked.len() - keys) as f64);
        progress.parked = parked;
    }
}
