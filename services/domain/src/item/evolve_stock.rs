//! What the events of stock and its locations do to the state.

use super::{
    Item, Place, Slot,
    effects::{EffectKey, Outcome},
    evolve_holds::Taken,
    holds::{Allocation, Phase},
    tally::{signed, take, take_units},
    trail::Booking,
};
use schemas::{
    LocationId, Quantity, SubOrderId, Timestamp,
    item::{
        Bucket, HoldId, LocationLevels, StockCounted, StockLevels, StockMoved, StockReceived, StockRestocked,
        StockShipped, UnitsAllocated, UnitsDeallocated,
    },
};

const fn outcome(stock: &StockLevels) -> Outcome {
    Outcome::Stock(stock.available, stock.on_hand)
}

impl Item {
    /// The levels of a location after an event are those that it tells.
    #[track_caller]
    pub(super) fn check_place(&self, told: &LocationLevels) {
        let buckets = self.buckets(&told.location);
        assert_eq!(&buckets.levels(&told.location), told, "an event's levels of a location are the state's");
    }

    pub(super) fn place(&mut self, location: &LocationId) -> &mut Place {
        // An entry would clone the id every time.
        if !self.places.contains_key(location) {
            self.places.insert(location.clone(), Place::default());
        }
        self.places.get_mut(location).expect("it was just made")
    }

    pub(super) fn received(&mut self, e: &StockReceived, time: Timestamp) {
        let units = e.quantity.units();
        self.place(&e.place.location).buckets.sellable += units;
        self.tally.sellable += units;
        self.turnover.received += units;
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        if e.feed.is_some() {
            // The statement is what is remembered.
            return;
        }
        self.book(&e.place.location, time, Booking::Units(signed(units)));
        self.remember(EffectKey::Receive(e.effect.id.clone()), &e.effect, units, outcome(&e.stock), time);
    }

    pub(super) fn stock_counted(&mut self, e: &StockCounted, time: Timestamp) {
        let buckets = &mut self.place(&e.place.location).buckets;
        let (more, fewer) = if e.delta < 0 { (0, e.delta.unsigned_abs()) } else { (e.delta.unsigned_abs(), 0) };
        take(&mut buckets.sellable, fewer);
        buckets.sellable += more;
        take(&mut self.tally.sellable, fewer);
        self.tally.sellable += more;
        self.turnover.counted += e.delta;
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        if e.feed.is_some() {
            let lies_there = self.place(&e.place.location).trail.units();
            assert_eq!(
                e.place.sellable, lies_there,
                "a supplier's statement leaves what all statements and bookings make"
            );
            return;
        }
        if e.shipment_of.is_none() {
            self.book(&e.place.location, time, Booking::Counted(e.place.sellable));
            let counted = e.place.sellable;
            self.remember(EffectKey::Count(e.effect.id.clone()), &e.effect, counted, outcome(&e.stock), time);
        }
    }

    pub(super) fn moved(&mut self, e: &StockMoved, time: Timestamp) {
        let units = e.quantity.units();
        let buckets = &mut self.place(&e.place.location).buckets;
        take(buckets.of(e.from), units);
        *buckets.of(e.to) += units;
        take(self.tally.of_bucket(e.from), units);
        *self.tally.of_bucket(e.to) += units;
        let change = i64::from(e.to == Bucket::Sellable) - i64::from(e.from == Bucket::Sellable);
        if change != 0 {
            self.book(&e.place.location, time, Booking::Units(change * signed(units)));
        }
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        self.remember(EffectKey::Move(e.effect.id.clone()), &e.effect, units, outcome(&e.stock), time);
    }

