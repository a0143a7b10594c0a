//! The holds of an item, by id, and the deadlines of the free ones.

use super::by_id::ById;
use schemas::{
    Digest, EffectId, FreeHoldId, LocationId, Metadata, Money, OrderId, Quantity, SubOrderId, Timestamp,
    item::{HoldId, HoldReply, HoldStatus, ItemReply},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;

/// How far a hold is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// All its units are reserved.
    Active,
    /// Its units are ordered: committed, allocated, given back or gone.
    Committed,
    /// Given back; also a tombstone, of no units.
    Released,
    /// Given back by its deadline.
    Expired,
}

/// What the passing of time means to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Age {
    /// Nothing.
    Timeless,
    /// It expires then: its deadline and the grace that was the policy's at the grant.
    Due(Timestamp),
    /// Nothing will happen to it any more, since then.
    Over(Timestamp),
}

/// Units reserved or ordered under one id. Kept small: a hot item has millions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    #[serde(rename = "p")]
    pub phase: Phase,
    #[serde(rename = "a")]
    pub age: Age,
    /// Units granted; zero of a tombstone.
    #[serde(rename = "q")]
    pub quantity: u32,
    /// Ordered units that are bound to no location.
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub committed: u32,
    /// Ordered units that are.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub allocated: u32,
    /// Ordered units that are on their way to another warehouse.
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub forwarded: u32,
    /// Units that left.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub shipped: u32,
    /// Units of them that came back.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub returned: u32,
    /// Its order takes no more returns: those that come are not waited for.
    #[serde(rename = "z", default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// The price at the grant.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// A free hold's deadline as told, without the grace.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the request said.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What few holds have.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

// Serde hands out a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(units: &u32) -> bool {
    *units == 0
}

/// What few holds have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The order of a drop's claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Every allocation that it ever had: the same sub-order is allocated once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// Shipments to other warehouses that have not arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<EffectId>,
}

/// Units of a hold that were bound to a location. How many still are stands at the location, under `number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Allocation {
    pub sub_order: SubOrderId,
    pub location: LocationId,
    pub number: u64,
    /// What the order asked for; zero where another warehouse sent all that there is.
    pub quantity: u32,
}

impl Hold {
    /// A hold of `quantity` units to which nothing else has happened.
    pub const fn new(phase: Phase, quantity: u32) -> Self {
        Self {
            phase,
            age: Age::Timeless,
            quantity,
            committed: 0,
            allocated: 0,
            forwarded: 0,
            shipped: 0,
            returned: 0,
            closed: false,
            unit_price: None,
            expires_at: None,
            digest: None,
            details: None,
        }
    }

    /// Ordered units that have not left.
    pub const fn open(&self) -> u32 {
        self.committed + self.allocated + self.forwarded
    }

    /// As its owner sees it.
    pub const fn status(&self) -> HoldStatus {
        match self.phase {
            Phase::Active => HoldStatus::Active,
            Phase::Committed if self.open() > 0 => HoldStatus::Committed,
            Phase::Committed if self.shipped > 0 => HoldStatus::Shipped,
            Phase::Committed | Phase::Released => HoldStatus::Released,
            Phase::Expired => HoldStatus::Expired,
        }
    }

    /// Its allocations, oldest first.
    pub fn allocations(&self) -> &[Allocation] {
        self.details.as_ref().map_or(&[], |details| &details.allocations)
    }

    /// Its shipments to other warehouses that have not arrived, oldest first.
    pub fn forwards(&self) -> &[EffectId] {
        self.details.as_ref().map_or(&[], |details| &details.forwards)
    }

    /// The allocation of a sub-order.
    pub fn allocation(&self, sub_order: &SubOrderId) -> Option<&Allocation> {
        self.allocations().iter().find(|allocation| allocation.sub_order == *sub_order)
    }

