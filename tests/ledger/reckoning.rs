//! What somebody knows of an item who reads nothing but its ledger, and does sums.

use read_model::views::ledger::{LedgerBucket, LedgerKind, LedgerRow};
use schemas::{
    LocationId,
    item::{ItemKind, LocationLevels},
};
use std::collections::BTreeMap;

/// Units of a hold.
#[derive(Debug, Default)]
struct Hold {
    held: i64,
    /// Ordered, and not gone.
    open: i64,
}

/// The sums so far.
pub struct Reckoning {
    kind: ItemKind,
    on_hand: i64,
    unsellable: i64,
    incoming: i64,
    allotted: i64,
    safety: i64,
    holds: BTreeMap<String, Hold>,
    pub places: BTreeMap<LocationId, LocationLevels>,
}

fn is_unsellable(bucket: Option<LedgerBucket>) -> bool {
    match bucket {
        Some(LedgerBucket::Damaged | LedgerBucket::QualityControl) => true,
        Some(LedgerBucket::Sellable) => false,
        Some(LedgerBucket::Held | LedgerBucket::Committed | LedgerBucket::Allotted) | None => {
            panic!("{bucket:?} is no bucket of a location")
        }
    }
}

impl Reckoning {
    pub const fn new(kind: ItemKind) -> Self {
        Self {
            kind,
            on_hand: 0,
            unsellable: 0,
            incoming: 0,
            allotted: 0,
            safety: 0,
            holds: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// Adds an entry, and holds the sums against the levels that it tells.
    pub fn add(&mut self, entry: &LedgerRow) {
        for place in &entry.places {
            self.places.insert(place.location.clone(), place.clone());
        }
        self.move_units(entry);
        self.order_units(entry);
        if entry.kind == LedgerKind::ShortfallDetected {
            assert_eq!(entry.levels.available, -entry.quantity, "what is missing is what is below zero");
        }
        self.check(entry);
    }

    /// What lies somewhere, or is between two places.
    fn move_units(&mut self, entry: &LedgerRow) {
        let units = entry.quantity;
        match entry.kind {
            LedgerKind::StockReceived | LedgerKind::StockCounted => self.on_hand += units,
            LedgerKind::StockMoved => {
                self.unsellable += if is_unsellable(entry.to) { units } else { 0 };
                self.unsellable -= if is_unsellable(entry.from) { units } else { 0 };
            }
            LedgerKind::StockRestocked => {
                self.on_hand += units;
                self.unsellable += if is_unsellable(entry.to) { units } else { 0 };
            }
            LedgerKind::StockDispatched => {
                (self.on_hand, self.incoming) = (self.on_hand - units, self.incoming + units)
            }
            LedgerKind::TransferReceived => {
                (self.on_hand, self.incoming) = (self.on_hand + units, self.incoming - units)
            }
            LedgerKind::TransferLost => self.incoming -= units,
            LedgerKind::StockShipped => self.on_hand -= units,
            LedgerKind::HoldGranted
            | LedgerKind::HoldCommitted
            | LedgerKind::HoldReleased
            | LedgerKind::HoldExpired
            | LedgerKind::UnitsUncommitted
            | LedgerKind::UnitsAllocated
            | LedgerKind::UnitsDeallocated
            | LedgerKind::UnitsAllotted
            | LedgerKind::AllotmentReturned
            | LedgerKind::AllottedCommitted
            | LedgerKind::SafetySet
            | LedgerKind::ShortfallDetected => {}
        }
    }

    /// What is promised.
    fn order_units(&mut self, entry: &LedgerRow) {
        let units = entry.quantity;
        let mut none = Hold::default();
        let hold = match &entry.hold {
            Some(hold) => self.holds.entry(hold.clone()).or_default(),
            None => &mut none,
        };
        match entry.kind {
            LedgerKind::HoldGranted => hold.held += units,
            LedgerKind::HoldCommitted => (hold.held, hold.open) = (hold.held - units, hold.open + units),
            LedgerKind::HoldReleased => match entry.from {
                Some(LedgerBucket::Held) => hold.held -= units,
                Some(LedgerBucket::Committed) => hold.open -= units,
                None => assert_eq!(units, 0, "of a hold that was never placed nothing comes back"),
                other => panic!("nothing of a hold is {other:?}"),
            },
            LedgerKind::HoldExpired => hold.held -= units,
            LedgerKind::UnitsUncommitted => {
                hold.open -= units;
                self.allotted += if entry.to == Some(LedgerBucket::Allotted) { units } else { 0 };
            }
            LedgerKind::StockShipped => hold.open -= units,
            LedgerKind::UnitsAllotted => self.allotted += units,
            LedgerKind::AllotmentReturned => self.allotted -= units,
            LedgerKind::AllottedCommitted => {
                self.allotted -= units;
                hold.open += units;
            }
            LedgerKind::SafetySet => self.safety = units,
            LedgerKind::StockReceived
            | LedgerKind::StockCounted
            | LedgerKind::StockMoved
            | LedgerKind::StockDispatched
            | LedgerKind::TransferReceived
            | LedgerKind::TransferLost
            | LedgerKind::UnitsAllocated
            | LedgerKind::UnitsDeallocated
            | LedgerKind::StockRestocked
            | LedgerKind::ShortfallDetected => {}
        }
    }

    fn places(&self, part: impl Fn(&LocationLevels) -> u64) -> i64 {
        self.places.values().map(|place| i64::try_from(part(place)).expect("small")).sum()
    }

    fn check(&self, entry: &LedgerRow) {
        let levels = entry.levels;
        let told = [levels.on_hand, levels.held, levels.committed, levels.allotted, levels.safety]
            .map(|units| i64::try_from(units).expect("small"));
        assert!(self.holds.values().all(|hold| hold.held >= 0 && hold.open >= 0), "{:?} after {entry:?}", self.holds);
        if self.kind == ItemKind::Digital {
            assert_eq!((levels.available, told), (0, [0; 5]), "a digital item has no stock: {entry:?}");
            return;
        }
        let held: i64 = self.holds.values().map(|hold| hold.held).sum();
        let open: i64 = self.holds.values().map(|hold| hold.open).sum();
        let (allocated, forwarded) = (self.places(|place| place.allocated), self.places(|place| place.forwarded));
        let committed = open - allocated - forwarded;
        assert_eq!(told, [self.on_hand, held, committed, self.allotted, self.safety], "{entry:?}");
        let promised = held + open - forwarded + self.allotted + self.safety;
        assert_eq!(levels.available, self.on_hand - self.unsellable - promised, "{entry:?}");
        assert_eq!(self.places(|place| place.sellable), self.on_hand - self.unsellable, "{entry:?}");
        assert_eq!(self.places(|place| place.damaged + place.quality_control), self.unsellable, "{entry:?}");
        assert_eq!(self.places(|place| place.incoming), self.incoming, "{entry:?}");
    }
}
