//! Drops, by id: terms, status, units, and how far the waiting room is.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::{queue_place::Place, row, rows_of},
};
use schemas::{
    DropId, Event, Metadata, StoreId, Timestamp,
    drop::{
        DropEvent, DropItem, DropStatus, DropTerms, ItemPool, LoanRefused, PoolLevels, QueueLevels, Seed, SeedHash,
    },
};
use serde::{Deserialize, Serialize};

/// A drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DropRow {
    /// The drop.
    pub drop_id: DropId,
    /// The seq of the newest event in it: the row version of the ETag.
    pub seq: u64,
    /// From 1; rises when the terms change.
    pub version: u64,
    /// The store that offers it.
    pub store: StoreId,
    /// Its status.
    pub status: DropStatus,
    /// What it is.
    pub terms: DropTerms,
    /// The units of every item, in the order of the terms.
    pub pools: Vec<ItemPool>,
    /// The waiting room.
    pub queue: QueueLevels,
    /// The commitment to the draw's seed, once it is scheduled.
    pub seed_hash: Option<SeedHash>,
    /// The seed, once it is revealed.
    pub seed: Option<Seed>,
    /// How many joined early, once that is over.
    pub early: Option<u64>,
    /// How many of them are drawn.
    pub drawn: u64,
    /// When its items were asked to lend.
    pub drafted_at: Timestamp,
    /// When it opened, by the engine's clock.
    pub opened_at: Option<Timestamp>,
    /// When it was over.
    pub over_at: Option<Timestamp>,
    /// How fast shoppers are admitted after the first of them.
    pub admissions: Option<Admissions>,
    /// For how long the clocks of admissions have stood still, but for the time since `standing_since`.
    pub stood_still_ms: u64,
    /// Since when they stand still, if they do.
    pub standing_since: Option<Timestamp>,
    /// What its store said when it paused it or called it off.
    pub reason: Option<String>,
    /// Why it was rejected.
    pub refusals: Vec<LoanRefused>,
    /// The caller's own pairs.
    pub metadata: Metadata,
    /// When anything changed last.
    pub changed_at: Timestamp,
}

/// The first admissions, which fill the room: later ones show how fast it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admissions {
    /// When the first were admitted.
    pub since: Timestamp,
    /// The rank that was next after all that were admitted at that time.
    pub next_rank: u64,
}

/// How a place stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceStatus {
    /// Not admitted yet.
    Waiting,
    /// May claim.
    Admitted,
    /// Has claimed: the place is used up.
    Claimed,
    /// Was admitted and let it pass.
    Expired,
    /// The drop ended before.
    Over,
}

impl PlaceStatus {
    /// The status as JSON names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Claimed => "claimed",
            Self::Expired => "expired",
            Self::Over => "over",
        }
    }
}

/// How a place stands at a time: what its shopper is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: PlaceStatus,
    /// Whether the place has a rank: those of early joiners are drawn when the drop opens.
    pub drawn: bool,
    /// Who waits in front, and the shopper: 1 is admitted next. `None` before the draw, and where nobody waits.
    pub position: Option<u64>,
    /// Until when the shopper may claim, if the clocks of admissions run from now on.
    pub admitted_until: Option<Timestamp>,
    /// How long it takes until the shopper is admitted, about, in seconds; `None` where nobody can say.
    pub estimated_wait_seconds: Option<u64>,
}

