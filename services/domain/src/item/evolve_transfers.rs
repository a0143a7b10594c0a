//! What the events of units between locations do to the state.

use super::{
    Item,
    effects::{EffectKey, Outcome, Recorded},
    evolve_holds::Taken,
    tally::{signed, take, take_units},
    trail::Booking,
    transfers::{Transfer, TransferKey},
};
use schemas::{
    LocationId, Quantity, Timestamp,
    item::{ForwardedQuantity, HoldId, StockDispatched, TransferLost, TransferReceived},
};

impl Item {
    pub(super) fn dispatched(&mut self, e: &StockDispatched, time: Timestamp) {
        let units = e.quantity.units();
        let [from, to, ..] = &e.places[..] else { panic!("units leave one location for another") };
        assert_ne!(from.location, to.location, "nothing is sent to where it is");
        let mut ordered = 0;
        if let Some(forward) = &e.forward {
            let taken = Taken {
                hold: &forward.hold,
                committed: forward.committed,
                allocated: &forward.allocated,
                forwarded: &forward.forwarded,
            };
            ordered = self.take_ordered(&taken, time, |hold, units| {
                hold.forwarded += units;
                hold.details.get_or_insert_default().forwards.push(e.effect.id.clone());
            });
        }
        assert!(ordered <= e.quantity.get(), "S3: no more is forwarded than left");
        take(&mut self.place(&from.location).buckets.sellable, units);
        take(&mut self.tally.sellable, units);
        let there = &mut self.place(&to.location).buckets;
        there.incoming += units;
        there.forwarded += u64::from(ordered);
        self.tally.incoming += units;
        self.turnover.dispatched += units;
        self.book(&from.location, time, Booking::Units(-signed(units)));
        self.check_levels(&e.stock);
        for place in &e.places {
            self.check_place(place);
        }
        let outcome = Outcome::Stock(e.stock.available, e.stock.on_hand);
        let key = TransferKey { hold: e.forward.as_ref().map(|forward| forward.hold.clone()), id: e.effect.id.clone() };
        let transfer = Transfer {
            to: to.location.clone(),
            units: e.quantity.get(),
            ordered,
            sub_orders: e.forward.as_ref().map(|forward| (forward.sub_order.clone(), forward.to_sub_order.clone())),
            recorded: Recorded { digest: e.effect.digest, quantity: units, outcome, at: time },
            over: None,
        };
        let before = self.transfers.insert(key, transfer);
        // An id may come again when it was kept for as long as another retention said.
        assert!(before.is_none_or(|before| before.over.is_some()), "S5: {:?} is sent twice", e.effect.id);
    }

    pub(super) fn transfer_received(&mut self, e: &TransferReceived, time: Timestamp) {
        let key = TransferKey { hold: e.hold.clone(), id: e.transfer.clone() };
        let is_over = self.end_on_the_way(&key, &e.place.location, e.quantity, e.ordered, time);
        self.place(&e.place.location).buckets.sellable += e.quantity.units();
        self.tally.sellable += e.quantity.units();
        self.tally.committed += u64::from(e.ordered);
        self.turnover.arrived += e.quantity.units();
        self.book(&e.place.location, time, Booking::Units(signed(e.quantity.units())));
        if let Some(hold) = e.hold.as_ref().filter(|_| e.ordered > 0) {
            self.change_hold(hold, time, |hold| {
                take_units(&mut hold.forwarded, e.ordered);
                hold.committed += e.ordered;
                if is_over {
                    hold.details.get_or_insert_default().forwards.retain(|id| *id != e.transfer);
                }
            });
        }
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        let outcome = Outcome::Stock(e.stock.available, e.stock.on_hand);
        let key = EffectKey::ReceiveTransfer(key, e.effect.id.clone());
        self.remember(key, &e.effect, e.quantity.units(), outcome, time);
    }

    pub(super) fn transfer_lost(&mut self, e: &TransferLost, time: Timestamp) {
        let key = TransferKey::of_move(&e.transfer);
        self.end_on_the_way(&key, &e.place.location, e.quantity, 0, time);
        self.turnover.lost += e.quantity.units();
        self.check_levels(&e.stock);
        self.check_place(&e.place);
        let outcome = Outcome::Stock(e.stock.available, e.stock.on_hand);
        let key = EffectKey::ReceiveTransfer(key, e.effect.id.clone());
        // One command may have told of both: then what arrived is its quantity.
        let quantity = self.effects.get(&key).map_or(e.quantity.units(), |recorded| recorded.quantity);
        self.remember(key, &e.effect, quantity, outcome, time);
    }

    /// Takes units out of what is on the way to a location; whether that was the last of the transfer.
    fn end_on_the_way(
        &mut self,
        key: &TransferKey,
        location: &LocationId,
        quantity: Quantity,
        ordered: u32,
        time: Timestamp,
    ) -> bool {
        let transfer = self.transfers.get_mut(key).expect("what arrives was sent");
        assert_eq!(transfer.to, *location, "units arrive where they were sent");
        take_units(&mut transfer.units, quantity.get());
        take_units(&mut transfer.ordered, ordered);
        assert!(transfer.ordered <= transfer.units, "S3: what is ordered on the way is on the way");
        let is_over = transfer.units == 0;
        if is_over {
            transfer.over = Some(time);
            self.effects.transfer_is_over(key, time);
        }
        let there = &mut self.place(location).buckets;
        take(&mut there.incoming, quantity.units());
        take(&mut there.forwarded, u64::from(ordered));
        take(&mut self.tally.incoming, quantity.units());
        is_over
    }

    /// Takes ordered units out of a shipment that is on its way: they arrive as anybody's. Not yet out of the hold.
    pub(super) fn unforward(&mut self, hold: &HoldId, part: &ForwardedQuantity) {
        let transfer = self.transfers.get_mut(&TransferKey::of_hold(hold, &part.shipment));
        let transfer = transfer.expect("forwarded units belong to a shipment");
        take_units(&mut transfer.ordered, part.quantity.get());
        let to = transfer.to.clone();
        take(&mut self.place(&to).buckets.forwarded, part.quantity.units());
    }
}
