//! What a log says of a drop, checked by a fold of its own: whether the draw was kept, nobody was let in before their turn,
//! nothing was sold twice and nobody got more than the limit.

use super::log::Fact;
use comfy_table::{Table, presets};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Faults that a check shows; the rest is counted.
const SHOWN: usize = 5;

/// One thing that is proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What must hold.
    pub name: &'static str,
    /// Whether it does.
    pub ok: bool,
    /// What was looked at.
    pub detail: String,
    /// The first faults.
    pub faults: Vec<String>,
}

impl Check {
    /// A check that found these faults.
    pub fn new(name: &'static str, detail: String, mut faults: Vec<String>) -> Self {
        let ok = faults.is_empty();
        faults.truncate(SHOWN);
        Self { name, ok, detail, faults }
    }
}

/// What became of a drop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Units that its items lent.
    pub allotted: u64,
    /// Units bought, less what was cancelled.
    pub sold: u64,
    /// Units claimed and not paid for.
    pub held: u64,
    /// Places in the waiting room.
    pub places: u64,
    /// Of them, drawn because they were taken before the start.
    pub early: u64,
    /// Admissions.
    pub admitted: u64,
    /// Admissions that were let pass.
    pub passed: u64,
    /// Claims that were granted.
    pub claims: u64,
    /// Claims that were not paid for.
    pub released: u64,
    /// Shoppers who have units.
    pub buyers: u64,
}

/// What was proved, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The drop.
    pub drop: String,
    /// The last status that the log tells.
    pub status: String,
    /// How much of everything.
    pub totals: Totals,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Proof {
    /// Whether all of it holds.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }

    /// The checks as a table.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["proved from the log", "holds", "of"]);
        for check in &self.checks {
            let said = std::iter::once(check.detail.as_str()).chain(check.faults.iter().map(String::as_str));
            let said = said.collect::<Vec<_>>().join("\n");
            table.add_row([check.name, if check.ok { "yes" } else { "NO" }, &said]);
        }
        table
    }
}

/// A claim as the log tells it.
struct Claim {
    shopper: String,
    item: String,
    /// Units that it still has.
    units: u64,
    paid: bool,
    ended: bool,
}

/// The fold.
#[derive(Default)]
struct Book {
    totals: Totals,
    status: String,
    /// Units lent by item, and what is held and sold of them.
    pools: BTreeMap<String, (u64, u64, u64)>,
    limit: u64,
    admit_at_once: Option<u64>,
    has_queue: bool,
    seed_hash: String,
    seed: String,
    early: Vec<String>,
    late: u64,
    drawn: Vec<String>,
    ranks: HashMap<String, u64>,
    next_rank: u64,
    admitted: BTreeSet<String>,
    claims: HashMap<String, Claim>,
    units_of: HashMap<String, u64>,
    order_faults: Vec<String>,
    pool_faults: Vec<String>,
    limit_faults: Vec<String>,
    admission_faults: Vec<String>,
    turn_faults: Vec<String>,
    claim_faults: Vec<String>,
}

/// Proves what the events of a drop must keep. `facts` are all of it, in the order of the log.
pub fn prove(drop: &str, facts: &[Fact]) -> Proof {
    let mut book = Book { next_rank: 1, ..Book::default() };
    facts.iter().for_each(|fact| book.fold(fact));
    book.totals.sold = book.pools.values().map(|(_, _, sold)| sold).sum();
    book.totals.held = book.pools.values().map(|(_, held, _)| held).sum();
    book.totals.buyers = book.units_of.values().filter(|units| **units > 0).count() as u64;
    let checks = book.checks();
    Proof { drop: drop.to_owned(), status: book.status, totals: book.totals, checks }
}

impl Book {
    fn fold(&mut self, fact: &Fact) {
        match fact.name() {
            "drop-drafted" => self.status = "draft".to_owned(),
            "drop-scheduled" => {
                fact.text("seedHash").clone_into(&mut self.seed_hash);
                self.status = "scheduled".to_owned();
                self.terms(fact);
            }
            "drop-changed" => self.terms(fact),
            "queue-joined" => self.joined(fact),
            "drop-opened" => {
                fact.text("seed").clone_into(&mut self.seed);
                fact.text("status").clone_into(&mut self.status);
            }
            "places-drawn" => self.drawn(fact),
            "shoppers-admitted" => self.admitted(fact),
            "admissions-expired" => {
                for shopper in fact.shoppers() {
                    self.totals.passed += 1;
                    if !self.admitted.remove(shopper) {
                        self.admission_faults.push(format!("{}: {shopper} was not admitted", fact.id));
                    }
                }
            }
            "claim-granted" => self.granted(fact),
            "claim-committed" => self.committed(fact),
            "claim-released" => self.freed(fact, false),
            "claim-uncommitted" => self.freed(fact, true),
            "queue-opened" | "drop-status-changed" | "drop-resumed" => fact.text("status").clone_into(&mut self.status),
            "drop-paused" => self.status = "paused".to_owned(),
            "drop-ended" => self.status = "ended".to_owned(),
            "drop-cancelled" => self.status = "cancelled".to_owned(),
            "drop-rejected" => self.status = "rejected".to_owned(),
            // Of the loans before it is scheduled: the terms tell what was lent.
            _ => {}
        }
    }

