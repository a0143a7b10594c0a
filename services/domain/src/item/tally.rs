//! The numbers of an item: running totals and the buckets of its locations.
//!
//! `decide` reckons on a copy what `evolve` does to the state; both use these few steps, so that neither sums anything.

use schemas::{
    LocationId,
    item::{Bucket, LocationLevels, StockLevels},
};
use serde::{Deserialize, Serialize};

/// The most units that lie at one location.
pub(super) const MAX_PER_LOCATION: u64 = 1_000_000_000;
/// The most locations of one item.
pub(super) const MAX_LOCATIONS: usize = 1_000;

/// What an item has over all locations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Σ sellable.
    pub sellable: u64,
    /// Σ damaged and in quality control.
    pub unsellable: u64,
    /// Σ allocated; inside sellable.
    pub allocated: u64,
    /// Σ incoming: on the way between locations, and nowhere to sell.
    pub incoming: u64,
    /// Reserved by active holds.
    pub held: u64,
    /// Ordered, not yet bound to a location.
    pub committed: u64,
    /// Lent to drops.
    pub allotted: u64,
    /// Kept back from sale.
    pub safety: u64,
}

/// Takes `units` out of a total. S1: what would fall below zero is a bug, in `decide` and in `evolve`.
#[track_caller]
pub(super) fn take(total: &mut u64, units: u64) {
    *total = total.checked_sub(units).expect("S1: no count falls below zero");
}

/// As [`take`], for the units of one hold.
#[track_caller]
pub(super) fn take_units(total: &mut u32, units: u32) {
    *total = total.checked_sub(units).expect("S1: no hold gives more units than it has");
}

impl Tally {
    /// ATS = Σ sellable − Σ allocated − committed − held − allotted − safety (design, section 5.1).
    pub fn available(self) -> i64 {
        let safety = if planted::bug!("safety-sold") { 0 } else { self.safety };
        let promised = self.allocated + self.committed + self.held + self.allotted + safety;
        signed(self.sellable) - signed(promised)
    }

    /// What can be sold: [`Self::available`], and zero where that is below.
    pub fn sellable_now(self) -> u64 {
        u64::try_from(self.available()).unwrap_or(0)
    }

    /// As an event carries it.
    pub fn levels(self) -> StockLevels {
        StockLevels {
            available: self.available(),
            on_hand: self.on_hand(),
            held: self.held,
            committed: self.committed,
            allotted: self.allotted,
            safety: self.safety,
        }
    }

    /// Sellable, damaged and in quality control.
    pub const fn on_hand(self) -> u64 {
        self.sellable + self.unsellable
    }

    /// The total that a bucket counts into.
    pub fn of_bucket(&mut self, bucket: Bucket) -> &mut u64 {
        match bucket {
            Bucket::Sellable => &mut self.sellable,
            Bucket::Damaged | Bucket::QualityControl => &mut self.unsellable,
        }
    }
}

/// A count as a signed number: counts are bounded far below 2^53.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).expect("counts stay below 2^53")
}

/// What lies at one location.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buckets {
    pub sellable: u64,
    pub damaged: u64,
    pub quality_control: u64,
    pub allocated: u64,
    pub incoming: u64,
    /// Ordered; inside incoming.
    pub forwarded: u64,
}

impl Buckets {
    /// One bucket.
    pub fn of(&mut self, bucket: Bucket) -> &mut u64 {
        match bucket {
            Bucket::Sellable => &mut self.sellable,
            Bucket::Damaged => &mut self.damaged,
            Bucket::QualityControl => &mut self.quality_control,
        }
    }

    /// All units that are there.
    pub const fn on_hand(self) -> u64 {
        self.sellable + self.damaged + self.quality_control
    }

    /// Sellable units that no sub-order has.
    pub const fn unallocated(self) -> u64 {
        self.sellable.saturating_sub(self.allocated)
    }

    /// As an event carries it.
    pub fn levels(self, location: &LocationId) -> LocationLevels {
        LocationLevels {
            location: location.clone(),
            sellable: self.sellable,
            damaged: self.damaged,
            quality_control: self.quality_control,
            allocated: self.allocated,
            incoming: self.incoming,
            forwarded: self.forwarded,
        }
    }
}

/// Everything that ever changed what is on hand: S4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turnover {
    pub received: u64,
    pub restocked: u64,
    pub counted: i64,
    pub shipped: u64,
    pub dispatched: u64,
    pub arrived: u64,
    pub lost: u64,
}

impl Turnover {
    /// What must be on hand.
    pub fn on_hand(self) -> i64 {
        let came = signed(self.received) + signed(self.restocked) + signed(self.arrived) + self.counted;
        came - signed(self.shipped) - signed(self.dispatched)
    }

    /// What must be on the way.
    pub const fn on_the_way(self) -> u64 {
        self.dispatched - self.arrived - self.lost
    }
}
