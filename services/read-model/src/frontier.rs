//! How far a consumer that does a job for some records is done with a partition: up to the first record whose job is open.

use crate::store::Checkpoint;
use std::collections::{BTreeSet, VecDeque};
use thiserror::Error;

/// Why a record cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrontierError {
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
pub struct Frontier {
    partition: u32,
    read: Checkpoint,
    /// Jobs in the order of their records, each with the checkpoint before its record.
    open: VecDeque<(u64, Checkpoint)>,
    /// Jobs that are done, behind one that is open.
    done: BTreeSet<u64>,
}

impl Frontier {
    /// Goes on after `read`.
    #[must_use]
    pub fn new(partition: u32, read: Checkpoint) -> Self {
        Self { partition, read, ..Self::default() }
    }

    /// Moves past a record; `Ok(None)` where it is a repeat of an earlier owner's and must be ignored, else the
    /// checkpoint before it.
    pub fn read(&mut self, offset: u64, seq: u64, epoch: u64) -> Result<Option<Checkpoint>, FrontierError> {
        let (before, partition) = (self.read, self.partition);
        if seq <= before.seq {
            if epoch < before.epoch {
                self.read.offset = offset + 1;
                return Ok(None);
            }
            return Err(FrontierError::Forked { partition, found: seq, epoch });
        }
        if seq != before.seq + 1 {
            return Err(FrontierError::Gap { partition, last: before.seq, found: seq });
        }
        self.read = Checkpoint { seq, offset: offset + 1, epoch };
        Ok(Some(before))
    }

    /// Moves on in a topic whose records have no seq, to the next offset to read; the checkpoint before it, `None` where it
    /// was there already.
    pub fn reach(&mut self, offset: u64) -> Option<Checkpoint> {
        let before = self.read;
        if offset <= before.offset {
            return None;
        }
        self.read = Checkpoint { seq: offset, offset, epoch: 0 };
        Some(before)
    }

    /// How far the partition was read.
    #[must_use]
    pub const fn reached(&self) -> Checkpoint {
        self.read
    }

    /// Notes a job of the record just read; a job has one record.
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
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let open = self.open.front().filter(|_| !planted::bug!("checkpoint-ahead"));
        open.map_or(self.read, |(_, before)| *before)
    }
}
