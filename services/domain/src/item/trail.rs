//! The sellable units of a location by time: what suppliers' systems say of them, and what was booked here.
//!
//! A report says how many there are as of its time. What was booked here at that time or later is added to it, and so are the
//! receipts that suppliers tell of after it, whenever either comes: the units are read off these facts in the order of their
//! times, never off the order in which they came. Where a fact takes more than there is, nothing is left: a shipment that the
//! record has too little for is corrected the same way (see [`super::ship`]), so both paths lead to the same number.
//!
//! What was booked is kept one by one for a day and [`MAX_BOOKED`] bookings, what suppliers received for [`MAX_RECEIVED`]
//! receipts. Older facts are summed up in one number, and a statement as of then is refused.

use schemas::{
    Digest, Timestamp,
    item::{FeedSource, Supply},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The most bookings of a location that are remembered one by one.
pub(super) const MAX_BOOKED: usize = 500;
/// The most receipts of a location that suppliers told of, likewise.
pub(super) const MAX_RECEIVED: usize = 256;
/// How long bookings are remembered one by one, in milliseconds: a day.
pub(super) const KEPT_MILLIS: i64 = 24 * 3_600_000;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Trail {
    /// Everything as of this time or earlier is summed up in `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<Timestamp>,
    start: u64,
    /// The newest report of each source.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reports: BTreeMap<FeedSource, Report>,
    /// In the order of time, source and number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    received: Vec<Received>,
    /// In the order of time.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    booked: VecDeque<(Timestamp, Booking)>,
}

/// An absolute count that a source told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    #[serde(rename = "n")]
    sequence: u64,
    #[serde(rename = "t")]
    at: Timestamp,
    #[serde(rename = "d")]
    digest: Digest,
    #[serde(rename = "c")]
    counted: u64,
}

/// Units that came in, as a source told of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Received {
    #[serde(rename = "t")]
    at: Timestamp,
    #[serde(rename = "s")]
    source: FeedSource,
    #[serde(rename = "n")]
    sequence: u64,
    #[serde(rename = "d")]
    digest: Digest,
    #[serde(rename = "q")]
    units: u32,
}

/// What was booked here, and no supplier told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Booking {
    /// Units that came or went.
    #[serde(rename = "u")]
    Units(i64),
    /// Units that were found: whatever was before, it is this many.
    #[serde(rename = "c")]
    Counted(u64),
}

impl Booking {
    /// The units after it. Where it takes more than there is, none is left.
    const fn after(self, units: u64) -> u64 {
        match self {
            Self::Units(change) if change < 0 => units.saturating_sub(change.unsigned_abs()),
            Self::Units(change) => units + change.unsigned_abs(),
            Self::Counted(units) => units,
        }
    }
}

/// What a statement on stock is to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not known, and not too old to find its place.
    New,
    /// Known, or older than the newest of its source.
    Known,
    /// Another statement has its number.
    Contradicts,
    /// As of what is not remembered one by one any more; the oldest time that still is.
    TooOld(Timestamp),
}

impl Trail {
    /// What a report is to what is known.
    pub fn standing_of_report(&self, c: &Supply) -> Standing {
        let checked = !planted::bug!("supply-sequence-unchecked");
        match self.reports.get(&c.source).filter(|_| checked) {
            Some(known) if known.sequence == c.sequence && known.digest != c.effect.digest => Standing::Contradicts,
            Some(known) if known.sequence >= c.sequence => Standing::Known,
            Some(_) | None => self.standing(c.at),
        }
    }

    /// What a receipt is to what is known.
    pub fn standing_of_receipt(&self, c: &Supply) -> Standing {
        let known = self.received.iter().find(|known| known.sequence == c.sequence && known.source == c.source);
        match known.filter(|_| !planted::bug!("supply-receipt-twice")) {
            Some(known) if known.digest != c.effect.digest => Standing::Contradicts,
            Some(_) => Standing::Known,
            None => self.standing(c.at),
        }
    }

