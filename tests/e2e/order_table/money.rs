//! Money that comes or goes in any state: it is recorded, and whatever is not kept is given back, once.

use super::stage::{GOOD_CARD, Stage, eur, refused, sums};
use crate::e2e::engine::Answer;
use serde_json::{Value, json};

/// Orders of one tea each that are named as their state. The clock moves: none of them waits for money.
async fn in_every_state(s: &Stage<'_>) -> [(&'static str, [i64; 3]); 7] {
    s.item("tea", 500, &[("main", 99)]).await;
    s.pass(1).await;
    s.begun("expired", &[("tea", 1)]).await;
    s.pass(361).await;
    s.place("rejected", &[("tea", 100)], Value::Null).await;
    s.begun("cancelled", &[("tea", 1)]).await;
    s.cancel("cancelled", "c", &[]).await;
    s.begun("awaiting_payment", &[("tea", 1)]).await;
    s.bought("confirmed", &[("tea", 1)]).await;
    s.shipped("shipped", &[("tea", 1)]).await;
    s.shipped("delivered", &[("tea", 1)]).await;
    s.deliver("delivered").await;
    let paid = [500, 500, 0];
    let nothing = [0, 0, 0];
    let states = [
        ("expired", nothing),
        ("rejected", nothing),
        ("cancelled", nothing),
        ("awaiting_payment", nothing),
        ("confirmed", paid),
        ("shipped", paid),
        ("delivered", paid),
    ];
    for (order, money) in states {
        s.comes_to(order, |shown| shown["status"] == order && sums(shown) == money).await;
    }
    states
}

pub async fn an_authorization_is_recorded_in_every_state(s: &Stage<'_>) {
    let states = in_every_state(s).await;
    s.authorized("nobodys", "stray-nobodys", 700).await;
    assert_eq!(sums(&s.comes_to("nobodys", |order| order["status"] == "refunded").await), [700, 0, 700]);
    for (order, [authorized, captured, _]) in states {
        let payment = s.id(&format!("stray-{order}"));
        for _ in 0..2 {
            s.authorized(order, &payment, 700).await;
        }
        // A checkout that waits keeps up to its total.
        let back = if order == "awaiting_payment" { 200 } else { 700 };
        let expected = [authorized + 700, captured, back];
        let shown = s.comes_to(order, |shown| sums(shown) == expected).await;
        let is_over = ["expired", "rejected", "cancelled"].contains(&order);
        assert_eq!(shown["status"], if is_over { "refunded" } else { order });
        assert_eq!(s.events(order, "payment-authorized").await.len(), if authorized > 0 { 2 } else { 1 });
        assert_eq!(s.events(order, "refund-settled").await.len(), 1);
    }
}

pub async fn a_capture_is_recorded_in_every_state(s: &Stage<'_>) {
    let states = in_every_state(s).await;
    for (order, [authorized, captured, _]) in states {
        let payment = s.id(&format!("stray-{order}"));
        for _ in 0..2 {
            s.captured(order, &payment, 700).await;
        }
        let back = if order == "awaiting_payment" { 200 } else { 700 };
        let expected = [authorized + 700, captured + 700, back];
        s.comes_to(order, |shown| sums(shown) == expected).await;
        assert_eq!(s.events(order, "payment-captured").await.len(), if captured > 0 { 2 } else { 1 });
    }
}

async fn refund(s: &Stage<'_>, order: &str, key: &str, minor: i64) -> Answer {
    let path = format!("/v1/orders/{}/refunds", s.id(order));
    let body = json!({"amount": eur(minor), "reason": "kindness"});
    s.post("operator", &format!("{order}-{key}"), &path, body).await
}

/// Recorded in each state in which the order keeps money for good; elsewhere there is nothing to refund.
pub async fn an_operator_refunds_what_is_kept_and_no_more(s: &Stage<'_>) {
    for (order, [authorized, captured, _]) in in_every_state(s).await {
        if captured == 0 {
            let answer = refund(s, order, "r", 1).await;
            assert_eq!(refused(&answer), (409, "refund_too_large"), "{order}");
            assert_eq!(answer.body["refundable"]["amount"], 0, "{order}: {answer:?}");
            assert_eq!(s.events(order, "operator-refunded").await.len(), 0, "{order}");
            continue;
        }
        for _ in 0..2 {
            let answer = refund(s, order, "r", 200).await;
            assert!(answer.status.is_success(), "{order}: {answer:?}");
        }
        let more = refund(s, order, "more", 301).await;
        assert_eq!((refused(&more), &more.body["refundable"]["amount"]), ((409, "refund_too_large"), &json!(300)));
        let shown = s.comes_to(order, |shown| sums(shown) == [authorized, captured, 200]).await;
        assert_eq!(shown["status"], order);
        assert_eq!(s.events(order, "operator-refunded").await.len(), 1, "{order}");
    }
    // Of what is cancelled afterwards only the rest is left.
    s.cancel("confirmed", "c", &[]).await;
    let shown = s.comes_to("confirmed", |shown| shown["status"] == "refunded").await;
    assert_eq!(sums(&shown), [500, 500, 500]);
    s.begun("waits", &[("tea", 1)]).await;
    s.pay("waits", "p", GOOD_CARD).await;
    assert_eq!(refused(&refund(s, "waits", "r", 1).await), (409, "refund_too_large"), "it is not sold yet");
    let unknown = refund(s, "nobodys", "r", 1).await;
    assert_eq!(refused(&unknown), (404, "order_not_found"));
}
