use super::harness::{Answer, Api};
use schemas::{PaymentId, Role};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

const GOOD: &str = "4242424242424242";
/// The card that is decided later.
pub const LATER: &str = "4000000000000259";

/// An engine with so many teapots at 24.95.
pub async fn stocked(units: u32) -> Api {
    let api = Api::start().await;
    api.list("teapot", 2_495).await;
    api.receive("teapot", units).await;
    api
}

pub async fn begin(api: &Api, sub: &str, key: &str, quantity: u32) -> Answer {
    let body = json!({"cart": [{"itemId": "teapot", "quantity": quantity}]});
    api.call(Role::Shopper, sub, "POST", "/v1/checkout?op=BEGIN").key(key).json(&body).send().await
}

pub async fn pay(api: &Api, sub: &str, order: &Value, key: &str, number: &str) -> Answer {
    let url = order["paymentInputUrl"].as_str().expect("a URL");
    let body = json!({"paymentDetails": {"card": number}});
    api.call(Role::Shopper, sub, "POST", url).key(key).json(&body).send().await
}

pub async fn submit(api: &Api, sub: &str, key: &str, order: &Value) -> Answer {
    let body = json!({"orderId": order["orderId"]});
    api.call(Role::Shopper, sub, "POST", "/v1/checkout?op=SUBMIT").key(key).json(&body).send().await
}

/// Pays without waiting for the answer.
async fn pay_unheard(api: &Api, order: &Value, key: &str) {
    let url = order["paymentInputUrl"].as_str().expect("a URL");
    let call = api.call(Role::Shopper, "ada", "POST", url).key(key).header("prefer", "wait=0");
    call.json(&json!({"paymentDetails": {"card": GOOD}})).send().await.problem(503, "outcome_unknown");
}

/// Waits until the provider has failed so often.
async fn failed(api: &Api, times: u64) {
    let counted = async {
        while api.provider.failed() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), counted).await.expect("the provider is asked again");
}

/// The payments of a submitted order, once all that is due is done.
async fn settled(api: &Api, order: &Value) -> Vec<Value> {
    api.settled_payments().await;
    let order = submit(api, "ada", "s", order).await.expect(200);
    assert_eq!(order["status"], "confirmed");
    order["payments"].as_array().cloned().unwrap_or_default()
}

fn payment_id(payment: &Value) -> PaymentId {
    PaymentId::parse(payment["paymentId"].as_str().expect("an id")).expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_loses_no_order() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "b", 1).await.expect(201);
    api.provider.cut();
    pay_unheard(&api, &order, "p").await;
    failed(&api, 3).await;
    let waiting = begin(&api, "ada", "b", 1).await.expect(201);
    assert_eq!(
        (&waiting["status"], &waiting["payments"][0]["status"]),
        (&json!("awaiting_payment"), &json!("pending"))
    );
    api.provider.mend();
    assert_eq!(pay(&api, "ada", &order, "p", GOOD).await.expect(200)["status"], "authorized");
    // Again it is down: the order is confirmed all the same, and the money is taken later.
    api.provider.cut();
    assert_eq!(submit(&api, "ada", "s", &order).await.expect(200)["status"], "confirmed");
    failed(&api, api.provider.failed() + 3).await;
    api.provider.mend();
    let payments = settled(&api, &order).await;
    assert_eq!(payments[0]["captured"], 2_495, "{payments:?}");
    // And again: what is due back is given back, once.
    api.provider.cut();
    let path = format!("/v1/orders/{}/cancel", order["orderId"].as_str().expect("an id"));
    api.call(Role::Shopper, "ada", "POST", &path).key("c").json(&json!({})).send().await.expect(200);
    failed(&api, api.provider.failed() + 3).await;
    api.provider.mend();
    api.settled_payments().await;
    let account = api.provider.sandbox.account(&payment_id(&payments[0])).expect("an account");
    let sums = (account.authorized, account.captured, account.voided, account.refunded);
    assert_eq!(sums, (Some(2_495), 2_495, 0, 2_495));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_pay_one_order_are_one_order_and_one_void() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "b", 1).await.expect(201);
    // Both are started before either is decided.
    api.provider.cut();
    pay_unheard(&api, &order, "p1").await;
    pay_unheard(&api, &order, "p2").await;
    api.provider.mend();
    let (one, two) = tokio::join!(pay(&api, "ada", &order, "p1", GOOD), pay(&api, "ada", &order, "p2", GOOD));
    assert_eq!((&one.expect(200)["status"], &two.expect(200)["status"]), (&json!("authorized"), &json!("authorized")));
    submit(&api, "ada", "s", &order).await.expect(200);
    let payments = settled(&api, &order).await;
    let mut sums: Vec<_> = payments
        .iter()
        .map(|payment| {
            let account = api.provider.sandbox.account(&payment_id(payment)).expect("an account");
            (account.authorized, account.captured, account.voided, account.refunded)
        })
        .collect();
    sums.sort_unstable();
    assert_eq!(sums, [(Some(2_495), 0, 2_495, 0), (Some(2_495), 2_495, 0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_keys_fifty_times_at_once_are_one_order_and_one_capture() {
    let api = Arc::new(stocked(9).await);
    let mut clients = JoinSet::new();
    for _ in 0..50 {
        let api = Arc::clone(&api);
        clients.spawn(async move {
            let order = begin(&api, "ada", "b", 1).await.expect(201);
            // Where another client was faster there is nothing to pay any more.
            if order["paymentInputUrl"].is_string() {
                let paid = pay(&api, "ada", &order, "p", GOOD).await;
                assert_eq!(paid.expect(200)["status"], "authorized");
            }
            submit(&api, "ada", "s", &order).await.expect(200)["orderId"].clone()
        });
    }
    let orders = clients.join_all().await;
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
    let payments = settled(&api, &json!({"orderId": orders[0]})).await;
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!((&payments[0]["captured"], &payments[0]["refunded"]), (&json!(2_495), &json!(0)));
    let account = api.provider.sandbox.account(&payment_id(&payments[0])).expect("an account");
    assert_eq!((account.authorized, account.captured), (Some(2_495), 2_495));
}
