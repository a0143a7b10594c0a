//! Cancellation in every state: no bucket goes below zero, nothing is put back twice, and all money is exact.
//!
//! Holding and reholding need an item that does not answer: see `e2e::cluster::silent`.

use super::stage::{GOOD_CARD, LATER_CARD, Stage, lines, refused, sums};
use serde_json::{Value, json};

/// What two requests to cancel all of an order say: a status, or a refusal.
type Said<'a> = Result<&'a [&'a str], (u16, &'a str)>;

const GIVEN_BACK: &[&str] = &["refunding", "refunded"];

/// Cancels twice, under two keys; and looks at the stock of its item and at the money once it has come to rest.
async fn cancel_twice(s: &Stage<'_>, order: &str, said: [Said<'_>; 2], stock: [i64; 4], money: [i64; 3]) {
    for (key, said) in ["first", "second"].into_iter().zip(said) {
        let answer = s.cancel(order, key, &[]).await;
        match said {
            Ok(statuses) => {
                let is = answer.body["status"].as_str().unwrap_or_default();
                assert!(statuses.contains(&is), "{order}, {key}: {answer:?}");
            }
            Err(refusal) => assert_eq!(refused(&answer), refusal, "{order}, {key}: {answer:?}"),
        }
    }
    s.stock(order, stock).await;
    s.comes_to(order, |order| sums(order) == money).await;
    let log = s.log(order).await;
    let cancellations = log.iter().filter(|(kind, _)| kind == "order-cancelled" || kind == "lines-cancelled").count();
    assert!(cancellations <= 2, "{order}: {log:?}");
}

/// An item of five, and of it an order of two that waits for its payment: both have one name.
async fn begun(s: &Stage<'_>, order: &str) {
    s.item(order, 500, &[("main", 5)]).await;
    s.begun(order, &[(order, 2)]).await;
}

async fn bought(s: &Stage<'_>, order: &str) {
    begun(s, order).await;
    assert_eq!(s.pay(order, "p", GOOD_CARD).await.body["status"], "authorized");
    assert_eq!(s.submit(order).await.body["status"], "confirmed");
    s.allocated(order, 2).await;
}

const NOTHING: [i64; 3] = [0, 0, 0];
const ALL_BACK: [i64; 4] = [5, 5, 0, 0];

pub async fn before_it_is_confirmed(s: &Stage<'_>) {
    // What ended by itself stays what it is.
    s.pass(1).await;
    begun(s, "expired").await;
    s.pass(361).await;
    let over = (409, "checkout_expired");
    cancel_twice(s, "expired", [Err(over), Err(over)], ALL_BACK, NOTHING).await;
    s.item("rejected", 500, &[("main", 5)]).await;
    s.place("rejected", &[("rejected", 6)], Value::Null).await;
    let short = (409, "insufficient_stock");
    cancel_twice(s, "rejected", [Err(short), Err(short)], ALL_BACK, NOTHING).await;
    assert_eq!(refused(&s.cancel("nobodys", "c", &[]).await), (404, "order_not_found"));
    // A checkout is released, once, and its money given back whenever that comes.
    begun(s, "unpaid").await;
    cancel_twice(s, "unpaid", [Ok(&["cancelled"]); 2], ALL_BACK, NOTHING).await;
    begun(s, "paid").await;
    assert_eq!(s.pay("paid", "p", GOOD_CARD).await.body["status"], "authorized");
    cancel_twice(s, "paid", [Ok(GIVEN_BACK); 2], ALL_BACK, [1_000, 0, 1_000]).await;
    begun(s, "undecided").await;
    let pending = s.pay("undecided", "p", LATER_CARD).await;
    cancel_twice(s, "undecided", [Ok(&["cancelled"]); 2], ALL_BACK, NOTHING).await;
    s.authorized("undecided", pending.body["paymentId"].as_str().expect("an id"), 1_000).await;
    s.comes_to("undecided", |order| order["status"] == "refunded" && sums(order) == [1_000, 0, 1_000]).await;
    s.stock("undecided", ALL_BACK).await;
}

pub async fn after_it_is_confirmed(s: &Stage<'_>) {
    bought(s, "allocated").await;
    cancel_twice(s, "allocated", [Ok(GIVEN_BACK); 2], ALL_BACK, [1_000, 1_000, 1_000]).await;
    let left = (409, "already_shipped");
    bought(s, "part").await;
    assert_eq!(s.ship("part", "k", lines(&[("part", 1)])).await.body["status"], "confirmed");
    cancel_twice(s, "part", [Ok(&["shipped"]), Err(left)], [4, 4, 0, 0], [1_000, 1_000, 500]).await;
    bought(s, "shipped").await;
    assert_eq!(s.ship("shipped", "k", Value::Null).await.body["status"], "shipped");
    cancel_twice(s, "shipped", [Err(left); 2], [3, 3, 0, 0], [1_000, 1_000, 0]).await;
    assert_eq!(s.deliver("shipped").await.body["status"], "delivered");
    assert_eq!(refused(&s.cancel("shipped", "third", &[]).await), left);
    let back = json!({"lines": lines(&[("shipped", 1)]), "reason": "no"});
    assert!(s.act("shipped", "returns", "t", back).await.status.is_success());
    assert_eq!(refused(&s.cancel("shipped", "fourth", &[]).await), left);
    s.stock("shipped", [3, 3, 0, 0]).await;
}

pub async fn some_units_and_then_the_others(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.bought("o", &[("tea", 3)]).await;
    s.allocated("o", 3).await;
    for _ in 0..2 {
        let part = s.cancel("o", "one", &[("tea", 1)]).await;
        assert_eq!((&part.body["status"], &part.body["lines"][0]["cancelled"]), (&json!("confirmed"), &json!(1)));
    }
    s.stock("tea", [3, 5, 0, 2]).await;
    assert_eq!(refused(&s.cancel("o", "many", &[("tea", 3)]).await), (409, "not_that_many_open"));
    assert_eq!(refused(&s.cancel("o", "strange", &[("mug", 1)]).await), (422, "line_not_found"));
    s.cancel("o", "rest", &[("tea", 2)]).await;
    s.comes_to("o", |order| order["status"] == "refunded" && sums(order) == [1_500, 1_500, 1_500]).await;
    assert_eq!(s.events("o", "lines-cancelled").await.len(), 2);
    assert_eq!(s.events("o", "order-cancelled").await.len(), 1);
    s.stock("tea", [5, 5, 0, 0]).await;
}

pub async fn while_it_waits_for_stock(s: &Stage<'_>) {
    s.item("tea", 500, &[("a", 2)]).await;
    s.bought("o", &[("tea", 2)]).await;
    s.allocated("o", 2).await;
    s.count("tea", "a", 0).await;
    s.comes("o", "shipments-backordered").await;
    s.stock("tea", [-2, 0, 0, 2]).await;
    s.cancel("o", "c", &[]).await;
    s.comes_to("o", |order| order["status"] == "refunded" && sums(order) == [1_000, 1_000, 1_000]).await;
    s.stock("tea", [0, 0, 0, 0]).await;
    // What comes is nobody's.
    s.receive("tea", "a", 1).await;
    s.stock("tea", [1, 1, 0, 0]).await;
}
