//! Places in the waiting rooms of drops.
//!
//! What happens to a place is written by one event each, and for many places at once: so each of it is a row of its own,
//! which nothing is read for, and a reader puts the few rows of a place together by their versions. A shopper who joins
//! again has a new place: what is older than it belonged to the place before.

use crate::{
    fold::{Fact, Listing, decode, encode},
    store::{Row, RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::{
    DropId, Event, SubjectId, Timestamp,
    drop::{DropEvent, QueueLevels},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The table: partition drop and shopper, a row for each of [`JOINED`], [`DRAWN`], [`ADMITTED`], [`CLAIMED`] and
/// [`EXPIRED`], as far as it has happened.
pub const TABLE: Table = Table { name: "queue_place_v1" };

const ADMITTED: &str = "admitted";
const CLAIMED: &str = "claimed";
const DRAWN: &str = "drawn";
const EXPIRED: &str = "expired";
const JOINED: &str = "joined";

/// A shopper's newest place in the waiting room of a drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The seq of the newest event of this shopper in the waiting room.
    pub seq: u64,
    /// In the order of joining, from 1.
    pub number: u64,
    /// When it was taken.
    pub joined_at: Timestamp,
    /// The rank, once it is fixed.
    pub rank: Option<u64>,
    /// The admission, once there was one.
    pub admission: Option<Admission>,
    /// Whether a claim has used it up.
    pub is_claimed: bool,
    /// Whether its admission has passed.
    pub is_expired: bool,
}

impl Place {
    /// Who waits in front, and the shopper: 1 is admitted next. `None` before the draw.
    #[must_use]
    pub fn position(&self, queue: &QueueLevels) -> Option<u64> {
        self.rank.map(|rank| rank.saturating_sub(queue.next_rank) + 1)
    }
}

/// That a place may claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// Until when, as long as the clocks of admissions run.
    pub until: Timestamp,
    /// For how long these had stood still by then.
    pub stood_still_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Joined {
    number: u64,
    joined_at: Timestamp,
    rank: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Drawn {
    rank: u64,
}

/// What is told by being there.
#[derive(Serialize, Deserialize)]
struct Mark {}

/// The newest place of a shopper; `None` for who has not joined.
pub async fn get(views: &dyn ViewStore, drop: &DropId, shopper: &SubjectId) -> Result<Option<Place>, StoreError> {
    let partition = partition(drop.as_str(), shopper);
    // As many as there are kinds of rows.
    let scan = Scan { table: TABLE, partition: &partition, after: None, descending: false, limit: 5 };
    let rows = views.scan(scan).await?;
    let Some(joined) = rows.iter().find(|row| row.clustering == JOINED) else { return Ok(None) };
    let of_this_place = Later { partition, rows: &rows, than: joined.version };
    let Joined { number, joined_at, rank } = read(&of_this_place.partition, joined)?;
    let drawn: Option<Drawn> = of_this_place.row(DRAWN)?;
    let admission = of_this_place.row(ADMITTED)?;
    let is_claimed = of_this_place.row::<Mark>(CLAIMED)?.is_some();
    let is_expired = of_this_place.row::<Mark>(EXPIRED)?.is_some();
    let rank = rank.or(drawn.map(|drawn| drawn.rank));
    let seq = rows.iter().map(|row| row.version / crate::fold::version(1)).max().unwrap_or_default();
    Ok(Some(Place { seq, number, joined_at, rank, admission, is_claimed, is_expired }))
}

/// Rows of a partition that are later than a version.
struct Later<'r> {
    partition: String,
    rows: &'r [Row],
    than: u64,
}

impl Later<'_> {
    fn row<R: DeserializeOwned>(&self, clustering: &str) -> Result<Option<R>, StoreError> {
        let found = self.rows.iter().find(|row| row.clustering == clustering && row.version > self.than);
        found.map(|row| read(&self.partition, row)).transpose()
    }
}

fn read<R: DeserializeOwned>(partition: &str, row: &Row) -> Result<R, StoreError> {
    let key = RowKey { partition: partition.to_owned(), clustering: row.clustering.clone() };
    decode(TABLE, &key, &row.body)
}

/// No id has a slash.
fn partition(drop: &str, shopper: &SubjectId) -> String {
    format!("{drop}/{shopper}")
}

/// The fold.
pub struct QueuePlaces;

impl Listing for QueuePlaces {
    const TABLE: Table = TABLE;

    fn list(fact: &Fact<'_>, rows: &mut Vec<RowWrite>) {
        let Event::Drop(event) = fact.event else { return };
        match event {
            DropEvent::QueueJoined(e) => {
                let joined = Joined { number: e.number, joined_at: fact.envelope.time, rank: e.rank };
                rows.push(write(fact, &e.shopper, JOINED, &joined));
            }
            DropEvent::PlacesDrawn(e) => {
                let ranked = e.shoppers.iter().zip(e.first_rank..);
                rows.extend(ranked.map(|(shopper, rank)| write(fact, shopper, DRAWN, &Drawn { rank })));
            }
            DropEvent::ShoppersAdmitted(e) => {
                let admission = Admission { until: e.until, stood_still_ms: e.stood_still_ms };
                rows.extend(e.shoppers.iter().map(|shopper| write(fact, shopper, ADMITTED, &admission)));
            }
            DropEvent::AdmissionsExpired(e) => {
                rows.extend(e.shoppers.iter().map(|shopper| write(fact, shopper, EXPIRED, &Mark {})));
            }
            DropEvent::ClaimGranted(e) => rows.push(write(fact, &e.claim.shopper, CLAIMED, &Mark {})),
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
}

fn write<R: Serialize>(fact: &Fact<'_>, shopper: &SubjectId, kind: &str, row: &R) -> RowWrite {
    let key = RowKey { partition: partition(&fact.envelope.subject, shopper), clustering: kind.to_owned() };
    let body = encode(TABLE, &key, row).expect("a row of numbers is JSON");
    RowWrite { table: TABLE, key, version: fact.version(), body: Some(body) }
}