    fn terms(&mut self, fact: &Fact) {
        let terms = &fact.data["terms"];
        self.limit = terms["limitPerShopper"].as_u64().unwrap_or_default();
        self.admit_at_once = terms["admitAtOnce"].as_u64();
        self.has_queue = !terms["queueOpensAt"].is_null();
        for item in terms["items"].as_array().into_iter().flatten() {
            let name = item["itemId"].as_str().unwrap_or_default().to_owned();
            let quantity = item["quantity"].as_u64().unwrap_or_default();
            self.pools.entry(name).or_default().0 = quantity;
        }
        self.totals.allotted = self.pools.values().map(|(lent, ..)| lent).sum();
    }

    fn joined(&mut self, fact: &Fact) {
        let shopper = fact.text("shopper").to_owned();
        self.totals.places += 1;
        match fact.data["rank"].as_u64() {
            Some(rank) => {
                self.late += 1;
                if rank != self.early.len() as u64 + self.late {
                    self.order_faults.push(format!("{}: rank {rank} is not the next", fact.id));
                }
                self.ranks.insert(shopper, rank);
            }
            None if self.seed.is_empty() => self.early.push(shopper),
            None => self.order_faults.push(format!("{}: joined after the start, and has no rank", fact.id)),
        }
    }

    fn drawn(&mut self, fact: &Fact) {
        let first = fact.number("firstRank");
        if first != self.drawn.len() as u64 + 1 {
            self.order_faults.push(format!("{}: begins at rank {first}", fact.id));
        }
        for (rank, shopper) in (first..).zip(fact.shoppers()) {
            self.drawn.push(shopper.to_owned());
            self.ranks.insert(shopper.to_owned(), rank);
        }
    }

    fn admitted(&mut self, fact: &Fact) {
        for shopper in fact.shoppers() {
            self.totals.admitted += 1;
            let rank = self.ranks.get(shopper).copied().unwrap_or_default();
            if rank != self.next_rank {
                self.turn_faults.push(format!("{}: {shopper} has rank {rank}, not {}", fact.id, self.next_rank));
            }
            self.next_rank = rank + 1;
            self.admitted.insert(shopper.to_owned());
        }
        let free: u64 = self.pools.values().map(|(lent, held, sold)| lent.saturating_sub(held + sold)).sum();
        let outstanding = self.admitted.len() as u64;
        if outstanding > free.min(self.admit_at_once.unwrap_or(u64::MAX)) {
            self.admission_faults.push(format!("{}: {outstanding} admitted, {free} units free", fact.id));
        }
    }

    fn granted(&mut self, fact: &Fact) {
        let (claim, shopper) = (fact.text("claim").to_owned(), fact.text("shopper").to_owned());
        let (item, units) = (fact.text("itemId").to_owned(), fact.number("quantity"));
        self.totals.claims += 1;
        if self.has_queue && !self.admitted.remove(&shopper) {
            self.turn_faults.push(format!("{}: {shopper} claimed and was not admitted", fact.id));
        }
        let has = self.units_of.entry(shopper.clone()).or_default();
        *has += units;
        if *has > self.limit {
            self.limit_faults.push(format!("{}: {shopper} has {has}", fact.id));
        }
        self.pools.entry(item.clone()).or_default().1 += units;
        let fresh = Claim { shopper, item, units, paid: false, ended: false };
        if self.claims.insert(claim.clone(), fresh).is_some() {
            self.claim_faults.push(format!("{}: {claim} was granted before", fact.id));
        }
        self.pool(fact);
    }

    fn committed(&mut self, fact: &Fact) {
        match self.claims.get_mut(fact.text("claim")) {
            Some(claim) if !claim.paid && !claim.ended => {
                claim.paid = true;
                let pool = self.pools.entry(claim.item.clone()).or_default();
                pool.1 = pool.1.saturating_sub(claim.units);
                pool.2 += claim.units;
            }
            Some(_) | None => self.claim_faults.push(format!("{}: paid, and not held", fact.id)),
        }
        self.pool(fact);
    }

