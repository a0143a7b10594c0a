//! The thread that reads the log, and what can be seen of a service from outside.

use event_log::{EventLog, LogError, ReadFrom, Reader, Record};
use parking_lot::Mutex;
use read_model::Checkpoint;
use schemas::Topic;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Bytes of records that one poll takes.
const POLL_BYTES: usize = 256 * 1_024;
/// How long a poll waits for records, and so how long a stop may take.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// How long to wait before reading again after an error.
pub(crate) const READ_RETRY: Duration = Duration::from_millis(500);

/// What can be seen from outside.
#[derive(Default)]
pub(crate) struct Shared {
    pub stopping: AtomicBool,
    done: Mutex<BTreeMap<(Topic, u32), u64>>,
    /// Why it stopped by itself.
    failure: Mutex<Option<String>>,
    /// Why it does not get on at the moment.
    trouble: Mutex<Option<String>>,
}

impl Shared {
    /// Says that it stops by itself, and why.
    pub fn fail(&self, error: &dyn std::fmt::Display) {
        tracing::error!(%error, "the notifier stopped");
        self.failure.lock().replace(error.to_string());
    }

    /// Says why it does not get on, or that it does.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    /// Why it stopped by itself or does not get on.
    pub fn failure(&self) -> Option<String> {
        let failure = self.failure.lock().clone();
        failure.or_else(|| self.trouble.lock().clone())
    }

    /// Shows how far it is.
    pub fn publish(&self, done: impl Iterator<Item = ((Topic, u32), Checkpoint)>) {
        let mut shown = self.done.lock();
        for (place, checkpoint) in done {
            shown.insert(place, checkpoint.offset);
        }
    }

    /// How far it is.
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.done.lock().clone()
    }
}

/// Reads these places on a thread of that name until the service stops or nobody listens.
pub(crate) fn read(
    name: &str,
    log: &dyn EventLog,
    done: impl Iterator<Item = ((Topic, u32), Checkpoint)>,
    shared: &Arc<Shared>,
) -> Result<mpsc::Receiver<Vec<Record>>, crate::NotifierError> {
    let from = |((topic, partition), checkpoint): ((Topic, u32), Checkpoint)| ReadFrom {
        topic,
        partition,
        offset: checkpoint.offset,
    };
    let reader = log.reader(&done.map(from).collect::<Vec<_>>())?;
    let (sender, records) = mpsc::channel(4);
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || read_on(reader, &sender, &shared))?;
    Ok(records)
}

fn read_on(mut reader: Box<dyn Reader>, records: &mpsc::Sender<Vec<Record>>, shared: &Shared) {
    while !shared.stopping.load(Ordering::Acquire) {
        match reader.poll(POLL_BYTES, POLL_WAIT) {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                if records.blocking_send(batch).is_err() {
                    return;
                }
            }
            Err(LogError::Unavailable(reason)) => {
                tracing::warn!(reason, "the log cannot be read; trying again");
                std::thread::sleep(READ_RETRY);
            }
            Err(error) => {
                shared.fail(&error);
                return;
            }
        }
    }
}
