//! An item reckoned naively: facts are kept one by one and summed anew each time. It shares no step with the item.

use schemas::{
    AllotmentId, EffectId, LocationId, SubOrderId,
    item::{Bucket, ForwardedQuantity, HoldId, ItemEvent, LocationLevels, StockLevels, SubOrderQuantity},
};
use std::collections::{BTreeMap, BTreeSet};

/// Units of a hold, by what became of them.
#[derive(Debug, Default)]
pub struct Units {
    pub granted: i64,
    pub held: i64,
    pub committed: i64,
    pub allocated: BTreeMap<SubOrderId, (LocationId, i64)>,
    pub forwarded: i64,
    pub shipped: i64,
    pub returned: i64,
    pub given_back: i64,
}

fn units(quantity: schemas::Quantity) -> i64 {
    i64::from(quantity.get())
}

/// Units that left for another location and have neither come nor been written off.
#[derive(Debug)]
struct OnTheWay {
    to: LocationId,
    units: i64,
    ordered: i64,
}

/// All facts about a physical item.
#[derive(Debug, Default)]
pub struct Model {
    /// Every change of a bucket of a location.
    changes: Vec<(LocationId, Bucket, i64)>,
    pub holds: BTreeMap<HoldId, Units>,
    on_the_way: BTreeMap<(Option<HoldId>, EffectId), OnTheWay>,
    allotments: BTreeMap<AllotmentId, i64>,
    safety: i64,
    /// Every id that changed stock: S5.
    ids: BTreeSet<String>,
    pub shortfall_on_record: bool,
}

impl Model {
    fn sum(&self, wanted: impl Fn(&LocationId, Bucket) -> bool) -> i64 {
        self.changes.iter().filter(|(at, bucket, _)| wanted(at, *bucket)).map(|(_, _, units)| units).sum()
    }

    fn of_holds(&self, part: impl Fn(&Units) -> i64) -> i64 {
        self.holds.values().map(part).sum()
    }

    fn allocated_at(&self, location: &LocationId) -> i64 {
        let at = |units: &Units| units.allocated.values().filter(|(at, _)| at == location).map(|(_, n)| n).sum::<i64>();
        self.of_holds(at)
    }

    pub fn available(&self) -> i64 {
        let allocated = self.of_holds(|units| units.allocated.values().map(|(_, n)| n).sum());
        let promised = self.of_holds(|units| units.held + units.committed);
        self.sum(|_, bucket| bucket == Bucket::Sellable)
            - allocated
            - promised
            - self.allotments.values().sum::<i64>()
            - self.safety
    }

    pub fn levels(&self) -> StockLevels {
        let unsigned = |n| u64::try_from(n).expect("S1: not below zero");
        StockLevels {
            available: self.available(),
            on_hand: unsigned(self.sum(|_, _| true)),
            held: unsigned(self.of_holds(|units| units.held)),
            committed: unsigned(self.of_holds(|units| units.committed)),
            allotted: unsigned(self.allotments.values().sum()),
            safety: unsigned(self.safety),
        }
    }

    /// What a location has, but for the units that the order of facts decides.
    pub fn place(&self, location: &LocationId) -> LocationLevels {
        let unsigned = |n| u64::try_from(n).expect("S1: not below zero");
        let bucket = |bucket| unsigned(self.sum(|at, b| at == location && b == bucket));
        let coming = |part: fn(&OnTheWay) -> i64| {
            unsigned(self.on_the_way.values().filter(|sent| sent.to == *location).map(part).sum::<i64>())
        };
        LocationLevels {
            location: location.clone(),
            sellable: bucket(Bucket::Sellable),
            damaged: bucket(Bucket::Damaged),
            quality_control: bucket(Bucket::QualityControl),
            allocated: unsigned(self.allocated_at(location)),
            incoming: coming(|sent| sent.units),
            forwarded: coming(|sent| sent.ordered),
        }
    }

