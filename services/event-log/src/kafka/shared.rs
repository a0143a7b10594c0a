//! What the leases, readers and nodes of one process share.

use super::{
    KafkaConfig,
    client::{Health, Topics},
    ends::Ends,
    gates::Gates,
    producer::Limits,
    publisher::Publisher,
    records, replies,
    sender::{Count, Sender},
};
use crate::{ReplySink, SubmitError};
use parking_lot::{Mutex, RwLock};
use schemas::{CommandEnvelope, Reply, ShardId, Topic};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// So long it waits before it sends a command again that was not taken.
const AGAIN: Duration = Duration::from_millis(1);

/// See the module.
pub(super) struct Shared {
    pub(super) config: KafkaConfig,
    pub(super) limits: Limits,
    /// `ce_source` of every event.
    pub(super) source: String,
    pub(super) topics: Arc<Topics>,
    pub(super) health: Arc<Health>,
    pub(super) ends: Ends,
    pub(super) sender: Sender,
    pub(super) publisher: Publisher,
    pub(super) gates: Gates,
    /// By shard: whether the newest lease of this process has been lost to a newer one.
    pub(super) owners: Mutex<BTreeMap<ShardId, Arc<AtomicBool>>>,
    /// Shards that somebody else has taken, and when that was seen.
    pub(super) fenced: Mutex<BTreeMap<ShardId, Instant>>,
    /// Who takes the answers to each node of this process.
    pub(super) sinks: RwLock<BTreeMap<u32, Arc<dyn ReplySink>>>,
    pub(super) closing: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// Sends answers to the nodes that wait for them: those of this process have them at once.
    pub(super) fn answer(&self, mut answers: Vec<Reply>) {
        for (node, sink) in &*self.sinks.read() {
            let own: Vec<_> = answers.extract_if(.., |answer| answer.to.node == *node).collect();
            if !own.is_empty() {
                sink.deliver(own);
            }
        }
        for record in replies::encode(&self.topics, answers) {
            // A lost answer is unknown to its client, which asks again.
            if let Err(error) = self.sender.send(&self.topics, record) {
                tracing::debug!(%error, "answers were not sent");
            }
        }
    }

    /// Sends a client's command to its shard by the log.
    pub(super) fn send_command(&self, command: &CommandEnvelope, count: &Count) -> Result<(), SubmitError> {
        let record = records::command(&self.topics, Topic::Commands, command);
        self.sender.send_counted(&self.topics, record, count)
    }

    /// Sends commands to their shard by the log, which may take them a while, until then; how many it has not taken.
    pub(super) fn send_on(&self, commands: Vec<Arc<CommandEnvelope>>, count: &Count, until: Instant) -> usize {
        let mut lost = 0;
        for command in commands {
            let mut is_renewed = false;
            while let Err(error) = self.send_command(&command, count) {
                // A producer that will never send again has been replaced by then.
                if Instant::now() > until || (error != SubmitError::Full && is_renewed) {
                    lost += 1;
                    break;
                }
                is_renewed = error != SubmitError::Full;
                std::thread::sleep(AGAIN);
                count.fetch_add(1, Ordering::AcqRel);
            }
        }
        lost
    }

    /// A lease of this process was fenced.
    pub(super) fn fenced(&self, shard: ShardId) {
        self.fenced.lock().insert(shard, Instant::now());
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}
