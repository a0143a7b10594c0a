//! What a supplier's statement does to the state, and what is booked here does to what is known by time.

use super::{
    Item,
    effects::{EffectKey, Outcome},
    trail::Booking,
};
use schemas::{
    LocationId, Timestamp,
    item::{Supply, SupplyFact, SupplyRecorded},
};

impl Item {
    pub(super) fn supply_recorded(&mut self, e: &SupplyRecorded, time: Timestamp) {
        let SupplyRecorded { effect, source, sequence, at, said } = e.clone();
        let said = Supply { effect, source, sequence, at, said };
        self.feeds.hear(&said);
        match &e.said {
            SupplyFact::Listed { .. } | SupplyFact::PriceChanged { .. } | SupplyFact::Delisted => {}
            SupplyFact::StockReported { location, counted } => self.place(location).trail.report(&said, *counted),
            SupplyFact::StockReceived { location, quantity, .. } => {
                self.place(location).trail.receive(&said, quantity.get());
            }
        }
        self.remember(EffectKey::Supply(e.effect.id.clone()), &e.effect, 0, Outcome::Done, time);
    }

    /// Books units that no supplier told of.
    pub(super) fn book(&mut self, location: &LocationId, now: Timestamp, booking: Booking) {
        self.place(location).trail.book(now, booking);
    }
}
