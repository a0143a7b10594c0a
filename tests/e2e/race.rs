//! The last unit is sold once.

use super::world::{World, in_both_worlds};
use reqwest::StatusCode;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

in_both_worlds!(
    of_64_connections_racing_for_one_unit_exactly_one_gets_an_order,
    of_10_000_claims_on_100_units_exactly_100_are_granted,
    the_same_key_fifty_times_at_once_is_one_order,
);

async fn of_64_connections_racing_for_one_unit_exactly_one_gets_an_order(world: World) {
    let engine = Arc::new(world.start(&[]));
    engine.stock("one", 100, 1).await;
    let mut racers = JoinSet::new();
    for n in 0..64 {
        let (engine, shopper) = (Arc::clone(&engine), engine.token("shopper", &format!("s{n}")));
        racers.spawn(async move {
            let cart = json!({"cart": [{"itemId": "one", "quantity": 1}]});
            engine.post(&shopper, "b", "/v1/checkout?op=BEGIN", cart).await
        });
    }
    let answers = racers.join_all().await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let lost = answers.iter().filter(|answer| answer.code() == "insufficient_stock").count();
    assert_eq!((won, lost), (1, 63));
}

async fn of_10_000_claims_on_100_units_exactly_100_are_granted(world: World) {
    let engine = Arc::new(world.start(&[]));
    engine.stock("hundred", 100, 100).await;
    let service = engine.token("service", "shop");
    let mut clients = JoinSet::new();
    for client in 0..64 {
        let (engine, service) = (Arc::clone(&engine), service.clone());
        clients.spawn(async move {
            let (mut granted, mut refused) = (0, 0);
            for n in (client..10_000).step_by(64) {
                let body = json!({"holdId": format!("h{n}"), "quantity": 1, "expiresInSeconds": 600});
                let answer = engine.post(&service, "", "/v1/items/hundred/holds", body).await;
                match (answer.status, answer.code()) {
                    (StatusCode::CREATED, _) => granted += 1,
                    (StatusCode::CONFLICT, "insufficient_stock") => refused += 1,
                    other => panic!("{other:?}"),
                }
            }
            (granted, refused)
        });
    }
    let counts = clients.join_all().await;
    let granted: u32 = counts.iter().map(|(granted, _)| granted).sum();
    let refused: u32 = counts.iter().map(|(_, refused)| refused).sum();
    assert_eq!((granted, refused), (100, 9_900));
}

async fn the_same_key_fifty_times_at_once_is_one_order(world: World) {
    let engine = Arc::new(world.start(&[]));
    engine.stock("tea", 100, 50).await;
    let alice = engine.token("shopper", "alice");
    let mut tabs = JoinSet::new();
    for _ in 0..50 {
        let (engine, alice) = (Arc::clone(&engine), alice.clone());
        tabs.spawn(async move {
            let cart = json!({"cart": [{"itemId": "tea", "quantity": 1}]});
            engine.post(&alice, "same", "/v1/checkout?op=BEGIN", cart).await
        });
    }
    let answers = tabs.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body["orderId"] == answers[0].body["orderId"]));
    super::checkout::settles_at(&engine, "tea", 49).await;
}
