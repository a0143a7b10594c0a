//! kill -9 in the middle of a drop: it is exact all the same.

use super::Shop;
use crate::e2e::{
    engine::{Answer, Ask, Engine},
    patience::until,
    world::World,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

const UNITS: u32 = 60;
const CLIENTS: u32 = 8;
/// Shoppers of each client: more than there are units in all.
const SHOPPERS: u32 = 20;

/// A shopper's claim, asked until there is an answer.
async fn claim(engine: &Engine, token: &str, key: &str) -> Option<Answer> {
    let body = json!({"quantity": 1});
    let ask = Ask { token: Some(token), key: Some(key), body: Some(body), ..Ask::default() };
    let answer = engine.try_ask(Method::POST, "/v1/drops/shoe/claims", ask).await.ok()?;
    // Nobody knows what became of it: the same key tells.
    (answer.body["outcome"] != "unknown" && answer.body["retryable"] != true).then_some(answer)
}

/// The answers of a client's shoppers, until the engine is gone.
async fn client(engine: Arc<Engine>, shoppers: Vec<(String, String)>) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for (name, token) in shoppers {
        match claim(&engine, &token, "once").await {
            Some(answer) => answers.push((name, answer)),
            None => return answers,
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unit_is_held_once_however_often_the_engine_is_killed() {
    // The clock stands still unless it is moved, so that no order expires meanwhile.
    let mut shop = Shop::open(World::Embedded, &[]).await;
    shop.stock("shoe-41", UNITS).await;
    shop.live(&[("shoe-41", UNITS)], 1).await;
    let mut engine = shop.engine;
    let names: Vec<String> = (0..CLIENTS * SHOPPERS).map(|n| format!("s-{n}")).collect();
    let tokens: BTreeMap<String, String> =
        names.iter().map(|name| (name.clone(), engine.token("shopper", name))).collect();
    let mut answered: BTreeMap<String, Answer> = BTreeMap::new();
    let mut kills = 0;
    while answered.len() < names.len() {
        let shared = Arc::new(engine);
        let open: Vec<String> = names.iter().filter(|name| !answered.contains_key(*name)).cloned().collect();
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS as usize {
            let own = open.iter().skip(n).step_by(CLIENTS as usize);
            let own = own.map(|name| (name.clone(), tokens[name].clone())).collect();
            clients.spawn(client(Arc::clone(&shared), own));
        }
        let is_killed = kills < 5;
        if is_killed {
            // At another point of the crowd each time.
            tokio::time::sleep(Duration::from_millis(15 + 25 * kills)).await;
            shared.kill();
            kills += 1;
        }
        let answers = clients.join_all().await.into_iter().flatten();
        answered.extend(answers);
        engine = Arc::into_inner(shared).expect("no client is left");
        if is_killed {
            engine = engine.restart();
        }
    }
    let mut orders = BTreeSet::new();
    for (name, answer) in &answered {
        match (answer.status, answer.code()) {
            (StatusCode::CREATED, _) => {
                let order = answer.body["orderId"].as_str().expect("an id").to_owned();
                let path = format!("/v1/orders/{order}");
                let shown = engine.get(Some(&tokens[name]), &path, &answer.position()).await;
                assert_eq!(shown.body["status"], "awaiting_payment", "{name} was answered: {shown:?}");
                assert!(orders.insert(order), "an order of its own for each");
            }
            (StatusCode::CONFLICT, "all_held") => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(orders.len(), UNITS as usize, "each unit is granted, and none twice");
    for (name, answer) in &answered {
        let again = claim(&engine, &tokens[name], "once").await.expect("an answer");
        assert_eq!(again.body["orderId"], answer.body["orderId"], "the same key again: {name} {again:?}");
    }
    let units = || async {
        let drop = engine.get(None, "/v1/drops/shoe", "").await.body;
        Value::from(["remaining", "held", "sold"].map(|field| drop["items"][0][field].clone()).to_vec())
    };
    until("the units of its orders", units, |units| *units == json!([0, UNITS, 0])).await;
}
