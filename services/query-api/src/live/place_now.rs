//! A shopper's place in the waiting room of a drop, as events tell it.

use super::later::Later;
use read_model::views::queue_place::{Admission, Place};
use schemas::{SubjectId, Timestamp, drop::DropEvent};

/// Events that may come while the place is read.
const MOST_LATER: usize = 64;

/// What happened to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceChange {
    /// It was taken.
    Joined { number: u64, joined_at: Timestamp, rank: Option<u64> },
    /// It has a rank.
    Drawn { rank: u64 },
    /// It may claim.
    Admitted(Admission),
    /// A claim has used it up.
    Claimed,
    /// Its admission has passed.
    Expired,
}

/// Tells whose places an event changes, and how.
pub(super) fn changes(event: &DropEvent, time: Timestamp, mut tell: impl FnMut(&SubjectId, PlaceChange)) {
    match event {
        DropEvent::QueueJoined(e) => {
            tell(&e.shopper, PlaceChange::Joined { number: e.number, joined_at: time, rank: e.rank });
        }
        DropEvent::PlacesDrawn(e) => {
            for (shopper, rank) in e.shoppers.iter().zip(e.first_rank..) {
                tell(shopper, PlaceChange::Drawn { rank });
            }
        }
        DropEvent::ShoppersAdmitted(e) => {
            let admission = Admission { until: e.until, stood_still_ms: e.stood_still_ms };
            e.shoppers.iter().for_each(|shopper| tell(shopper, PlaceChange::Admitted(admission)));
        }
        DropEvent::AdmissionsExpired(e) => {
            e.shoppers.iter().for_each(|shopper| tell(shopper, PlaceChange::Expired));
        }
        DropEvent::ClaimGranted(e) => tell(&e.claim.shopper, PlaceChange::Claimed),
        DropEvent::DropDrafted(_)
        | DropEvent::UnitsLent(_)
        | DropEvent::LoanRefused(_)
        | DropEvent::DropScheduled(_)
        | DropEvent::DropRejected(_)
        | DropEvent::DropChanged(_)
        | DropEvent::QueueOpened(_)
        | DropEvent::DropOpened(_)
        | DropEvent::ClaimCommitted(_)
        | DropEvent::ClaimReleased(_)
        | DropEvent::ClaimUncommitted(_)
        | DropEvent::DropStatusChanged(_)
        | DropEvent::DropPaused(_)
        | DropEvent::DropResumed(_)
        | DropEvent::DropEnded(_)
        | DropEvent::DropCancelled(_)
        | DropEvent::DropClosed(_) => {}
    }
}

/// A place that is watched.
#[derive(Debug, Default)]
pub(super) struct PlaceNow {
    place: Option<Place>,
    is_known: bool,
    later: Later<PlaceChange>,
}

impl PlaceNow {
    /// Takes what happened; whether what is shown may have changed.
    pub fn apply(&mut self, seq: u64, change: PlaceChange) -> bool {
        if !self.is_known {
            self.later.keep(MOST_LATER, seq, change);
            return false;
        }
        if self.place.as_ref().is_some_and(|place| place.seq >= seq) {
            return false;
        }
        fold(&mut self.place, seq, change);
        true
    }

    /// Takes the place as the view has it, which covers all that was read before it was watched.
    pub fn begin(&mut self, place: Option<Place>) {
        let Some(later) = self.later.after(place.as_ref().map_or(0, |place| place.seq)) else { return };
        if self.is_known {
            return;
        }
        self.place = place;
        later.for_each(|(seq, change)| fold(&mut self.place, seq, change));
        self.is_known = true;
    }

    /// Whether the view has been read.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The place, where the shopper has joined.
    pub const fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

fn fold(place: &mut Option<Place>, seq: u64, change: PlaceChange) {
    if let PlaceChange::Joined { number, joined_at, rank } = change {
        // Who joins again has a new place.
        *place = Some(Place { seq, number, joined_at, rank, admission: None, is_claimed: false, is_expired: false });
        return;
    }
    let Some(place) = place else { return };
    place.seq = seq;
    match change {
        PlaceChange::Joined { .. } => {}
        PlaceChange::Drawn { rank } => place.rank = Some(rank),
        PlaceChange::Admitted(admission) => place.admission = Some(admission),
        PlaceChange::Claimed => place.is_claimed = true,
        PlaceChange::Expired => place.is_expired = true,
    }
}
