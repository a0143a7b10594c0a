//! Dead letters, to be listed and looked at: each by its id, with what became of it; all of them and those of a key, newest
//! first. The originals stay in the log.
//!
//! A list is cut into a partition for each minute, and the minutes that have letters into a partition for each thirty days, so
//! that a million letters stand in many small partitions. A row is written from one record of the log, whole.

use crate::{
    fold::{decode, encode, version},
    store::{RowKey, RowWrite, Scan, StoreError, Table, ViewStore},
};
use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The letters: partition id, a row for the letter and one for what became of it.
pub const LETTERS: Table = Table { name: "dead_letters_v1" };
/// The lists: partition scope and minute, ordered by time.
pub const LIST: Table = Table { name: "dead_letter_list_v1" };
/// The minutes that have letters: partition scope and era, ordered by minute.
pub const MINUTES: Table = Table { name: "dead_letter_minutes_v1" };

const LETTER: &str = "letter";
const REDRIVE: &str = "redrive";
const MINUTE_MS: i64 = 60_000;
/// Minutes of an era: thirty days.
const ERA: u64 = 43_200;
/// So many eras are looked through, the newest first: the topic keeps letters for three of them.
const ERAS: u64 = 5;
/// Letters that are read at once, and that are looked at for one answer.
const MATCH_PAGE: usize = 100;
const MOST_LOOKED_AT: usize = 2_000;

/// A letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterRow {
    /// Its id.
    pub id: String,
    /// Where it stands in the topic of dead letters: the newest, where the same thing failed several times.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
    /// The key that its original had.
    pub key: String,
    /// What it is about, as a word.
    pub kind: String,
    /// Why, as a word; older letters have none.
    pub code: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
    /// When it failed; older letters do not say.
    pub at: Option<Timestamp>,
    /// Where the original stood.
    pub from: Value,
}

/// What became of a letter when it was redriven last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RedriveRow {
    /// The request.
    pub request: String,
    /// The role and pseudonym of who asked.
    pub by: String,
    /// When they asked.
    pub at: Timestamp,
    /// What came of it, as a word: `done` where it is settled.
    pub outcome: String,
    /// The same as a sentence.
    pub detail: Option<String>,
}

/// A letter, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The letter.
    pub row: LetterRow,
    /// Its newest redrive.
    pub redrive: Option<RedriveRow>,
}

impl Letter {
    /// Whether a redrive has settled it, and it has not failed again since.
    #[must_use]
    pub fn is_redriven(&self) -> bool {
        let failed = self.row.at.unwrap_or_default();
        self.redrive.as_ref().is_some_and(|redrive| redrive.outcome == "done" && redrive.at >= failed)
    }
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    minute: u64,
    clustering: String,
}

impl Place {
    fn of(letter: &LetterRow) -> Self {
        let millis = letter.at.unwrap_or_default().millis().max(0);
        let clustering = format!("{millis:016x}.{:04x}.{:016x}", letter.partition, letter.offset);
        Self { minute: minute_of(millis), clustering }
    }
}

fn minute_of(millis: i64) -> u64 {
    (millis / MINUTE_MS).max(0).cast_unsigned()
}

/// Which letters a list has: all, or those of a key.
fn scope(key: Option<&str>) -> String {
    key.map_or_else(|| "all".to_owned(), |key| format!("key {key}"))
}

fn era_key(scope: &str, era: u64) -> String {
    format!("{scope}/{era}")
}

fn minute_key(scope: &str, minute: u64) -> String {
    format!("{scope}/{minute}")
}

fn minute_text(minute: u64) -> String {
    format!("{minute:012x}")
}

/// Every record has an offset from 0.
const fn version_of(offset: u64) -> u64 {
    version(offset + 1)
}

/// The rows of a letter.
///
/// # Panics
/// Never: words and numbers are JSON.
#[must_use]
pub fn letter_rows(letter: &LetterRow) -> Vec<RowWrite> {
    let version = version_of(letter.offset);
    let key = RowKey { partition: letter.id.clone(), clustering: LETTER.to_owned() };
    let body = encode(LETTERS, &key, letter).expect("a row of words and numbers is JSON");
    let mut rows = vec![RowWrite { table: LETTERS, key, version, body: Some(body) }];
    let place = Place::of(letter);
    for scope in [scope(None), scope(Some(&letter.key))] {
        let key = RowKey { partition: era_key(&scope, place.minute / ERA), clustering: minute_text(place.minute) };
        rows.push(RowWrite { table: MINUTES, key, version, body: Some(b"{}".to_vec()) });
        let key = RowKey { partition: minute_key(&scope, place.minute), clustering: place.clustering.clone() };
        let body = encode(LIST, &key, &letter.id).expect("text is JSON");
        rows.push(RowWrite { table: LIST, key, version, body: Some(body) });
    }
    rows
}

/// The row of what became of the letter `of`, told by the record at that offset.
///
/// # Panics
/// Never: words and numbers are JSON.
#[must_use]
pub fn redrive_row(of: &str, redrive: &RedriveRow, offset: u64) -> RowWrite {
    let key = RowKey { partition: of.to_owned(), clustering: REDRIVE.to_owned() };
    let body = encode(LETTERS, &key, redrive).expect("a row of words and numbers is JSON");
    RowWrite { table: LETTERS, key, version: version_of(offset), body: Some(body) }
}

/// A letter by its id.
pub async fn get(views: &dyn ViewStore, id: &str) -> Result<Option<Letter>, StoreError> {
    Ok(many(views, &[id.to_owned()]).await?.pop().flatten())
}

