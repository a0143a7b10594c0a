//! The ids of effects that an aggregate of one shopper remembers, so that the same request changes it once.

use schemas::{Digest, Effect, EffectId, OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How many ids may leave with one event: more than one event brings, so that they never pile up for good.
const LEAVE_AT_ONCE: usize = 4;

/// An effect that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Was {
    #[serde(rename = "d")]
    digest: Digest,
    #[serde(rename = "t")]
    at: Timestamp,
    /// The order of the checkout that it began or joined.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

/// An id came again and said something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reused;

/// Effects by id, and when each leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    by_id: BTreeMap<EffectId, Was>,
    /// In the order of time.
    leaving: VecDeque<(Timestamp, EffectId)>,
}

impl Known {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The effect of that id, if it was before; refused where it said something else then.
    pub fn again(&self, effect: &Effect) -> Result<Option<&Was>, Reused> {
        match self.by_id.get(&effect.id) {
            Some(was) if was.digest != effect.digest => Err(Reused),
            known => Ok(known),
        }
    }

    /// Remembers an effect; answers the order that the id named before, if there was one.
    pub fn insert(&mut self, effect: &Effect, order: Option<OrderId>, at: Timestamp) -> Option<OrderId> {
        self.leaving.push_back((at, effect.id.clone()));
        self.by_id.insert(effect.id.clone(), Was { digest: effect.digest, at, order })?.order
    }

    /// Forgets some of what was before `before`; answers the orders that those ids named.
    pub fn forget(&mut self, before: Timestamp) -> Vec<OrderId> {
        let mut orders = Vec::new();
        for _ in 0..LEAVE_AT_ONCE {
            let Some((at, id)) = self.leaving.pop_front_if(|(at, _)| *at <= before) else { break };
            // The same id may have come again, when another retention held.
            if self.by_id.get(&id).is_some_and(|was| was.at == at) {
                orders.extend(self.by_id.remove(&id).and_then(|was| was.order));
            }
        }
        orders
    }
}