    /// Whether nothing can happen to it any more, so that it may be forgotten.
    ///
    /// Shipped units of an order or a drop may still come back until their owner closes the hold; a digital item has
    /// nothing that could.
    fn is_over(&self, id: &HoldId, digital: bool) -> bool {
        match self.phase {
            Phase::Active => false,
            Phase::Released | Phase::Expired => true,
            Phase::Committed => match id {
                HoldId::Free { .. } => self.open() == 0,
                HoldId::Order { .. } | HoldId::Drop { .. } => {
                    digital || (self.open() == 0 && (self.closed || self.shipped == self.returned))
                }
            },
        }
    }

    /// The answer to a free hold's owner, with that status, these units gone and so many of the item available.
    pub fn reply(&self, id: &FreeHoldId, status: HoldStatus, shipped: u32, available: Option<i64>) -> ItemReply {
        ItemReply::Hold(HoldReply {
            hold_id: id.clone(),
            status,
            quantity: Quantity::new(self.quantity).expect("a free hold was granted a quantity"),
            unit_price: self.unit_price.expect("a free hold was granted at a price"),
            expires_at: self.expires_at,
            available,
            shipped,
            reference: self.details.as_ref().and_then(|details| details.reference.clone()),
            metadata: self.details.as_ref().map(|details| details.metadata.clone()).unwrap_or_default(),
        })
    }
}

/// All holds that are not forgotten. Never iterated but to be stored, and then in the order of the ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holds {
    by_id: ById,
    deadlines: BTreeSet<(Timestamp, HoldId)>,
}

impl Holds {
    /// How many there are, about.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The hold of that id.
    pub fn get(&self, id: &HoldId) -> Option<&Hold> {
        self.by_id.get(id)
    }

    /// Adds a hold. S5: what it replaces must be over.
    pub fn insert(&mut self, id: &HoldId, hold: Hold) {
        if let Age::Due(due) = hold.age {
            self.deadlines.insert((due, id.clone()));
        }
        let before = self.by_id.insert(id.clone(), hold);
        // An id may come again when it was kept for as long as another retention said.
        assert!(before.is_none_or(|before| matches!(before.age, Age::Over(_))), "S5: {id:?} is granted twice");
    }

    /// Changes a hold; answers whether that was the last thing to happen to it.
    pub fn change(&mut self, id: &HoldId, time: Timestamp, digital: bool, change: impl FnOnce(&mut Hold)) -> bool {
        let hold = self.by_id.get_mut(id).unwrap_or_else(|| panic!("an event of {id:?}, which is not held"));
        let age = hold.age;
        change(hold);
        if hold.phase != Phase::Active
            && let Age::Due(due) = age
        {
            hold.age = Age::Timeless;
            let was_due = self.deadlines.remove(&(due, id.clone()));
            assert!(was_due, "an active hold with a deadline stands among the deadlines");
        }
        let over = !matches!(age, Age::Over(_)) && hold.is_over(id, digital);
        if over {
            hold.age = Age::Over(time);
        }
        over
    }

    /// Forgets a hold that has been over since `time`; another one under its id stays.
    pub fn forget(&mut self, id: &HoldId, time: Timestamp) {
        if self.by_id.get(id).is_some_and(|hold| hold.age == Age::Over(time)) {
            self.by_id.remove(id);
        }
    }

    /// The deadlines, earliest first.
    pub fn deadlines(&self) -> impl Iterator<Item = &(Timestamp, HoldId)> {
        self.deadlines.iter()
    }

    /// The earliest deadline.
    pub fn due(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(due, _)| *due)
    }
}

impl Serialize for Holds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Holds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut by_id = ById::deserialize(deserializer)?;
        if planted::bug!("ids-forgotten-at-recovery") {
            let over = by_id.unordered().filter(|(_, hold)| matches!(hold.age, Age::Over(_)));
            let over: Vec<HoldId> = over.map(|(id, _)| id.clone()).collect();
            over.iter().for_each(|id| by_id.remove(id));
        }
        // The set has an order of its own: the map's does not show.
        let deadlines = by_id.unordered().filter_map(|(id, hold)| match hold.age {
            Age::Due(due) => Some((due, id.clone())),
            Age::Timeless | Age::Over(_) => None,
        });
        Ok(Self { deadlines: deadlines.collect(), by_id })
    }
}
