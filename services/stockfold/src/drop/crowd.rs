//! The shoppers of a simulated drop: most of them ordinary, some slow, some who never pay, some bots.

use super::client::{Answer, Api};
use anyhow::Result;
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use schemas::Role;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, Semaphore};

/// A card that the sandbox provider authorizes.
const CARD: &str = "4242424242424242";
/// Requests under way at once; who comes then waits, and that counts as waiting for the answer.
const IN_FLIGHT: usize = 1_024;

/// How a shopper behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Queues, claims when admitted, pays at once.
    Ordinary,
    /// Is admitted and never claims.
    Sleeper,
    /// Claims and never pays.
    Forgetful,
    /// Claims without a place, with a stolen ticket, more than the limit, and the same claim many times.
    Bot,
}

/// What a shopper came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Has units, paid.
    Bought,
    /// Was told that it is over.
    Missed,
    /// Let the admission pass, or did not pay.
    Gave,
    /// A bot that got nothing by its tricks.
    Repelled,
}

/// What the play must know of the drop.
pub struct Scene {
    /// The drop.
    pub drop: String,
    /// The item.
    pub item: String,
    /// Units that one shopper may have.
    pub limit: u32,
    /// Whether there is a waiting room.
    pub queue: bool,
    /// When the first come, and over which time all do.
    pub doors: Instant,
    /// When claims are taken.
    pub starts: Instant,
    /// From `doors` on.
    pub within: Duration,
}

/// What is counted while it plays.
#[derive(Default)]
pub struct Counts {
    /// How many shoppers have come.
    pub came: AtomicU64,
    /// How many have a place.
    pub places: AtomicU64,
    /// How many claims were granted.
    pub granted: AtomicU64,
    /// How many orders are confirmed.
    pub bought: AtomicU64,
    /// How many shoppers are through.
    pub ended: AtomicU64,
    /// How many requests had to be sent again.
    pub retries: AtomicU64,
}

/// The crowd.
pub struct Crowd {
    /// The engine.
    pub api: Api,
    /// What is played.
    pub scene: Scene,
    /// What is counted.
    pub counts: Counts,
    /// Turns true when nothing can be had any more.
    pub over: AtomicBool,
    /// Told with `over`.
    pub ending: Notify,
    /// Round trips in microseconds by what was asked.
    latencies: Mutex<BTreeMap<&'static str, Histogram<u64>>>,
    /// Codes of refusals.
    pub refusals: Mutex<BTreeMap<String, u64>>,
    /// What happened that must not.
    pub faults: Mutex<Vec<String>>,
    /// Claims that were answered as granted.
    pub claims: Mutex<Vec<(String, String)>>,
    slots: Semaphore,
}

/// Told by a socket, or by asking: whose turn it is.
#[derive(Default)]
pub struct Turn {
    admitted: AtomicBool,
    told: Notify,
}

impl Turn {
    /// It is the shopper's turn.
    pub fn come(&self) {
        self.admitted.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    fn has_come(&self) -> bool {
        self.admitted.load(Ordering::Acquire)
    }
}

impl Crowd {
    /// Nobody has come yet.
    pub fn new(api: Api, scene: Scene) -> Self {
        let slots = Semaphore::new(IN_FLIGHT);
        let (latencies, refusals, faults, claims) = Default::default();
        let (counts, over, ending) = (Counts::default(), AtomicBool::new(false), Notify::new());
        Self { api, scene, counts, over, ending, latencies, refusals, faults, claims, slots }
    }

    /// Round trips in microseconds by what was asked.
    pub fn latencies(&self) -> BTreeMap<&'static str, Histogram<u64>> {
        self.latencies.lock().clone()
    }

    /// Notes a time.
    pub fn note(&self, what: &'static str, took: Duration) {
        let mut latencies = self.latencies.lock();
        let histogram = latencies.entry(what).or_insert_with(crate::replay::client::histogram);
        histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Says that something happened that must not.
    pub fn fault(&self, fault: String) {
        self.faults.lock().push(fault);
    }

    /// Nothing can be had any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.ending.notify_waiters();
    }

