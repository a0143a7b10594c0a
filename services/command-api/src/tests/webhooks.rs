use super::{
    harness::{Answer, Api, Call, SystemClock},
    payments::{LATER, begin, pay, stocked, submit},
    provider::{older_secret, secret},
};
use payments::{WebhookEvent, WebhookSecret};
use schemas::{Clock as _, Currency, Money, OrderId, PaymentId, Role};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

const PATH: &str = "/v1/webhooks/payments";

/// Now, in seconds since 1970.
fn seconds() -> i64 {
    SystemClock.now().millis().div_euclid(1_000)
}

/// A message that was signed so many seconds ago.
fn signed<'a>(api: &'a Api, by: &WebhookSecret, age: i64, id: &str, body: &[u8]) -> Call<'a> {
    let sent = seconds() - age;
    api.anonymous("POST", PATH)
        .header("webhook-id", id)
        .header("webhook-timestamp", &sent.to_string())
        .header("webhook-signature", &by.sign(id, sent, body))
        .raw("application/json", body.to_vec())
}

async fn deliver(api: &Api, id: &str, event: &WebhookEvent) -> Answer {
    signed(api, &secret(), 0, id, &event.body(SystemClock.now())).send().await
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn order_id(order: &Value) -> OrderId {
    OrderId::parse(order["orderId"].as_str().expect("an id")).expect("an id")
}

fn payment_id(payment: &Value) -> PaymentId {
    PaymentId::parse(payment["paymentId"].as_str().expect("an id")).expect("an id")
}

fn authorized(order_id: OrderId, payment_id: PaymentId, minor: i64) -> WebhookEvent {
    let reference = format!("sandbox-{payment_id}");
    WebhookEvent::Authorized { order_id, payment_id, amount: eur(minor), reference }
}

/// An order of one teapot that waits for a decision, submitted.
async fn undecided(api: &Api) -> (Value, PaymentId) {
    let order = begin(api, "ada", "b", 1).await.expect(201);
    let paid = pay(api, "ada", &order, "p", LATER).await.expect(200);
    assert_eq!(paid["status"], "pending");
    let submitted = submit(api, "ada", "s", &order).await;
    assert_eq!(submitted.expect(202)["status"], "awaiting_payment");
    assert!(submitted.headers.contains_key("stockfold-position"));
    (order, payment_id(&paid))
}

fn nothing(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_decided_later_confirms_its_order() {
    let api = stocked(3).await;
    let (order, payment) = undecided(&api).await;
    let event = authorized(order_id(&order), payment.clone(), 2_495);
    nothing(&deliver(&api, "msg_1", &event).await);
    let confirmed = submit(&api, "ada", "s", &order).await.expect(200);
    assert_eq!(
        (&confirmed["status"], &confirmed["payments"][0]["status"]),
        (&json!("confirmed"), &json!("authorized"))
    );
    assert_eq!(pay(&api, "ada", &order, "p", LATER).await.expect(200)["status"], "authorized");
    let settled = api.settled_payments().await;
    for id in ["msg_1", "msg_2"] {
        nothing(&deliver(&api, id, &event).await);
    }
    assert_eq!(api.settled_payments().await, settled, "a repeat records nothing");
    assert_eq!(api.provider.sandbox.account(&payment).expect("an account").captured, 2_495);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_fifty_times_at_once_is_one_order_and_one_capture() {
    let api = Arc::new(stocked(3).await);
    let (order, payment) = undecided(&api).await;
    let event = authorized(order_id(&order), payment.clone(), 2_495);
    let mut senders = JoinSet::new();
    for _ in 0..50 {
        let (api, event) = (Arc::clone(&api), event.clone());
        senders.spawn(async move { deliver(&api, "msg_1", &event).await });
    }
    senders.join_all().await.iter().for_each(nothing);
    api.settled_payments().await;
    let payments = submit(&api, "ada", "s", &order).await.expect(200)["payments"].clone();
    assert_eq!((&payments[0]["captured"], &payments[0]["refunded"]), (&json!(2_495), &json!(0)), "{payments}");
    assert_eq!(api.provider.sandbox.account(&payment).expect("an account").captured, 2_495);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_declined_later_leaves_the_order_to_be_paid_again() {
    let api = stocked(3).await;
    let (order, payment) = undecided(&api).await;
    let (order_id, reason) = (order_id(&order), "no_funds".to_owned());
    let declined = WebhookEvent::Declined { order_id: order_id.clone(), payment_id: payment.clone(), reason };
    nothing(&deliver(&api, "msg_1", &declined).await);
    let told = submit(&api, "ada", "s", &order).await.problem(402, "payment_declined");
    assert_eq!(told["reason"], "no_funds");
    pay(&api, "ada", &order, "p", LATER).await.problem(402, "payment_declined");
    assert_eq!(pay(&api, "ada", &order, "p2", "4242424242424242").await.expect(200)["status"], "authorized");
    assert_eq!(submit(&api, "ada", "s", &order).await.expect(200)["status"], "confirmed");
    // The provider changes its mind: the order is paid, so this is given back.
    nothing(&deliver(&api, "msg_2", &authorized(order_id, payment.clone(), 2_495)).await);
    api.settled_payments().await;
    let refunded = api.provider.sandbox.account(&payment).expect("an account");
    assert_eq!(refunded.voided + refunded.refunded, 2_495);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_order_that_nobody_knows_is_given_back() {
    let api = stocked(3).await;
    let order = OrderId::parse("nobodys").expect("an id");
    let payment = PaymentId::parse("orphan").expect("an id");
    for _ in 0..3 {
        nothing(&deliver(&api, "msg_1", &authorized(order.clone(), payment.clone(), 700)).await);
    }
    api.settled_payments().await;
    let account = api.provider.sandbox.account(&payment).expect("an account");
    assert_eq!((account.captured, account.voided + account.refunded), (0, 700));
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_was_taken_for_no_order_is_given_back() {
    let api = stocked(3).await;
    let order_id = OrderId::parse("nobodys").expect("an id");
    let payment_id = PaymentId::parse("orphan").expect("an id");
    let (amount, reference) = (eur(700), "ref-1".to_owned());
    let captured = WebhookEvent::Captured { order_id, payment_id: payment_id.clone(), amount, reference };
    for _ in 0..3 {
        nothing(&deliver(&api, "msg_1", &captured).await);
    }
    api.settled_payments().await;
    assert_eq!(api.provider.sandbox.account(&payment_id).expect("an account").refunded, 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_is_answered_all_the_same() {
    let api = stocked(3).await;
    let (order, payment) = undecided(&api).await;
    let (order_id, nobodys) = (order_id(&order), PaymentId::parse("nobodys").expect("an id"));
    let reason = "no_funds".to_owned();
    let events = [
        WebhookEvent::Declined { order_id: order_id.clone(), payment_id: nobodys.clone(), reason: reason.clone() },
        WebhookEvent::CaptureFailed { order_id: order_id.clone(), payment_id: nobodys, reason },
        WebhookEvent::RefundSettled {
            order_id: order_id.clone(),
            refund_id: schemas::RefundId::parse("r").expect("an id"),
        },
        authorized(order_id.clone(), payment.clone(), 2_495),
        // Another amount under the same id.
        authorized(order_id, payment, 1),
    ];
    for event in events {
        nothing(&deliver(&api, "msg_1", &event).await);
    }
    for body in [r#"{"type":"payment.disputed","data":{}}"#, r#"{"type":"x"}"#] {
        nothing(&signed(&api, &secret(), 0, "msg_2", body.as_bytes()).send().await);
    }
    assert_eq!(submit(&api, "ada", "s", &order).await.expect(200)["status"], "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_as_it_came_is_refused() {
    let api = stocked(3).await;
    let (order, payment) = undecided(&api).await;
    let body = authorized(order_id(&order), payment, 2_495).body(SystemClock.now());
    let now = seconds().to_string();
    let good = secret().sign("m", seconds(), &body);
    let call = |id: &str, timestamp: &str, signature: &str| {
        let call = api.anonymous("POST", PATH).raw("application/json", body.clone());
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .fold(call, |call, (name, value)| call.header(name, value))
    };
    let mut other = body.clone();
    other.push(b' ');
    let stranger = WebhookSecret::derived(b"a stranger");
    let operator = api.call(Role::Operator, "op", "POST", PATH).raw("application/json", body.clone());
    let cases = [
        (call("", "", ""), "signature_missing"),
        (operator, "signature_missing"),
        (call("m", &now, ""), "signature_missing"),
        (call("m", "", &good), "signature_missing"),
        (call("", &now, &good), "signature_missing"),
        (call("m", "soon", &good), "signature_missing"),
        (call("m", &now, &good).header("webhook-id", "m"), "signature_missing"),
        (call("m", &now, &good).header("webhook-signature", &good), "signature_missing"),
        (call("n", &now, &good), "invalid_signature"),
        (call("m", &now, "v1,AAAA"), "invalid_signature"),
        (signed(&api, &stranger, 0, "m", &body), "invalid_signature"),
        (signed(&api, &secret(), 0, "m", &body).raw("application/json", other), "invalid_signature"),
        (signed(&api, &secret(), 400, "m", &body), "timestamp_out_of_window"),
        (signed(&api, &secret(), -400, "m", &body), "timestamp_out_of_window"),
    ];
    for (number, (call, code)) in cases.into_iter().enumerate() {
        let answer = call.send().await;
        assert_eq!(answer.problem(401, code)["outcome"], "refused", "case {number}");
        assert!(answer.headers.contains_key("www-authenticate"), "case {number}");
    }
    assert_eq!(submit(&api, "ada", "s", &order).await.expect(202)["status"], "awaiting_payment");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_before_counts_while_it_is_changed() {
    let api = stocked(3).await;
    let (order, payment) = undecided(&api).await;
    let body = authorized(order_id(&order), payment, 2_495).body(SystemClock.now());
    nothing(&signed(&api, &older_secret(), 0, "m", &body).send().await);
    assert_eq!(submit(&api, "ada", "s", &order).await.expect(200)["status"], "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_genuine_and_cannot_be_read_is_told_so() {
    let api = stocked(3).await;
    for bad in ["", "{}", "[]", r#"{"type":"payment.authorized","data":{"orderId":"o"}}"#] {
        signed(&api, &secret(), 0, "m", bad.as_bytes()).send().await.problem(422, "unreadable_webhook");
    }
    let large = vec![b' '; 64 * 1_024 + 1];
    let problem = signed(&api, &secret(), 0, "m", &large).send().await.problem(413, "body_too_large");
    assert_eq!(problem["limitBytes"], 65_536);
    api.anonymous("GET", PATH).send().await.problem(405, "method_not_allowed");
}