    /// Units come free: of a claim that was not paid for, or of a bought one that was cancelled.
    fn freed(&mut self, fact: &Fact, bought: bool) {
        let (units, to_item) = (fact.number("quantity"), fact.data["toItem"] == true);
        match self.claims.get_mut(fact.text("claim")) {
            Some(claim) if claim.paid == bought && !claim.ended && units <= claim.units => {
                claim.units -= units;
                claim.ended = claim.units == 0;
                let pool = self.pools.entry(claim.item.clone()).or_default();
                let taken = if bought { &mut pool.2 } else { &mut pool.1 };
                *taken = taken.saturating_sub(units);
                if to_item {
                    pool.0 = pool.0.saturating_sub(units);
                }
                let has = self.units_of.entry(claim.shopper.clone()).or_default();
                *has = has.saturating_sub(units);
                self.totals.released += u64::from(!bought);
            }
            Some(_) | None => self.claim_faults.push(format!("{}: given back, and not there", fact.id)),
        }
        self.pool(fact);
    }

    /// Holds the units that the event tells against those of the fold.
    fn pool(&mut self, fact: &Fact) {
        let pool = &fact.data["pool"];
        let item = pool["itemId"].as_str().unwrap_or_default();
        let (lent, held, sold) = self.pools.get(item).copied().unwrap_or_default();
        if held + sold > lent {
            self.pool_faults.push(format!("{}: {held} held and {sold} sold of {lent}", fact.id));
        }
        let level = |name: &str| pool["levels"][name].as_u64().unwrap_or(u64::MAX);
        if (level("held"), level("sold")) != (held, sold) {
            self.pool_faults.push(format!("{}: tells {}, reckoned {held} held, {sold} sold", fact.id, pool["levels"]));
        }
    }

    fn checks(&mut self) -> Vec<Check> {
        let take = std::mem::take::<Vec<String>>;
        let totals = &mut self.totals;
        totals.early = self.early.len() as u64;
        let mut checks = Vec::new();
        if self.has_queue && !self.seed.is_empty() {
            checks.push(Check::new(
                "the seed is the one that was committed to",
                format!("SHA-256 of {}…", self.seed.get(..16).unwrap_or_default()),
                seed_faults(&self.seed, &self.seed_hash),
            ));
            let due = draw(&self.seed, &self.early);
            let wrong = due.iter().zip(&self.drawn).filter(|(due, drawn)| due != drawn).count();
            let same = due == self.drawn;
            checks.push(Check::new(
                "who came early was drawn in the order of the seed",
                format!("{} places", due.len()),
                if same { Vec::new() } else { vec![format!("{wrong} stand elsewhere, {} drawn", self.drawn.len())] },
            ));
            let late = format!("{} places", totals.places - totals.early);
            checks.push(Check::new(
                "who came later queues in the order of the log",
                late,
                take(&mut self.order_faults),
            ));
            let admitted = format!("{} admissions, {} let pass", totals.admitted, totals.passed);
            checks.push(Check::new(
                "admitted in that order, claimed only when admitted",
                admitted,
                take(&mut self.turn_faults),
            ));
            let most = self.admit_at_once.map_or_else(|| "units free".to_owned(), |most| format!("{most} at once"));
            checks.push(Check::new("never more admitted than units are free", most, take(&mut self.admission_faults)));
        }
        let sold = format!("{} sold and {} held of {}", totals.sold, totals.held, totals.allotted);
        checks.push(Check::new("never more claimed than was lent", sold, take(&mut self.pool_faults)));
        let limit = format!("{} each, {} shoppers", self.limit, totals.buyers);
        checks.push(Check::new("nobody ever has more than the limit", limit, take(&mut self.limit_faults)));
        let claims = format!("{} claims, {} not paid for", totals.claims, totals.released);
        checks.push(Check::new(
            "every claim is granted, paid for and given back at most once",
            claims,
            take(&mut self.claim_faults),
        ));
        checks
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn seed_faults(seed: &str, hash: &str) -> Vec<String> {
    let told = bytes(seed).map(Sha256::digest);
    let told = told.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if told.as_deref() == Some(hash) { Vec::new() } else { vec![format!("the hash was {hash}")] }
}

/// The order of `SHA-256(seed ‖ shopper)`.
fn draw(seed: &str, shoppers: &[String]) -> Vec<String> {
    let seed = bytes(seed).unwrap_or_default();
    let key =
        |shopper: &&String| -> Vec<u8> { Sha256::new().chain_update(&seed).chain_update(shopper).finalize().to_vec() };
    let mut drawn: Vec<&String> = shoppers.iter().collect();
    drawn.sort_by_cached_key(|shopper| (key(shopper), (*shopper).clone()));
    drawn.into_iter().cloned().collect()
}
