//! What clients do: each begins something and brings it to its end, whatever the outcome of a step.
//!
//! What may be left open ends by itself soon: its life is seconds, and the engine's grace a minute.

use super::{
    client::{Client, Wanted},
    history::{Call, Op},
};
use crate::e2e::checkout::{DECLINED_CARD, GOOD_CARD, payment};
use rand::{RngExt as _, seq::IndexedRandom as _};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

/// What clients know of the shop.
#[derive(Debug)]
pub struct Shop {
    /// One in each shard, with few units.
    pub hot: Vec<String>,
    pub cold: Vec<String>,
    pub service: String,
    pub operator: String,
    pub shoppers: Vec<String>,
    /// No new scenario begins.
    pub closed: AtomicBool,
}

/// Between two scenarios of a client, in milliseconds.
const THINKS: std::ops::Range<u64> = 10..150;

/// A client at work until the shop closes.
pub async fn shop(mut client: Client, shop: Arc<Shop>) {
    for n in 0.. {
        if shop.closed.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("c{}-{n}", client.number);
        match client.random.random_range(0..100) {
            0..48 => hold(&mut client, &shop, &id).await,
            48..69 => order(&mut client, &shop, &id).await,
            69..94 => checkout(&mut client, &shop, &id).await,
            _ => receive(&mut client, &shop, &id).await,
        }
        let item = any_item(&mut client, &shop);
        client.look_at(&item, &shop.operator).await;
        let pause = client.random.random_range(THINKS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn any_item(client: &mut Client, shop: &Shop) -> String {
    let items = if client.random.random_bool(0.6) { &shop.hot } else { &shop.cold };
    items.choose(&mut client.random).expect("there are items").clone()
}

async fn receive(client: &mut Client, shop: &Shop, id: &str) {
    let item = shop.hot.choose(&mut client.random).expect("there are items").clone();
    let quantity = client.random.random_range(1..=6);
    let body = json!({"receiptId": id, "location": "main", "quantity": quantity, "document": "d"});
    let path = format!("/v1/items/{item}/receipts");
    let token = &shop.operator;
    client.call(Wanted { op: Op::Receive, id, item: &item, path, body, token, may_leave: true }).await;
}

async fn hold(client: &mut Client, shop: &Shop, id: &str) {
    let (item, token) = (any_item(client, shop), &shop.service);
    let (quantity, life) = (client.random.random_range(1..=3), client.random.random_range(1..=10));
    let body = json!({"holdId": id, "quantity": quantity, "expiresInSeconds": life});
    let path = format!("/v1/items/{item}/holds");
    let placed = client.call(Wanted { op: Op::Hold, id, item: &item, path, body, token, may_leave: true }).await;
    let of_hold = format!("/v1/items/{item}/holds/{id}");
    client.look_back(&placed, &of_hold, token).await;
    if !placed.is_done() {
        return;
    }
    let steps: &[(Op, &str)] = match client.random.random_range(0..100) {
        0..10 => &[],
        10..40 => &[(Op::Commit, "commit")],
        40..80 => &[(Op::Release, "release")],
        _ => &[(Op::Commit, "commit"), (Op::Release, "release")],
    };
    for (op, verb) in steps {
        let path = format!("{of_hold}/{verb}");
        let wanted = Wanted { op: *op, id, item: &item, path, body: json!({}), token, may_leave: true };
        let done = client.call(wanted).await;
        client.look_back(&done, &of_hold, token).await;
    }
}

/// One to three lines; seldom two of the same item.
fn lines(client: &mut Client, shop: &Shop) -> Vec<Value> {
    let count = client.random.random_range(1..=3);
    let line = |n: usize| {
        let (item, quantity) = (any_item(client, shop), client.random.random_range(1..=2));
        json!({"lineId": format!("l{n}"), "itemId": item, "quantity": quantity})
    };
    (0..count).map(line).collect()
}

/// An order of another system.
async fn order(client: &mut Client, shop: &Shop, id: &str) {
    let (lines, life) = (lines(client, shop), client.random.random_range(1..=10));
    let is_auto = client.random.random_bool(0.7);
    let mut body = json!({"orderId": id, "lines": lines, "payment": "external", "expiresInSeconds": life});
    if is_auto {
        body["submit"] = json!("auto");
    }
    let (path, token) = ("/v1/orders".to_owned(), &shop.service);
    let placed = client.call(Wanted { op: Op::PlaceOrder, id, item: "", path, body, token, may_leave: true }).await;
    client.look_back(&placed, &format!("/v1/orders/{id}"), token).await;
    if !placed.is_done() {
        return;
    }
    if !is_auto && client.random.random_bool(0.7) {
        of_order(client, Op::Submit, id, json!({}), token, true).await;
    }
    if client.random.random_bool(0.3) {
        let some = json!({"lines": [{"lineId": "l0", "quantity": 1}], "reason": "one less"});
        let what = if client.random.random_bool(0.5) { some } else { json!({}) };
        of_order(client, Op::Cancel, id, what, token, true).await;
    }
}

/// A shopper's checkout, paid by the sandbox provider. It lives for minutes: one that is not confirmed is cancelled.
async fn checkout(client: &mut Client, shop: &Shop, id: &str) {
    let token = &shop.shoppers[client.number % shop.shoppers.len()];
    let body = json!({"cart": lines(client, shop)});
    let path = "/v1/checkout?op=BEGIN".to_owned();
    let begun = client.call(Wanted { op: Op::Begin, id, item: "", path, body, token, may_leave: false }).await;
    let Some(order) = begun.body["orderId"].as_str().filter(|_| begun.is_done()) else { return };
    client.look_back(&begun, &format!("/v1/orders/{order}"), token).await;
    if is_bought(client, order, token).await && client.random.random_bool(0.7) {
        return;
    }
    of_order(client, Op::Cancel, order, json!({}), token, false).await;
}

/// Whether the order was paid and confirmed.
async fn is_bought(client: &mut Client, order: &str, token: &str) -> bool {
    if client.random.random_bool(0.1) {
        return false;
    }
    let card = if client.random.random_bool(0.15) { DECLINED_CARD } else { GOOD_CARD };
    let path = format!("/v1/orders/{order}/payments");
    let wanted = Wanted { op: Op::Pay, id: order, item: "", path, body: payment(card), token, may_leave: true };
    let paid = client.call(wanted).await;
    if !paid.is_done() {
        return false;
    }
    let submitted = of_order(client, Op::Submit, order, json!({}), token, true).await;
    submitted.is_done() && submitted.body["status"] == json!("confirmed")
}

/// A step of an order.
async fn of_order(client: &mut Client, op: Op, order: &str, body: Value, token: &str, may_leave: bool) -> Call {
    let path = format!("/v1/orders/{order}/{}", op.name());
    let done = client.call(Wanted { op, id: order, item: "", path, body, token, may_leave }).await;
    client.look_back(&done, &format!("/v1/orders/{order}"), token).await;
    done
}
