//! Readers of a simulated log.

use super::world::World;
use crate::{LogError, ReadFrom, Reader, Record};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What key and attributes of a record are counted as.
const ATTRIBUTES: usize = 160;

/// See the module. It outlives a crash of the process: what is committed stays.
pub(super) struct SimulatedReader {
    world: Arc<Mutex<World>>,
    places: Vec<ReadFrom>,
    /// The newest seq seen of each partition with events.
    seqs: BTreeMap<usize, u64>,
    start: usize,
}

impl SimulatedReader {
    /// A reader from these places on.
    pub(super) fn new(world: Arc<Mutex<World>>, from: &[ReadFrom]) -> Self {
        Self { world, places: from.to_vec(), seqs: BTreeMap::new(), start: 0 }
    }

    fn check_density(&mut self, i: usize, record: &Record) -> Result<(), LogError> {
        let Some(seq) = record.envelope.as_ref().map(|envelope| envelope.seq) else { return Ok(()) };
        match self.seqs.insert(i, seq) {
            Some(before) if before + 1 != seq => {
                Err(LogError::Corrupt(format!("after {}/{}@{before} comes @{seq}", record.topic, record.partition)))
            }
            _ => Ok(()),
        }
    }
}

impl Reader for SimulatedReader {
    fn poll(&mut self, max_bytes: usize, _wait: Duration) -> Result<Vec<Record>, LogError> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let world = Arc::clone(&self.world);
        let world = world.lock();
        for i in (self.start..self.places.len()).chain(0..self.start) {
            let place = self.places[i];
            for record in world.log.read(place.topic, place.partition, place.offset) {
                if bytes > 0 && bytes >= max_bytes {
                    return Ok(records);
                }
                bytes += record.value.as_ref().map_or(0, Vec::len) + ATTRIBUTES;
                self.check_density(i, record)?;
                self.places[i].offset = record.offset + 1;
                self.start = (i + 1) % self.places.len();
                records.push(record.clone());
            }
        }
        Ok(records)
    }

    fn places(&self) -> &[ReadFrom] {
        &self.places
    }
}
