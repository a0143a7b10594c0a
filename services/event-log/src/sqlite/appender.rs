//! The one thread that writes: all waiting batches of all shards in one transaction, one sync.

use super::{OnFailure, handover::Handed, shared::Shared, write};
use rusqlite::Connection;
use std::{fs::File, sync::Arc};

/// See the module.
pub(super) struct Appender {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    /// See [`SqliteOptions::checkpoint_bytes`](super::SqliteOptions::checkpoint_bytes).
    pub(super) checkpoint_bytes: usize,
    pub(super) on_failure: OnFailure,
    /// Held so that no other process has the directory.
    pub(super) lock: File,
}

/// A bug that panics on the appender's thread is a log that can no longer be written.
struct EndWithPanic {
    shared: Arc<Shared>,
    on_failure: OnFailure,
}

impl Drop for EndWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.fail();
            (self.on_failure)("the log's thread panicked");
            self.shared.committed.finish();
        }
    }
}

impl Appender {
    /// Writes until the log is closed and nothing more can come, or until a write fails.
    pub(super) fn run(mut self) {
        let _guard = EndWithPanic { shared: Arc::clone(&self.shared), on_failure: Arc::clone(&self.on_failure) };
        let (mut group, mut since_checkpoint) = (Vec::new(), 0);
        while self.wait(&mut group) {
            if planted::bug!("reply-before-sync") {
                self.shared.answer(group.iter_mut().flat_map(|handed| std::mem::take(&mut handed.replies)));
            }
            match write::group(&mut self.connection, &group) {
                Ok(written) => since_checkpoint += written,
                Err(error) => return self.fail(&error),
            }
            // Readable before it is answered: whoever has an answer finds its events.
            self.shared.committed.publish(&mut group);
            let replies = group.iter_mut().flat_map(|handed: &mut Handed| std::mem::take(&mut handed.replies));
            self.shared.answer(replies);
            if let Some(last) = group.last() {
                self.shared.committed.settle(last.ticket);
            }
            group.clear();
            if since_checkpoint >= self.checkpoint_bytes {
                since_checkpoint = 0;
                if let Err(error) = self.checkpoint("PASSIVE") {
                    return self.fail(&error);
                }
            }
        }
        // Only tidies up: what is in the write-ahead log is read at the next start.
        if let Err(error) = self.checkpoint("TRUNCATE") {
            tracing::warn!(%error, "the log was closed without a last checkpoint");
        }
        let Self { shared, connection, lock, .. } = self;
        drop(connection);
        drop(lock);
        shared.committed.finish();
    }

    /// Takes all that waits; false once nothing more can come.
    fn wait(&self, group: &mut Vec<Handed>) -> bool {
        let mut core = self.shared.core.lock();
        while core.queue.is_empty() {
            if core.closing && !core.has_owners() {
                return false;
            }
            self.shared.work.wait(&mut core);
        }
        std::mem::swap(&mut core.queue, group);
        core.queued_bytes = 0;
        drop(core);
        self.shared.space.notify_all();
        true
    }

    fn checkpoint(&self, mode: &str) -> rusqlite::Result<()> {
        self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |_| Ok(()))
    }

    /// Ends the process (or what `on_failure` does instead). Never tries again: after a failed sync nobody knows what is
    /// on the disk, and the state in memory is ahead of it.
    fn fail(self, error: &rusqlite::Error) {
        tracing::error!(%error, file = %self.shared.file.display(), "the log cannot be written: ending the process");
        self.shared.fail();
        (self.on_failure)(&error.to_string());
        let Self { shared, connection, lock, .. } = self;
        drop(connection);
        drop(lock);
        shared.committed.finish();
    }
}
