//! What has happened becomes state. A broken invariant is a bug, so it panics.
//!
//! D1: what an item lent is remaining, held, sold or given back. D2: no shopper has more than the limit. D3: no more are
//! admitted than units are free when they are, nor than at once. D4: they are admitted by rank, and ranks are drawn as
//! the seed says. D5: the numbers that an event carries are the state's.

use super::{
    Drop, Loan, MOST_IN_EVENT, Offer, Phase,
    claims::{Claim, Stage},
    pools::{self, Pool},
    room,
};
use crate::Policy;
use schemas::{
    SubjectId, Timestamp,
    drop::{
        AdmissionsExpired, ClaimCommitted, ClaimGranted, ClaimReleased, ClaimUncommitted, DropDrafted, DropEvent,
        DropScheduled, ItemPool, PlacesDrawn, QueueJoined, ShoppersAdmitted,
    },
};

/// Applies an event that happened at `time`. Never decides.
///
/// # Panics
/// If the event breaks an invariant: that is a bug, not a state of the world.
pub fn evolve(drop: &mut Drop, event: &DropEvent, time: Timestamp, policy: &Policy) {
    match event {
        DropEvent::DropDrafted(event) => drop.drafted(event),
        DropEvent::UnitsLent(event) => drop.answered(&event.item_id, Loan::Lent),
        DropEvent::LoanRefused(event) => drop.answered(&event.item_id, Loan::Refused(event.refusal.clone())),
        DropEvent::DropScheduled(event) => drop.scheduled(event),
        DropEvent::DropRejected(event) => {
            drop.leave(&[Phase::Draft], Phase::Rejected);
            drop.offer_mut().refusals.clone_from(&event.refusals);
        }
        DropEvent::DropChanged(event) => {
            assert_eq!(event.previous, *drop.terms(), "the terms before are the state's");
            drop.offer_mut().terms = event.terms.clone();
            drop.known.insert(&event.effect, time);
        }
        DropEvent::QueueOpened(_) => drop.step(&[Phase::Scheduled], Phase::Queueing, time),
        DropEvent::QueueJoined(event) => drop.joined(event, time),
        DropEvent::DropOpened(event) => {
            drop.step(&[Phase::Scheduled, Phase::Queueing], Phase::Open, time);
            assert_eq!(event.early, drop.room.levels.places, "D5: whoever has joined is early");
            drop.room.open(event.seed);
        }
        DropEvent::PlacesDrawn(event) => drop.drawn(event, time),
        DropEvent::ShoppersAdmitted(event) => drop.admitted(event, time),
        DropEvent::AdmissionsExpired(event) => drop.expired(event, time),
        DropEvent::ClaimGranted(event) => drop.granted(event),
        DropEvent::ClaimCommitted(event) => drop.committed(event),
        DropEvent::ClaimReleased(event) => drop.released(event, time),
        DropEvent::ClaimUncommitted(event) => drop.uncommitted(event),
        DropEvent::DropStatusChanged(event) => {
            assert_eq!(event.status, pools::status(&drop.pools), "D5: the status is what the units make it");
        }
        DropEvent::DropPaused(event) => {
            drop.paused = true;
            drop.known.insert(&event.effect, time);
        }
        DropEvent::DropResumed(event) => {
            drop.paused = false;
            drop.known.insert(&event.effect, time);
        }
        DropEvent::DropEnded(event) => drop.over(Phase::Ended, &event.pools, time, policy),
        DropEvent::DropCancelled(event) => {
            drop.over(Phase::Cancelled, &event.pools, time, policy);
            drop.known.insert(&event.effect, time);
        }
        DropEvent::DropClosed(_) => drop.closed(),
    }
    let is_free = pools::free(&drop.pools) > 0 || planted::bug!("admission-runs-out-while-held");
    let runs = drop.phase == Phase::Open && !drop.paused && is_free;
    drop.room.run(runs, time);
    let before = time.plus_millis(-i64::from(policy.retention_seconds) * 1_000);
    drop.known.forget(before);
    drop.claims.forget(before);
}

