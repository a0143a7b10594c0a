//! What the services have in common that do a job for records of the log: a thread that reads, the answers to their
//! commands, and what can be seen of them from outside. What they do is their own.

mod progress;

pub use progress::Progress;

use event_log::{EventLog, LogError, ReadFrom, Reader, Record, ReplySink};
use read_model::{Checkpoint, StoreError};
use schemas::{Reply, Topic};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{sync::mpsc, time::Instant};

/// Bytes of records that one poll takes.
const POLL_BYTES: usize = 256 * 1_024;
/// How long a poll waits for records, and so how long a stop may take.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// How often a service writes its checkpoint, if it moved.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before reading again after an error.
pub const READ_RETRY: Duration = Duration::from_millis(500);

/// Why a service cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The checkpoints cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A reading thread cannot be started.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A topic, and a partition of it, with how far it is done.
pub type Done = ((Topic, u32), Checkpoint);

/// Reads on from what is done, on a thread of that name, until the service stops or nobody listens.
pub fn read(
    name: &str,
    log: &dyn EventLog,
    done: impl Iterator<Item = Done>,
    progress: &Arc<Progress>,
) -> Result<mpsc::Receiver<Vec<Record>>, StartError> {
    let (sender, records) = mpsc::channel(4);
    start(name, log, done, progress, move |records, _| records.is_empty() || sender.blocking_send(records).is_ok())?;
    Ok(records)
}

/// What a poll brought, and where the reader stands after it.
#[derive(Debug)]
pub struct Polled {
    /// The records.
    pub records: Vec<Record>,
    /// The next offset of each partition: it has passed what is gone, and what is no record.
    pub places: Vec<ReadFrom>,
}

/// As [`read`], with where the reader stands: for a topic that others write and that is kept for a while only.
pub fn read_with_places(
    name: &str,
    log: &dyn EventLog,
    done: impl Iterator<Item = Done>,
    progress: &Arc<Progress>,
) -> Result<mpsc::Receiver<Polled>, StartError> {
    let (sender, polled) = mpsc::channel(4);
    let mut known = Vec::new();
    start(name, log, done, progress, move |records, places| {
        if records.is_empty() && known == places {
            return true;
        }
        known = places.to_vec();
        sender.blocking_send(Polled { records, places: known.clone() }).is_ok()
    })?;
    Ok(polled)
}

/// Starts the thread; `give` says whether anybody listens.
fn start(
    name: &str,
    log: &dyn EventLog,
    done: impl Iterator<Item = Done>,
    progress: &Arc<Progress>,
    give: impl FnMut(Vec<Record>, &[ReadFrom]) -> bool + Send + 'static,
) -> Result<(), StartError> {
    let from = |((topic, partition), checkpoint): Done| ReadFrom { topic, partition, offset: checkpoint.offset };
    let reader = log.reader(&done.map(from).collect::<Vec<_>>())?;
    let progress = Arc::clone(progress);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || read_on(reader, give, &progress))?;
    Ok(())
}

fn read_on(mut reader: Box<dyn Reader>, mut give: impl FnMut(Vec<Record>, &[ReadFrom]) -> bool, progress: &Progress) {
    while !progress.is_stopping() {
        match reader.poll(POLL_BYTES, POLL_WAIT) {
            Ok(batch) => {
                if !give(batch, reader.places()) {
                    return;
                }
            }
            Err(LogError::Unavailable(reason)) => {
                tracing::warn!(service = progress.service(), reason, "the log cannot be read; trying again");
                std::thread::sleep(READ_RETRY);
            }
            Err(error) => {
                progress.fail(&error);
                return;
            }
        }
    }
}

struct Sink(mpsc::UnboundedSender<Vec<Reply>>);

impl ReplySink for Sink {
    fn deliver(&self, replies: Vec<Reply>) {
        // After a stop nobody listens; the records will be read again.
        let _ = self.0.send(replies);
    }
}

/// The answers to the commands that carry this number as their node.
pub fn replies(log: &dyn EventLog) -> (u32, mpsc::UnboundedReceiver<Vec<Reply>>) {
    let (sender, replies) = mpsc::unbounded_channel();
    (log.register(Arc::new(Sink(sender))), replies)
}

/// Tries until something has been looked up, and says meanwhile why not.
pub async fn until_seen<T, E, F>(progress: &Progress, look: impl Fn() -> F) -> T
where
    E: std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match look().await {
            Ok(seen) => {
                progress.set_trouble(None);
                return seen;
            }
            Err(error) => {
                tracing::warn!(service = progress.service(), %error, "the views cannot be seen; trying again");
                progress.set_trouble(Some(error.to_string()));
                tokio::time::sleep(READ_RETRY).await;
            }
        }
    }
}

/// Waits until then; for ever where there is nothing to wait for.
pub async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
