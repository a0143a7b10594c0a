//! Follows the assignment: a thread begins when its shard is assigned, and has ended when a revocation returns.

use super::{ProcessorError, Shared, status::Tracked, thread};
use event_log::Assignee;
use parking_lot::Mutex;
use schemas::ShardId;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A shard's thread.
struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// See the module.
pub(super) struct Assignment {
    shared: Arc<Shared>,
    running: Mutex<BTreeMap<ShardId, Running>>,
    failure: Mutex<Option<ProcessorError>>,
}

impl Assignment {
    /// Nothing is assigned.
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), running: Mutex::default(), failure: Mutex::default() }
    }

    /// Why a shard has no thread, once.
    pub fn failure(&self) -> Option<ProcessorError> {
        self.failure.lock().take()
    }

    /// Ends every thread.
    pub fn end(&self) {
        let all: Vec<_> = self.running.lock().keys().copied().collect();
        self.revoked(&all);
    }

    fn begin(&self, shard: ShardId) {
        self.shared.update(shard, |tracked| *tracked = Tracked { assigned: true, ..Tracked::new(shard) });
        let stop = Arc::new(AtomicBool::new(false));
        let owner = thread::Owner { shared: Arc::clone(&self.shared), shard, stop: Arc::clone(&stop) };
        let named = std::thread::Builder::new().name(format!("shard-{}", shard.0));
        match named.spawn(move || owner.run()) {
            Ok(thread) => {
                self.running.lock().insert(shard, Running { stop, thread });
            }
            Err(source) => {
                let failure = ProcessorError::Thread { shard, source };
                tracing::error!(%failure, "a shard cannot be served");
                self.shared.turn(shard, super::ShardState::Stopped(failure.to_string()));
                self.failure.lock().get_or_insert(failure);
            }
        }
    }
}

impl Assignee for Assignment {
    fn assigned(&self, shards: &[ShardId]) {
        if self.shared.is_stopping() {
            return;
        }
        for &shard in shards {
            let ended = {
                let mut running = self.running.lock();
                let serves = running.contains_key(&shard) && !self.shared.has_stopped(shard);
                if serves {
                    continue;
                }
                running.remove(&shard)
            };
            if let Some(Running { thread, .. }) = ended {
                join(thread);
            }
            self.begin(shard);
        }
        self.shared.joined.store(true, Ordering::Release);
        self.shared.tell();
    }

    fn revoked(&self, shards: &[ShardId]) {
        let ending: Vec<_> = {
            let mut running = self.running.lock();
            shards.iter().filter_map(|shard| running.remove(shard)).collect()
        };
        for Running { stop, thread } in &ending {
            stop.store(true, Ordering::Release);
            // It may be resting before it tries again.
            thread.thread().unpark();
        }
        ending.into_iter().for_each(|running| join(running.thread));
        for &shard in shards {
            self.shared.update(shard, |tracked| tracked.assigned = false);
        }
        self.shared.tell();
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a shard's thread panicked while it stopped");
    }
}
