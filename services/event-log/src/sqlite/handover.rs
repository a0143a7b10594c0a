//! The hand-over: where a batch gets its offsets and its place in the appender's queue, and where its internal commands
//! are delivered, all under one lock and so in one order.

use super::{
    codec::{Encoded, events, plain},
    key::{ByTopic, index},
    schema::StoredShard,
    shared::Shared,
};
use crate::{Batch, Consumed, NewSnapshot, shard_of_command};
use schemas::{CommandEnvelope, Reply, ShardCount, ShardId, Topic};

/// How many consumed internal commands a shard lets stand before they are deleted, in a transaction that is written anyway.
const TRIM_AFTER: u64 = 2_048;

/// Records of one topic and partition: a row of the file.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) first: u64,
    /// Of the one record, where only the newest of a key is kept.
    pub(super) key: Option<String>,
    pub(super) encoded: Encoded,
}

impl Row {
    /// The offset after its last record.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.encoded.count)
    }
}

/// The state of a shard as its next owner must find it, where a batch changes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardRow {
    pub(super) epoch: u64,
    pub(super) consumed: Consumed,
    pub(super) snapshots_end: u64,
}

/// A batch in the appender's queue.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) shard: ShardId,
    /// Its place in the order of all batches, from 1.
    pub(super) ticket: u64,
    pub(super) rows: Vec<Row>,
    pub(super) snapshots_first: u64,
    pub(super) snapshots: Vec<NewSnapshot>,
    pub(super) state: Option<ShardRow>,
    /// Internal commands before this offset may be deleted.
    pub(super) trim: Option<u64>,
    pub(super) replies: Vec<Reply>,
}

impl Handed {
    /// Records that no shard has written.
    pub(super) fn published(rows: Vec<Row>) -> Self {
        let (snapshots, replies) = (Vec::new(), Vec::new());
        // With neither snapshots nor a state it does not matter which shard's it is.
        let shard = ShardId(0);
        Self { shard, ticket: 0, rows, snapshots_first: 0, snapshots, state: None, trim: None, replies }
    }

    /// Whether it holds more than replies.
    pub(super) fn is_written(&self) -> bool {
        !self.rows.is_empty() || !self.snapshots.is_empty() || self.state.is_some()
    }
}

/// A shard as it stands after all that was handed over.
#[derive(Debug)]
pub(super) struct ShardState {
    epoch: u64,
    stored_epoch: u64,
    owned: bool,
    consumed: Consumed,
    ends: ByTopic,
    trimmed: u64,
}

/// What the one lock guards.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) queue: Vec<Handed>,
    pub(super) queued_bytes: usize,
    tickets: u64,
    shards: Vec<ShardState>,
    pub(super) closing: bool,
    pub(super) failed: bool,
}

impl Core {
    /// As it stands when the log is opened.
    pub(super) fn new(stored: &[StoredShard]) -> Self {
        let shards = stored.iter().map(|shard| ShardState {
            epoch: shard.epoch,
            stored_epoch: shard.epoch,
            owned: false,
            consumed: shard.consumed,
            ends: shard.ends,
            trimmed: 0,
        });
        Self { queue: Vec::new(), queued_bytes: 0, tickets: 0, shards: shards.collect(), closing: false, failed: false }
    }

    /// How many batches were handed over.
    pub(super) const fn tickets(&self) -> u64 {
        self.tickets
    }

    /// Whether some lease may still commit.
    pub(super) fn has_owners(&self) -> bool {
        self.shards.iter().any(|shard| shard.owned)
    }

    /// Fences the owner of a shard; gives the new epoch and what has been consumed.
    pub(super) fn take(&mut self, shard: ShardId) -> (u64, Consumed) {
        let state = &mut self.shards[shard.0 as usize];
        state.epoch += 1;
        state.owned = true;
        (state.epoch, state.consumed)
    }

    /// Whether a lease with that epoch is the shard's newest.
    pub(super) fn is_owner(&self, shard: ShardId, epoch: u64) -> bool {
        let state = &self.shards[shard.0 as usize];
        state.owned && (state.epoch == epoch || planted::bug!("fenced-lease-writes"))
    }

