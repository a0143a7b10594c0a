//! How far a partition is done: up to the first record whose job is open.

use event_log::Record;
use read_model::Checkpoint;
use std::collections::{BTreeSet, VecDeque};
use thiserror::Error;

/// Why a record cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum FrontierError {
    /// Events are missing.
    #[error("partition {partition}: event {found} follows {last}: events are missing")]
    Gap {
        /// Where.
        partition: u32,
        /// The seq before.
        last: u64,
        /// The seq found.
        found: u64,
    },
    /// An event came again under the same or a higher epoch.
    #[error("partition {partition}: event {found} came again in epoch {epoch}: the history is forked")]
    Forked {
        /// Where.
        partition: u32,
        /// The seq found.
        found: u64,
        /// Its epoch.
        epoch: u64,
    },
}

/// The reading position of a partition and the jobs open before it.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    read: Checkpoint,
    /// Jobs in the order of their records, each with the checkpoint before its record.
    open: VecDeque<(u64, Checkpoint)>,
    /// Jobs that are done, behind one that is open.
    done: BTreeSet<u64>,
}

impl Frontier {
    pub fn new(read: Checkpoint) -> Self {
        Self { read, ..Self::default() }
    }

    /// Moves past a record; `Ok(None)` where it is a repeat of an earlier owner's and must be ignored, else the
    /// checkpoint before it.
    pub fn read(&mut self, record: &Record, seq: u64, epoch: u64) -> Result<Option<Checkpoint>, FrontierError> {
        let (before, partition) = (self.read, record.partition);
        if seq <= before.seq {
            if epoch < before.epoch {
                self.read.offset = record.offset + 1;
                return Ok(None);
            }
            return Err(FrontierError::Forked { partition, found: seq, epoch });
        }
        if seq != before.seq + 1 {
            return Err(FrontierError::Gap { partition, last: before.seq, found: seq });
        }
        self.read = Checkpoint { seq, offset: record.offset + 1, epoch };
        Ok(Some(before))
    }

    /// Notes a job of the record just read.
    pub fn open(&mut self, job: u64, before: Checkpoint) {
        self.open.push_back((job, before));
    }

    /// Notes that a job is done.
    pub fn close(&mut self, job: u64) {
        self.done.insert(job);
        while let Some((front, _)) = self.open.front() {
            if !self.done.remove(front) {
                break;
            }
            self.open.pop_front();
        }
    }

    /// Everything before it is done.
    pub fn checkpoint(&self) -> Checkpoint {
        let open = self.open.front().filter(|_| !planted::bug!("payments-checkpoint-ahead"));
        open.map_or(self.read, |(_, before)| *before)
    }
}
