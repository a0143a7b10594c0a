//! What comes back, and what is given back for it.

use super::stage::{Stage, eur, lines, refused, sums};
use crate::e2e::engine::Answer;
use serde_json::{Value, json};

async fn request(s: &Stage<'_>, order: &str, key: &str, units: &[(&str, u32)]) -> Answer {
    s.act(order, "returns", key, json!({"lines": lines(units), "reason": "too small"})).await
}

async fn receive(s: &Stage<'_>, order: &str, id: &Value, receipt: &str, condition: &str, some: Value) -> Answer {
    let receipt = s.id(&format!("{order}-{receipt}"));
    let mut body = json!({"receiptId": receipt, "location": "main", "condition": condition});
    if !some.is_null() {
        body["lines"] = some;
    }
    s.act(order, &format!("returns/{}/receipts", id.as_str().expect("an id")), "", body).await
}

pub async fn no_more_comes_back_than_shipped_and_each_unit_once(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 9)]).await;
    s.bought("o", &[("tea", 4)]).await;
    assert_eq!(refused(&request(s, "o", "early", &[("tea", 1)]).await), (409, "not_that_many_returnable"));
    s.allocated("o", 4).await;
    assert_eq!(s.ship("o", "k", Value::Null).await.body["status"], "shipped");
    assert_eq!(refused(&request(s, "o", "many", &[("tea", 5)]).await), (409, "not_that_many_returnable"));
    let announced = request(s, "o", "t", &[("tea", 3)]).await;
    assert_eq!(request(s, "o", "t", &[("tea", 3)]).await.body["returnId"], announced.body["returnId"]);
    assert_eq!(refused(&request(s, "o", "more", &[("tea", 2)]).await), (409, "not_that_many_returnable"));
    let id = &announced.body["returnId"];
    let two = || lines(&[("tea", 1)]);
    for _ in 0..2 {
        let came = receive(s, "o", id, "q1", "sellable", two()).await;
        assert_eq!(came.body["lines"][0]["returned"], 1, "{came:?}");
    }
    assert_eq!(s.deliver("o").await.body["status"], "delivered");
    let many = receive(s, "o", id, "q2", "damaged", lines(&[("tea", 3)])).await;
    assert_eq!(refused(&many), (409, "not_that_many_expected"));
    assert!(receive(s, "o", id, "q2", "damaged", two()).await.status.is_success());
    assert!(receive(s, "o", id, "q3", "quality_control", Value::Null).await.status.is_success());
    assert_eq!(refused(&receive(s, "o", id, "q4", "sellable", Value::Null).await), (409, "return_complete"));
    // Nine came, four left, three are back: one of them is for sale.
    s.stock("tea", [6, 8, 0, 0]).await;
    s.comes_to("o", |order| sums(order) == [2_000, 2_000, 1_500]).await;
    assert_eq!((s.events("o", "return-requested").await.len(), s.events("o", "return-received").await.len()), (1, 3));
}

pub async fn the_refund_of_each_unit_is_exact_and_all_of_them_are_the_whole(s: &Stage<'_>) {
    s.item("tea", 333, &[("main", 9)]).await;
    s.item("mug", 100, &[("main", 9)]).await;
    let adjustments = json!([
        {"adjustmentId": "post", "kind": "shipping", "amount": eur(100), "label": "postage"},
        {"adjustmentId": "off", "kind": "discount", "lineId": "tea", "amount": eur(-50), "label": "off"},
        {"adjustmentId": "vat", "kind": "tax", "amount": eur(170), "label": "of which VAT", "included": true},
    ]);
    // 3 × 3.33 + 1.00 − 0.50 + 1.00 = 11.49
    s.place("o", &[("tea", 3), ("mug", 1)], json!({"adjustments": adjustments})).await;
    s.pay("o", "p", super::stage::GOOD_CARD).await;
    let submitted = s.submit("o").await;
    assert_eq!(submitted.body["total"], eur(1_149), "{submitted:?}");
    s.allocated("o", 4).await;
    s.cancel("o", "c", &[("tea", 1)]).await;
    assert_eq!(s.ship("o", "k", Value::Null).await.body["status"], "shipped");
    let id = request(s, "o", "t", &[("tea", 2), ("mug", 1)]).await.body["returnId"].clone();
    // The tea is 9.99 − 0.50 and its share of the postage, 0.90: 10.39, by thirds 3.46 and 6.92; the mug is the rest.
    let steps: [(&str, i64); 3] = [("tea", 692), ("tea", 1_039), ("mug", 1_149)];
    s.comes_to("o", |order| sums(order)[2] == 346).await;
    for (n, (line, back)) in steps.into_iter().enumerate() {
        let came = receive(s, "o", &id, &format!("q{n}"), "sellable", lines(&[(line, 1)])).await;
        assert!(came.status.is_success(), "{came:?}");
        s.comes_to("o", |order| sums(order)[2] == back).await;
    }
    assert_eq!(sums(&s.shown("o").await), [1_149, 1_149, 1_149]);
    s.stock("tea", [9, 9, 0, 0]).await;
    s.stock("mug", [9, 9, 0, 0]).await;
}

pub async fn nothing_is_announced_after_the_window_and_what_was_may_still_come(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.pass(1).await;
    s.shipped("o", &[("tea", 2)]).await;
    let id = request(s, "o", "t", &[("tea", 1)]).await.body["returnId"].clone();
    s.pass(30 * 24 * 3_600 - 1).await;
    assert_eq!(s.events("o", "return-window-closed").await.len(), 0);
    s.pass(2).await;
    assert_eq!(s.events("o", "return-window-closed").await.len(), 1);
    assert_eq!(refused(&request(s, "o", "late", &[("tea", 1)]).await), (409, "return_window_closed"));
    assert!(receive(s, "o", &id, "q", "sellable", Value::Null).await.status.is_success());
    s.comes_to("o", |order| sums(order) == [1_000, 1_000, 500]).await;
    s.stock("tea", [4, 4, 0, 0]).await;
}