    /// S1 of every bucket; allocated units lie where they are allocated; S3 of every hold.
    pub fn check(&self) {
        let locations: BTreeSet<_> = self.changes.iter().map(|(at, _, _)| at).collect();
        for location in locations {
            for bucket in [Bucket::Sellable, Bucket::Damaged, Bucket::QualityControl] {
                assert!(self.sum(|at, b| at == location && b == bucket) >= 0, "S1 {location} {bucket:?}");
            }
            let sellable = self.sum(|at, bucket| at == location && bucket == Bucket::Sellable);
            assert!(self.allocated_at(location) <= sellable, "allocated units lie at {location}");
        }
        for (id, units) in &self.holds {
            let allocated: i64 = units.allocated.values().map(|(_, n)| n).sum();
            let open = units.held + units.committed + allocated + units.forwarded;
            let sent = self.on_the_way.iter().filter(|((hold, _), _)| hold.as_ref() == Some(id));
            assert_eq!(sent.map(|(_, sent)| sent.ordered).sum::<i64>(), units.forwarded, "S3: {id:?} {units:?}");
            assert_eq!(open + units.shipped + units.given_back, units.granted, "S3: {id:?} {units:?}");
            assert!(units.returned <= units.shipped, "no more comes back than left: {id:?}");
        }
        let sound = |sent: &OnTheWay| 0 <= sent.ordered && sent.ordered <= sent.units;
        assert!(self.on_the_way.values().all(sound), "what is ordered on the way is on the way: {:?}", self.on_the_way);
        assert!(self.available() >= 0 || self.shortfall_on_record, "S2: below zero only with a shortfall on record");
    }

    fn once(&mut self, id: String) {
        assert!(self.ids.insert(id.clone()), "S5: {id} changed stock twice");
    }

    fn hold(&mut self, id: &HoldId) -> &mut Units {
        self.holds.get_mut(id).unwrap_or_else(|| panic!("{id:?} is not held"))
    }

    fn take(
        &mut self,
        id: &HoldId,
        committed: u32,
        allocated: &[SubOrderQuantity],
        forwarded: &[ForwardedQuantity],
    ) -> i64 {
        let mut back = 0;
        for part in forwarded {
            let sent = self.on_the_way.get_mut(&(Some(id.clone()), part.shipment.clone())).expect("on the way");
            sent.ordered -= units(part.quantity);
            assert!(sent.ordered >= 0, "no more is taken than is ordered on the way");
            back += units(part.quantity);
        }
        let hold = self.hold(id);
        hold.committed -= i64::from(committed);
        let mut sum = i64::from(committed);
        for taken in allocated {
            let (_, left) = hold.allocated.get_mut(&taken.sub_order).expect("allocated");
            *left -= i64::from(taken.quantity.get());
            assert!(*left >= 0, "no more is taken than is allocated");
            sum += i64::from(taken.quantity.get());
        }
        hold.forwarded -= back;
        assert!(hold.committed >= 0, "no more is taken than is committed");
        sum + back
    }

    /// Notes an event.
    pub fn note(&mut self, event: &ItemEvent) {
        match event {
            ItemEvent::StockReceived(e) => {
                self.once(format!("receive {}", e.effect.id));
                self.changes.push((e.place.location.clone(), Bucket::Sellable, units(e.quantity)));
            }
            ItemEvent::StockCounted(e) => {
                if e.shipment_of.is_none() {
                    self.once(format!("count {}", e.effect.id));
                }
                self.changes.push((e.place.location.clone(), Bucket::Sellable, e.delta));
            }
            ItemEvent::StockMoved(e) => {
                self.once(format!("move {}", e.effect.id));
                self.changes.push((e.place.location.clone(), e.from, -units(e.quantity)));
                self.changes.push((e.place.location.clone(), e.to, units(e.quantity)));
            }
            ItemEvent::StockDispatched(_) | ItemEvent::TransferReceived(_) | ItemEvent::TransferLost(_) => {
                self.note_transfer(event);
            }
            ItemEvent::UnitsAllotted(e) => {
                assert!(self.available() >= units(e.quantity), "S2: a loan needs units");
                self.once(format!("allot {}", e.allotment));
                self.allotments.insert(e.allotment.clone(), units(e.quantity));
            }
            ItemEvent::AllotmentReturned(e) => {
                self.once(format!("return {}", e.effect.id));
                *self.allotments.get_mut(&e.allotment).expect("lent") -= units(e.quantity);
            }
            ItemEvent::SafetySet(e) => self.safety = i64::from(e.quantity),
            ItemEvent::ShortfallDetected(e) => {
                assert_eq!(-self.available(), i64::try_from(e.missing).expect("small"));
                self.shortfall_on_record = true;
            }
            ItemEvent::AllotmentVoided(e) => self.once(format!("allot {}", e.allotment)),
            ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => {}
            ItemEvent::SupplyRecorded(_) => {}
            ItemEvent::HoldGranted(_)
            | ItemEvent::HoldCommitted(_)
            | ItemEvent::HoldReleased(_)
            | ItemEvent::HoldExpired(_)
            | ItemEvent::HoldClosed(_)
            | ItemEvent::AllottedCommitted(_) => self.note_hold(event),
            ItemEvent::UnitsUncommitted(_)
            | ItemEvent::UnitsAllocated(_)
            | ItemEvent::UnitsDeallocated(_)
            | ItemEvent::StockShipped(_)
            | ItemEvent::StockRestocked(_) => self.note_units(event),
        }
        assert!(self.allotments.values().all(|units| *units >= 0), "no more comes back than was lent");
    }

