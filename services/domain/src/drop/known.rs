//! The ids of effects that a drop remembers, so that the same request changes it once.

use schemas::{Digest, Effect, EffectId, Rejection, Timestamp, drop::DropRejection};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// How many ids may leave with one event: more than one event brings, so that they never pile up for good.
const LEAVE_AT_ONCE: usize = 4;

/// Effects by id, and when each leaves. Of a claim its own record tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    by_id: BTreeMap<EffectId, (Digest, Timestamp)>,
    /// In the order of time.
    leaving: BTreeSet<(Timestamp, EffectId)>,
}

impl Known {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether the effect was before; refused where it said something else then.
    pub fn again(&self, effect: &Effect) -> Result<bool, Rejection> {
        match self.by_id.get(&effect.id) {
            Some((digest, _)) if *digest != effect.digest => Err(Rejection::Drop(DropRejection::IdempotencyKeyReused)),
            known => Ok(known.is_some()),
        }
    }

    /// Remembers an effect.
    pub fn insert(&mut self, effect: &Effect, at: Timestamp) {
        // The same id may come again, when another retention held.
        if let Some((_, before)) = self.by_id.insert(effect.id.clone(), (effect.digest, at)) {
            self.leaving.remove(&(before, effect.id.clone()));
        }
        self.leaving.insert((at, effect.id.clone()));
    }

    /// Forgets some of what was before `before`.
    pub fn forget(&mut self, before: Timestamp) {
        for _ in 0..LEAVE_AT_ONCE {
            if self.leaving.first().is_none_or(|(at, _)| *at > before) {
                return;
            }
            let (_, id) = self.leaving.pop_first().expect("it was just looked at");
            self.by_id.remove(&id);
        }
    }
}

impl Serialize for Known {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.iter().map(|(id, (digest, at))| (id, digest, at.millis())))
    }
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut known = Self::default();
        for (id, digest, at) in Vec::<(EffectId, Digest, i64)>::deserialize(deserializer)? {
            known.insert(&Effect { id, digest }, Timestamp::from_millis(at));
        }
        Ok(known)
    }
}
