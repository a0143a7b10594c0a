//! Which of a hold's ordered units a cancellation or a shipment takes.

use super::{
    Item,
    holds::Hold,
    tally::{Buckets, Tally, take},
};
use schemas::{LocationId, Quantity, SubOrderId, item::SubOrderQuantity};
use std::collections::BTreeMap;

/// Ordered units that are taken, and the numbers without them.
pub(super) struct Taking<'a> {
    item: &'a Item,
    hold: &'a Hold,
    /// Units that are still to be taken.
    wanted: u32,
    pub tally: Tally,
    /// The locations that it touches, after it.
    pub places: BTreeMap<&'a LocationId, Buckets>,
    /// Units of allocations, by number.
    pub taken: BTreeMap<u64, u32>,
    /// The same as events name them, in the order in which they were taken.
    pub allocated: Vec<SubOrderQuantity>,
    /// Units that were bound to no location.
    pub committed: u32,
}

impl<'a> Taking<'a> {
    /// Takes `wanted` units, no more than are open: of these allocations, then committed ones, then others, the newest
    /// first.
    pub fn new(
        item: &'a Item,
        tally: Tally,
        hold: &'a Hold,
        wanted: u32,
        named: impl Iterator<Item = (&'a SubOrderId, u32)>,
    ) -> Self {
        let mut taking = Self {
            item,
            hold,
            wanted,
            tally,
            places: BTreeMap::new(),
            taken: BTreeMap::new(),
            allocated: Vec::new(),
            committed: 0,
        };
        for (sub_order, units) in named {
            taking.take_allocation(sub_order, units);
        }
        taking.take_committed();
        for allocation in hold.allocations().iter().rev() {
            taking.take_allocation(&allocation.sub_order, u32::MAX);
        }
        taking
    }

    fn take_committed(&mut self) {
        self.committed = self.hold.committed.min(self.wanted);
        self.wanted -= self.committed;
        take(&mut self.tally.committed, self.item.counted(self.committed));
    }

    fn take_allocation(&mut self, sub_order: &SubOrderId, at_most: u32) {
        let Some(allocation) = self.hold.allocation(sub_order) else { return };
        let Some((location, place)) = self.item.places.get_key_value(&allocation.location) else { return };
        let before = self.taken.get(&allocation.number).copied().unwrap_or(0);
        let open = place.allocations.get(&allocation.number).map_or(0, |slot| slot.units) - before;
        let Ok(quantity) = Quantity::new(open.min(at_most).min(self.wanted)) else { return };
        self.wanted -= quantity.get();
        take(&mut self.tally.allocated, quantity.units());
        let buckets = self.places.entry(location).or_insert(place.buckets);
        take(&mut buckets.allocated, quantity.units());
        *self.taken.entry(allocation.number).or_default() += quantity.get();
        match self.allocated.iter_mut().find(|taken| taken.sub_order == *sub_order) {
            Some(taken) => {
                taken.quantity = Quantity::new(taken.quantity.get() + quantity.get())
                    .expect("no more is taken of an allocation than it has");
            }
            None => self.allocated.push(SubOrderQuantity { sub_order: sub_order.clone(), quantity }),
        }
    }
}
