//! The claims of a drop. One that was bought is kept: its units may be cancelled as long as they have not shipped.

use schemas::{CancellationId, ClaimId, Digest, OrderId, Quantity, SubjectId, Timestamp, drop::ClaimGranted};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// How many may leave with one event: more than one event brings, so that they never pile up for good.
const LEAVE_AT_ONCE: usize = 4;

/// How far a claim is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Its units are held.
    #[serde(rename = "h")]
    Held,
    /// They are bought, but those of these cancellations.
    #[serde(rename = "b")]
    Bought {
        #[serde(rename = "u", default, skip_serializing_if = "is_zero")]
        cancelled: u32,
        #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
        cancellations: Vec<CancellationId>,
    },
    /// They were given back, then.
    #[serde(rename = "r")]
    Released(Timestamp),
}

// Serde hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(units: &u32) -> bool {
    *units == 0
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    #[serde(rename = "d")]
    pub digest: Digest,
    #[serde(rename = "o")]
    pub order_id: OrderId,
    #[serde(rename = "s")]
    pub shopper: SubjectId,
    /// The place of the item in the terms.
    #[serde(rename = "i")]
    pub item: usize,
    #[serde(rename = "q")]
    pub quantity: Quantity,
    #[serde(rename = "p")]
    pub stage: Stage,
}

impl Claim {
    /// As it is granted.
    pub fn new(granted: &ClaimGranted, item: usize) -> Self {
        Self {
            digest: granted.effect.digest,
            order_id: granted.claim.order_id.clone(),
            shopper: granted.claim.shopper.clone(),
            item,
            quantity: granted.claim.quantity,
            stage: Stage::Held,
        }
    }
}

/// All claims that are not forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    by_id: BTreeMap<ClaimId, Claim>,
    /// Released ones, in the order of time.
    leaving: BTreeSet<(Timestamp, ClaimId)>,
}

impl Claims {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The claim of that id.
    pub fn get(&self, id: &ClaimId) -> Option<&Claim> {
        self.by_id.get(id)
    }

    /// Units that a shopper has paid for.
    pub fn bought_by(&self, shopper: &SubjectId) -> u32 {
        let own = self.by_id.values().filter(|claim| claim.shopper == *shopper);
        let bought = own.filter(|claim| matches!(claim.stage, Stage::Bought { .. }));
        bought.map(|claim| claim.quantity.get()).sum()
    }

    /// Adds a claim.
    pub fn insert(&mut self, id: &ClaimId, claim: Claim) {
        if let Stage::Released(at) = claim.stage {
            self.leaving.insert((at, id.clone()));
        }
        let before = self.by_id.insert(id.clone(), claim);
        assert!(before.is_none(), "a claim is granted once");
    }

    /// Changes a claim, and notes one that is over.
    pub fn change(&mut self, id: &ClaimId, change: impl FnOnce(&mut Claim)) {
        let claim = self.by_id.get_mut(id).expect("an event of a claim that was granted");
        change(claim);
        if let Stage::Released(at) = claim.stage {
            self.leaving.insert((at, id.clone()));
        }
    }

    /// Forgets some of what was released before `before`.
    pub fn forget(&mut self, before: Timestamp) {
        for _ in 0..LEAVE_AT_ONCE {
            if self.leaving.first().is_none_or(|(at, _)| *at > before) {
                return;
            }
            let (_, id) = self.leaving.pop_first().expect("it was just looked at");
            self.by_id.remove(&id);
        }
    }

    /// Forgets all that was released.
    pub fn forget_released(&mut self) {
        for (_, id) in std::mem::take(&mut self.leaving) {
            self.by_id.remove(&id);
        }
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.by_id)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut claims = Self::default();
        for (id, claim) in Vec::<(ClaimId, Claim)>::deserialize(deserializer)? {
            claims.insert(&id, claim);
        }
        Ok(claims)
    }
}
