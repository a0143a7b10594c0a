//! Keeps the checkpoint of a consumer that writes no rows: a service that does a job for some records.

use crate::store::{Checkpoint, Checkpoints, StoreError, ViewStore};
use schemas::Topic;
use std::sync::Arc;
use tokio::task::{JoinError, JoinHandle};

/// A topic and a partition of it, and how far it is done.
type Done = ((Topic, u32), Checkpoint);

/// Writes a checkpoint beside the work, one write at a time. A write that fails is tried again with the next.
pub struct CheckpointKeeper {
    views: Arc<dyn ViewStore>,
    consumer: &'static str,
    written: Checkpoints,
    writing: Option<JoinHandle<Result<Checkpoints, StoreError>>>,
}

impl CheckpointKeeper {
    /// For a consumer whose checkpoint in the store is `written`.
    #[must_use]
    pub fn new(views: Arc<dyn ViewStore>, consumer: &'static str, written: Checkpoints) -> Self {
        Self { views, consumer, written, writing: None }
    }

    fn moved(&self, done: impl Iterator<Item = Done>) -> Checkpoints {
        done.filter(|(place, checkpoint)| self.written.get(place).copied().unwrap_or_default() != *checkpoint).collect()
    }

    /// Begins to write what has moved, unless a write is under way. Needs a tokio runtime.
    pub async fn keep(&mut self, done: impl Iterator<Item = Done>) {
        if let Some(writing) = self.writing.take_if(|writing| writing.is_finished()) {
            self.take_written(writing.await);
        }
        let moved = self.moved(done);
        if self.writing.is_none() && !moved.is_empty() {
            let (views, consumer) = (Arc::clone(&self.views), self.consumer);
            self.writing = Some(tokio::spawn(async move {
                views.write(consumer, &[], &moved).await?;
                Ok(moved)
            }));
        }
    }

    fn take_written(&mut self, result: Result<Result<Checkpoints, StoreError>, JoinError>) {
        let consumer = self.consumer;
        match result {
            Ok(Ok(written)) => self.written.extend(written),
            Ok(Err(error)) => tracing::warn!(%error, consumer, "the checkpoint was not written; trying again"),
            Err(error) => tracing::error!(%error, consumer, "writing the checkpoint ended badly"),
        }
    }

    /// Waits for the write that is under way, and writes what has moved since.
    pub async fn finish(&mut self, done: impl Iterator<Item = Done>) {
        if let Some(writing) = self.writing.take() {
            let result = writing.await;
            self.take_written(result);
        }
        let moved = self.moved(done);
        if !moved.is_empty()
            && let Err(error) = self.views.write(self.consumer, &[], &moved).await
        {
            // The events will be read again.
            tracing::warn!(%error, consumer = self.consumer, "the last checkpoint was not written");
        }
    }
}