impl Drop {
    fn offer_mut(&mut self) -> &mut Offer {
        self.offer.as_mut().expect("a drop that is not new has been drafted")
    }

    fn leave(&mut self, from: &[Phase], to: Phase) {
        assert!(from.contains(&self.phase), "{:?} does not become {to:?}", self.phase);
        self.phase = to;
    }

    /// A step of the clock.
    fn step(&mut self, from: &[Phase], to: Phase, time: Timestamp) {
        self.leave(from, to);
        self.stepped_at = Some(time);
    }

    fn drafted(&mut self, event: &DropDrafted) {
        self.leave(&[Phase::New], Phase::Draft);
        self.loans = event.terms.items.iter().map(|_| None).collect();
        self.offer = Some(Offer {
            effect: event.effect.clone(),
            store: event.store.clone(),
            terms: event.terms.clone(),
            answers_due_at: event.answers_due_at,
            seed_hash: None,
            metadata: event.metadata.clone(),
            refusals: Vec::new(),
        });
    }

    fn answered(&mut self, item: &schemas::ItemId, loan: Loan) {
        assert_eq!(self.phase, Phase::Draft, "only a draft is answered");
        let index = self.item_index(item).expect("the item was asked");
        let before = self.loans[index].replace(loan);
        assert!(before.is_none(), "an item answers once");
    }

    fn scheduled(&mut self, event: &DropScheduled) {
        self.leave(&[Phase::Draft], Phase::Scheduled);
        assert!(self.loans.iter().all(|loan| *loan == Some(Loan::Lent)), "what is scheduled is lent");
        self.pools = self.terms().items.iter().map(|item| Pool::lent(item.quantity)).collect();
        self.offer_mut().seed_hash = Some(event.seed_hash);
    }

    fn joined(&mut self, event: &QueueJoined, time: Timestamp) {
        assert!(matches!(self.phase, Phase::Queueing | Phase::Open), "only an open waiting room is joined");
        assert_eq!(event.rank.is_some(), self.phase == Phase::Open, "who is early is drawn");
        self.room.join(&event.shopper, event.number, event.rank);
        assert_eq!(event.queue, self.room.levels, "D5: the waiting room is what an event tells");
        self.known.insert(&event.effect, time);
    }

    fn drawn(&mut self, event: &PlacesDrawn, time: Timestamp) {
        assert!(event.shoppers.len() <= MOST_IN_EVENT, "an event names a bounded number of shoppers");
        assert_eq!(event.first_rank, self.room.next_drawn_rank(), "D4: ranks are dense");
        self.room.draw(event.first_rank, &event.shoppers);
        self.stepped_at = Some(time);
    }

    fn admitted(&mut self, event: &ShoppersAdmitted, time: Timestamp) {
        assert!(event.shoppers.len() <= MOST_IN_EVENT, "an event names a bounded number of shoppers");
        assert!(self.phase == Phase::Open && !self.paused, "only a drop that runs admits");
        // It runs from the event before: its clocks go.
        self.room.admit(&event.shoppers, event.until);
        assert_eq!(event.queue, self.room.levels, "D5: the waiting room is what an event tells");
        let most = pools::free(&self.pools).min(self.terms().admit_at_once.map_or(u64::MAX, u64::from));
        assert!(self.room.levels.admitted <= most, "D3: no more are admitted than units are free, nor than at once");
        self.stepped_at = Some(time);
    }

    fn expired(&mut self, event: &AdmissionsExpired, time: Timestamp) {
        event.shoppers.iter().for_each(|shopper| self.room.leave(shopper, room::Stage::Expired));
        assert_eq!(event.queue, self.room.levels, "D5: the waiting room is what an event tells");
        self.stepped_at = Some(time);
    }

    fn granted(&mut self, event: &ClaimGranted) {
        assert!(self.phase == Phase::Open && !self.paused, "only a drop that runs grants");
        let (facts, limit) = (&event.claim, self.terms().limit_per_shopper.get());
        let index = self.item_index(&facts.item_id).expect("only what is offered is claimed");
        if self.terms().queue_opens_at.is_some() {
            self.room.leave(&facts.shopper, room::Stage::Used);
        }
        assert_eq!(event.queue, self.room.levels, "D5: the waiting room is what an event tells");
        self.change_pool(index, &event.pool, |pool| pool.claim(facts.quantity));
        let has = self.has.entry(facts.shopper.clone()).or_default();
        *has += facts.quantity.get();
        assert!(*has <= limit, "D2: no shopper has more than the limit");
        self.claims.insert(&facts.claim, Claim::new(event, index));
    }

