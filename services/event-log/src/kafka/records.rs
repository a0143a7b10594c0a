//! Records as they stand in topics: events as CloudEvents in Kafka's binary mode, everything else as key and value.

use super::client::{Topics, offset};
use crate::{Batch, Consumed, Headers, NewEvent, NewRecord, Record};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};
use schemas::{CloudEvent, CommandEnvelope, Envelope, Position, ShardId, Topic};
use serde::{Deserialize, Serialize};

/// Keys of the snapshots topic that are the log's own: the port shows no such record.
const OWN_KEYS: &str = "log/";
/// The newest lease of a shard.
pub(super) const LEASE_KEY: &str = "log/lease";
/// What the cluster was created for.
pub(super) const SETTINGS_KEY: &str = "log/settings";

/// Whether a record is the log's own.
pub(super) fn is_own(topic: Topic, key: &str) -> bool {
    topic == Topic::Snapshots && key.starts_with(OWN_KEYS)
}

/// The record of a lease. Unlike the group's positions it is kept for ever.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    pub(super) epoch: u64,
    /// How far internal commands had been consumed when it was written.
    pub(super) internal: u64,
}

impl LeaseRecord {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// The record of a lease that has come so far.
pub(super) fn lease(shard: ShardId, epoch: u64, consumed: Consumed) -> Outgoing {
    let value = serde_json::to_vec(&LeaseRecord { epoch, internal: consumed.internal });
    let value = value.expect("a lease is plain data");
    Outgoing::plain(Topic::Snapshots, shard.0, LEASE_KEY.to_owned(), Some(value))
}

/// A record on its way, encoded.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) key: String,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Option<OwnedHeaders>,
}

impl Outgoing {
    /// One without headers.
    pub(super) const fn plain(topic: Topic, partition: u32, key: String, value: Option<Vec<u8>>) -> Self {
        Self { topic, partition, key, value, headers: None }
    }

    pub(super) fn event(event: NewEvent, partition: u32, source: &str) -> Self {
        let NewEvent { topic, envelope, value } = event;
        let id = Position { topic, partition, seq: envelope.seq };
        let headers = CloudEvent::of(&envelope, id, source).headers().fold(
            // Fourteen of them: librdkafka grows the list one by one otherwise.
            OwnedHeaders::new_with_capacity(14),
            |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_bytes()) }),
        );
        Self { topic, partition, key: envelope.subject, value: Some(value), headers: Some(headers) }
    }
}

/// A client's or an internal command on its way to its shard.
pub(super) fn command(topics: &Topics, topic: Topic, envelope: &CommandEnvelope) -> Outgoing {
    let shard = crate::shard_of_command(topics.shards, &envelope.command);
    // Most fit: it need not grow.
    let mut value = Vec::with_capacity(512);
    serde_json::to_writer(&mut value, envelope).expect("a command is plain data with text keys");
    Outgoing::plain(topic, shard.0, envelope.command.key().to_owned(), Some(value))
}

/// What a batch writes in its transaction, in its order.
pub(super) fn encode(topics: &Topics, shard: ShardId, source: &str, batch: &mut Batch) -> Vec<Outgoing> {
    let mut out = Vec::with_capacity(batch.events.len() + batch.internal.len() + batch.snapshots.len());
    out.extend(batch.events.drain(..).map(|event| Outgoing::event(event, shard.0, source)));
    out.extend(batch.internal.iter().map(|envelope| command(topics, Topic::InternalCommands, envelope)));
    out.extend(batch.snapshots.drain(..).map(|snapshot| {
        assert!(!is_own(Topic::Snapshots, &snapshot.key), "keys of the log itself are not for others");
        Outgoing::plain(Topic::Snapshots, shard.0, snapshot.key, snapshot.value)
    }));
    let letters = batch.dead_letters.drain(..);
    out.extend(letters.map(|letter| Outgoing::plain(Topic::DeadLetters, shard.0, letter.key, Some(letter.value))));
    out
}

/// A record that is published by itself.
pub(super) fn published(topics: &Topics, record: NewRecord) -> Outgoing {
    let NewRecord { topic, key, headers, value } = record;
    let partition = topics.shards.of_key(&key).0;
    let headers = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |all, (key, value)| {
        all.insert(Header { key, value: Some(value.as_slice()) })
    });
    Outgoing { topic, partition, key, value, headers: Some(headers) }
}

/// The headers of a record, whoever wrote it; one without a value has an empty one.
fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let Some(headers) = message.headers() else { return Headers::new() };
    let all =
        || headers.iter().map(|Header { key, value }| (key.to_owned(), value.unwrap_or_default().to_vec())).collect();
    // rdkafka panics over a name that is no UTF-8. Such a record has none: whoever uses it finds that it says nothing.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)).unwrap_or_default()
}

/// A record as it was read; `None` for one of a topic that is not ours.
pub(super) fn read(topics: &Topics, message: &BorrowedMessage<'_>) -> Option<Record> {
    let topic = topics.topic(message.topic())?;
    Some(Record {
        topic,
        partition: u32::try_from(message.partition()).ok()?,
        offset: offset(message.offset()),
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        envelope: if Topic::EVENTS.contains(&topic) { envelope(message) } else { None },
        headers: if crate::is_published(topic) { headers(message) } else { Headers::new() },
        value: message.payload().map(<[u8]>::to_vec),
    })
}

/// The envelope of an event; `None` where the headers are not those of one.
pub(super) fn envelope(message: &BorrowedMessage<'_>) -> Option<Envelope> {
    let headers = message.headers()?;
    let found: Vec<_> =
        headers.iter().filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?))).collect();
    // Each is looked for after the one that was found last: they are asked for nearly as they were written.
    let mut next = 0;
    Envelope::from_headers(|name| {
        let (after, before) = (found.iter().enumerate().skip(next), found.iter().enumerate().take(next));
        let (at, (_, value)) = after.chain(before).find(|(_, (key, _))| *key == name)?;
        next = at + 1;
        Some(*value)
    })
}