async fn many(views: &dyn ViewStore, ids: &[String]) -> Result<Vec<Option<Letter>>, StoreError> {
    let key = |id: &String, clustering: &str| RowKey { partition: id.clone(), clustering: clustering.to_owned() };
    let keys: Vec<RowKey> = ids.iter().flat_map(|id| [key(id, LETTER), key(id, REDRIVE)]).collect();
    let rows = views.get(LETTERS, &keys).await?;
    let letter = |(keys, rows): (&[RowKey], &[Option<crate::store::Row>])| {
        let Some(row) = &rows[0] else { return Ok(None) };
        let redrive = rows[1].as_ref().map(|row| decode(LETTERS, &keys[1], &row.body)).transpose()?;
        Ok(Some(Letter { row: decode(LETTERS, &keys[0], &row.body)?, redrive }))
    };
    keys.chunks(2).zip(rows.chunks(2)).map(letter).collect()
}

/// Letters before (older than) a place, newest first, each with its place; fewer than `limit` at the end. `None` stands where
/// the same thing has failed again later: it is listed there.
pub async fn page(
    views: &dyn ViewStore,
    key: Option<&str>,
    now: Timestamp,
    before: Option<&Place>,
    limit: usize,
) -> Result<Vec<(Place, Option<Letter>)>, StoreError> {
    let scope = scope(key);
    let mut found: Vec<(Place, String)> = Vec::new();
    // What has no time stands in the first era.
    let newest = before.map_or(minute_of(now.millis()) / ERA + 1, |place| place.minute / ERA);
    let eras = (newest.saturating_sub(ERAS).max(1)..=newest.max(1)).rev().chain([0]);
    let mut after = before.cloned();
    for era in eras.filter(|era| *era <= newest) {
        if let Some(place) = after.take() {
            found.extend(entries(views, &scope, place.minute, Some(&place.clustering), limit).await?);
            minutes(views, &scope, era, Some(place.minute), limit, &mut found).await?;
        } else {
            minutes(views, &scope, era, None, limit, &mut found).await?;
        }
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    let ids: Vec<String> = found.iter().map(|(_, id)| id.clone()).collect();
    let letters = many(views, &ids).await?;
    let newest_of = |(place, letter): (Place, Option<Letter>)| {
        let letter = letter.filter(|letter| Place::of(&letter.row) == place);
        (place, letter)
    };
    Ok(found.into_iter().map(|(place, _)| place).zip(letters).map(newest_of).collect())
}

/// Which letters are looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'w> {
    /// Those of a key.
    pub key: Option<&'w str>,
    /// Those of a kind.
    pub kind: Option<&'w str>,
    /// Those that are, or are not, redriven.
    pub redriven: Option<bool>,
}

impl Wanted<'_> {
    fn has(&self, letter: &Letter) -> bool {
        self.kind.is_none_or(|kind| kind == letter.row.kind)
            && self.redriven.is_none_or(|redriven| redriven == letter.is_redriven())
    }
}

/// Letters that are wanted before (older than) a place, newest first, and where to go on: nowhere at the end of the list. Where
/// few of many pass, it may be a page with fewer than `limit`.
pub async fn matching(
    views: &dyn ViewStore,
    wanted: Wanted<'_>,
    now: Timestamp,
    before: Option<Place>,
    limit: usize,
) -> Result<(Vec<Letter>, Option<Place>), StoreError> {
    let (mut found, mut last, mut looked_at) = (Vec::new(), before, 0);
    loop {
        let page = page(views, wanted.key, now, last.as_ref(), MATCH_PAGE).await?;
        let is_last = page.len() < MATCH_PAGE;
        for (place, letter) in page {
            looked_at += 1;
            last = Some(place);
            found.extend(letter.filter(|letter| wanted.has(letter)));
            if found.len() == limit {
                return Ok((found, last));
            }
        }
        if is_last {
            return Ok((found, None));
        }
        if looked_at >= MOST_LOOKED_AT {
            return Ok((found, last));
        }
    }
}

/// Adds what stands in the minutes of an era before one, until there are `limit`.
async fn minutes(
    views: &dyn ViewStore,
    scope: &str,
    era: u64,
    before: Option<u64>,
    limit: usize,
    found: &mut Vec<(Place, String)>,
) -> Result<(), StoreError> {
    let partition = era_key(scope, era);
    let mut after = before.map(minute_text);
    while found.len() < limit {
        let scan = Scan { table: MINUTES, partition: &partition, after: after.as_deref(), descending: true, limit: 64 };
        let rows = views.scan(scan).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.clustering.clone());
        for row in rows {
            let broken = || StoreError::Corrupt(format!("{} {partition}: no minute: {}", MINUTES.name, row.clustering));
            let minute = u64::from_str_radix(&row.clustering, 16).map_err(|_| broken())?;
            if found.len() < limit {
                let more = entries(views, scope, minute, None, limit - found.len()).await?;
                found.extend(more);
            }
        }
    }
    Ok(())
}

/// What stands in a minute before a place, newest first.
async fn entries(
    views: &dyn ViewStore,
    scope: &str,
    minute: u64,
    before: Option<&str>,
    limit: usize,
) -> Result<Vec<(Place, String)>, StoreError> {
    let partition = minute_key(scope, minute);
    let rows = views.scan(Scan { table: LIST, partition: &partition, after: before, descending: true, limit }).await?;
    let entry = |row: crate::store::Row| {
        let key = RowKey { partition: partition.clone(), clustering: row.clustering };
        let id = decode(LIST, &key, &row.body)?;
        Ok((Place { minute, clustering: key.clustering }, id))
    };
    rows.into_iter().map(entry).collect()
}
