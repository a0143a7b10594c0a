//! Lists of drops, the latest start first: of a store, and of all that were scheduled. They hold keys only.
//!
//! The list of all is cut into the days of the starts, so that no partition grows without end, with a list of these days.

use crate::{
    fold::{Fact, Listing},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{DropId, Event, StoreId, Timestamp, drop::DropEvent};

/// Drops by store, also those that were never scheduled: partition store, ordered by (start, drop).
pub const BY_STORE: Table = Table { name: "drops_by_store_v1" };
/// Drops that were scheduled: partition day of the start, ordered by (start, drop).
pub const BY_START: Table = Table { name: "drops_by_start_v1" };
/// Days on which drops start: one partition, ordered by day. A row is the same whichever drop writes it, and is never deleted.
pub const DAYS: Table = Table { name: "drop_days_v1" };

/// The one partition of [`DAYS`].
const EVERYTHING: &str = "all";
/// Days that one read takes.
const PAGE: usize = 100;
const DAY_MS: i64 = 86_400_000;

/// Where a drop stands in a list: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropPlace {
    /// When it starts.
    pub starts_at: Timestamp,
    /// The drop.
    pub drop_id: DropId,
}

impl DropPlace {
    fn clustering(&self) -> String {
        format!("{}/{}", ordered(self.starts_at.millis()), self.drop_id)
    }

    fn parse(clustering: &str) -> Option<Self> {
        let (millis, drop) = clustering.split_once('/')?;
        let millis = u64::from_str_radix(millis, 16).ok()? ^ (1 << 63);
        let drop_id = DropId::parse(drop).ok()?;
        Some(Self { starts_at: Timestamp::from_millis(millis.cast_signed()), drop_id })
    }
}

/// A number with the sign bit turned, so that all order bytewise.
fn ordered(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

fn day(starts_at: Timestamp) -> String {
    ordered(starts_at.millis().div_euclid(DAY_MS))
}

/// Drops of a store after (that start earlier than) a place, the latest start first; fewer than `limit` at the end.
pub async fn of_store(
    views: &dyn ViewStore,
    store: &StoreId,
    after: Option<&DropPlace>,
    limit: usize,
) -> Result<Vec<DropPlace>, StoreError> {
    page(views, BY_STORE, store.as_str(), after, limit).await
}

/// The same of all drops that were scheduled.
pub async fn all(views: &dyn ViewStore, after: Option<&DropPlace>, limit: usize) -> Result<Vec<DropPlace>, StoreError> {
    let mut found = Vec::new();
    let mut last = after.map(|place| day(place.starts_at));
    if let Some(day) = &last {
        found = page(views, BY_START, day, after, limit).await?;
    }
    while found.len() < limit {
        let scan = Scan { table: DAYS, partition: EVERYTHING, after: last.as_deref(), descending: true, limit: PAGE };
        let days = views.scan(scan).await?;
        for day in &days {
            found.extend(page(views, BY_START, &day.clustering, None, limit - found.len()).await?);
            if found.len() == limit {
                return Ok(found);
            }
        }
        match days.into_iter().next_back() {
            Some(day) => last = Some(day.clustering),
            None => break,
        }
    }
    Ok(found)
}

async fn page(
    views: &dyn ViewStore,
    table: Table,
    partition: &str,
    after: Option<&DropPlace>,
    limit: usize,
) -> Result<Vec<DropPlace>, StoreError> {
    let after = after.map(DropPlace::clustering);
    let rows = views.scan(Scan { table, partition, after: after.as_deref(), descending: true, limit }).await?;
    let broken = |key: &str| StoreError::Corrupt(format!("{} {partition}: not a key: {key}", table.name));
    rows.iter().map(|row| DropPlace::parse(&row.clustering).ok_or_else(|| broken(&row.clustering))).collect()
}

/// What an event says of where a drop stands.
struct Change<'e> {
    store: &'e StoreId,
    starts_at: Timestamp,
    /// When it was to start until now, where that is another time.
    before: Option<Timestamp>,
    /// Whether its items lend their units, so that everybody may know of it.
    is_scheduled: bool,
}