    fn committed(&mut self, event: &ClaimCommitted) {
        let (claim, index) = self.claim_at(&event.claim);
        assert_eq!(claim.stage, Stage::Held, "only a held claim is bought");
        let quantity = claim.quantity;
        self.change_pool(index, &event.pool, |pool| pool.commit(quantity));
        let bought = Stage::Bought { cancelled: 0, cancellations: Vec::new() };
        self.claims.change(&event.claim, |claim| claim.stage = bought);
    }

    fn released(&mut self, event: &ClaimReleased, time: Timestamp) {
        let (claim, index) = self.claim_at(&event.claim);
        assert_eq!(claim.stage, Stage::Held, "only a held claim is released");
        assert_eq!(claim.quantity, event.quantity, "a claim is released as a whole");
        assert_eq!(event.to_item, self.is_over(), "units go back to their item once it is over");
        self.change_pool(index, &event.pool, |pool| pool.release(event.quantity, event.to_item));
        self.take_from(&event.shopper, event.quantity.get());
        self.claims.change(&event.claim, |claim| claim.stage = Stage::Released(time));
    }

    fn uncommitted(&mut self, event: &ClaimUncommitted) {
        let (_, index) = self.claim_at(&event.claim);
        assert_eq!(event.to_item, self.is_over(), "units go back to their item once it is over");
        self.change_pool(index, &event.pool, |pool| pool.uncommit(event.quantity, event.to_item));
        self.take_from(&event.shopper, event.quantity.get());
        self.claims.change(&event.claim, |claim| {
            let Stage::Bought { cancelled, cancellations } = &mut claim.stage else {
                panic!("only what is bought is cancelled")
            };
            *cancelled += event.quantity.get();
            assert!(*cancelled <= claim.quantity.get(), "at most what was bought is cancelled");
            assert!(!cancellations.contains(&event.cancellation), "a cancellation counts once");
            cancellations.push(event.cancellation.clone());
        });
    }

    fn over(&mut self, phase: Phase, told: &[ItemPool], time: Timestamp, policy: &Policy) {
        self.leave(&[Phase::Scheduled, Phase::Queueing, Phase::Open], phase);
        self.pools.iter_mut().for_each(|pool| {
            pool.give_back();
        });
        assert_eq!(told, pools::shown(self.terms(), &self.pools), "D5: the units are what an event tells");
        // Who has what only counts while units can be claimed.
        self.has.clear();
        self.room.close();
        self.stepped_at = Some(time);
        self.closes_at = Some(time.plus_seconds(policy.retention_seconds));
    }

    fn closed(&mut self) {
        assert!(self.is_over(), "only what is over is closed");
        assert_eq!(pools::held(&self.pools), 0, "what is held may still be paid");
        self.closes_at = None;
        self.known = super::Known::default();
        self.claims.forget_released();
    }

    fn claim_at(&self, id: &schemas::ClaimId) -> (&Claim, usize) {
        let claim = self.claims.get(id).expect("an event of a claim that was granted");
        (claim, claim.item)
    }

    /// D1 and D5.
    fn change_pool(&mut self, index: usize, told: &ItemPool, change: impl FnOnce(&mut Pool)) {
        let pool = &mut self.pools[index];
        let lent = pool.total();
        change(pool);
        assert_eq!(pool.total(), lent, "D1: units neither come nor go");
        assert_eq!(pool.levels, told.levels, "D5: the units are what an event tells");
    }

    fn take_from(&mut self, shopper: &SubjectId, units: u32) {
        if let Some(has) = self.has.get_mut(shopper) {
            *has = has.checked_sub(units).expect("a shopper gives back no more than they have");
            if *has == 0 {
                self.has.remove(shopper);
            }
        }
    }
}