    /// Whether nothing can be had any more.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    async fn ask(&self, what: &'static str, path: &str, token: &str, key: &str, body: Value) -> Result<Answer> {
        let came = Instant::now();
        let _slot = self.slots.acquire().await?;
        let answer = self.api.send(Method::POST, path, token, Some(key), Some(&body)).await?;
        // With the wait for a slot: a shopper does not care where it was spent.
        self.note(what, came.elapsed());
        self.counts.retries.fetch_add(u64::from(answer.retries), Ordering::Relaxed);
        if !answer.status.is_success() {
            *self.refusals.lock().entry(answer.code().to_owned()).or_default() += 1;
            if answer.status.is_server_error() {
                self.fault(format!("{what}: {} {}", answer.status, answer.body));
            }
        }
        Ok(answer)
    }

    /// Plays one shopper to the end.
    pub async fn play(self: Arc<Self>, number: u32, kind: Kind, turn: Arc<Turn>) -> Result<End> {
        let mut random = StdRng::seed_from_u64(u64::from(number));
        let sub = format!("crowd-{number}");
        let token = self.api.token(Role::Shopper, &sub, None)?;
        let comes = self.scene.doors + self.scene.within.mul_f64(random.random_range(0.0..1.0));
        tokio::time::sleep_until(comes.into()).await;
        self.counts.came.fetch_add(1, Ordering::Relaxed);
        if kind == Kind::Bot {
            self.trick(&sub, &token).await?;
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let ticket = if self.scene.queue { self.wait(&sub, &token, attempt, &turn).await? } else { None };
            if self.scene.queue && ticket.is_none() {
                return Ok(if kind == Kind::Bot { End::Repelled } else { End::Missed });
            }
            if kind == Kind::Sleeper {
                return Ok(End::Gave);
            }
            tokio::time::sleep_until(self.scene.starts.into()).await;
            let quantity = random.random_range(1..=self.scene.limit);
            let key = format!("{sub}-claim-{attempt}");
            let body = json!({ "itemId": self.scene.item, "quantity": quantity, "ticket": ticket });
            let path = format!("/v1/drops/{}/claims", self.scene.drop);
            let claimed = self.ask("claim", &path, &token, &key, body).await?;
            if claimed.status.is_success() {
                return self.pay(&sub, &token, kind, claimed).await;
            }
            match claimed.code() {
                "sold_out" | "not_live" => return Ok(End::Missed),
                _ if self.is_over() => return Ok(End::Missed),
                // Something may come back: asked again after a while, as people do.
                "all_held" | "not_admitted" => {
                    let pause = Duration::from_millis(random.random_range(2_000..6_000));
                    let _ = tokio::time::timeout(pause, self.ending.notified()).await;
                }
                code => {
                    self.fault(format!("claim of {sub}: {} {code}", claimed.status));
                    return Ok(End::Missed);
                }
            }
        }
    }

    /// Queues until it is this shopper's turn: the ticket, or nothing where the drop is over first.
    async fn wait(&self, sub: &str, token: &str, attempt: u32, turn: &Turn) -> Result<Option<String>> {
        let path = format!("/v1/drops/{}/queue", self.scene.drop);
        let joined = self.ask("join", &path, token, &format!("{sub}-join-{attempt}"), json!({})).await?;
        if !joined.status.is_success() {
            return Ok(None);
        }
        if attempt == 1 {
            self.counts.places.fetch_add(1, Ordering::Relaxed);
        } else if joined.body["status"] != "admitted" {
            // The turn before has passed: this is another place.
            turn.admitted.store(false, Ordering::Release);
        }
        let ticket = joined.body["ticket"].as_str().unwrap_or_default().to_owned();
        let place = format!("{path}/{ticket}");
        // Who looks by asking does so now and then; who has a socket is told.
        let mut pause = Duration::from_millis(2_000 + u64::from(sub.len() as u32) * 137 % 3_000);
        loop {
            if self.is_over() {
                return Ok(None);
            }
            if turn.has_come() {
                return Ok(Some(ticket));
            }
            tokio::select! {
                () = self.ending.notified() => {}
                () = turn.told.notified() => {}
                () = tokio::time::sleep(pause) => {
                    let came = Instant::now();
                    let _slot = self.slots.acquire().await?;
                    let seen = self.api.send(Method::GET, &place, token, None, None).await?;
                    self.note("look", came.elapsed());
                    match seen.body["status"].as_str() {
                        Some("admitted") => turn.come(),
                        Some("expired") => return Ok(None),
                        _ => {}
                    }
                    let estimate = seen.body["estimatedWaitSeconds"].as_u64().unwrap_or(5);
                    pause = Duration::from_secs(estimate.clamp(3, 15));
                }
            }
        }
    }

    async fn pay(&self, sub: &str, token: &str, kind: Kind, claimed: Answer) -> Result<End> {
        self.counts.granted.fetch_add(1, Ordering::Relaxed);
        let order = claimed.body["orderId"].as_str().unwrap_or_default().to_owned();
        self.claims.lock().push((sub.to_owned(), order.clone()));
        if kind == Kind::Forgetful {
            return Ok(End::Gave);
        }
        let address = json!({ "name": "One of Many", "lines": ["1 High Street"], "city": "London", "country": "GB" });
        let body = json!({ "paymentDetails": { "card": CARD }, "shippingAddress": address });
        let url = claimed.body["paymentInputUrl"].as_str().unwrap_or_default().to_owned();
        let paid = self.ask("pay", &url, token, &format!("{sub}-pay-{order}"), body).await?;
        if paid.body["status"] != "authorized" {
            self.fault(format!("pay of {sub}: {} {}", paid.status, paid.body));
            return Ok(End::Gave);
        }
        let path = format!("/v1/orders/{order}/submit");
        let bought = self.ask("submit", &path, token, &format!("{sub}-submit-{order}"), json!({})).await?;
        if bought.body["status"] != "confirmed" {
            self.fault(format!("submit of {sub}: {} {}", bought.status, bought.body));
            return Ok(End::Gave);
        }
        self.counts.bought.fetch_add(1, Ordering::Relaxed);
        Ok(End::Bought)
    }

    /// What must not help: no place, a forged and a stolen ticket, too many units.
    async fn trick(&self, sub: &str, token: &str) -> Result<()> {
        let path = format!("/v1/drops/{}/claims", self.scene.drop);
        let over = self.scene.limit + 1;
        for (trick, ticket, quantity) in
            [("nothing", None, 1), ("forged", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 1), ("greedy", None, over)]
        {
            // Without a waiting room a claim of one unit is no trick.
            if !self.scene.queue && quantity <= self.scene.limit {
                continue;
            }
            let mut body = json!({ "itemId": self.scene.item, "quantity": quantity });
            if let Some(ticket) = ticket {
                body["ticket"] = json!(ticket);
            }
            let answer = self.ask("trick", &path, token, &format!("{sub}-{trick}"), body).await?;
            if answer.status.is_success() {
                self.fault(format!("{sub} claimed by a trick: {trick}"));
            }
        }
        Ok(())
    }
}
