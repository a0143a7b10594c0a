use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_takes_effect_once() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    let receipt = json!({"receiptId": "r1", "location": "main", "quantity": 10, "document": "note"});
    let send = |body| api.call(Role::Supplier, "s", "POST", "/v1/items/teapot/receipts").json(&body).send();
    let first = send(receipt.clone()).await.expect(201);
    assert_eq!(first, json!({"available": 10, "onHand": 10}));
    assert_eq!(send(receipt.clone()).await.expect(201), first);
    let mut other = receipt;
    other["quantity"] = json!(11);
    send(other).await.problem(409, "exists_with_different_quantity");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_needs_an_id_or_a_key_and_is_refused_when_stale() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 10).await;
    let count = |body| api.call(Role::Operator, "op", "POST", "/v1/items/teapot/counts").json(&body);
    let body = json!({"location": "main", "counted": 8, "expected": 10, "reason": "yearly"});
    count(body.clone()).send().await.problem(400, "idempotency_key_missing");
    assert_eq!(count(body.clone()).key("k1").send().await.expect(201)["onHand"], 8);
    assert_eq!(count(body.clone()).key("k1").send().await.expect(201)["onHand"], 8);
    assert_eq!(count(body).key("k2").send().await.problem(409, "stale_count")["current"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_arrives_late_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 10).await;
    let post = |path: &str, body: Value| api.call(Role::Operator, "op", "POST", path).json(&body).send();
    // Somebody begins to count ten; meanwhile two are received and one is sold, then the count arrives.
    let late = json!({"countId": "c1", "location": "main", "counted": 9, "expected": 10, "reason": "yearly"});
    let receipt = json!({"receiptId": "r2", "location": "main", "quantity": 2, "document": "note"});
    post("/v1/items/teapot/receipts", receipt).await.expect(201);
    let held = json!({"holdId": "h1", "quantity": 1, "expiresInSeconds": 600});
    assert_eq!(post("/v1/items/teapot/holds", held).await.expect(201)["available"], 11);
    for _ in 0..2 {
        assert_eq!(post("/v1/items/teapot/counts", late.clone()).await.problem(409, "stale_count")["current"], 12);
    }
    let safety = api.call(Role::Operator, "op", "PUT", "/v1/items/teapot/safety").json(&json!({"quantity": 0}));
    assert_eq!(safety.send().await.expect(200)["available"], 11, "nothing was changed");
    // Nothing was recorded under its id either: counted again, it is a count.
    let again = json!({"countId": "c1", "location": "main", "counted": 11, "expected": 12, "reason": "yearly"});
    let told = json!({"available": 10, "onHand": 11});
    assert_eq!(post("/v1/items/teapot/counts", again.clone()).await.expect(201), told);
    assert_eq!(post("/v1/items/teapot/counts", again).await.expect(201), told, "it counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_moved_between_buckets() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 10).await;
    let moved = |body| api.call(Role::Operator, "op", "POST", "/v1/items/teapot/moves").json(&body).send();
    let body = json!({"moveId": "m1", "location": "main", "from": "sellable", "to": "damaged", "quantity": 3,
        "reason": "broken", "reference": "claim-1"});
    assert_eq!(moved(body.clone()).await.expect(201), json!({"available": 7, "onHand": 10}));
    let mut same = body;
    same["moveId"] = json!("m3");
    same["to"] = json!("sellable");
    moved(same).await.problem(422, "same_bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_changes_its_own_location_only() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    let receive = |location: &str| {
        let body = json!({"receiptId": "r1", "location": location, "quantity": 1, "document": "note"});
        api.call(Role::Warehouse, "north", "POST", "/v1/items/teapot/receipts").json(&body).send()
    };
    receive("north").await.expect(201);
    receive("main").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn safety_is_kept_back_from_sale() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 10).await;
    let safety = |body| api.call(Role::Supplier, "s", "PUT", "/v1/items/teapot/safety").json(&body).send();
    assert_eq!(safety(json!({"quantity": 4})).await.expect(200), json!({"quantity": 4, "available": 6}));
    for bad in [json!({"quantity": -1}), json!({"quantity": 1.5}), json!({"quantity": 1_000_001}), json!({})] {
        safety(bad).await.problem(400, "invalid_body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_break_the_rule_are_refused() {
    let api = Api::start().await;
    for id in ["tea%00pot", "%E2%80%AEteapot", "tea%20pot", &"x".repeat(65)] {
        let call = api.call(Role::Operator, "op", "DELETE", &format!("/v1/items/{id}"));
        call.send().await.problem(400, "invalid_id");
    }
}