    /// Notes what goes from one location to another.
    fn note_transfer(&mut self, event: &ItemEvent) {
        if let ItemEvent::StockDispatched(e) = event {
            let hold = e.forward.as_ref().map(|forward| forward.hold.clone());
            self.once(format!("send {} {hold:?}", e.effect.id));
            let ordered = e.forward.as_ref().map_or(0, |forward| {
                let before = self.available();
                if forward.committed == 0 && forward.allocated.is_empty() && forward.forwarded.is_empty() {
                    return 0;
                }
                let taken = self.take(&forward.hold, forward.committed, &forward.allocated, &forward.forwarded);
                self.hold(&forward.hold).forwarded += taken;
                let elsewhere: i64 = forward.forwarded.iter().map(|part| units(part.quantity)).sum();
                assert_eq!(self.available() - before, taken - elsewhere, "nothing that was on sale is forwarded");
                taken
            });
            self.changes.push((e.places[0].location.clone(), Bucket::Sellable, -units(e.quantity)));
            let sent = OnTheWay { to: e.places[1].location.clone(), units: units(e.quantity), ordered };
            assert!(self.on_the_way.insert((hold, e.effect.id.clone()), sent).is_none());
        }
        if let ItemEvent::TransferReceived(e) = event {
            self.once(format!("arrive {} {} {:?}", e.effect.id, e.transfer, e.hold));
            let sent = self.on_the_way.get_mut(&(e.hold.clone(), e.transfer.clone())).expect("it was sent");
            assert_eq!(i64::from(e.ordered), sent.ordered.min(units(e.quantity)), "the ordered ones come first");
            sent.units -= units(e.quantity);
            sent.ordered -= i64::from(e.ordered);
            assert_eq!(sent.to, e.place.location);
            self.changes.push((e.place.location.clone(), Bucket::Sellable, units(e.quantity)));
            if let Some(hold) = e.hold.as_ref().filter(|_| e.ordered > 0) {
                let hold = self.hold(hold);
                hold.forwarded -= i64::from(e.ordered);
                hold.committed += i64::from(e.ordered);
            }
        }
        if let ItemEvent::TransferLost(e) = event {
            self.once(format!("lose {} {}", e.effect.id, e.transfer));
            self.on_the_way.get_mut(&(None, e.transfer.clone())).expect("it was sent").units -= units(e.quantity);
        }
    }

    /// Notes what begins or ends a hold.
    fn note_hold(&mut self, event: &ItemEvent) {
        match event {
            ItemEvent::HoldGranted(e) => {
                assert!(self.available() >= units(e.quantity), "S2: a grant needs units");
                self.once(format!("hold {:?}", e.hold));
                let granted = Units { granted: units(e.quantity), held: units(e.quantity), ..Units::default() };
                self.holds.insert(e.hold.clone(), granted);
            }
            ItemEvent::HoldCommitted(e) => {
                let hold = self.hold(&e.hold);
                assert_eq!(hold.held, units(e.quantity));
                (hold.held, hold.committed) = (0, units(e.quantity));
            }
            ItemEvent::HoldReleased(e) => {
                // Of what was never placed: a tombstone, which the grant would stumble over.
                let hold = self.holds.entry(e.hold.clone()).or_default();
                hold.held -= i64::from(e.held);
                hold.committed -= i64::from(e.committed);
                hold.given_back += i64::from(e.held + e.committed);
            }
            ItemEvent::HoldExpired(e) => {
                let hold = self.hold(&e.hold);
                assert_eq!(hold.held, units(e.quantity));
                (hold.held, hold.given_back) = (0, units(e.quantity));
            }
            ItemEvent::HoldClosed(e) => {
                self.once(format!("close {:?}", e.hold));
                let hold = self.hold(&e.hold);
                let open = hold.held + hold.committed + hold.forwarded;
                let allocated: i64 = hold.allocated.values().map(|(_, n)| n).sum();
                let with_the_buyer = hold.shipped - hold.returned;
                assert!(open + allocated + with_the_buyer > 0, "what is over is not closed");
            }
            ItemEvent::AllottedCommitted(e) => {
                self.once(format!("hold {:?}", e.hold));
                *self.allotments.get_mut(&e.allotment).expect("lent") -= units(e.quantity);
                let ordered = Units { granted: units(e.quantity), committed: units(e.quantity), ..Units::default() };
                self.holds.insert(e.hold.clone(), ordered);
            }
            ItemEvent::AllotmentVoided(_) => {}
            ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => {}
            ItemEvent::SupplyRecorded(_) => {}
            ItemEvent::StockReceived(_)
            | ItemEvent::StockCounted(_)
            | ItemEvent::StockMoved(_)
            | ItemEvent::StockDispatched(_)
            | ItemEvent::TransferReceived(_)
            | ItemEvent::TransferLost(_)
            | ItemEvent::UnitsAllotted(_)
            | ItemEvent::AllotmentReturned(_)
            | ItemEvent::SafetySet(_)
            | ItemEvent::ShortfallDetected(_)
            | ItemEvent::UnitsUncommitted(_)
            | ItemEvent::UnitsAllocated(_)
            | ItemEvent::UnitsDeallocated(_)
            | ItemEvent::StockShipped(_)
            | ItemEvent::StockRestocked(_) => {}
        }
    }

