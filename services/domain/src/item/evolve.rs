//! The one path that builds the state of an item: an event is a fact, and a broken invariant is a bug.
//!
//! S1: no number falls below zero (see [`super::tally::take`]). S2: no grant leaves less than nothing to sell.
//! S3: each hold gives back and ships no more than it has. S4: what is on hand is what came, less what went, and what is
//! on the way is what was sent and has neither come nor been written off.
//! S5: an id that is not over is not granted again. And the levels that an event carries are the state's.

use super::{
    Allotment, Item,
    effects::{EffectKey, Outcome, Over, Recorded},
    holds::{Age, Details, Hold, Phase},
    tally::{signed, take},
};
use crate::Policy;
use schemas::{
    AllotmentId, Digest, Effect, Timestamp,
    item::{
        AllotmentReturned, AllotmentVoided, AllottedCommitted, HoldId, ItemDelisted, ItemEvent, ItemListed,
        PriceChanged, SafetySet, ShortfallDetected, SourceVersion, StockLevels, UnitsAllotted,
    },
};

/// Applies an event that happened at `time`.
///
/// # Panics
/// If it breaks an invariant, or its levels are not the state's.
pub fn evolve(item: &mut Item, event: &ItemEvent, time: Timestamp, policy: &Policy) {
    match event {
        ItemEvent::ItemListed(e) => item.listed(e, time),
        ItemEvent::PriceChanged(e) => item.priced(e),
        ItemEvent::ItemDelisted(e) => item.delisted(e),
        ItemEvent::StockReceived(e) => item.received(e, time),
        ItemEvent::StockCounted(e) => item.stock_counted(e, time),
        ItemEvent::StockMoved(e) => item.moved(e, time),
        ItemEvent::StockDispatched(e) => item.dispatched(e, time),
        ItemEvent::TransferReceived(e) => item.transfer_received(e, time),
        ItemEvent::TransferLost(e) => item.transfer_lost(e, time),
        ItemEvent::HoldGranted(e) => item.granted(e, time, policy),
        ItemEvent::HoldCommitted(e) => item.hold_committed(e, time),
        ItemEvent::HoldReleased(e) => item.released(e, time),
        ItemEvent::HoldExpired(e) => item.expired(e, time),
        ItemEvent::UnitsUncommitted(e) => item.uncommitted(e, time),
        ItemEvent::UnitsAllocated(e) => item.allocated(e, time),
        ItemEvent::UnitsDeallocated(e) => item.deallocated(e, time),
        ItemEvent::StockShipped(e) => item.shipped(e, time),
        ItemEvent::StockRestocked(e) => item.restocked(e, time),
        ItemEvent::HoldClosed(e) => item.hold_closed(e, time),
        ItemEvent::UnitsAllotted(e) => item.allotted(e),
        ItemEvent::AllotmentVoided(e) => item.allotment_voided(e, time),
        ItemEvent::AllotmentReturned(e) => item.allotment_returned(e, time),
        ItemEvent::AllottedCommitted(e) => item.allotted_committed(e),
        ItemEvent::SafetySet(e) => item.safety_set(e),
        ItemEvent::ShortfallDetected(e) => item.shortfall(e),
        ItemEvent::SupplyRecorded(e) => item.supply_recorded(e, time),
    }
    item.forget(time, policy);
}

impl Item {
    /// The levels after an event are those that it tells, and what is on hand adds up.
    #[track_caller]
    pub(super) fn check_levels(&self, told: &StockLevels) {
        assert_eq!(&self.tally.levels(), told, "an event's levels are the state's");
        assert_eq!(signed(self.tally.on_hand()), self.turnover.on_hand(), "S4: on hand is what came less what went");
        assert_eq!(self.tally.incoming, self.turnover.on_the_way(), "S4: on the way is what was sent and has not come");
    }

    /// Remembers an effect with what its command was answered.
    pub(super) fn remember(&mut self, key: EffectKey, effect: &Effect, quantity: u64, outcome: Outcome, at: Timestamp) {
        self.effects.insert(key, Recorded { digest: effect.digest, quantity, outcome, at });
    }

    /// As [`Self::remember`], of a cancellation: its id is its own content.
    pub(super) fn remember_cancellation(&mut self, key: EffectKey, quantity: u32, at: Timestamp) {
        let recorded =
            Recorded { digest: Digest::default(), quantity: u64::from(quantity), outcome: Outcome::Done, at };
        self.effects.insert(key, recorded);
    }

    /// Changes a hold, and notes when that was the last thing to happen to it.
    pub(super) fn change_hold(&mut self, id: &HoldId, time: Timestamp, change: impl FnOnce(&mut Hold)) {
        let digital = self.is_digital();
        if self.holds.change(id, time, digital, change) {
            self.effects.hold_is_over(id, time);
        }
    }

    /// Adds a hold; one that is over from the start is noted as such.
    pub(super) fn add_hold(&mut self, id: &HoldId, hold: Hold) {
        if let Age::Over(time) = hold.age {
            self.effects.hold_is_over(id, time);
        }
        self.holds.insert(id, hold);
    }

