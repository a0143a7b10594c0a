//! Two processes that pay at once.

use super::{LIMIT, Parts, proof::events};
use crate::e2e::{
    checkout::{GOOD_CARD, payment},
    engine::Engine,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};
use tokio::task::JoinSet;

/// Orders; every other one is cancelled once it is paid.
const ORDERS: usize = 12;

/// What an order with money must have of it, once.
const PAID: [&str; 3] = ["payment-started", "payment-authorized", "payment-captured"];
const GIVEN_BACK: [&str; 2] = ["refund-due", "refund-settled"];

#[tokio::test(flavor = "multi_thread")]
async fn two_payers_at_once_take_money_once_and_give_it_back_once() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector")];
    let payers = [parts.start("payments"), parts.start("payments")];
    let mut buying = JoinSet::new();
    for n in 0..ORDERS {
        // A shopper of its own: a newer checkout of the same one would make it give way.
        let (api, shopper) = (std::sync::Arc::clone(&parts.api), parts.api.token("shopper", &format!("shopper-{n}")));
        let items = [parts.items[n % parts.items.len()].clone(), parts.items[(n + 1) % parts.items.len()].clone()];
        buying.spawn(async move { buy(&api, &shopper, n, &items).await });
    }
    let orders = buying.join_all().await;
    // Who has done its part has nothing open: also the one whose answer was the second.
    for payer in &payers {
        nothing_is_open(payer).await;
    }
    let told = events(&parts, "orders.events.v1").await;
    for (order, is_cancelled) in &orders {
        let count = counts(&told, order);
        for kind in PAID {
            assert_eq!(count.get(kind), Some(&1), "{order}: {count:?}");
        }
        for kind in GIVEN_BACK {
            assert_eq!(count.get(kind).copied().unwrap_or(0), usize::from(*is_cancelled), "{order}: {count:?}");
        }
    }
}

/// Buys two items, and cancels every other order; the order, and whether that was done.
async fn buy(api: &Engine, alice: &str, n: usize, items: &[String]) -> (String, bool) {
    let lines: Vec<Value> = items.iter().map(|item| json!({"itemId": item, "quantity": 1})).collect();
    let begun = api.post(alice, &format!("b{n}"), "/v1/checkout?op=BEGIN", json!({"cart": lines})).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url");
    let paid = api.post(alice, &format!("p{n}"), pay_at, payment(GOOD_CARD)).await;
    assert_eq!(paid.body["status"], "authorized", "{paid:?}");
    let submitted = api.post(alice, &format!("s{n}"), &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
    let is_cancelled = n.is_multiple_of(2);
    if is_cancelled {
        let cancelled = api.post(alice, &format!("c{n}"), &format!("/v1/orders/{order}/cancel"), json!({})).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    }
    (order, is_cancelled)
}

/// How many events of each kind an order has.
fn counts(told: &[Value], order: &str) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for event in told.iter().filter(|event| event["subject"] == json!(order)) {
        let kind =
            event["type"].as_str().expect("text").trim_start_matches("stockfold.orders.").trim_end_matches(".v1");
        *count.entry(kind.to_owned()).or_default() += 1;
    }
    count
}

/// Waits until a payer has seen something of every order, and every answer to what it sent.
async fn nothing_is_open(payer: &Engine) {
    let begun = Instant::now();
    loop {
        let text = payer.get(None, "/metrics", "").await.body;
        let of = |name: &str| -> Option<f64> {
            text.as_str()?.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        let (open, results) = (of("stockfold_payments_open "), of("stockfold_payment_results_total "));
        // Authorized and captured, each order, and half of them given back.
        let expected = (ORDERS * 2 + ORDERS / 2) as f64;
        if open == Some(0.0) && results >= Some(expected) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{open:?} are open, {results:?} of {expected} are answered");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