    pub(super) fn allocated(&mut self, e: &UnitsAllocated, time: Timestamp) {
        let location = &e.place.location;
        let before = self.holds.get(&e.hold).and_then(|hold| hold.allocation(&e.sub_order));
        let asked = if e.shipment.is_some() { 0 } else { e.quantity.get() };
        if let Some(before) = before {
            assert_eq!(before.location, *location, "a sub-order is allocated at one location");
            assert!(asked == 0 || before.quantity == 0, "S5: {:?} is allocated twice", e.sub_order);
        }
        // What comes to an allocation is as old as it.
        let number = before.map_or(self.allocations + 1, |before| before.number);
        self.allocations = self.allocations.max(number);
        take(&mut self.tally.committed, e.quantity.units());
        self.tally.allocated += e.quantity.units();
        let slot = Slot { hold: e.hold.clone(), sub_order: e.sub_order.clone(), units: 0 };
        let place = self.place(location);
        place.buckets.allocated += e.quantity.units();
        assert!(place.buckets.allocated <= place.buckets.sellable, "S1: allocated units lie there");
        place.allocations.entry(number).or_insert(slot).units += e.quantity.get();
        self.change_hold(&e.hold, time, |hold| {
            assert_eq!(hold.phase, Phase::Committed, "S3: only ordered units are allocated");
            take_units(&mut hold.committed, e.quantity.get());
            hold.allocated += e.quantity.get();
            let allocations = &mut hold.details.get_or_insert_default().allocations;
            match allocations.iter_mut().find(|known| known.sub_order == e.sub_order) {
                Some(known) => known.quantity += asked,
                None => {
                    let (sub_order, location) = (e.sub_order.clone(), location.clone());
                    allocations.push(Allocation { sub_order, location, number, quantity: asked });
                }
            }
        });
        self.check_levels(&e.stock);
        self.check_place(&e.place);
    }

    pub(super) fn deallocated(&mut self, e: &UnitsDeallocated, time: Timestamp) {
        self.unbind(&e.hold, &e.sub_order, e.quantity);
        self.tally.committed += e.quantity.units();
        self.change_hold(&e.hold, time, |hold| {
            take_units(&mut hold.allocated, e.quantity.get());
            hold.committed += e.quantity.get();
        });
        self.check_levels(&e.stock);
        self.check_place(&e.place);
    }

    /// Takes units out of an allocation, at its location and in the totals; not yet out of the hold.
    pub(super) fn unbind(&mut self, hold: &HoldId, sub_order: &SubOrderId, quantity: Quantity) {
        let held = self.holds.get(hold).expect("allocated units belong to a hold");
        let allocation = held.allocation(sub_order).expect("allocated units belong to an allocation");
        let place = self.places.get_mut(&allocation.location).expect("an allocation lies at a location");
        let slot = place.allocations.get_mut(&allocation.number).expect("an allocation with units is open");
        take_units(&mut slot.units, quantity.get());
        if slot.units == 0 {
            place.allocations.remove(&allocation.number);
        }
        take(&mut place.buckets.allocated, quantity.units());
        take(&mut self.tally.allocated, quantity.units());
    }

    pub(super) fn shipped(&mut self, e: &StockShipped, time: Timestamp) {
        let taken = Taken { hold: &e.hold, committed: e.committed, allocated: &e.allocated, forwarded: &e.forwarded };
        let units = self.take_ordered(&taken, time, |hold, units| {
            hold.shipped += units;
            assert!(hold.open() + hold.shipped <= hold.quantity, "S3: no more leaves than was granted");
        });
        assert_eq!(units, e.quantity.get(), "S3: what left was ordered");
        let from = &e.places.first().expect("units left a location").location;
        take(&mut self.place(from).buckets.sellable, e.quantity.units());
        take(&mut self.tally.sellable, e.quantity.units());
        self.turnover.shipped += e.quantity.units();
        self.book(from, time, Booking::Units(-signed(e.quantity.units())));
        self.check_levels(&e.stock);
        for place in &e.places {
            self.check_place(place);
        }
        let key = EffectKey::Ship(e.hold.clone(), e.effect.id.clone());
        self.remember(key, &e.effect, e.quantity.units(), Outcome::Done, time);
    }

    pub(super) fn restocked(&mut self, e: &StockRestocked, time: Timestamp) {
        let units = e.quantity.units();
        *self.place(&e.place.location).buckets.of(e.condition) += units;
        *self.tally.of_bucket(e.condition) += units;
        self.turnover.restocked += units;
        if e.condition == Bucket::Sellable {
            self.book(&e.place.location, time, Booking::Units(signed(units)));
        }
        // Of a hold that was closed and has left its order has reckoned.
        if self.holds.get(&e.hold).is_some() {
            self.change_hold(&e.hold, time, |hold| {
                hold.returned += e.quantity.get();
                assert!(hold.returned <= hold.shipped, "S5: no more comes back than left");
            });
        }
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        let key = EffectKey::Restock(e.hold.clone(), e.effect.id.clone());
        self.remember(key, &e.effect, units, outcome(&e.stock), time);
    }
}
