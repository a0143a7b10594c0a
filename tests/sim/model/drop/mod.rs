//! A drop, its units and its waiting room, reckoned from its events.

mod decide;
mod fold;
mod rows;

use super::{Ask, Model, Shown, Verdict, Violations, Wait};
use crate::sim::checker::evidence::{Event, list, millis, number, rfc3339, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// How long who is admitted may claim, in milliseconds.
const ADMISSION_MS: i64 = 120_000;
/// How long what is over is remembered.
const RETENTION_MS: i64 = 24 * 3_600_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    New,
    Draft,
    Scheduled,
    Queueing,
    Open,
    Ended,
    Cancelled,
    Rejected,
}

/// The units of one item.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    pub item: String,
    lent: i64,
    remaining: i64,
    held: i64,
    sold: i64,
    /// Given back to the item by the drop.
    pub returned: i64,
    /// Bought and cancelled: given back to everybody by the item, and those of them that came to the drop.
    pub to_item: i64,
    pub into: i64,
    /// Bought in all.
    pub bought: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waits,
    /// Until then, were the clocks of admissions never to stand still again; and by how much they had, then.
    Admitted(i64, i64),
    Used,
    Expired,
}

/// A shopper's newest place.
#[derive(Debug, Clone)]
struct Place {
    number: i64,
    rank: Option<i64>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sale {
    Held,
    Bought,
    Released,
}

/// A claim as its events tell it.
#[derive(Debug, Clone)]
pub struct Claim {
    digest: Value,
    pub order: String,
    pub shopper: String,
    item: usize,
    pub quantity: i64,
    pub price: Value,
    pub stage: Sale,
    cancelled: i64,
    cancellations: Vec<Value>,
}

/// A drop as its events tell it.
#[derive(Debug, Clone, Default)]
pub struct Drop {
    pub id: String,
    pub phase: Phase,
    paused: bool,
    effect: Value,
    pub store: Value,
    terms: Value,
    metadata: Value,
    answers_due_at: i64,
    /// By item: null where it lends, or why not.
    loans: BTreeMap<String, Value>,
    refusals: Vec<Value>,
    seed_hash: Value,
    seed: Value,
    pub pools: Vec<Pool>,
    places: BTreeMap<String, Place>,
    queue: [i64; 3],
    /// Shoppers in the order of the draw who have no rank yet.
    undrawn: Vec<String>,
    pub claims: BTreeMap<String, Claim>,
    known: BTreeMap<String, Value>,
    /// How long the clocks of admissions have stood still, and since when they do.
    stood_still: i64,
    stopped_at: Option<i64>,
    over_at: i64,
    closed: bool,
    /// The last event opened it or drew: whoever may claim is admitted with the next one.
    admits_next: bool,
    /// What its view keeps beside that.
    shown: rows::Row,
}

/// The levels of a waiting room as events have them.
fn queue(levels: [i64; 3]) -> Value {
    json!({"nextRank": levels[0], "places": levels[1], "admitted": levels[2]})
}

impl Pool {
    fn levels(&self) -> Value {
        let levels = json!({"remaining": self.remaining, "held": self.held, "sold": self.sold});
        json!({"itemId": self.item, "levels": levels})
    }