    /// The owner gives the shard up.
    pub(super) fn release(&mut self, shard: ShardId, epoch: u64) {
        let state = &mut self.shards[shard.0 as usize];
        state.owned &= state.epoch != epoch;
    }

    /// The next offset of a shard's internal commands.
    pub(super) fn internal_end(&self, shard: ShardId) -> u64 {
        self.shards[shard.0 as usize].ends[index(Topic::InternalCommands)]
    }

    /// Gives a row its offsets.
    pub(super) fn place(&mut self, topic: Topic, partition: u32, key: Option<String>, encoded: Encoded) -> Row {
        let end = &mut self.shards[partition as usize].ends[index(topic)];
        let row = Row { topic, partition, first: *end, key, encoded };
        *end = row.end();
        row
    }

    /// Whether so much more may wait to be written.
    pub(super) const fn has_room(&self, bytes: usize, most: usize) -> bool {
        self.queued_bytes == 0 || self.queued_bytes + bytes <= most
    }

    /// Gives a batch its place in the order of all batches.
    pub(super) fn enqueue(&mut self, handed: Handed, bytes: usize) -> u64 {
        self.tickets += 1;
        self.queued_bytes += bytes;
        self.queue.push(Handed { ticket: self.tickets, ..handed });
        self.tickets
    }

    /// Moves the shard's own state; the row to write, if a written batch changes it.
    fn advance(&mut self, shard: ShardId, consumed: Consumed, snapshots: u64, has_rows: bool) -> Option<ShardRow> {
        let state = &mut self.shards[shard.0 as usize];
        let before = state.consumed;
        state.consumed.commands = before.commands.max(consumed.commands);
        state.consumed.internal = before.internal.max(consumed.internal);
        assert!(state.consumed.internal <= state.ends[index(Topic::InternalCommands)], "consumed what was never sent");
        let snapshots_end = &mut state.ends[index(Topic::Snapshots)];
        *snapshots_end += snapshots;
        let moved = state.consumed != before || snapshots > 0;
        let is_first_of_lease = has_rows && state.epoch != state.stored_epoch && !planted::bug!("epoch-reused");
        if !moved && !is_first_of_lease {
            return None;
        }
        state.stored_epoch = state.epoch;
        Some(ShardRow { epoch: state.epoch, consumed: state.consumed, snapshots_end: *snapshots_end })
    }

    fn trim(&mut self, shard: ShardId) -> Option<u64> {
        let state = &mut self.shards[shard.0 as usize];
        let is_due = state.consumed.internal - state.trimmed >= TRIM_AFTER;
        is_due.then(|| {
            state.trimmed = state.consumed.internal;
            state.trimmed
        })
    }
}

/// A batch in its stored form, made on the shard's own thread before the lock is taken.
pub(super) struct EncodedBatch {
    shard: ShardId,
    epoch: u64,
    events: Vec<(Topic, u64, Encoded)>,
    dead_letters: Option<Encoded>,
    internal: Vec<(ShardId, Vec<CommandEnvelope>, Encoded)>,
    snapshots: Vec<NewSnapshot>,
    consumed: Consumed,
    replies: Vec<Reply>,
    bytes: usize,
}

