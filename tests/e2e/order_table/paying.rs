//! From the first payment to the confirmation, and the money that came too late.

use super::stage::{DECLINED_CARD, GOOD_CARD, LATER_CARD, Stage, eur, refused, sums};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Where an event stands among those of an order.
async fn place_of(s: &Stage<'_>, order: &str, kind: &str) -> Option<usize> {
    s.told(order).await.iter().position(|told| told == kind)
}

pub async fn nothing_unpaid_is_confirmed_but_what_is_free_or_paid_outside(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 9)]).await;
    s.begun("unpaid", &[("tea", 1)]).await;
    assert_eq!(refused(&s.submit("unpaid").await), (402, "payment_required"));
    assert_eq!(place_of(s, "unpaid", "order-submitted").await, None);
    let gift = json!([{"adjustmentId": "g", "kind": "discount", "amount": eur(-500), "label": "a gift"}]);
    s.place("free", &[("tea", 1)], json!({"adjustments": gift})).await;
    assert_eq!(s.submit("free").await.body["status"], "confirmed");
    s.place("outside", &[("tea", 1)], json!({"payment": "external"})).await;
    assert_eq!(refused(&s.pay("outside", "p", GOOD_CARD).await), (409, "payment_external"));
    assert_eq!(s.submit("outside").await.body["status"], "confirmed");
    for order in ["free", "outside"] {
        assert_eq!(s.events(order, "capture-due").await, Vec::<Value>::new(), "{order}");
    }
    s.stock("tea", [6, 9, 1, 2]).await;
}

pub async fn a_refused_payment_leaves_the_order_to_be_paid_again(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.begun("o", &[("tea", 1)]).await;
    assert_eq!(refused(&s.pay("o", "p1", DECLINED_CARD).await), (402, "payment_declined"));
    assert_eq!(refused(&s.submit("o").await), (402, "payment_declined"));
    assert_eq!(s.told("o").await[3..], ["payment-started", "payment-attempt-failed"]);
    s.stock("tea", [4, 5, 1, 0]).await;
    assert_eq!(s.pay("o", "p2", GOOD_CARD).await.body["status"], "authorized");
    assert_eq!(s.submit("o").await.body["status"], "confirmed");
    s.comes_to("o", |order| sums(order) == [500, 500, 0]).await;
    let kinds = ["payment-authorized", "order-submitted", "order-confirmed", "shipments-due", "capture-due"];
    let told = s.told("o").await;
    let at = told.iter().position(|kind| kind == kinds[0]).expect("it was authorized");
    assert_eq!(told[at..at + kinds.len()], kinds);
}

pub async fn payments_that_come_to_the_total_together_confirm(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.begun("o", &[("tea", 2)]).await;
    let later = s.pay("o", "p1", LATER_CARD).await;
    assert_eq!(later.body["status"], "pending", "{later:?}");
    let submitted = s.submit("o").await;
    assert_eq!((submitted.status, &submitted.body["status"]), (StatusCode::ACCEPTED, &json!("awaiting_payment")));
    s.authorized("o", later.body["paymentId"].as_str().expect("an id"), 400).await;
    assert_eq!(place_of(s, "o", "order-confirmed").await, None, "it is not enough");
    assert_eq!(s.pay("o", "p2", GOOD_CARD).await.body["status"], "authorized");
    let asked: Vec<Value> = s.events("o", "payment-started").await.iter().map(|e| e["amount"].clone()).collect();
    assert_eq!(asked, [eur(1_000), eur(600)], "what is missing");
    let shown = s.comes_to("o", |order| sums(order) == [1_000, 1_000, 0]).await;
    assert_eq!(shown["status"], "confirmed");
    s.stock("tea", [3, 5, 0, 2]).await;
}

pub async fn what_is_paid_and_never_submitted_is_given_back_when_it_expires(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.pass(1).await;
    s.begun("o", &[("tea", 1)]).await;
    assert_eq!(s.pay("o", "p", GOOD_CARD).await.body["status"], "authorized");
    s.pass(361).await;
    let shown = s.comes_to("o", |order| order["status"] == "refunded").await;
    assert_eq!(sums(&shown), [500, 0, 500]);
    assert_eq!(place_of(s, "o", "late-payment").await, None);
    s.stock("tea", [5, 5, 0, 0]).await;
}

