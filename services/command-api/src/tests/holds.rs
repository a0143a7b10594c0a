use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

async fn place(api: &Api, sub: &str, hold: &str, quantity: u32) -> super::harness::Answer {
    let body = json!({"holdId": hold, "quantity": quantity, "expiresInSeconds": 60, "metadata": {"a": "b"}});
    api.call(Role::Service, sub, "POST", "/v1/items/teapot/holds").json(&body).send().await
}

async fn act(api: &Api, sub: &str, hold: &str, verb: &str, body: &Value) -> super::harness::Answer {
    let path = format!("/v1/items/teapot/holds/{hold}/{verb}");
    api.call(Role::Service, sub, "POST", &path).json(body).send().await
}

async fn stocked(units: u32) -> Api {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", units).await;
    api
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_placed_committed_and_shipped() {
    let api = stocked(10).await;
    let placed = place(&api, "erp", "h1", 4).await.expect(201);
    assert_eq!(
        (&placed["holdId"], &placed["status"], &placed["available"]),
        (&json!("h1"), &json!("active"), &json!(6))
    );
    assert!(placed["expiresAt"].is_string());
    assert_eq!(placed["metadata"], json!({"a": "b"}));
    let committed = act(&api, "erp", "h1", "commit", &json!({})).await.expect(200);
    assert_eq!((&committed["status"], &committed["expiresAt"]), (&json!("committed"), &json!(null)));
    let ship = json!({"shipmentId": "s1", "location": "main", "quantity": 4});
    assert_eq!(act(&api, "erp", "h1", "ship", &ship).await.expect(200)["status"], "shipped");
    assert_eq!(act(&api, "erp", "h1", "ship", &ship).await.expect(200)["shipped"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_from_a_location_unknown_or_too_short_is_refused_and_not_sold_again() {
    let api = stocked(4).await;
    place(&api, "erp", "h1", 4).await.expect(201);
    act(&api, "erp", "h1", "commit", &json!({})).await.expect(200);
    let receipt = json!({"receiptId": "r", "location": "shop", "quantity": 1, "document": "note"});
    api.call(Role::Operator, "op", "POST", "/v1/items/teapot/receipts").json(&receipt).send().await.expect(201);
    let from = |location: &str| json!({"shipmentId": "s1", "location": location});
    let problem = act(&api, "erp", "h1", "ship", &from("moon")).await.problem(409, "location_not_found");
    assert_eq!((&problem["location"], &problem["outcome"]), (&json!("moon"), &json!("refused")));
    let problem = act(&api, "erp", "h1", "ship", &from("shop")).await.problem(409, "insufficient_at_location");
    assert_eq!(
        (&problem["location"], &problem["asked"], &problem["available"]),
        (&json!("shop"), &json!(4), &json!(1))
    );
    place(&api, "erp", "h2", 2).await.problem(409, "insufficient_stock");
    let shipped = act(&api, "erp", "h1", "ship", &from("main")).await.expect(200);
    assert_eq!((&shipped["status"], &shipped["available"]), (&json!("shipped"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_not_committed_does_not_ship() {
    let api = stocked(10).await;
    place(&api, "erp", "h1", 4).await.expect(201);
    let ship = json!({"shipmentId": "s1", "location": "main"});
    act(&api, "erp", "h1", "ship", &ship).await.problem(409, "hold_not_committed");
    act(&api, "erp", "h1", "commit", &json!({})).await.expect(200);
    assert_eq!(act(&api, "erp", "h1", "ship", &ship).await.expect(200)["status"], "shipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_what_is_available_after_it() {
    let api = stocked(10).await;
    place(&api, "erp", "h1", 4).await.expect(201);
    place(&api, "erp", "h2", 1).await.expect(201);
    assert_eq!(act(&api, "erp", "h1", "commit", &json!({})).await.expect(200)["available"], 5);
    api.receive("teapot", 2).await;
    let ship = json!({"shipmentId": "s1", "location": "main", "quantity": 1});
    assert_eq!(act(&api, "erp", "h1", "ship", &ship).await.expect(200)["available"], 7);
    assert_eq!(act(&api, "erp", "h2", "release", &json!({})).await.expect(200)["available"], 8);
    assert_eq!(act(&api, "erp", "h1", "ship", &ship).await.expect(200)["available"], 8, "a repeat too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digital_items_hold_has_no_available() {
    let api = Api::start().await;
    let facts = json!({"name": "ebook", "kind": "digital", "price": {"amount": 700, "currency": "EUR"}});
    api.call(Role::Operator, "op", "PUT", "/v1/items/teapot").json(&facts).send().await.expect(201);
    let placed = place(&api, "erp", "h1", 4).await.expect(201);
    let committed = act(&api, "erp", "h1", "commit", &json!({})).await.expect(200);
    let released = act(&api, "erp", "h1", "release", &json!({})).await.expect(200);
    for answer in [placed, committed, released] {
        assert_eq!(answer.get("available"), Some(&Value::Null), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_unit_is_held_once() {
    let api = stocked(1).await;
    let (a, b) = tokio::join!(place(&api, "erp", "a", 1), place(&api, "erp", "b", 1));
    let refused = if a.status.is_success() { b } else { a };
    let problem = refused.problem(409, "insufficient_stock");
    assert_eq!((&problem["available"], &problem["outcome"]), (&json!(0), &json!("refused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_hold_again_is_the_same_answer_and_another_body_is_refused() {
    let api = stocked(10).await;
    let first = place(&api, "erp", "h1", 4).await.expect(201);
    assert_eq!(place(&api, "erp", "h1", 4).await.expect(201), first);
    place(&api, "erp", "h1", 5).await.problem(409, "exists_with_different_quantity");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_hold_again_is_told_what_became_of_it() {
    let api = stocked(10).await;
    let first = place(&api, "erp", "h1", 4).await.expect(201);
    act(&api, "erp", "h1", "commit", &json!({})).await.expect(200);
    let committed = place(&api, "erp", "h1", 4).await.expect(201);
    assert_eq!((&committed["status"], &committed["expiresAt"]), (&json!("committed"), &Value::Null));
    act(&api, "erp", "h1", "release", &json!({})).await.expect(200);
    let released = place(&api, "erp", "h1", 4).await.expect(201);
    assert_eq!((&released["status"], &released["expiresAt"]), (&json!("released"), &Value::Null));
    assert_eq!((&first["available"], &released["available"]), (&json!(6), &json!(10)));
    assert_eq!(released["holdId"], first["holdId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_of_two_callers_never_meet() {
    let api = stocked(10).await;
    place(&api, "erp", "h1", 4).await.expect(201);
    act(&api, "other", "h1", "release", &json!({})).await.problem(404, "hold_not_found");
    place(&api, "other", "h1", 6).await.expect(201);
    assert_eq!(act(&api, "erp", "h1", "release", &json!({})).await.expect(200)["status"], "released");
}

#[tokio::test(flavor = "multi_thread")]
async fn quantities_and_lives_out_of_range_are_refused() {
    let api = stocked(10).await;
    let bad = [
        json!({"holdId": "h", "quantity": 0, "expiresInSeconds": 60}),
        json!({"holdId": "h", "quantity": -1, "expiresInSeconds": 60}),
        json!({"holdId": "h", "quantity": 1_000_001, "expiresInSeconds": 60}),
        json!({"holdId": "h", "quantity": 1.5, "expiresInSeconds": 60}),
        json!({"holdId": "h", "quantity": 1, "expiresInSeconds": 0}),
        json!({"holdId": "h", "quantity": 1, "expiresInSeconds": 2_592_001}),
        json!({"holdId": "h\u{0}", "quantity": 1, "expiresInSeconds": 60}),
        json!({"quantity": 1, "expiresInSeconds": 60}),
    ];
    for body in bad {
        let answer = api.call(Role::Service, "erp", "POST", "/v1/items/teapot/holds").json(&body).send().await;
        answer.problem(400, "invalid_body");
        assert_eq!(answer.pointers().len(), 1, "{body}: {}", answer.text);
    }
}
