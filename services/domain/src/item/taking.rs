//! Which of a hold's ordered units a cancellation or a shipment takes.

use super::{
    Item,
    holds::Hold,
    tally::{Buckets, Tally, take},
    transfers::TransferKey,
};
use schemas::{
    EffectId, LocationId, Quantity, SubOrderId,
    item::{ForwardedQuantity, HoldId, SubOrderQuantity, Uncommit},
};
use std::collections::BTreeMap;

/// Ordered units that are taken, and the numbers without them.
pub(super) struct Taking<'a> {
    item: &'a Item,
    id: &'a HoldId,
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
    /// Units that are on their way to another warehouse.
    pub forwarded: Vec<ForwardedQuantity>,
}

impl<'a> Taking<'a> {
    fn nothing(item: &'a Item, tally: Tally, (id, hold): (&'a HoldId, &'a Hold), wanted: u32) -> Self {
        Self {
            item,
            id,
            hold,
            wanted,
            tally,
            places: BTreeMap::new(),
            taken: BTreeMap::new(),
            allocated: Vec::new(),
            committed: 0,
            forwarded: Vec::new(),
        }
    }

    /// Takes the units of a cancellation, no more than are open: of the allocations and the shipments that it names; then
    /// committed ones, then other allocations, then others on the way, newest first.
    ///
    /// What is on the way is named apart: one sub-order may have a line of the item there and another allocated.
    pub fn given_up(item: &'a Item, (id, hold): (&'a HoldId, &'a Hold), c: &Uncommit) -> Self {
        let mut taking = Self::nothing(item, item.tally, (id, hold), c.quantity.get().min(hold.open()));
        for SubOrderQuantity { sub_order, quantity } in &c.from {
            taking.take_allocation(sub_order, quantity.get());
        }
        for ForwardedQuantity { shipment, quantity } in &c.forwarded {
            taking.take_forwards(Some(shipment), quantity.get());
        }
        taking.take_rest();
        taking
    }

    /// Takes `wanted` units, no more than are open, that leave a location: the sub-order's allocation, then as a
    /// cancellation does that names nothing. What is on its way already is the last to have left from here.
    pub fn leaving(
        item: &'a Item,
        tally: Tally,
        hold: (&'a HoldId, &'a Hold),
        wanted: u32,
        sub_order: Option<&SubOrderId>,
    ) -> Self {
        let mut taking = Self::nothing(item, tally, hold, wanted);
        if let Some(sub_order) = sub_order {
            taking.take_allocation(sub_order, wanted);
        }
        taking.take_rest();
        taking
    }

    fn take_rest(&mut self) {
        self.take_committed();
        for allocation in self.hold.allocations().iter().rev() {
            self.take_allocation(&allocation.sub_order, u32::MAX);
        }
        self.take_forwards(None, u32::MAX);
    }

    /// How many were taken.
    pub fn units(&self) -> u32 {
        let allocated: u32 = self.allocated.iter().map(|part| part.quantity.get()).sum();
        let forwarded: u32 = self.forwarded.iter().map(|part| part.quantity.get()).sum();
        self.committed + allocated + forwarded
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

    /// Takes units that are on their way, of one shipment or of any.
    fn take_forwards(&mut self, of: Option<&EffectId>, mut at_most: u32) {
        for shipment in self.hold.forwards().iter().rev().filter(|shipment| of.is_none_or(|of| of == *shipment)) {
            let Some(transfer) = self.item.transfers.get(&TransferKey::of_hold(self.id, shipment)) else { continue };
            let Some((location, place)) = self.item.places.get_key_value(&transfer.to) else { continue };
            let known = self.forwarded.iter().position(|taken| taken.shipment == *shipment);
            let before = known.map_or(0, |n| self.forwarded[n].quantity.get());
            let open = transfer.ordered - before;
            let Ok(quantity) = Quantity::new(open.min(at_most).min(self.wanted)) else { continue };
            self.wanted -= quantity.get();
            at_most -= quantity.get();
            let buckets = self.places.entry(location).or_insert(place.buckets);
            take(&mut buckets.forwarded, quantity.units());
            let sum = Quantity::new(before + quantity.get()).expect("no more is taken than is on the way");
            let taken = ForwardedQuantity { shipment: shipment.clone(), quantity: sum };
            match known {
                Some(n) => self.forwarded[n] = taken,
                None => self.forwarded.push(taken),
            }
        }
    }
}