/// An order of so many teas that was submitted, expired with a payment that nobody has decided; that payment.
async fn expired(s: &Stage<'_>, order: &str, units: u32, submits: bool) -> String {
    s.begun(order, &[("tea", units)]).await;
    let paid = s.pay(order, "p", LATER_CARD).await;
    assert_eq!(paid.body["status"], "pending", "{paid:?}");
    if submits {
        assert_eq!(s.submit(order).await.status, StatusCode::ACCEPTED);
    }
    s.pass(361).await;
    s.comes_to(order, |order| order["status"] == "expired").await;
    paid.body["paymentId"].as_str().expect("an id").to_owned()
}

pub async fn enough_and_late_holds_again_at_the_old_price_and_confirms(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.pass(1).await;
    let payment = expired(s, "o", 2, true).await;
    s.stock("tea", [5, 5, 0, 0]).await;
    // The buyer has paid what was told.
    s.list("tea", "physical", &eur(900)).await;
    s.authorized("o", &payment, 1_000).await;
    let shown = s.comes_to("o", |order| order["status"] == "confirmed" && sums(order) == [1_000, 1_000, 0]).await;
    assert_eq!(shown["total"], eur(1_000));
    let told = s.told("o").await;
    let at = told.iter().position(|kind| kind == "late-payment").expect("it was late");
    assert_eq!(
        told[at - 2..at + 3],
        ["order-expired", "payment-authorized", "late-payment", "item-held", "order-confirmed"]
    );
    assert_eq!(s.events("o", "order-confirmed").await[0]["attempt"], 2);
    s.stock("tea", [3, 5, 0, 2]).await;
}

pub async fn enough_and_late_is_given_back_where_the_units_are_gone(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 3)]).await;
    s.pass(1).await;
    let payment = expired(s, "o", 2, true).await;
    s.external("other", &[("tea", 2)]).await;
    s.authorized("o", &payment, 1_000).await;
    let shown = s.comes_to("o", |order| order["status"] == "refunded").await;
    assert_eq!(sums(&shown), [1_000, 0, 1_000]);
    let told = s.told("o").await;
    let at = told.iter().position(|kind| kind == "late-payment").expect("it was late");
    assert_eq!(told[at + 1..at + 4], ["item-refused", "rehold-failed", "refund-due"]);
    assert_eq!(s.events("o", "refund-due").await.len(), 1);
    s.stock("tea", [1, 3, 0, 2]).await;
}

pub async fn too_little_or_not_submitted_and_late_is_given_back_only(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 9)]).await;
    s.pass(1).await;
    let little = expired(s, "little", 2, true).await;
    s.authorized("little", &little, 999).await;
    assert_eq!(sums(&s.comes_to("little", |order| order["status"] == "refunded").await), [999, 0, 999]);
    // What was given back does not count for the next one.
    s.authorized("little", "more", 1).await;
    assert_eq!(sums(&s.comes_to("little", |order| sums(order) == [1_000, 0, 1_000]).await)[1], 0);
    let silent = expired(s, "silent", 1, false).await;
    s.authorized("silent", &silent, 500).await;
    assert_eq!(sums(&s.comes_to("silent", |order| order["status"] == "refunded").await), [500, 0, 500]);
    for order in ["little", "silent"] {
        assert_eq!(place_of(s, order, "late-payment").await, None, "{order}");
    }
    s.stock("tea", [9, 9, 0, 0]).await;
}

pub async fn of_two_payments_one_is_given_back(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.begun("o", &[("tea", 1)]).await;
    let (one, two) = tokio::join!(s.pay("o", "p1", LATER_CARD), s.pay("o", "p2", LATER_CARD));
    assert_eq!(s.submit("o").await.status, StatusCode::ACCEPTED);
    for paid in [&one, &two] {
        s.authorized("o", paid.body["paymentId"].as_str().expect("an id"), 500).await;
    }
    let shown = s.comes_to("o", |order| sums(order) == [1_000, 500, 500]).await;
    assert_eq!(shown["status"], "confirmed");
    s.stock("tea", [4, 5, 0, 1]).await;
}
