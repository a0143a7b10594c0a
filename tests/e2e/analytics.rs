//! Numbers of the shop: what is bought is counted once, also when the views are folded again.

use super::{
    checkout::{GOOD_CARD, payment},
    engine::Engine,
    world::{World, in_both_worlds},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

in_both_worlds!(what_is_bought_is_counted_once);

async fn buys(engine: &Engine, sub: &str, lines: Value) -> String {
    let token = engine.token("shopper", sub);
    let begun = engine.post(&token, "b", "/v1/checkout?op=BEGIN", json!({"cart": lines})).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url");
    engine.post(&token, "p", pay_at, payment(GOOD_CARD)).await;
    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let done = engine.post(&token, "s", &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!(done.body["status"], "confirmed", "{done:?}");
    order
}

/// Items and their number.
fn counts(answer: &Value) -> Vec<(&str, u64)> {
    let items = answer["items"].as_array().into_iter().flatten();
    items.filter_map(|found| Some((found["item"]["itemId"].as_str()?, found["count"].as_u64()?))).collect()
}

/// Asks until the numbers are these.
async fn are_told(engine: &Engine) {
    let (operator, deadline) = (engine.token("operator", "ops"), Instant::now() + Duration::from_secs(120));
    loop {
        let get = async |path: &str| engine.get(Some(&operator), path, "").await.body;
        let most = get("/v1/analytics/most-bought?minutes=60").await;
        let beside = get("/v1/items/mug/bought-together").await;
        let turnover = get("/v1/analytics/turnover").await;
        let sums = turnover["turnover"].as_array().into_iter().flatten();
        let sums = sums.fold([0; 5], |sums, entry| {
            let more = ["orders", "units", "unitsBack"].map(|name| entry[name].as_i64().unwrap_or(0));
            let money = ["gross", "net"].map(|name| entry[name]["amount"].as_i64().unwrap_or(0));
            [sums[0] + more[0], sums[1] + more[1], sums[2] + more[2], sums[3] + money[0], sums[4] + money[1]]
        });
        if counts(&most) == [("tea", 5), ("mug", 1)]
            && counts(&beside) == [("tea", 1)]
            && sums == [2, 7, 1, 3_900, 3_400]
        {
            return;
        }
        assert!(Instant::now() < deadline, "{most} {beside} {turnover}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn what_is_bought_is_counted_once(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 10).await;
    engine.stock("mug", 900, 3).await;
    let both = json!([{"itemId": "tea", "quantity": 4}, {"itemId": "mug", "quantity": 1}]);
    buys(&engine, "alice", both).await;
    let order = buys(&engine, "bob", json!([{"lineId": "t", "itemId": "tea", "quantity": 2}])).await;
    let bob = engine.token("shopper", "bob");
    let part = json!({"lines": [{"lineId": "t", "quantity": 1}]});
    let cancelled = engine.post(&bob, "c", &format!("/v1/orders/{order}/cancel"), part).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    are_told(&engine).await;
    let engine = engine.restart();
    are_told(&engine).await;
}
