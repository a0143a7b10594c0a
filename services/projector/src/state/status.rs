//! What a state writer says of itself.

use super::core::sources;
use event_log::EventLog;
use read_model::Checkpoints;
use schemas::Topic;

/// What the thread tells.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) done: Checkpoints,
    pub(super) trouble: Option<String>,
    pub(super) running: bool,
}

impl Progress {
    pub(super) fn begun() -> Self {
        Self { running: true, ..Self::default() }
    }

    /// Events that the views have and the states have not.
    pub(super) fn behind(&self, views: &Checkpoints) -> u64 {
        let is_source = |topic: Topic| sources().into_iter().any(|(source, _)| source == topic);
        let seen = views.iter().filter(|((topic, _), _)| is_source(*topic));
        seen.map(|(place, at)| at.seq.saturating_sub(self.done.get(place).map_or(0, |done| done.seq))).sum()
    }

    pub(super) fn status(&self, log: &dyn EventLog) -> StateWriterStatus {
        let partitions =
            sources().into_iter().flat_map(|(topic, _)| log.shards().all().map(move |shard| (topic, shard.0)));
        let lag = partitions.map(|(topic, partition)| {
            let done = self.done.get(&(topic, partition)).map_or(0, |at| at.offset);
            log.end(topic, partition).map_or(0, |end| end.saturating_sub(done))
        });
        StateWriterStatus { running: self.running, trouble: self.trouble.clone(), lag: lag.sum() }
    }
}

/// How a state writer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateWriterStatus {
    /// Whether its thread runs.
    pub running: bool,
    /// What it is retrying.
    pub trouble: Option<String>,
    /// Events whose states are not written yet.
    pub lag: u64,
}
