//! What the events of holds do to the state.

use super::{
    Item,
    effects::EffectKey,
    holds::{Age, Details, Hold, Phase},
    tally::{take, take_units},
};
use crate::Policy;
use schemas::{
    Timestamp,
    item::{
        ForwardedQuantity, HoldClosed, HoldCommitted, HoldExpired, HoldGranted, HoldId, HoldReleased, SubOrderQuantity,
        UnitsUncommitted,
    },
};

impl Item {
    pub(super) fn granted(&mut self, e: &HoldGranted, time: Timestamp, policy: &Policy) {
        self.tally.held += self.counted(e.quantity.get());
        assert!(self.listed, "only what is in sale is granted");
        let is_there = self.tally.available() >= 0 || planted::bug!("undecremented-stock");
        assert!(is_there, "S2: nothing is granted that is not there");
        self.check_levels(&e.stock);
        let mut hold = Hold::new(Phase::Active, e.quantity.get());
        hold.unit_price = Some(e.unit_price);
        hold.digest = e.effect.as_ref().map(|effect| effect.digest);
        if let Some(expires_at) = e.expires_at {
            assert!(expires_at >= time, "a deadline lies ahead");
            hold.expires_at = Some(expires_at);
            hold.age = Age::Due(expires_at.plus_seconds(policy.grace_seconds));
        }
        if e.reference.is_some() || !e.metadata.is_empty() {
            let (reference, metadata) = (e.reference.clone(), e.metadata.clone());
            hold.details = Some(Box::new(Details { reference, metadata, ..Details::default() }));
        }
        self.add_hold(&e.hold, hold);
    }

    pub(super) fn hold_committed(&mut self, e: &HoldCommitted, time: Timestamp) {
        let units = self.counted(e.quantity.get());
        take(&mut self.tally.held, units);
        self.tally.committed += units;
        self.check_levels(&e.stock);
        self.change_hold(&e.hold, time, |hold| {
            assert_eq!(hold.phase, Phase::Active, "S3: only an active hold is committed");
            assert_eq!(hold.quantity, e.quantity.get(), "S3: a hold is committed as a whole");
            hold.phase = Phase::Committed;
            hold.committed = hold.quantity;
        });
    }

    pub(super) fn released(&mut self, e: &HoldReleased, time: Timestamp) {
        let (held, committed) = (self.counted(e.held), self.counted(e.committed));
        take(&mut self.tally.held, held);
        take(&mut self.tally.committed, committed);
        self.check_levels(&e.stock);
        // Nothing was given back where nothing was held: a tombstone.
        if e.held == 0 && e.committed == 0 {
            let mut tombstone = Hold::new(Phase::Released, 0);
            tombstone.age = Age::Over(time);
            self.add_hold(&e.hold, tombstone);
            return;
        }
        self.change_hold(&e.hold, time, |hold| {
            match hold.phase {
                Phase::Active => assert_eq!(e.held, hold.quantity, "S3: an active hold is released as a whole"),
                Phase::Committed => assert_eq!(e.held, 0, "S3: a committed hold holds nothing"),
                Phase::Released | Phase::Expired => {
                    assert!(planted::bug!("release-twice"), "S3: {:?} is given back twice", e.hold);
                }
            }
            take_units(&mut hold.committed, e.committed);
            assert_eq!(hold.open(), 0, "S3: nothing of a released hold stays ordered");
            hold.phase = Phase::Released;
        });
    }

    pub(super) fn expired(&mut self, e: &HoldExpired, time: Timestamp) {
        let units = if planted::bug!("expired-hold-kept") { 0 } else { self.counted(e.quantity.get()) };
        take(&mut self.tally.held, units);
        self.check_levels(&e.stock);
        self.change_hold(&e.hold, time, |hold| {
            assert_eq!(hold.phase, Phase::Active, "S3: only an active hold expires");
            assert_eq!(hold.quantity, e.quantity.get(), "S3: a hold expires as a whole");
            hold.phase = Phase::Expired;
        });
    }

    pub(super) fn hold_closed(&mut self, e: &HoldClosed, time: Timestamp) {
        self.change_hold(&e.hold, time, |hold| {
            assert_eq!(hold.phase, Phase::Committed, "S3: only an ordered hold is closed");
            assert!(!hold.closed, "S5: {:?} is closed twice", e.hold);
            hold.closed = true;
        });
    }

    pub(super) fn uncommitted(&mut self, e: &UnitsUncommitted, time: Timestamp) {
        let taken = Taken { hold: &e.hold, committed: e.committed, allocated: &e.allocated, forwarded: &e.forwarded };
        let units = self.take_ordered(&taken, time, |_, _| {});
        if let Some(into) = &e.into {
            let counted = self.counted(units);
            self.tally.allotted += counted;
            self.lend(into, counted);
        }
        self.check_levels(&e.stock);
        for place in &e.places {
            self.check_place(place);
        }
        self.remember_cancellation(EffectKey::Uncommit(e.hold.clone(), e.cancellation.clone()), units, time);
    }

    /// Takes ordered units out of the totals, their locations and their hold, of which `then` says what became of them;
    /// how many they were.
    pub(super) fn take_ordered(
        &mut self,
        taken: &Taken<'_>,
        time: Timestamp,
        then: impl FnOnce(&mut Hold, u32),
    ) -> u32 {
        let committed = self.counted(taken.committed);
        take(&mut self.tally.committed, committed);
        let (mut allocated, mut forwarded) = (0, 0);
        for part in taken.allocated {
            allocated += part.quantity.get();
            self.unbind(taken.hold, &part.sub_order, part.quantity);
        }
        for part in taken.forwarded {
            forwarded += part.quantity.get();
            self.unforward(taken.hold, part);
        }
        let units = taken.committed + allocated + forwarded;
        if units > 0 {
            self.change_hold(taken.hold, time, |hold| {
                assert_eq!(hold.phase, Phase::Committed, "S3: only ordered units leave or are given up");
                take_units(&mut hold.committed, taken.committed);
                take_units(&mut hold.allocated, allocated);
                take_units(&mut hold.forwarded, forwarded);
                then(hold, units);
            });
        }
        units
    }
}

/// Ordered units that an event takes out of a hold.
pub(super) struct Taken<'e> {
    pub hold: &'e HoldId,
    pub committed: u32,
    pub allocated: &'e [SubOrderQuantity],
    pub forwarded: &'e [ForwardedQuantity],
}
