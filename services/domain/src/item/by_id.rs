//! A map from hold ids that stays quick when it grows: its table holds hashes and pointers only.
//!
//! A plain map of a million holds would read every id and move every hold when its table doubles, which is half a
//! second for whoever buys just then.

use super::holds::Hold;
use schemas::item::HoldId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::{HashMap, hash_map},
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};

/// The hash of an id is a hash already.
#[derive(Clone, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are hashes: only `write_u64` is called");
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Debug, Clone)]
struct Entry {
    id: HoldId,
    hold: Hold,
    /// Of another id with the same hash.
    next: Option<Box<Self>>,
}

/// Holds by id. Iterated only to be stored, in the order of the ids.
#[derive(Clone, Default)]
pub(super) struct ById {
    entries: HashMap<u64, Box<Entry>, BuildHasherDefault<Hashed>>,
    /// Secret, so that nobody can choose ids that fall together.
    hasher: RandomState,
}

impl ById {
    fn hash(&self, id: &HoldId) -> u64 {
        self.hasher.hash_one(id)
    }

    /// How many there are; of ids that share a hash, one.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The hold of that id.
    pub fn get(&self, id: &HoldId) -> Option<&Hold> {
        let mut entry = self.entries.get(&self.hash(id))?;
        while entry.id != *id {
            entry = entry.next.as_ref()?;
        }
        Some(&entry.hold)
    }

    /// The hold of that id, to be changed.
    pub fn get_mut(&mut self, id: &HoldId) -> Option<&mut Hold> {
        let mut entry = self.entries.get_mut(&self.hasher.hash_one(id))?;
        while entry.id != *id {
            entry = entry.next.as_mut()?;
        }
        Some(&mut entry.hold)
    }

    /// Adds a hold; answers the one that had the id.
    pub fn insert(&mut self, id: HoldId, hold: Hold) -> Option<Hold> {
        let hash = self.hash(&id);
        self.put(hash, Entry { id, hold, next: None })
    }

    fn put(&mut self, hash: u64, new: Entry) -> Option<Hold> {
        let mut entry = match self.entries.entry(hash) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(Box::new(new));
                return None;
            }
            hash_map::Entry::Occupied(occupied) => occupied.into_mut(),
        };
        while entry.id != new.id {
            if entry.next.is_none() {
                entry.next = Some(Box::new(new));
                return None;
            }
            entry = entry.next.as_mut().expect("it was just looked at");
        }
        Some(std::mem::replace(&mut entry.hold, new.hold))
    }

    /// Removes a hold.
    pub fn remove(&mut self, id: &HoldId) {
        let hash = self.hash(id);
        let mut chain = self.entries.remove(&hash);
        while let Some(mut entry) = chain {
            chain = entry.next.take();
            if entry.id != *id {
                self.put(hash, *entry);
            }
        }
    }

    /// All holds, in no order: whoever asks must not let it show.
    pub fn unordered(&self) -> impl Iterator<Item = (&HoldId, &Hold)> {
        let chains = self
            .entries
            .values()
            .flat_map(|first| std::iter::successors(Some(first.as_ref()), |entry: &&Entry| entry.next.as_deref()));
        chains.map(|entry| (&entry.id, &entry.hold))
    }
}

impl std::fmt::Debug for ById {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.sorted()).finish()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for ById {}

impl ById {
    fn sorted(&self) -> Vec<(&HoldId, &Hold)> {
        let mut all: Vec<_> = self.unordered().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }
}

impl Serialize for ById {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sorted())
    }
}

impl<'de> Deserialize<'de> for ById {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut by_id = Self::default();
        for (id, hold) in Vec::<(HoldId, Hold)>::deserialize(deserializer)? {
            by_id.insert(id, hold);
        }
        Ok(by_id)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::holds::Phase, ById, Entry, Hold};
    use schemas::{FreeHoldId, SubjectId, item::HoldId};

    fn id(text: &str) -> HoldId {
        HoldId::Free { caller: SubjectId::parse("a").expect("id"), id: FreeHoldId::parse(text).expect("id") }
    }

    #[test]
    fn ids_with_one_hash_stay_apart() {
        let mut by_id = ById::default();
        let hash = by_id.hash(&id("x"));
        for text in ["y", "z"] {
            by_id.put(hash, Entry { id: id(text), hold: Hold::new(Phase::Active, 1), next: None });
        }
        by_id.insert(id("x"), Hold::new(Phase::Active, 7));
        assert_eq!(by_id.unordered().count(), 3);
        assert_eq!(by_id.get(&id("x")).map(|hold| hold.quantity), Some(7));
        assert_eq!(by_id.insert(id("x"), Hold::new(Phase::Active, 8)).map(|hold| hold.quantity), Some(7));
        by_id.remove(&id("x"));
        assert_eq!(by_id.get(&id("x")), None);
        assert_eq!(by_id.unordered().count(), 2);
    }
}