impl DropRow {
    /// Whether nothing can be claimed any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.status, DropStatus::Ended | DropStatus::Cancelled | DropStatus::Rejected)
    }

    /// The units of an item; none where it is not offered.
    #[must_use]
    pub fn levels(&self, item: &DropItem) -> PoolLevels {
        self.pools.iter().find(|pool| pool.item_id == item.item_id).map_or_else(PoolLevels::default, |pool| pool.levels)
    }

    /// For how long the clocks of admissions have stood still by `now`.
    #[must_use]
    pub fn stood_still_ms(&self, now: Timestamp) -> u64 {
        self.stood_still_ms + self.standing_since.map_or(0, |since| millis_between(since, now))
    }

    /// How a place in the waiting room stands.
    #[must_use]
    pub fn standing(&self, place: &Place, now: Timestamp) -> Standing {
        let (status, admitted_until) = match place.admission {
            _ if place.is_claimed => (PlaceStatus::Claimed, None),
            _ if place.is_expired => (PlaceStatus::Expired, None),
            _ if self.is_over() => (PlaceStatus::Over, None),
            Some(admission) => {
                let longer = self.stood_still_ms(now).saturating_sub(admission.stood_still_ms);
                let longer = i64::try_from(longer).unwrap_or(i64::MAX);
                (PlaceStatus::Admitted, Some(admission.until.plus_millis(longer)))
            }
            None => (PlaceStatus::Waiting, None),
        };
        let is_waiting = status == PlaceStatus::Waiting;
        let position = place.position(&self.queue).filter(|_| is_waiting);
        let estimated_wait_seconds = if is_waiting { self.estimated_wait_seconds(position, now) } else { None };
        Standing { status, drawn: place.rank.is_some(), position, admitted_until, estimated_wait_seconds }
    }

    /// How long it takes until who stands there is admitted, about: before the start the time until then, later at the
    /// pace of all admissions after the first, which filled the room. Nobody can say while there were no others.
    fn estimated_wait_seconds(&self, position: Option<u64>, now: Timestamp) -> Option<u64> {
        if self.opened_at.is_none() {
            return Some(millis_between(now, self.terms.starts_at).div_ceil(1_000));
        }
        let first = self.admissions?;
        let admitted = self.queue.next_rank.checked_sub(first.next_rank).filter(|&admitted| admitted > 0)?;
        let passed = u128::from(millis_between(first.since, now));
        let wait = u128::from(position?) * passed / u128::from(admitted);
        u64::try_from(wait.div_ceil(1_000)).ok()
    }

    fn drafted(fact: &Fact<'_>) -> Option<Self> {
        let Event::Drop(DropEvent::DropDrafted(event)) = fact.event else { return None };
        Some(Self {
            drop_id: DropId::parse(&fact.envelope.subject).expect("the subject of a drop's event is its id"),
            seq: fact.position.seq,
            version: 1,
            store: event.store.clone(),
            status: DropStatus::Draft,
            pools: no_units(&event.terms),
            terms: event.terms.clone(),
            queue: QueueLevels { next_rank: 1, ..QueueLevels::default() },
            seed_hash: None,
            seed: None,
            early: None,
            drawn: 0,
            drafted_at: fact.envelope.time,
            opened_at: None,
            over_at: None,
            admissions: None,
            stood_still_ms: 0,
            standing_since: None,
            reason: None,
            refusals: Vec::new(),
            metadata: event.metadata.clone(),
            changed_at: fact.envelope.time,
        })
    }

    fn apply(&mut self, event: &DropEvent, time: Timestamp) {
        match event {
            DropEvent::DropDrafted(_)
            | DropEvent::UnitsLent(_)
            | DropEvent::LoanRefused(_)
            | DropEvent::DropClosed(_) => {}
            DropEvent::DropScheduled(e) => {
                self.seed_hash = Some(e.seed_hash);
                self.pools = all_units(&e.terms);
                self.terms = e.terms.clone();
                self.turn(DropStatus::Scheduled, time);
            }
            DropEvent::DropRejected(e) => {
                self.refusals.clone_from(&e.refusals);
                self.end(DropStatus::Rejected, &[], time);
            }
            DropEvent::DropChanged(e) => {
                self.terms = e.terms.clone();
                self.version += 1;
            }
            DropEvent::QueueOpened(e) => self.turn(e.status, time),
            DropEvent::DropOpened(e) => {
                self.opened_at = Some(time);
                (self.seed, self.early) = (Some(e.seed), Some(e.early));
                self.turn(e.status, time);
            }
            DropEvent::PlacesDrawn(e) => self.drawn += e.shoppers.len() as u64,
            DropEvent::QueueJoined(e) => self.queue = e.queue,
            DropEvent::ShoppersAdmitted(e) => {
                self.queue = e.queue;
                let first = *self.admissions.get_or_insert(Admissions { since: time, next_rank: 0 });
                if first.since == time {
                    self.admissions = Some(Admissions { since: time, next_rank: e.queue.next_rank });
                }
            }
            DropEvent::AdmissionsExpired(e) => self.queue = e.queue,
            DropEvent::ClaimGranted(e) => {
                self.queue = e.queue;
                self.fill(std::slice::from_ref(&e.pool));
            }
            DropEvent::ClaimCommitted(e) => self.fill(std::slice::from_ref(&e.pool)),
            DropEvent::ClaimReleased(e) => self.fill(std::slice::from_ref(&e.pool)),
            DropEvent::ClaimUncommitted(e) => self.fill(std::slice::from_ref(&e.pool)),
            DropEvent::DropStatusChanged(e) => self.turn(e.status, time),
            DropEvent::DropPaused(e) => {
                self.reason.clone_from(&e.reason);
                self.turn(DropStatus::Paused, time);
            }
            DropEvent::DropResumed(e) => {
                self.reason = None;
                self.turn(e.status, time);
            }
            DropEvent::DropEnded(e) => self.end(DropStatus::Ended, &e.pools, time),
            DropEvent::DropCancelled(e) => {
                self.reason.clone_from(&e.reason);
                self.end(DropStatus::Cancelled, &e.pools, time);
            }
        }
    }

    /// Takes a status. Once it has opened, the clocks of admissions run while it is live.
    fn turn(&mut self, status: DropStatus, time: Timestamp) {
        self.status = status;
        if self.opened_at.is_none() {
            return;
        }
        if status == DropStatus::Live {
            self.stood_still_ms = self.stood_still_ms(time);
            self.standing_since = None;
        } else {
            self.standing_since.get_or_insert(time);
        }
    }

    fn end(&mut self, status: DropStatus, pools: &[ItemPool], time: Timestamp) {
        self.fill(pools);
        self.over_at = Some(time);
        self.turn(status, time);
    }

    fn fill(&mut self, pools: &[ItemPool]) {
        for new in pools {
            if let Some(pool) = self.pools.iter_mut().find(|pool| pool.item_id == new.item_id) {
                pool.levels = new.levels;
            }
        }
    }
}

fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.millis().saturating_sub(from.millis())).unwrap_or(0)
}

fn no_units(terms: &DropTerms) -> Vec<ItemPool> {
    let pool = |item: &DropItem| ItemPool { item_id: item.item_id.clone(), levels: PoolLevels::default() };
    terms.items.iter().map(pool).collect()
}

fn all_units(terms: &DropTerms) -> Vec<ItemPool> {
    let pool = |item: &DropItem| ItemPool {
        item_id: item.item_id.clone(),
        levels: PoolLevels { remaining: item.quantity.get(), ..PoolLevels::default() },
    };
    terms.items.iter().map(pool).collect()
}

/// The table.
pub const TABLE: Table = Table { name: "drop_v1" };

/// A drop.
pub async fn get(views: &dyn ViewStore, drop: &DropId) -> Result<Option<DropRow>, StoreError> {
    row(views, TABLE, drop.as_str()).await
}

/// Drops, in the order asked.
pub async fn get_many(views: &dyn ViewStore, drops: &[DropId]) -> Result<Vec<Option<DropRow>>, StoreError> {
    rows_of(views, TABLE, drops.iter().map(DropId::as_str)).await
}

/// The fold.
pub struct DropView;

impl View for DropView {
    type Row = DropRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        let Event::Drop(event) = fact.event else { return Touch::None };
        key.push_str(&fact.envelope.subject);
        if matches!(event, DropEvent::DropDrafted(_)) { Touch::FreshRow } else { Touch::Row }
    }

    fn fold(row: &mut Option<DropRow>, fact: &Fact<'_>) {
        let Event::Drop(event) = fact.event else { return };
        match row {
            Some(row) => {
                row.seq = fact.position.seq;
                row.changed_at = fact.envelope.time;
                row.apply(event, fact.envelope.time);
            }
            None => *row = DropRow::drafted(fact),
        }
    }
}