    pub(super) fn lend(&mut self, allotment: &AllotmentId, units: u64) {
        let allotment = self.allotments.get_mut(allotment).expect("units go into an allotment that exists");
        allotment.units += units;
    }

    /// Lets go of what has been over for as long as ids are kept, a little with every event.
    fn forget(&mut self, time: Timestamp, policy: &Policy) {
        let before = time.plus_millis(-i64::from(policy.retention_seconds) * 1_000);
        let Self { effects, holds, transfers, voided, .. } = self;
        effects.forget(before, |over, since| match over {
            Over::Hold(id) => holds.forget(id, since),
            Over::Transfer(key) => {
                if transfers.get(key).is_some_and(|transfer| transfer.over == Some(since)) {
                    transfers.remove(key);
                }
            }
            Over::Voided(allotment) => {
                voided.remove(allotment);
            }
            Over::Effect(_) => {}
        });
    }

    fn listed(&mut self, e: &ItemListed, time: Timestamp) {
        self.at_version(e.catalog_version);
        if let Some(catalog) = &self.catalog {
            assert_eq!(catalog.kind, e.catalog.kind, "the kind of an item never changes");
        }
        self.catalog = Some(e.catalog.clone());
        self.listed = true;
        self.know(e.source.as_ref());
        if let Some(effect) = &e.effect {
            let outcome = Outcome::Catalog(e.catalog_version);
            self.remember(EffectKey::Patch(effect.id.clone()), effect, 0, outcome, time);
        }
    }

    fn priced(&mut self, e: &PriceChanged) {
        self.at_version(e.catalog_version);
        assert_eq!(self.price, e.previous, "the price before is the state's");
        self.price = Some(e.price);
    }

    fn delisted(&mut self, e: &ItemDelisted) {
        self.at_version(e.catalog_version);
        assert!(self.catalog.is_some(), "what is delisted was listed");
        self.listed = false;
        self.know(e.source.as_ref());
    }

    /// The events of one command share a version, and each command's is at most one more.
    fn at_version(&mut self, version: u64) {
        assert!(version >= self.version, "the catalog version never falls");
        assert!(version <= self.version + 1, "the catalog version rises by one");
        self.version = version;
    }

    fn know(&mut self, source: Option<&SourceVersion>) {
        if let Some(source) = source {
            let known = self.sources.insert(source.source.clone(), source.version);
            assert!(known.is_none_or(|known| known < source.version), "only a newer version of a source applies");
        }
    }

    fn allotted(&mut self, e: &UnitsAllotted) {
        self.tally.allotted += e.quantity.units();
        assert!(self.tally.available() >= 0, "S2: nothing is lent that is not there");
        self.check_levels(&e.stock);
        let allotment = Allotment { drop: e.drop.clone(), quantity: e.quantity.get(), units: e.quantity.units() };
        let before = self.allotments.insert(e.allotment.clone(), allotment);
        assert!(before.is_none(), "S5: {:?} is lent twice", e.allotment);
    }

    fn allotment_voided(&mut self, e: &AllotmentVoided, time: Timestamp) {
        assert!(!self.allotments.contains_key(&e.allotment), "what is lent is given back, not voided");
        self.voided.insert(e.allotment.clone());
        self.effects.allotment_is_void(&e.allotment, time);
    }

    fn allotment_returned(&mut self, e: &AllotmentReturned, time: Timestamp) {
        self.give_back(&e.allotment, e.quantity.units());
        take(&mut self.tally.allotted, e.quantity.units());
        self.check_levels(&e.stock);
        let outcome = Outcome::Stock(e.stock.available, e.stock.on_hand);
        self.remember(EffectKey::ReturnAllotment(e.effect.id.clone()), &e.effect, e.quantity.units(), outcome, time);
    }

    fn allotted_committed(&mut self, e: &AllottedCommitted) {
        self.give_back(&e.allotment, e.quantity.units());
        take(&mut self.tally.allotted, e.quantity.units());
        self.tally.committed += e.quantity.units();
        self.check_levels(&e.stock);
        let mut hold = Hold::new(Phase::Committed, e.quantity.get());
        hold.committed = e.quantity.get();
        if e.order_id.is_some() {
            hold.details = Some(Box::new(Details { order: e.order_id.clone(), ..Details::default() }));
        }
        self.add_hold(&e.hold, hold);
    }

    fn give_back(&mut self, allotment: &AllotmentId, units: u64) {
        let allotment = self.allotments.get_mut(allotment).expect("units come from an allotment that exists");
        take(&mut allotment.units, units);
    }

    fn safety_set(&mut self, e: &SafetySet) {
        assert_eq!(self.tally.safety, u64::from(e.previous), "the safety before is the state's");
        self.tally.safety = u64::from(e.quantity);
        self.check_levels(&e.stock);
    }

    fn shortfall(&self, e: &ShortfallDetected) {
        assert_eq!(-signed(e.missing), self.tally.available(), "a shortfall is what is below zero");
        self.check_levels(&e.stock);
    }
}
