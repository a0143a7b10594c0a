//! What a projector says of itself.

use read_model::views::parked::Parked;
use schemas::Topic;

/// Whether a partition is being folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionState {
    /// It is.
    Running,
    /// A record cannot be folded: it says which and why. Nothing after it is in the views.
    Stopped(String),
}

/// How far a partition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The seq of the newest event in the views.
    pub seq: u64,
    /// The next offset to fold.
    pub offset: u64,
    /// The offset after the newest record of the log, where the log could tell.
    pub end: Option<u64>,
    /// Whether it goes on.
    pub state: PartitionState,
}

impl PartitionStatus {
    /// Records that are not in the views yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.end.map_or(0, |end| end.saturating_sub(self.offset))
    }
}

/// How the projector is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectorStatus {
    /// Whether its thread runs.
    pub running: bool,
    /// What stopped it, or what it is retrying.
    pub trouble: Option<String>,
    /// Records of fenced owners that were passed over.
    pub ignored: u64,
    /// Keys that are parked, and (without a key) where views that are fed by several keys stand still.
    pub parked: Vec<Parked>,
    /// The partitions of all event topics, in order.
    pub partitions: Vec<PartitionStatus>,
}

impl ProjectorStatus {
    /// Whether it runs, without trouble, on every partition. Keys may be parked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let running = self.partitions.iter().all(|partition| partition.state == PartitionState::Running);
        self.running && self.trouble.is_none() && running
    }

    /// Records that are not in the views yet, in all partitions.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.partitions.iter().map(PartitionStatus::lag).sum()
    }
}
