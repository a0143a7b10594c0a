//! From nothing to a checkout that waits for its money, or to its end.

use super::stage::{GOOD_CARD, Stage, eur, refused};
use reqwest::StatusCode;
use schemas::Timestamp;
use serde_json::{Value, json};

fn millis(event: &Value, name: &str) -> i64 {
    Timestamp::parse(event[name].as_str().expect("a time")).expect("RFC 3339").millis()
}

pub async fn every_item_is_asked_and_the_last_answer_grants(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.item("mug", 900, &[("main", 3)]).await;
    let order = s.begun("o", &[("tea", 2), ("mug", 1)]).await;
    assert_eq!(order["total"], eur(1_900));
    assert_eq!(s.told("o").await, ["order-placed", "item-held", "item-held", "holds-granted"]);
    let granted = &s.events("o", "holds-granted").await[0];
    assert_eq!((&granted["total"], &granted["expiresAt"]), (&eur(1_900), &order["expiresAt"]), "{granted}");
    assert_eq!(millis(granted, "expiresForGoodAt") - millis(granted, "expiresAt"), 60_000, "the grace: {granted}");
    s.stock("tea", [3, 5, 2, 0]).await;
    s.stock("mug", [2, 3, 1, 0]).await;
}

pub async fn one_refusal_rejects_with_all_refusals_and_nothing_stays_held(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.item("mug", 900, &[("main", 1)]).await;
    s.item("pen", 100, &[]).await;
    for _ in 0..2 {
        // A recorded refusal is given again.
        let placed = s.place("o", &[("tea", 2), ("mug", 2), ("pen", 1)], Value::Null).await;
        assert_eq!(refused(&placed), (409, "insufficient_stock"));
        let mut lines = placed.body["lines"].as_array().cloned().expect("lines");
        lines.sort_by_key(|line| line["itemId"].as_str().map(str::to_owned));
        let short = |item: &str, asked: u32, available: u32| json!({"itemId": s.id(item), "reason": "insufficient_stock", "asked": asked, "available": available});
        assert_eq!(lines, [short("mug", 2, 1), short("pen", 1, 0)]);
    }
    let mut told = s.told("o").await;
    told[1..4].sort();
    assert_eq!(told, ["order-placed", "item-held", "item-refused", "item-refused", "order-rejected"]);
    assert_eq!(s.comes_to("o", |order| order["status"] == "rejected").await["total"], Value::Null);
    s.stock("tea", [5, 5, 0, 0]).await;
    s.stock("mug", [1, 1, 0, 0]).await;
}

pub async fn money_that_cannot_be_rejects_by_name(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.list("pound", "physical", &json!({"amount": 500, "currency": "GBP"})).await;
    s.receive("pound", "main", 5).await;
    let mixed = s.place("mixed", &[("tea", 1), ("pound", 1)], Value::Null).await;
    assert_eq!(refused(&mixed), (409, "mixed_currencies"));
    let discount = json!([{"adjustmentId": "d", "kind": "discount", "amount": eur(-501), "label": "too kind"}]);
    let negative = s.place("negative", &[("tea", 1)], json!({"adjustments": discount})).await;
    assert_eq!(refused(&negative), (409, "total_negative"));
    let most =
        json!([{"lineId": "tea", "itemId": s.id("tea"), "quantity": 2, "unitPrice": eur(9_007_199_254_740_991)}]);
    let large = s.place("large", &[], json!({"lines": most})).await;
    assert_eq!(refused(&large), (409, "total_too_large"));
    for order in ["mixed", "negative", "large"] {
        assert_eq!(s.told(order).await.last().map(String::as_str), Some("order-rejected"), "{order}");
    }
    s.stock("tea", [5, 5, 0, 0]).await;
    s.stock("pound", [5, 5, 0, 0]).await;
}

pub async fn submit_auto_is_submitted_at_once(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    let placed = s.place("o", &[("tea", 1)], json!({"submit": "auto"})).await;
    assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("awaiting_payment")));
    assert_eq!(s.told("o").await, ["order-placed", "item-held", "holds-granted", "order-submitted"]);
    assert_eq!(s.pay("o", "p", GOOD_CARD).await.body["status"], "authorized");
    s.comes_to("o", |order| order["status"] == "confirmed").await;
    s.stock("tea", [4, 5, 0, 1]).await;
}

pub async fn what_is_not_paid_expires_after_its_life_and_the_grace(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.pass(1).await;
    s.begun("o", &[("tea", 2)]).await;
    s.pass(359).await;
    s.stock("tea", [3, 5, 2, 0]).await;
    s.pass(2).await;
    s.stock("tea", [5, 5, 0, 0]).await;
    assert_eq!(s.comes_to("o", |order| order["status"] == "expired").await["payments"], json!([]));
    assert_eq!(s.told("o").await.last().map(String::as_str), Some("order-expired"));
    assert_eq!(refused(&s.submit("o").await), (409, "checkout_expired"));
    assert_eq!(refused(&s.pay("o", "p", GOOD_CARD).await), (409, "checkout_expired"));
}

pub async fn a_cancelled_checkout_gives_all_back(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.item("mug", 900, &[("main", 3)]).await;
    s.begun("o", &[("tea", 2), ("mug", 3)]).await;
    assert_eq!(refused(&s.cancel("o", "part", &[("tea", 1)]).await), (422, "cancel_as_a_whole"));
    for key in ["c", "c", "other"] {
        assert_eq!(s.cancel("o", key, &[]).await.body["status"], "cancelled");
    }
    assert_eq!(s.events("o", "order-cancelled").await.len(), 1);
    s.stock("tea", [5, 5, 0, 0]).await;
    s.stock("mug", [3, 3, 0, 0]).await;
    assert_eq!(refused(&s.submit("o").await), (409, "order_cancelled"));
    // A request for what was cancelled opens nothing again.
    assert_eq!(refused(&s.pay("o", "p", GOOD_CARD).await), (409, "order_cancelled"));
}
