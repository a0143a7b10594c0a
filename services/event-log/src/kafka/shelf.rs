//! Where the newest snapshot of each key stands.

use super::{
    client::{Ear, Topics},
    scan::{Part, scan},
};
use crate::LogError;
use rdkafka::{consumer::BaseConsumer, message::Message as _};
use schemas::{ShardId, Topic};
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

/// Keys are kept as 128 bits of hash: a shard may have finished millions of orders.
#[derive(Debug, Default)]
pub(super) struct Shelf(HashMap<u128, u64>);

fn hashed(key: &str) -> u128 {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let half = |salt: u8| u128::from(hasher.hash_one((salt, key)));
    half(0) << 64 | half(1)
}

impl Shelf {
    /// A record of this key, or its tombstone, stands there.
    pub(super) fn note(&mut self, key: &str, at: u64, is_tombstone: bool) {
        if is_tombstone {
            self.0.remove(&hashed(key));
        } else {
            self.0.insert(hashed(key), at);
        }
    }

    /// Reads the newest value of a key.
    pub(super) fn read(
        &self,
        consumer: &BaseConsumer<Ear>,
        topics: &Topics,
        shard: ShardId,
        key: &str,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let Some(&from) = self.0.get(&hashed(key)) else { return Ok(None) };
        let part = Part { topic: Topic::Snapshots, partition: shard.0, from, until: from + 1 };
        let mut found = None;
        scan(consumer, topics, part, |message| {
            if message.key() == Some(key.as_bytes()) {
                found = message.payload().map(<[u8]>::to_vec);
            }
            Ok(())
        })?;
        let missing =
            || LogError::Corrupt(format!("the snapshot `{key}` is not at offset {from} of {}/{}", part.topic, shard.0));
        found.map(Some).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_place_counts_and_a_tombstone_ends_it() {
        let mut shelf = Shelf::default();
        for (key, at) in [("a", 1), ("b", 2), ("a", 3)] {
            shelf.note(key, at, false);
        }
        assert_eq!((shelf.0.get(&hashed("a")), shelf.0.get(&hashed("b"))), (Some(&3), Some(&2)));
        shelf.note("b", 4, true);
        assert_eq!(shelf.0.get(&hashed("b")), None);
    }
}
