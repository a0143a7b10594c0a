//! The thread behind a stream: reads the log, writes chunks, ends with the client, the process, or at the end.

use super::{
    cloud_event::{self, Format},
    log_fault, seq,
    stream::{ChunkSink, Chunks, chunks},
};
use crate::QueryState;
use axum::body::Bytes;
use event_log::{EventLog, LogError, ReadFrom, Record};
use schemas::{Position, PositionToken, Topic};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Bytes of records that are read at once.
const CHUNK_BYTES: usize = 128 * 1_024;
/// How long the log is waited for before looking whether the client is still there.
const POLL: Duration = Duration::from_millis(500);
/// A comment goes to a silent server-sent stream so often, so that proxies keep it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which records are told; all of them without either.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Of this key.
    pub key: Option<String>,
    /// Of this type.
    pub record_type: Option<String>,
}

impl Wanted {
    fn has(&self, record: &Record) -> bool {
        self.key.as_ref().is_none_or(|key| *key == record.key)
            && self.record_type.as_ref().is_none_or(|wanted| *wanted == cloud_event::record_type(record))
    }
}

/// A stream of one topic.
pub(super) struct Tail {
    log: Arc<dyn EventLog>,
    topic: Topic,
    /// By partition: after which seq; none = from the end.
    after: Vec<(u32, Option<u64>)>,
    wanted: Wanted,
    format: Format,
    follow: bool,
    sink: ChunkSink,
    stop: watch::Receiver<bool>,
}

/// How far a partition has been read.
struct Place {
    /// Events up to this seq are not told.
    after: u64,
    /// Where reading began.
    offset: u64,
    /// The offset at which a stream that does not follow ends.
    end: u64,
}

impl Tail {
    pub fn new(
        state: &QueryState,
        topic: Topic,
        after: Vec<(u32, Option<u64>)>,
        wanted: Wanted,
        format: Format,
        follow: bool,
    ) -> (Self, Chunks) {
        let (sink, body) = chunks();
        let (log, stop) = (Arc::clone(&state.log), state.stop.clone());
        (Self { log, topic, after, wanted, format, follow, sink, stop }, body)
    }

    /// Runs until there is nothing more to tell, or nobody to tell it to.
    pub fn run(self) {
        if let Err(fault) = self.stream() {
            // The connection is cut, so that nobody takes the part for the whole.
            _ = self.sink.blocking_send(Err(log_fault(&fault)));
        }
    }

    fn stream(&self) -> Result<(), LogError> {
        let mut places = self.places()?;
        let from: Vec<ReadFrom> = places
            .iter()
            .map(|(&partition, place)| ReadFrom { topic: self.topic, partition, offset: place.offset })
            .collect();
        let mut reader = self.log.reader(&from)?;
        let source = schemas::cloud_event::source(self.log.namespace());
        let mut told_at = Instant::now();
        loop {
            if self.sink.is_closed() || *self.stop.borrow() {
                return Ok(());
            }
            // The reader says so, not what was read: dead letters before the end may be gone.
            let is_read = |at: &ReadFrom| places.get(&at.partition).is_none_or(|place| at.offset >= place.end);
            if !self.follow && reader.places().iter().all(is_read) {
                return Ok(());
            }
            let records = reader.poll(CHUNK_BYTES, POLL)?;
            let mut chunk = self.chunk(&records, &mut places, &source);
            if chunk.is_empty() && self.format == Format::Sse && told_at.elapsed() >= KEEP_ALIVE {
                chunk.extend_from_slice(b":\n\n");
            }
            if !chunk.is_empty() {
                // Waits while the reader is slow; fails when it has gone.
                if self.sink.blocking_send(Ok(Bytes::from(chunk))).is_err() {
                    return Ok(());
                }
                told_at = Instant::now();
            }
        }
    }

    fn places(&self) -> Result<BTreeMap<u32, Place>, LogError> {
        let place = |&(partition, after): &(u32, Option<u64>)| {
            let end = self.log.end(self.topic, partition)?;
            let place = match after {
                None => Place { after: 0, offset: end, end },
                Some(0) => Place { after: 0, offset: 0, end },
                Some(after) => Place { after, offset: self.seek(partition, after, end)?, end },
            };
            Ok((partition, place))
        };
        self.after.iter().map(place).collect()
    }

    /// The offset of the event after a seq. Offsets rise at least as fast as seqs, so each look leaps by what is missing.
    fn seek(&self, partition: u32, after: u64, end: u64) -> Result<u64, LogError> {
        let mut offset = after;
        while offset < end {
            let from = ReadFrom { topic: self.topic, partition, offset };
            let records = self.log.reader(&[from])?.poll(1, POLL)?;
            let Some((at, seq)) = records.first().and_then(|record| Some((record.offset, seq(record)?))) else {
                break;
            };
            if seq > after {
                return Ok(at);
            }
            offset = at + (after + 1 - seq);
        }
        Ok(offset.min(end))
    }

    fn chunk(&self, records: &[Record], places: &mut BTreeMap<u32, Place>, source: &str) -> Vec<u8> {
        let mut chunk = Vec::new();
        for record in records {
            let Some(place) = places.get_mut(&record.partition) else { continue };
            let Some(seq) = seq(record) else { continue };
            let beyond_end = !self.follow && record.offset >= place.end;
            if seq <= place.after || beyond_end {
                continue;
            }
            place.after = seq;
            if !self.wanted.has(record) {
                continue;
            }
            if self.format == Format::Sse {
                chunk.extend_from_slice(b"data: ");
            }
            cloud_event::write(record, source, &mut chunk);
            chunk.extend_from_slice(if self.format == Format::Sse { b"\n\n" } else { b"\n" });
        }
        if self.format == Format::Sse && !chunk.is_empty() {
            // One id for the chunk, as an event without data sets it: a client that resumes may see part of a chunk
            // again, and knows each event by its own id.
            chunk.extend_from_slice(format!("id: {}\n\n", self.token(places)).as_bytes());
        }
        chunk
    }

    fn token(&self, places: &BTreeMap<u32, Place>) -> PositionToken {
        let mut token = PositionToken::default();
        for (&partition, place) in places.iter().filter(|(_, place)| place.after > 0) {
            token.add(Position { topic: self.topic, partition, seq: place.after });
        }
        token
    }
}