    /// Units that the item still lends.
    pub fn lends(&self) -> i64 {
        self.remaining + self.held
    }
}

impl Drop {
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), queue: [1, 0, 0], ..Self::default() }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Cancelled)
    }

    fn free(&self) -> i64 {
        self.pools.iter().map(|pool| pool.remaining).sum()
    }

    pub fn held(&self) -> i64 {
        self.pools.iter().map(|pool| pool.held).sum()
    }

    /// `live`, `all_held` or `sold_out`, were it running.
    fn by_units(&self) -> &'static str {
        match (self.free(), self.held()) {
            (0, 0) => "sold_out",
            (0, _) => "all_held",
            _ => "live",
        }
    }

    fn status(&self) -> &'static str {
        match self.phase {
            Phase::New | Phase::Draft => "draft",
            Phase::Rejected => "rejected",
            Phase::Ended => "ended",
            Phase::Cancelled => "cancelled",
            _ if self.paused => "paused",
            Phase::Scheduled => "scheduled",
            Phase::Queueing => "queueing",
            Phase::Open => self.by_units(),
        }
    }

    fn has_room(&self) -> bool {
        !self.terms["queueOpensAt"].is_null()
    }

    fn limit(&self) -> i64 {
        number(&self.terms, "limitPerShopper")
    }

    /// The most that may be admitted at a time.
    fn most_admitted(&self) -> i64 {
        self.free().min(self.terms["admitAtOnce"].as_i64().unwrap_or(i64::MAX))
    }

    /// Units that a shopper holds or has bought.
    fn units_of(&self, shopper: &str) -> i64 {
        let own = self.claims.values().filter(|claim| claim.shopper == shopper && claim.stage != Sale::Released);
        own.map(|claim| claim.quantity - claim.cancelled).sum()
    }

    /// Who is admitted next: as many as there is room for, by rank.
    fn next(&self) -> Vec<String> {
        let runs = self.phase == Phase::Open && !self.paused && self.has_room() && self.undrawn.is_empty();
        let room = usize::try_from(self.most_admitted() - self.queue[2]).unwrap_or(0);
        let waits = self.places.iter().filter(|(_, place)| place.stage == Stage::Waits);
        let mut waits: Vec<_> = waits.filter_map(|(shopper, place)| Some((place.rank?, shopper))).collect();
        waits.sort();
        waits.into_iter().take(if runs { room } else { 0 }).map(|(_, shopper)| shopper.clone()).collect()
    }

    /// How long the clocks of admissions have stood still by then.
    fn stood_still(&self, now: i64) -> i64 {
        self.stood_still + self.stopped_at.map_or(0, |since| now - since)
    }

    /// When an admission ends, if the clocks go from now on.
    fn until(&self, stage: Stage, now: i64) -> Option<i64> {
        let Stage::Admitted(until, stood_still) = stage else { return None };
        Some(until + self.stood_still(now) - stood_still)
    }

    /// The answer to whoever scheduled it.
    fn scheduled(&self) -> Option<Result<Value, Value>> {
        match self.phase {
            Phase::New => Some(Err(json!({"code": "drop_not_found"}))),
            Phase::Draft => None,
            Phase::Rejected => Some(Err(json!({"code": "drop_rejected", "refusals": self.refusals}))),
            _ => Some(Ok(self.reply(true))),
        }
    }

    fn reply(&self, created: bool) -> Value {
        let pools: Vec<_> = self.pools.iter().map(Pool::levels).collect();
        let content = json!({
            "dropId": self.id, "store": self.store, "status": self.status(), "terms": self.terms, "pools": pools,
            "seedHash": self.seed_hash, "created": created, "metadata": self.metadata,
        });
        json!({"kind": "drop", "content": content})
    }
}

/// Shoppers in the order in which a seed draws them.
fn drawn(seed: &Value, shoppers: Vec<String>) -> Vec<String> {
    let seed = unhex(seed.as_str().unwrap_or_default());
    let key = |shopper: &String| Sha256::digest([&seed[..], shopper.as_bytes()].concat()).to_vec();
    let mut keyed: Vec<_> = shoppers.into_iter().map(|shopper| (key(&shopper), shopper)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, shopper)| shopper).collect()
}

/// The hash that must have been published of a seed.
fn hash_of(seed: &Value) -> String {
    let hash = Sha256::digest(unhex(seed.as_str().unwrap_or_default()));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap_or(0);
    text.as_bytes().chunks_exact(2).map(byte).collect()
}

impl Model for Drop {
    fn decide(&self, ask: Ask<'_>, now: i64) -> Verdict {
        self.verdict(ask, now).unwrap_or_else(Verdict::refused)
    }

    fn answer(&self, wait: &Wait) -> Option<Result<Value, Value>> {
        if *wait == Wait::Scheduled { self.scheduled() } else { None }
    }

    fn late(&self, asked: &Value) -> Vec<Value> {
        self.refused_by_time(asked)
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        self.fold(event, found);
    }

    fn settled(&self, found: &mut Violations) {
        let next = self.next();
        found.must(next.is_empty() || self.admits_next, "nothing-is-forgotten", || {
            format!("{}: {next:?} wait while units are free: {self:?}", self.id)
        });
        let answered = self.phase == Phase::Draft && list(&self.terms, "items").len() == self.loans.len();
        found.must(!answered, "nothing-is-forgotten", || format!("{}: all items have answered", self.id));
    }

    fn rested(&self, found: &mut Violations) {
        let passing = matches!(self.phase, Phase::Draft | Phase::Scheduled | Phase::Queueing | Phase::Open);
        found.must(!passing, "drops-end", || format!("{} is left in {:?}", self.id, self.phase));
        let left: i64 = self.pools.iter().map(Pool::lends).sum();
        found.must(left == 0, "drops-end", || format!("{} keeps {:?}", self.id, self.pools));
    }

    fn rows(&self) -> Vec<Shown> {
        self.row().map(|row| ("drop_v1", self.id.clone(), row)).into_iter().collect()
    }

    fn as_drop(&self) -> Option<&Drop> {
        Some(self)
    }
}
