//! kill -9 of the real process, again and again, under load.

use super::{
    engine::{Answer, Ask, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;

in_both_worlds!(what_was_answered_survives_and_what_was_not_takes_effect_once, a_stop_writes_snapshots_and_ends_well,);

const CLIENTS: u32 = 12;
const UNITS: u32 = 1_000_000;
const BASKET: [&str; 3] = ["a", "b", "c"];

/// Something that takes effect once, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Hold(String),
    Checkout(String),
    External(String),
}

impl Effect {
    fn new(round: u32, client: u32, n: u32) -> Self {
        let id = format!("r{round}-c{client}-{n}");
        match client % 3 {
            0 => Self::Hold(id),
            1 => Self::Checkout(id),
            _ => Self::External(id),
        }
    }

    async fn send(&self, engine: &Engine) -> Result<Answer, reqwest::Error> {
        let line = |item: &&str| json!({"lineId": item, "itemId": item, "quantity": 1});
        let lines: Vec<Value> = BASKET.iter().map(line).collect();
        let (token, key, path, body) = match self {
            Self::Hold(id) => {
                let body = json!({"holdId": id, "quantity": 1, "expiresInSeconds": 86_400});
                (engine.token("service", "shop"), "", "/v1/items/hot/holds", body)
            }
            Self::Checkout(id) => {
                // A shopper of its own: a newer checkout of the same one would make it give way.
                (engine.token("shopper", id), id.as_str(), "/v1/checkout?op=BEGIN", json!({"cart": lines}))
            }
            Self::External(id) => {
                let body = json!({"orderId": id, "lines": lines, "payment": "external", "submit": "auto"});
                (engine.token("service", "shop"), "", "/v1/orders", body)
            }
        };
        let ask = Ask { token: Some(&token), key: Some(key), body: Some(body), ..Ask::default() };
        engine.try_ask(Method::POST, path, ask).await
    }
}

/// One client's round: what was answered, and what was under way when the process died.
async fn load(engine: Arc<Engine>, round: u32, client: u32) -> (Vec<(Effect, Answer)>, Effect) {
    let mut answered = Vec::new();
    for n in 0.. {
        let effect = Effect::new(round, client, n);
        match effect.send(&engine).await {
            Ok(answer) if answer.status == StatusCode::CREATED => answered.push((effect, answer)),
            Ok(answer) => panic!("{effect:?}: {answer:?}"),
            Err(_) => return (answered, effect),
        }
    }
    unreachable!("the process dies first")
}

/// That an answered effect is there, as it was answered.
async fn check(engine: &Engine, effect: &Effect, answer: &Answer) {
    let at = answer.position();
    match effect {
        Effect::Hold(id) => {
            let token = engine.token("service", "shop");
            let shown = engine.get(Some(&token), &format!("/v1/items/hot/holds/{id}"), &at).await;
            assert_eq!(shown.body["status"], "active", "{effect:?} was answered: {shown:?}");
        }
        Effect::Checkout(id) => {
            let order = answer.body["orderId"].as_str().expect("an id");
            let token = engine.token("shopper", id);
            let shown = engine.get(Some(&token), &format!("/v1/orders/{order}"), &at).await;
            assert_eq!(shown.body["status"], "awaiting_payment", "{effect:?} was answered: {shown:?}");
        }
        Effect::External(id) => {
            let token = engine.token("service", "shop");
            let shown = engine.get(Some(&token), &format!("/v1/orders/{id}"), &at).await;
            assert_eq!(shown.body["status"], "confirmed", "{effect:?} was answered: {shown:?}");
        }
    }
}

async fn what_was_answered_survives_and_what_was_not_takes_effect_once(world: World) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut random = StdRng::seed_from_u64(seed);
    // Held until the end of the test, however slow the machine is.
    let mut engine = world.start(&["--checkout-seconds", "86400"]);
    for item in ["hot", "a", "b", "c"] {
        engine.stock(item, 100, UNITS).await;
    }
    let mut done: BTreeMap<Effect, Answer> = BTreeMap::new();
    // On a cluster the shards of a dead process are free only after its session: fewer and longer rounds.
    let (rounds, pause, enough) = world.choose((36, 20..400, 100), (5, 400..1_500, 10));
    for round in 0..rounds {
        let shared = Arc::new(engine);

        shared.token("service", "shop");
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(load(Arc::clone(&shared), round, client));
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(pause.clone()))).await;
        shared.kill();
        let ended = clients.join_all().await;
        engine = Arc::into_inner(shared).expect("no client is left").restart();
        for (answered, pending) in ended {
            for (effect, answer) in answered {
                check(&engine, &effect, &answer).await;
                done.insert(effect, answer);
            }
            let retried = pending.send(&engine).await.expect("an answer");
            assert_eq!(retried.status, StatusCode::CREATED, "{pending:?} retried: {retried:?}");
            check(&engine, &pending, &retried).await;
            done.insert(pending, retried);
        }
    }
    let count = |kind: fn(&Effect) -> bool| done.keys().filter(|effect| kind(effect)).count();
    let holds = count(|effect| matches!(effect, Effect::Hold(_)));
    let checkouts = count(|effect| matches!(effect, Effect::Checkout(_)));
    let external = count(|effect| matches!(effect, Effect::External(_)));
    let fewest = holds.min(checkouts).min(external);
    assert!(fewest > enough, "{holds} {checkouts} {external}");
    // Another kill, and everything that was ever answered is still as it was.
    engine.kill();
    let engine = engine.restart();
    for (effect, answer) in &done {
        check(&engine, effect, answer).await;
    }
    agrees(&engine, "hot", holds, 0).await;
    for item in BASKET {
        agrees(&engine, item, checkouts, external).await;
    }
}

/// That held and committed units are exactly those of the effects: none lost, none doubled, none left behind.
async fn agrees(engine: &Engine, item: &str, held: usize, committed: usize) {
    let token = engine.token("operator", "ops");
    let path = format!("/v1/items/{item}/stock");
    let look = || async { engine.get(Some(&token), &path, "").await.body };
    let agrees = |stock: &Value| {
        // What was ordered is planned to leave: from then on it is allocated where it stands.
        let locations = stock["locations"].as_array().into_iter().flatten();
        let allocated: u64 = locations.filter_map(|location| location["allocated"].as_u64()).sum();
        let ordered = stock["committed"].as_u64().unwrap_or(0) + allocated;
        stock["held"] == json!(held) && ordered == committed as u64
    };
    let stock = until(&format!("{held} held and {committed} committed of {item}"), look, agrees).await;
    assert_eq!(stock["available"], json!(UNITS as usize - held - committed));
}

async fn a_stop_writes_snapshots_and_ends_well(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 100, 5).await;
    assert!(engine.terminate(), "SIGTERM ends with success");
    let engine = engine.restart();
    let shown = engine.get(None, "/v1/items/tea", "").await;
    assert_eq!(shown.body["available"], json!(5), "{shown:?}");
}