    fn standing(&self, at: Timestamp) -> Standing {
        match self.settled {
            Some(settled) if at <= settled => Standing::TooOld(settled.plus_millis(1)),
            Some(_) | None => Standing::New,
        }
    }

    /// Takes a report that is new.
    pub fn report(&mut self, c: &Supply, counted: u64) {
        let report = Report { sequence: c.sequence, at: c.at, digest: c.effect.digest, counted };
        if planted::bug!("supply-last-report-wins") {
            self.reports.clear();
        }
        self.reports.insert(c.source.clone(), report);
    }

    /// Takes a receipt that is new.
    pub fn receive(&mut self, c: &Supply, units: u32) {
        let (source, digest) = (c.source.clone(), c.effect.digest);
        let received = Received { at: c.at, source, sequence: c.sequence, digest, units };
        let key = |received: &Received| (received.at, received.source.clone(), received.sequence);
        let place = self.received.partition_point(|known| key(known) < key(&received));
        self.received.insert(place, received);
        if self.received.len() > MAX_RECEIVED {
            let oldest = self.received[0].at;
            self.settle(oldest);
            self.received.remove(0);
        }
    }

    /// Takes what was booked here at `now`.
    ///
    /// It comes after all that is known: a supplier's clock may be ahead, and what it said was said before this.
    pub fn book(&mut self, now: Timestamp, booking: Booking) {
        let known = self.reports.values().map(|report| report.at);
        let known = known.chain(self.received.last().map(|last| last.at));
        let at = known.chain(self.booked.back().map(|(at, _)| *at)).fold(now, Timestamp::max);
        if let Booking::Counted(_) = booking {
            // Nothing before a count shows in what is after it.
            self.booked.clear();
        }
        self.booked.push_back((at, booking));
        let too_old = self.booked.iter().take_while(|(at, _)| *at < now.plus_millis(-KEPT_MILLIS)).last();
        if let Some((at, _)) = too_old {
            self.settle(*at);
        }
        if self.booked.len() > MAX_BOOKED {
            self.settle(self.booked[0].0);
        }
    }

    /// How many sellable units all of it makes.
    pub fn units(&self) -> u64 {
        self.units_at(Timestamp::MAX)
    }

    /// As [`Self::units`], of what is as of `until` or earlier.
    fn units_at(&self, until: Timestamp) -> u64 {
        let is_after_start = |at| self.settled.is_none_or(|settled| at > settled);
        let report = self.reports.iter().filter(|(_, report)| report.at <= until);
        let report = if planted::bug!("supply-other-sources-older-wins") {
            report.min_by_key(|(source, report)| (report.at, *source))
        } else {
            report.max_by_key(|(source, report)| (report.at, *source))
        };
        let report = report.map(|(_, report)| report).filter(|report| is_after_start(report.at));
        let mut units = report.map_or(self.start, |report| report.counted);
        let received = self.received.iter().filter(|received| match report {
            Some(report) => received.at > report.at || planted::bug!("supply-late-receipt-counted-twice"),
            None => is_after_start(received.at),
        });
        let mut received = received.filter(|received| received.at <= until).peekable();
        let mut booked =
            self.booked.iter().filter(|(at, _)| *at <= until && report.is_none_or(|report| *at >= report.at));
        if planted::bug!("supply-report-overwrites-shipped") && report.is_some() {
            booked.by_ref().for_each(drop);
        }
        for (at, booking) in booked {
            while let Some(received) = received.next_if(|received| received.at <= *at) {
                units += u64::from(received.units);
            }
            units = booking.after(units);
        }
        units + received.map(|received| u64::from(received.units)).sum::<u64>()
    }

    /// Sums up what is as of `until` or earlier.
    ///
    /// Of the reports all stay: a statement that is news is as of later, and so is the one that is then believed.
    fn settle(&mut self, until: Timestamp) {
        if self.settled.is_some_and(|settled| settled >= until) {
            return;
        }
        self.start = self.units_at(until);
        self.settled = Some(until);
        while self.booked.pop_front_if(|(at, _)| *at <= until).is_some() {}
    }
}