impl EncodedBatch {
    /// Encodes a batch of the lease with that epoch.
    pub(super) fn of(shards: ShardCount, shard: ShardId, epoch: u64, batch: Batch) -> Self {
        assert!(batch.events.iter().all(|event| event.envelope.epoch == epoch), "an event carries its lease's epoch");
        let mut events = Vec::new();
        for topic in Topic::EVENTS {
            if let Some((first_seq, encoded)) = events::encode(topic, &batch.events) {
                let of_topic = batch.events.iter().filter(|event| event.topic == topic);
                assert!((first_seq..).zip(of_topic).all(|(seq, event)| event.envelope.seq == seq), "seqs are dense");
                events.push((topic, first_seq, encoded));
            }
        }
        let letters = batch.dead_letters.iter().map(|letter| (letter.key.as_str(), letter.value.as_slice()));
        let dead_letters = (!batch.dead_letters.is_empty()).then(|| plain::encode(letters));
        let internal = route(shards, batch.internal);
        let bytes = events.iter().map(|(_, _, encoded)| encoded.bytes.len()).sum::<usize>()
            + internal.iter().map(|(_, _, encoded)| encoded.bytes.len()).sum::<usize>()
            + batch.snapshots.iter().filter_map(|snapshot| snapshot.value.as_ref()).map(Vec::len).sum::<usize>()
            + dead_letters.as_ref().map_or(0, |encoded| encoded.bytes.len());
        let (snapshots, consumed, replies) = (batch.snapshots, batch.consumed, batch.replies);
        // A reply takes memory too while it waits; about so much.
        let bytes = bytes + 256 * replies.len();
        Self { shard, epoch, events, dead_letters, internal, snapshots, consumed, replies, bytes }
    }
}

/// Sorts internal commands by the shard that decides them, each shard's in their order, and encodes them.
fn route(shards: ShardCount, commands: Vec<CommandEnvelope>) -> Vec<(ShardId, Vec<CommandEnvelope>, Encoded)> {
    let mut by_shard: Vec<(ShardId, Vec<CommandEnvelope>)> = Vec::new();
    for command in commands {
        let shard = shard_of_command(shards, &command.command);
        match by_shard.iter_mut().find(|(target, _)| *target == shard) {
            Some((_, commands)) => commands.push(command),
            None => by_shard.push((shard, vec![command])),
        }
    }
    let encode = |(shard, commands): (ShardId, Vec<CommandEnvelope>)| {
        let json = |command| serde_json::to_vec(command).expect("a command is plain data with text keys");
        let values: Vec<_> = commands.iter().map(json).collect();
        let encoded =
            plain::encode(commands.iter().map(|command| command.command.key()).zip(values.iter().map(Vec::as_slice)));
        (shard, commands, encoded)
    };
    by_shard.into_iter().map(encode).collect()
}

impl Shared {
    /// Hands a batch over: from here on it becomes durable in its order, or dies with the process. Gives its place in the
    /// order of all batches; `None` where another owner has the shard.
    pub(super) fn hand_over(&self, batch: EncodedBatch) -> Option<u64> {
        let EncodedBatch { shard, epoch, events, dead_letters, internal, snapshots, consumed, replies, bytes } = batch;
        let mut core = self.core.lock();
        loop {
            if core.failed || !core.is_owner(shard, epoch) {
                return None;
            }
            if core.has_room(bytes, self.queue_bytes) {
                break;
            }
            self.space.wait(&mut core);
        }
        let mut rows = Vec::with_capacity(events.len() + internal.len() + usize::from(dead_letters.is_some()));
        for (topic, first_seq, encoded) in events {
            let row = core.place(topic, shard.0, None, encoded);
            assert_eq!(row.first + 1, first_seq, "the first event of a batch follows the shard's last one in {topic}");
            rows.push(row);
        }
        rows.extend(dead_letters.map(|encoded| core.place(Topic::DeadLetters, shard.0, None, encoded)));
        for (target, commands, encoded) in internal {
            let row = core.place(Topic::InternalCommands, target.0, None, encoded);
            self.inboxes[target.0 as usize].deliver(row.first, commands);
            rows.extend((!planted::bug!("outbox-in-memory")).then_some(row));
        }
        let count = snapshots.len() as u64;
        let state = core.advance(shard, consumed, count, !rows.is_empty());
        let snapshots_first = state.map_or(0, |state| state.snapshots_end - count);
        let trim = if state.is_some() { core.trim(shard) } else { None };
        let handed = Handed { shard, ticket: 0, rows, snapshots_first, snapshots, state, trim, replies };
        let ticket = core.enqueue(handed, bytes);
        drop(core);
        self.work.notify_one();
        Some(ticket)
    }
}
