//! Holds on all shards, each sent again until it is answered.

use super::{LIMIT, Parts};
use crate::e2e::engine::{Answer, Ask, Engine};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const BUYERS_PER_SHARD: u32 = 3;

/// When a client gives an answer up and asks again, the `sent`-th time: sooner at first, so that a lost answer costs
/// little; later then, so that on a slow machine an answer that is only late arrives.
pub fn patience(sent: u32) -> Duration {
    Duration::from_secs(u64::from(sent.min(20)))
}

/// A hold that was granted, as its client was told.
#[derive(Debug, Clone)]
pub struct Granted {
    pub shard: u32,
    pub answer: Value,
    pub at: Instant,
    /// How often it was sent.
    pub sent: u32,
}

type Holds = BTreeMap<String, Granted>;

/// Clients at work, until [`Load::end`]; by default there are none.
#[derive(Default)]
pub struct Load {
    buyers: JoinSet<()>,
    granted: Arc<Mutex<Holds>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub fn start(parts: &Parts) -> Self {
        Self::named(parts, "")
    }

    /// The holds' ids begin with `name`.
    pub fn named(parts: &Parts, name: &str) -> Self {
        let (granted, stop) = (Arc::<Mutex<Holds>>::default(), Arc::<AtomicBool>::default());
        let token = parts.api.token("service", "shop");
        let mut buyers = JoinSet::new();
        for (shard, item) in (0..).zip(&parts.items) {
            for buyer in 0..BUYERS_PER_SHARD {
                let (api, item, token) = (Arc::clone(&parts.api), item.clone(), token.clone());
                let (granted, stop) = (Arc::clone(&granted), Arc::clone(&stop));
                let name = format!("{name}s{shard}-b{buyer}");
                buyers.spawn(async move {
                    for n in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let id = format!("{name}-{n}");
                        let hold = place(&api, &token, &item, &id, shard).await;
                        granted.lock().expect("not poisoned").insert(id, hold);
                    }
                });
            }
        }
        Self { buyers, granted, stop }
    }

    /// Waits until every shard has granted `count` holds since `since`.
    pub async fn goes_on(&self, since: Instant, count: usize) {
        let begun = Instant::now();
        while (0..super::SHARDS).any(|shard| self.times(shard, since).len() < count) {
            assert!(begun.elapsed() < LIMIT, "not every shard grants holds");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// When a shard's holds were answered, ascending.
    pub fn times(&self, shard: u32, since: Instant) -> Vec<Instant> {
        let granted = self.granted.lock().expect("not poisoned");
        let of_shard = granted.values().filter(|hold| hold.shard == shard && hold.at > since);
        let mut times: Vec<_> = of_shard.map(|hold| hold.at).collect();
        times.sort_unstable();
        times
    }

    /// The longest time since `since` in which a shard answered nobody.
    pub fn longest_pause(&self, shard: u32, since: Instant) -> Duration {
        let times = self.times(shard, since);
        let before = std::iter::once(&since).chain(&times);
        times.iter().zip(before).map(|(time, before)| *time - *before).max().unwrap_or(LIMIT)
    }

    /// What was granted, once every client has its last answer.
    pub async fn end(self) -> Holds {
        self.stop.store(true, Ordering::Relaxed);
        self.buyers.join_all().await;
        Arc::into_inner(self.granted).expect("no client is left").into_inner().expect("not poisoned")
    }
}

/// Waits until it is so.
pub async fn until(so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "it does not come to that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Places a hold of one unit; asks again while the answer says that this is the thing to do, or does not come.
async fn place(api: &Engine, token: &str, item: &str, id: &str, shard: u32) -> Granted {
    let begun = Instant::now();
    for sent in 1_u32.. {
        let body = json!({"holdId": id, "quantity": 1, "expiresInSeconds": 86_400});
        let ask = Ask { token: Some(token), body: Some(body), ..Ask::default() };
        let path = format!("/v1/items/{item}/holds");
        match tokio::time::timeout(patience(sent), api.try_ask(Method::POST, &path, ask)).await {
            Ok(Ok(answer)) if answer.status == StatusCode::CREATED => {
                return Granted { shard, answer: answer.body, at: Instant::now(), sent };
            }
            Ok(Ok(answer)) => may_be_sent_again(&answer),
            Ok(Err(error)) => panic!("{id}: the API is alive, and has to answer: {error}"),
            Err(_) => {}
        }
        assert!(begun.elapsed() < LIMIT, "{id} is not answered");
    }
    unreachable!("asked until it is answered")
}

/// That an answer which is none says so: 503, to be sent again, and whether something may have happened.
pub fn may_be_sent_again(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.body["retryable"], json!(true), "{answer:?}");
    assert!(["refused", "unknown"].iter().any(|outcome| answer.body["outcome"] == json!(outcome)), "{answer:?}");
}
