//! The units of a drop, by item. What an item lent is remaining, held, sold, or was given back.

use schemas::{
    Quantity,
    drop::{DropStatus, DropTerms, ItemPool, PoolLevels},
};
use serde::{Deserialize, Serialize};

/// The units of one item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pool {
    pub levels: PoolLevels,
    /// Units that the item has back.
    pub returned: u32,
}

/// Takes units out of a number. What would fall below zero is a bug, in `decide` and in `evolve`.
#[track_caller]
fn take(total: &mut u32, units: Quantity) {
    *total = total.checked_sub(units.get()).expect("no pool gives more units than it has");
}

impl Pool {
    /// All units, as the item lends them.
    pub fn lent(quantity: Quantity) -> Self {
        Self { levels: PoolLevels { remaining: quantity.get(), ..PoolLevels::default() }, returned: 0 }
    }

    /// What the item lent.
    pub fn total(&self) -> u64 {
        let PoolLevels { remaining, held, sold } = self.levels;
        [remaining, held, sold, self.returned].into_iter().map(u64::from).sum()
    }

    /// Units are claimed.
    pub fn claim(&mut self, units: Quantity) {
        take(&mut self.levels.remaining, units);
        self.levels.held += units.get();
    }

    /// Claimed units are bought.
    pub fn commit(&mut self, units: Quantity) {
        take(&mut self.levels.held, units);
        self.levels.sold += units.get();
    }

    /// Claimed units were not paid for: they are free again, or the item's.
    pub fn release(&mut self, units: Quantity, to_item: bool) {
        take(&mut self.levels.held, units);
        self.come_back(units, to_item);
    }

    /// Bought units were cancelled: they are free again, or the item's.
    pub fn uncommit(&mut self, units: Quantity, to_item: bool) {
        take(&mut self.levels.sold, units);
        self.come_back(units, to_item);
    }

    fn come_back(&mut self, units: Quantity, to_item: bool) {
        *(if to_item { &mut self.returned } else { &mut self.levels.remaining }) += units.get();
    }

    /// What nobody claimed goes back to the item; how many that is.
    pub fn give_back(&mut self) -> Option<Quantity> {
        let units = std::mem::take(&mut self.levels.remaining);
        self.returned += units;
        Quantity::new(units).ok()
    }
}

/// Units that nobody has claimed, over all items.
pub(super) fn free(pools: &[Pool]) -> u64 {
    pools.iter().map(|pool| u64::from(pool.levels.remaining)).sum()
}

/// Units that are claimed and not paid for, over all items.
pub(super) fn held(pools: &[Pool]) -> u64 {
    pools.iter().map(|pool| u64::from(pool.levels.held)).sum()
}

/// The status that they make of a drop that runs.
pub(super) fn status(pools: &[Pool]) -> DropStatus {
    match (free(pools), held(pools)) {
        (0, 0) => DropStatus::SoldOut,
        (0, _) => DropStatus::AllHeld,
        (_, _) => DropStatus::Live,
    }
}

/// As events and answers carry them.
pub(super) fn shown(terms: &DropTerms, pools: &[Pool]) -> Vec<ItemPool> {
    let items = terms.items.iter().zip(pools);
    items.map(|(item, pool)| ItemPool { item_id: item.item_id.clone(), levels: pool.levels }).collect()
}