    /// Notes what becomes of ordered units.
    fn note_units(&mut self, event: &ItemEvent) {
        match event {
            ItemEvent::UnitsUncommitted(e) => {
                self.once(format!("uncommit {} {:?}", e.cancellation, e.hold));
                let taken = self.take(&e.hold, e.committed, &e.allocated, &e.forwarded);
                self.hold(&e.hold).given_back += taken;
                if let Some(into) = &e.into {
                    *self.allotments.get_mut(into).expect("lent") += taken;
                }
            }
            ItemEvent::UnitsAllocated(e) => {
                self.once(format!("allocate {} {:?} {:?}", e.sub_order, e.hold, e.shipment));
                let hold = self.hold(&e.hold);
                hold.committed -= units(e.quantity);
                assert!(hold.committed >= 0, "only what is committed is allocated");
                let at = e.place.location.clone();
                let (location, allocated) = hold.allocated.entry(e.sub_order.clone()).or_insert((at, 0));
                assert_eq!(*location, e.place.location, "a sub-order is allocated at one location");
                *allocated += units(e.quantity);
            }
            ItemEvent::UnitsDeallocated(e) => {
                let taken = SubOrderQuantity { sub_order: e.sub_order.clone(), quantity: e.quantity };
                self.hold(&e.hold).committed += units(e.quantity);
                self.take(&e.hold, 0, &[taken], &[]);
            }
            ItemEvent::StockShipped(e) => {
                self.once(format!("ship {} {:?}", e.effect.id, e.hold));
                let taken = self.take(&e.hold, e.committed, &e.allocated, &e.forwarded);
                assert_eq!(taken, units(e.quantity), "what left was ordered");
                self.hold(&e.hold).shipped += taken;
                self.changes.push((e.places[0].location.clone(), Bucket::Sellable, -taken));
            }
            ItemEvent::StockRestocked(e) => {
                self.once(format!("restock {} {:?}", e.effect.id, e.hold));
                // An order's word: of holds that its item knows nothing of any more.
                if let Some(hold) = self.holds.get_mut(&e.hold) {
                    hold.returned += units(e.quantity);
                }
                self.changes.push((e.place.location.clone(), e.condition, units(e.quantity)));
            }
            ItemEvent::AllotmentVoided(_) => {}
            ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => {}
            ItemEvent::SupplyRecorded(_) => {}
            ItemEvent::StockReceived(_)
            | ItemEvent::StockCounted(_)
            | ItemEvent::StockMoved(_)
            | ItemEvent::StockDispatched(_)
            | ItemEvent::TransferReceived(_)
            | ItemEvent::TransferLost(_)
            | ItemEvent::UnitsAllotted(_)
            | ItemEvent::AllotmentReturned(_)
            | ItemEvent::SafetySet(_)
            | ItemEvent::ShortfallDetected(_)
            | ItemEvent::HoldGranted(_)
            | ItemEvent::HoldCommitted(_)
            | ItemEvent::HoldReleased(_)
            | ItemEvent::HoldExpired(_)
            | ItemEvent::HoldClosed(_)
            | ItemEvent::AllottedCommitted(_) => {}
        }
    }
}
