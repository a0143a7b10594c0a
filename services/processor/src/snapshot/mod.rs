//! How the state of aggregates and checkpoints stand in the snapshots topic.

use crate::shard::Saved;
use domain::Aggregate;
use event_log::Consumed;
use schemas::{AggregateKey, Timestamp};
use serde::{Deserialize, Serialize};

/// A record is at most this long.
const MOST_BYTES: usize = 256 * 1_024;
/// Kept free in each part for the header: two ids' worth and more.
const HEADER_BYTES: usize = 512;

/// Stands before the bytes of every part, on a line of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    key: AggregateKey,
    /// Of the last event in the state.
    seq: u64,
    /// [`Aggregate::STATE_FORMAT`].
    format: u32,
    part: u32,
    parts: u32,
    /// Nothing is due for it: a start need not read the body.
    #[serde(default)]
    finished: bool,
}

/// The compaction key of a part.
pub(crate) fn part_key(key: &AggregateKey, part: u32) -> String {
    format!("{}/{}/{part}", key.kind(), key.as_str())
}

/// The parts of an aggregate's state, each with its header.
pub(crate) fn encode(key: &AggregateKey, seq: u64, finished: bool, aggregate: &Aggregate) -> Vec<Vec<u8>> {
    let body = serde_json::to_vec(aggregate).expect("state is plain data with string keys");
    let chunk = MOST_BYTES - HEADER_BYTES;
    let parts = u32::try_from(body.len().div_ceil(chunk)).expect("a state is smaller than 2^32 parts");
    let header = |part| Header { key: key.clone(), seq, format: Aggregate::STATE_FORMAT, part, parts, finished };
    (0..)
        .zip(body.chunks(chunk))
        .map(|(part, bytes)| {
            let mut value = serde_json::to_vec(&header(part)).expect("a header is plain data");
            value.push(b'\n');
            assert!(value.len() <= HEADER_BYTES, "a header is short");
            value.extend_from_slice(bytes);
            value
        })
        .collect()
}

/// One part as it was read.
#[derive(Debug)]
pub(crate) struct Part {
    header: Header,
    value: Vec<u8>,
    body: usize,
}

impl Part {
    /// Reads a part; `None` for what is no part, or of another state format.
    pub fn read(value: Vec<u8>) -> Option<Self> {
        let line = value.iter().position(|byte| *byte == b'\n')?;
        let header: Header = serde_json::from_slice(&value[..line]).ok()?;
        (header.format == Aggregate::STATE_FORMAT && header.part < header.parts).then_some(Self {
            header,
            body: line + 1,
            value,
        })
    }

    pub fn aggregate(&self) -> &AggregateKey {
        &self.header.key
    }

    pub fn number(&self) -> u32 {
        self.header.part
    }
}

/// The whole snapshot of an aggregate.
#[derive(Debug)]
pub(crate) struct SavedAggregate {
    pub key: AggregateKey,
    pub seq: u64,
    pub finished: bool,
    parts: Vec<Part>,
}

impl SavedAggregate {
    /// From the values of all its parts, in order.
    pub fn from_parts(values: Vec<Vec<u8>>) -> Option<Self> {
        let parts: Option<Vec<_>> = values.into_iter().map(Part::read).collect();
        Self::complete(parts?)
    }

    /// From parts in order; `None` where they are not all of one and the same snapshot.
    pub fn complete(parts: Vec<Part>) -> Option<Self> {
        let Header { key, seq, parts: count, finished, .. } = parts.first()?.header.clone();
        let whole = parts.len() == usize::try_from(count).ok()?
            && (0..).zip(&parts).all(|(number, Part { header, .. })| {
                header.part == number && header.parts == count && header.seq == seq && header.key == key
            });
        whole.then_some(Self { key, seq, finished, parts })
    }

    pub fn saved(&self) -> Saved {
        let parts = u32::try_from(self.parts.len()).expect("counted against a u32");
        Saved { seq: self.seq, parts, bytes: self.parts.iter().map(|part| part.value.len() as u64).sum() }
    }

    /// The state; `None` where the bytes are not one.
    pub fn read(&self) -> Option<Aggregate> {
        if let [part] = &self.parts[..] {
            return serde_json::from_slice(&part.value[part.body..]).ok();
        }
        let mut body = Vec::with_capacity(self.parts.len() * MOST_BYTES);
        self.parts.iter().for_each(|part| body.extend_from_slice(&part.value[part.body..]));
        serde_json::from_slice(&body).ok()
    }
}

/// What a set of snapshots is recognised by, whatever the order in which they were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetDigest {
    count: u64,
    /// Exclusive or of a hash of each; as text, for JSON numbers end at 2^53.
    #[serde(with = "hex")]
    hash: u64,
}

impl SetDigest {
    /// Puts `after` in the place of `before`, the snapshot of the same aggregate (seq 0 = there was none).
    pub fn replace(&mut self, key: &AggregateKey, before: Saved, after: Saved) {
        if before.seq > 0 {
            self.hash ^= hash(key, before);
        } else {
            self.count += 1;
        }
        self.hash ^= hash(key, after);
    }
}

/// FNV-1a: the same in every build, unlike the standard library's.
fn hash(key: &AggregateKey, saved: Saved) -> u64 {
    let numbers = saved.seq.to_le_bytes().into_iter().chain(saved.parts.to_le_bytes());
    let bytes = key.kind().bytes().chain([b'/']).chain(key.as_str().bytes()).chain(numbers);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// One events topic in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckpointTopic {
    pub topic: String,
    /// The newest event before the checkpoint.
    pub seq: u64,
    /// The first event that is not in every snapshot that it belongs to.
    pub needed: u64,
    /// Events from `needed` on stand here or later.
    pub offset: u64,
}

/// What all snapshots of a shard together are worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkpoint {
    format: u32,
    pub topics: Vec<CheckpointTopic>,
    /// The next offsets to consume, of the clients' and of the internal commands.
    commands: u64,
    internal: u64,
    /// Of the last event.
    pub last_time: Timestamp,
    /// Over all snapshots: with another set they are useless.
    pub saved: SetDigest,
}

impl Checkpoint {
    /// Its compaction key.
    pub const KEY: &'static str = "checkpoint";

    pub fn new(topics: Vec<CheckpointTopic>, consumed: Consumed, last_time: Timestamp, saved: SetDigest) -> Self {
        let Consumed { commands, internal } = consumed;
        Self { format: Aggregate::STATE_FORMAT, topics, commands, internal, last_time, saved }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a checkpoint is plain data")
    }

    /// Reads one; `None` for another state format, or what is none.
    pub fn read(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok().filter(|checkpoint: &Self| checkpoint.format == Aggregate::STATE_FORMAT)
    }

    pub fn consumed(&self) -> Consumed {
        Consumed { commands: self.commands, internal: self.internal }
    }
}
