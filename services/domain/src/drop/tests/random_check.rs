//! The books of a drop, kept beside it from its events alone.

use super::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What the events tell, reckoned anew.
#[derive(Debug, Default)]
pub(super) struct Books {
    lent: Vec<i64>,
    given_back: Vec<i64>,
    pools: Vec<PoolLevels>,
    /// Claims: shopper, item, units that are held or bought.
    claims: BTreeMap<ClaimId, (SubjectId, usize, u32)>,
    over: bool,
    early: Vec<SubjectId>,
    seed: Option<Seed>,
    ranks: BTreeMap<u64, SubjectId>,
    admitted: Vec<SubjectId>,
    /// Places that are open.
    open: Vec<SubjectId>,
}

impl Books {
    /// Notes an event and holds it against the rest.
    pub fn note(&mut self, terms: &DropTerms, event: &DropEvent) {
        let index = |item: &ItemId| terms.items.iter().position(|it| it.item_id == *item).expect("offered");
        match event {
            DropEvent::DropScheduled(_) => {
                self.lent = terms.items.iter().map(|item| i64::from(item.quantity.get())).collect();
                self.given_back = vec![0; terms.items.len()];
                let whole = |item: &DropItem| PoolLevels { remaining: item.quantity.get(), ..PoolLevels::default() };
                self.pools = terms.items.iter().map(whole).collect();
            }
            DropEvent::QueueJoined(event) => {
                assert!(!self.open.contains(&event.shopper), "one place per shopper");
                self.open.push(event.shopper.clone());
                match event.rank {
                    None => self.early.push(event.shopper.clone()),
                    Some(rank) => assert!(self.ranks.insert(rank, event.shopper.clone()).is_none()),
                }
            }
            DropEvent::DropOpened(event) => self.seed = Some(event.seed),
            DropEvent::PlacesDrawn(event) => {
                for (rank, shopper) in (event.first_rank..).zip(&event.shoppers) {
                    assert!(self.ranks.insert(rank, shopper.clone()).is_none(), "a rank is given once");
                }
            }
            DropEvent::ShoppersAdmitted(event) => {
                self.admitted.extend(event.shoppers.iter().cloned());
                assert_eq!(self.admitted.len() as u64 + 1, event.queue.next_rank, "admitted by rank, without a gap");
                let free: u64 = self.pools.iter().map(|pool| u64::from(pool.remaining)).sum();
                let most = free.min(terms.admit_at_once.map_or(u64::MAX, u64::from));
                assert!(event.queue.admitted <= most, "no more are admitted than units are free, or at once");
            }
            DropEvent::AdmissionsExpired(event) => self.open.retain(|who| !event.shoppers.contains(who)),
            DropEvent::ClaimGranted(event) => {
                let (facts, units) = (&event.claim, event.claim.quantity.get());
                self.open.retain(|who| *who != facts.shopper);
                let at = index(&facts.item_id);
                self.claims.insert(facts.claim.clone(), (facts.shopper.clone(), at, units));
                self.pools[at] = event.pool.levels;
            }
            DropEvent::ClaimCommitted(event) => self.pools[index(&event.pool.item_id)] = event.pool.levels,
            DropEvent::ClaimReleased(event) => self.came_back(&event.claim, event.quantity, event.to_item, &event.pool),
            DropEvent::ClaimUncommitted(event) => {
                self.came_back(&event.claim, event.quantity, event.to_item, &event.pool);
            }
            DropEvent::DropEnded(DropEnded { pools, .. }) | DropEvent::DropCancelled(DropCancelled { pools, .. }) => {
                self.over = true;
                for (at, pool) in pools.iter().enumerate() {
                    self.given_back[at] += i64::from(self.pools[at].remaining);
                    self.pools[at] = pool.levels;
                }
            }
            DropEvent::DropDrafted(_)
            | DropEvent::UnitsLent(_)
            | DropEvent::LoanRefused(_)
            | DropEvent::DropRejected(_)
            | DropEvent::DropChanged(_)
            | DropEvent::QueueOpened(_)
            | DropEvent::DropStatusChanged(_)
            | DropEvent::DropPaused(_)
            | DropEvent::DropResumed(_)
            | DropEvent::DropClosed(_) => {}
        }
        self.check(terms);
    }

    fn came_back(&mut self, claim: &ClaimId, units: Quantity, to_item: bool, pool: &ItemPool) {
        assert_eq!(to_item, self.over, "units go to their item once it is over");
        let (_, at, has) = self.claims.get_mut(claim).expect("granted");
        *has -= units.get();
        self.pools[*at] = pool.levels;
        self.given_back[*at] += if to_item { i64::from(units.get()) } else { 0 };
    }

    /// Conservation, and the limit over all claims.
    fn check(&self, terms: &DropTerms) {
        for (at, pool) in self.pools.iter().enumerate() {
            let here = i64::from(pool.remaining) + i64::from(pool.held) + i64::from(pool.sold);
            assert_eq!(here + self.given_back[at], self.lent[at], "allotted = remaining + held + sold + returned");
            let claimed: u32 = self.claims.values().filter(|(_, of, _)| *of == at).map(|(_, _, units)| units).sum();
            assert_eq!(claimed, pool.held + pool.sold, "what is held or sold is somebody's");
        }
        let mut has = BTreeMap::<&SubjectId, u32>::new();
        for (shopper, _, units) in self.claims.values() {
            *has.entry(shopper).or_default() += units;
        }
        let limit = terms.limit_per_shopper.get();
        assert!(self.over || has.values().all(|units| *units <= limit), "no shopper has more than the limit");
    }

    /// At the end: what items were asked back is what events say, and everybody was admitted in the order of the draw.
    pub fn close(&self, sends: &[Command], terms: &DropTerms) {
        if let Some(seed) = &self.seed {
            let mut drawn = self.early.clone();
            drawn
                .sort_by_key(|who| (Sha256::digest([&seed.0, who.as_str().as_bytes()].concat()).to_vec(), who.clone()));
            let out = self.ranks.len().min(drawn.len());
            let by_rank: Vec<&SubjectId> = self.ranks.values().collect();
            let all_out = self.ranks.contains_key(&1) && out == drawn.len();
            if all_out {
                assert_eq!(by_rank[..out], drawn.iter().collect::<Vec<_>>()[..], "the draw is what the seed says");
            }
            assert_eq!(by_rank[..self.admitted.len()], self.admitted.iter().collect::<Vec<_>>()[..]);
        }
        let mut asked = vec![0; terms.items.len()];
        let mut ids = std::collections::BTreeSet::new();
        for send in sends {
            let Command::Item { item, command } = send else { continue };
            let at = terms.items.iter().position(|it| it.item_id == *item).expect("offered");
            match command {
                ItemCommand::ReturnAllotment(back) => {
                    assert!(ids.insert(back.effect.id.clone()), "units return once under their own id");
                    asked[at] += i64::from(back.quantity.get());
                }
                ItemCommand::Uncommit(back) if back.into.is_none() => asked[at] += i64::from(back.quantity.get()),
                _ => {}
            }
        }
        if !self.pools.is_empty() {
            assert_eq!(asked, self.given_back, "each unit that the drop gives up goes back to its item");
        }
    }
}