fn change(event: &Event) -> Option<Change<'_>> {
    let Event::Drop(event) = event else { return None };
    let of = |store, starts_at, is_scheduled| Some(Change { store, starts_at, before: None, is_scheduled });
    match event {
        DropEvent::DropDrafted(e) => of(&e.store, e.terms.starts_at, false),
        DropEvent::DropScheduled(e) => of(&e.store, e.terms.starts_at, true),
        DropEvent::DropChanged(e) if e.previous.starts_at != e.terms.starts_at => {
            let before = Some(e.previous.starts_at);
            Some(Change { store: &e.store, starts_at: e.terms.starts_at, before, is_scheduled: true })
        }
        DropEvent::DropChanged(_)
        | DropEvent::UnitsLent(_)
        | DropEvent::LoanRefused(_)
        | DropEvent::DropRejected(_)
        | DropEvent::QueueOpened(_)
        | DropEvent::QueueJoined(_)
        | DropEvent::DropOpened(_)
        | DropEvent::PlacesDrawn(_)
        | DropEvent::ShoppersAdmitted(_)
        | DropEvent::AdmissionsExpired(_)
        | DropEvent::ClaimGranted(_)
        | DropEvent::ClaimCommitted(_)
        | DropEvent::ClaimReleased(_)
        | DropEvent::ClaimUncommitted(_)
        | DropEvent::DropStatusChanged(_)
        | DropEvent::DropPaused(_)
        | DropEvent::DropResumed(_)
        | DropEvent::DropEnded(_)
        | DropEvent::DropCancelled(_)
        | DropEvent::DropClosed(_) => None,
    }
}

/// The fold of the lists by store.
pub struct ByStore;
/// The fold of the list of all.
pub struct ByStart;
/// The fold of the list of days.
pub struct Days;

impl Listing for ByStore {
    const TABLE: Table = BY_STORE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(change) = change(fact.event) else { return };
        let partition = |_| change.store.as_str().to_owned();
        rows.extend(change.before.map(|before| entry(BY_STORE, partition(before), before, fact, None)));
        rows.push(entry(BY_STORE, partition(change.starts_at), change.starts_at, fact, there()));
    }
}

impl Listing for ByStart {
    const TABLE: Table = BY_START;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(change) = change(fact.event).filter(|change| change.is_scheduled) else { return };
        rows.extend(change.before.map(|before| entry(BY_START, day(before), before, fact, None)));
        rows.push(entry(BY_START, day(change.starts_at), change.starts_at, fact, there()));
    }
}

impl Listing for Days {
    const TABLE: Table = DAYS;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Some(change) = change(fact.event).filter(|change| change.is_scheduled) else { return };
        let key = RowKey { partition: EVERYTHING.to_owned(), clustering: day(change.starts_at) };
        rows.push(RowWrite { table: DAYS, key, version: fact.version(), body: there() });
    }
}

fn entry(table: Table, partition: String, starts_at: Timestamp, fact: &Fact<'_>, body: Option<Vec<u8>>) -> RowWrite {
    let drop_id = DropId::parse(&fact.envelope.subject).expect("the subject of a drop's event is its id");
    let key = RowKey { partition, clustering: DropPlace { starts_at, drop_id }.clustering() };
    RowWrite { table, key, version: fact.version(), body }
}

/// The body of a row that says nothing but that it is there.
fn there() -> Option<Vec<u8>> {
    Some(b"{}".to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_order_as_their_starts_do_and_days_too() {
        let drop_id = DropId::parse("d").expect("an id");
        let times = [i64::MIN, -DAY_MS, -1, 0, 1, DAY_MS, i64::MAX].map(Timestamp::from_millis);
        let places = times.map(|starts_at| DropPlace { starts_at, drop_id: drop_id.clone() });
        let keys = places.clone().map(|place| place.clustering());
        assert!(keys.is_sorted());
        assert!(times.map(day).is_sorted());
        assert_eq!(keys.map(|key| DropPlace::parse(&key).expect("a key")), places);
    }
}
