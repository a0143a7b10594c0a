//! Orders of another system, each of one shard with an item of another one: they live of commands between shards.

use super::{
    LIMIT, Parts, UNITS, items_of,
    load::{may_be_sent_again, patience},
    proof::events,
};
use crate::e2e::{
    engine::{Ask, Engine},
    world::SHARDS,
};
use event_log::shard_of;
use reqwest::{Method, StatusCode};
use schemas::{AggregateKey, OrderId, ShardCount};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// The shard of an order, and that of its item.
type Way = (u32, u32);

/// An order that its client was told is confirmed.
#[derive(Debug, Clone)]
pub struct Confirmed {
    way: Way,
    item: String,
    at: Instant,
}

type All = BTreeMap<String, Confirmed>;

/// A client for each pair of shards, until [`Orders::end`].
pub struct Orders {
    buyers: JoinSet<()>,
    confirmed: Arc<Mutex<All>>,
    stop: Arc<AtomicBool>,
}

impl Orders {
    /// Stocks items of its own and begins. The orders' ids begin with `name`.
    pub async fn start(parts: &Parts, name: &str) -> Self {
        let items: Vec<String> = (0..SHARDS).map(item_of).collect();
        for item in &items {
            parts.api.stock(item, 100, UNITS).await;
        }
        let (confirmed, stop) = (Arc::<Mutex<All>>::default(), Arc::<AtomicBool>::default());
        let token = parts.api.token("service", "shop");
        let mut buyers = JoinSet::new();
        let ways = (0..SHARDS).flat_map(|from| (0..SHARDS).filter(move |to| *to != from).map(move |to| (from, to)));
        for way in ways {
            let (api, token, item) = (Arc::clone(&parts.api), token.clone(), items[way.1 as usize].clone());
            let (confirmed, stop) = (Arc::clone(&confirmed), Arc::clone(&stop));
            let ids = ids(format!("{name}-{}{}", way.0, way.1), way.0);
            buyers.spawn(async move {
                for id in ids {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    place(&api, &token, &id, &item).await;
                    let order = Confirmed { way, item: item.clone(), at: Instant::now() };
                    confirmed.lock().expect("not poisoned").insert(id, order);
                }
            });
        }
        Self { buyers, confirmed, stop }
    }

    /// The longest time since `since` in which a client whose order and item are both of these shards got no answer.
    pub fn longest_pause(&self, shards: &BTreeSet<u32>, since: Instant) -> Duration {
        let confirmed = self.confirmed.lock().expect("not poisoned");
        let mut times: BTreeMap<Way, Vec<Instant>> = BTreeMap::new();
        for order in confirmed.values().filter(|order| order.at > since) {
            times.entry(order.way).or_default().push(order.at);
        }
        let inside = |way: &&Way| shards.contains(&way.0) && shards.contains(&way.1);
        let ways: BTreeSet<Way> = confirmed.values().map(|order| order.way).collect();
        let pause = |way: &Way| {
            let mut times = times.remove(way).unwrap_or_default();
            times.sort_unstable();
            // To be still waiting is a pause too.
            times.push(Instant::now());
            let before = std::iter::once(&since).chain(&times);
            times.iter().zip(before).map(|(time, before)| *time - *before).max().unwrap_or_default()
        };
        ways.iter().filter(inside).map(pause).max().unwrap_or_default()
    }

    /// What was confirmed, once every client has its last answer.
    pub async fn end(self) -> All {
        self.stop.store(true, Ordering::Relaxed);
        self.buyers.join_all().await;
        Arc::into_inner(self.confirmed).expect("no client is left").into_inner().expect("not poisoned")
    }
}

/// The second item of a shard: the first is for holds.
fn item_of(shard: u32) -> String {
    items_of(shard).nth(1).expect("every shard has many")
}

/// Ids of orders of a shard.
fn ids(name: String, shard: u32) -> impl Iterator<Item = String> {
    let shards = ShardCount::new(SHARDS).expect("a good count");
    (0..).map(move |n| format!("{name}-{n}")).filter(move |id| {
        let order = OrderId::parse(id).expect("an id");
        shard_of(shards, &AggregateKey::Order(order)).0 == shard
    })
}

/// Places an order that is confirmed at once; asks again while the answer says that this is the thing to do, or does not
/// come.
async fn place(api: &Engine, token: &str, id: &str, item: &str) {
    let begun = Instant::now();
    for sent in 1_u32.. {
        let lines = [json!({"lineId": "1", "itemId": item, "quantity": 1})];
        let body = json!({"orderId": id, "lines": lines, "payment": "external", "submit": "auto"});
        let ask = Ask { token: Some(token), body: Some(body), ..Ask::default() };
        match tokio::time::timeout(patience(sent), api.try_ask(Method::POST, "/v1/orders", ask)).await {
            Ok(Ok(answer)) if answer.status == StatusCode::CREATED => {
                assert_eq!(answer.body["status"], "confirmed", "{id}: {answer:?}");
                return;
            }
            Ok(Ok(answer)) => may_be_sent_again(&answer),
            Ok(Err(error)) => panic!("{id}: the API is alive, and has to answer: {error}"),
            Err(_) => {}
        }
        assert!(begun.elapsed() < LIMIT, "{id} is not answered");
    }
}

/// That every order that was confirmed is in the log once and no other, and that the views show as many units committed.
pub async fn orders_add_up(parts: &Parts, orders: &All) {
    let told = events(parts, "orders.events.v1").await;
    super::proof::is_dense(&told);
    let mut logged = BTreeSet::new();
    for event in told.iter().filter(|event| event["type"] == "stockfold.orders.order-confirmed.v1") {
        let id = event["subject"].as_str().expect("an order");
        assert!(orders.contains_key(id), "nobody was told of {id}");
        assert!(logged.insert(id), "{id} was confirmed twice");
    }
    for id in orders.keys() {
        assert!(logged.contains(id.as_str()), "{id} was answered, and is not in the log");
    }
    for item in (0..SHARDS).map(item_of) {
        let committed = orders.values().filter(|order| order.item == item).count();
        let (token, begun) = (parts.api.token("operator", "ops"), Instant::now());
        loop {
            let shown = parts.api.get(Some(&token), &format!("/v1/items/{item}/stock"), "").await.body;
            if shown["committed"] == json!(committed) && shown["held"] == 0 {
                assert_eq!(shown["available"], json!(UNITS as usize - committed), "{shown}");
                break;
            }
            assert!(begun.elapsed() < LIMIT, "{item}: {committed} should be committed: {shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
