//! Commands of this process on their way to shards of its own: what comes back from the log as it was sent need not be read
//! from JSON again, which is a large part of what a shard does for a small command.

use parking_lot::Mutex;
use schemas::{CommandEnvelope, ShardCount, ShardId};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
};

/// So many are kept of a shard, twice: what never came back is forgotten when so many others came.
const MOST: usize = 1_024;
/// Larger ones are not kept: they are few, and memory is bounded.
const LARGEST: usize = 2 << 10;
/// A command's bytes begin with its id, which is unique.
const ID: usize = 48;

/// A command as it was sent.
struct Sent {
    value: Vec<u8>,
    envelope: CommandEnvelope,
}

/// The commands on their way to one shard.
#[derive(Default)]
struct OnTheWay {
    /// Who reads its commands in this process.
    readers: usize,
    newer: HashMap<u64, Sent>,
    older: HashMap<u64, Sent>,
}

/// See the module.
pub(super) struct Remembered {
    shards: Vec<Mutex<OnTheWay>>,
    hasher: RandomState,
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Remembered {
    /// Nothing is on its way.
    pub(super) fn new(shards: ShardCount) -> Self {
        Self { shards: shards.all().map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// This process reads the commands of a shard from now on.
    pub(super) fn open(&self, shard: ShardId) {
        self.of(shard).lock().readers += 1;
    }

    /// One that read them has ended.
    pub(super) fn close(&self, shard: ShardId) {
        let mut on_the_way = self.of(shard).lock();
        on_the_way.readers -= 1;
        if on_the_way.readers == 0 {
            *on_the_way = OnTheWay::default();
        }
    }

    /// A command is about to be sent to a shard, in these bytes. What is given is for [`Self::forget`].
    pub(super) fn send(&self, shard: ShardId, value: &[u8], envelope: CommandEnvelope) -> Option<u64> {
        if value.len() > LARGEST {
            return None;
        }
        let id = self.id(value);
        let mut on_the_way = self.of(shard).lock();
        if on_the_way.readers == 0 {
            return None;
        }
        if on_the_way.newer.len() >= MOST {
            on_the_way.older = std::mem::take(&mut on_the_way.newer);
        }
        on_the_way.newer.insert(id, Sent { value: value.to_vec(), envelope });
        Some(id)
    }

    /// A command was not sent after all.
    pub(super) fn forget(&self, shard: ShardId, id: u64) {
        self.of(shard).lock().newer.remove(&id);
    }

    /// The command that was sent to the shard in just these bytes, once.
    pub(super) fn take(&self, shard: ShardId, value: &[u8]) -> Option<CommandEnvelope> {
        let id = self.id(value);
        let mut on_the_way = self.of(shard).lock();
        let OnTheWay { newer, older, .. } = &mut *on_the_way;
        let (sent, lost) = match newer.remove(&id) {
            // They keep their order on the way: what was sent long before it and has not come is lost.
            Some(sent) => (sent, std::mem::take(older)),
            None => (older.remove(&id)?, HashMap::new()),
        };
        drop(on_the_way);
        drop(lost);
        (sent.value == value).then_some(sent.envelope)
    }

    fn of(&self, shard: ShardId) -> &Mutex<OnTheWay> {
        &self.shards[shard.0 as usize]
    }

    fn id(&self, value: &[u8]) -> u64 {
        self.hasher.hash_one(&value[..value.len().min(ID)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{
        Caller, Command, CommandId, CorrelationId, ItemId, PositionToken, Timestamp,
        item::{ItemCommand, SetSafety},
    };

    const SHARD: ShardId = ShardId(1);

    fn command(n: u32) -> (Vec<u8>, CommandEnvelope) {
        let item = ItemId::parse("tea").expect("an id");
        let envelope = CommandEnvelope {
            id: CommandId::parse(&format!("0123456789abcdef-{n:x}")).expect("an id"),
            caller: Caller::engine(),
            correlation: CorrelationId::parse("r").expect("an id"),
            reply_to: None,
            positions: PositionToken::default(),
            sent_at: Timestamp::from_millis(1),
            traceparent: None,
            command: Command::Item { item, command: ItemCommand::SetSafety(SetSafety { quantity: n }) },
        };
        (serde_json::to_vec(&envelope).expect("JSON"), envelope)
    }

    fn remembered() -> Remembered {
        let remembered = Remembered::new(ShardCount::new(2).expect("two"));
        remembered.open(SHARD);
        remembered
    }

    #[test]
    fn what_comes_back_as_it_was_sent_is_known_once() {
        let remembered = remembered();
        let sent: Vec<_> = (0..100).map(command).collect();
        for (value, envelope) in &sent {
            remembered.send(SHARD, value, envelope.clone());
        }
        for (value, envelope) in &sent {
            assert_eq!(remembered.take(SHARD, value).as_ref(), Some(envelope));
            assert_eq!(remembered.take(SHARD, value), None);
        }
    }

    #[test]
    fn what_was_not_sent_or_is_lost_is_forgotten() {
        let remembered = remembered();
        let (value, envelope) = command(0);
        let id = remembered.send(SHARD, &value, envelope.clone()).expect("it is kept");
        remembered.forget(SHARD, id);
        assert_eq!(remembered.take(SHARD, &value), None);
        remembered.send(SHARD, &value, envelope);
        let newest = u32::try_from(MOST).expect("few");
        for n in 1..=newest {
            let (value, envelope) = command(n);
            remembered.send(SHARD, &value, envelope);
        }
        assert!(remembered.take(SHARD, &command(newest).0).is_some());
        assert_eq!(remembered.take(SHARD, &value), None, "it would have come before");
    }

    #[test]
    fn another_value_under_the_same_id_is_read_anew() {
        let remembered = remembered();
        let (value, envelope) = command(7);
        remembered.send(SHARD, &value, envelope);
        let other = String::from_utf8(value).expect("text").replace("\"quantity\":7", "\"quantity\":8");
        assert_eq!(remembered.take(SHARD, other.as_bytes()), None);
        assert_eq!(remembered.take(SHARD, b""), None);
    }

    #[test]
    fn nothing_is_kept_for_shards_of_others_or_for_long() {
        let remembered = remembered();
        let (first, envelope) = command(0);
        remembered.send(ShardId(0), &first, envelope.clone());
        assert_eq!(remembered.take(ShardId(0), &first), None);
        let large = [first.as_slice(), &[b' '; LARGEST]].concat();
        remembered.send(SHARD, &large, envelope.clone());
        assert_eq!(remembered.take(SHARD, &large), None);
        remembered.send(SHARD, &first, envelope);
        for n in 1..10 * u32::try_from(MOST).expect("few") {
            let (value, envelope) = command(n);
            remembered.send(SHARD, &value, envelope);
        }
        assert_eq!(remembered.take(SHARD, &first), None);
        let kept = |on_the_way: &OnTheWay| on_the_way.newer.len() + on_the_way.older.len();
        assert!(kept(&remembered.of(SHARD).lock()) <= 2 * MOST);
        remembered.open(SHARD);
        remembered.close(SHARD);
        assert!(kept(&remembered.of(SHARD).lock()) > MOST, "one of the two still reads them");
        remembered.close(SHARD);
        assert_eq!(kept(&remembered.of(SHARD).lock()), 0);
    }
}
