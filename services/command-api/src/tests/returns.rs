//! Returns over a real engine.

use super::{
    fulfilment::{confirmed, planned, ship, stocked, until, until_stock},
    harness::Api,
};
use schemas::Role;
use serde_json::{Value, json};

/// Ada's order of three and two teapots, all shipped from `main`.
async fn shipped(api: &Api) -> String {
    let order = confirmed(api, [3, 2]).await;
    planned(api, &order, &[("a", "main", None, &[("l1", 3), ("l2", 2)])]).await;
    assert_eq!(ship(api, "main", &order, json!({"shipmentId": "k1"})).await.expect(201)["status"], "shipped");
    order
}

fn lines(units: &[(&str, u32)]) -> Value {
    units.iter().map(|(line, units)| json!({"lineId": line, "quantity": units})).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_is_restocked_once_and_refunded_exactly() {
    let api = stocked().await;
    let order = shipped(&api).await;
    let path = format!("/v1/orders/{order}/returns");
    let request = |key: &str, body: Value| api.call(Role::Shopper, "ada", "POST", &path).key(key).json(&body).send();
    let body = json!({"lines": lines(&[("l1", 2), ("l2", 1)]), "reason": "too small", "metadata": {"label": "R1"}});
    let announced = request("t1", body.clone()).await.expect(201);
    assert_eq!(request("t1", body).await.expect(201)["returnId"], announced["returnId"]);
    let more = json!({"lines": lines(&[("l1", 2)]), "reason": "too small"});
    assert_eq!(request("t2", more).await.problem(409, "not_that_many_returnable")["returnable"], 1);
    let id = announced["returnId"].as_str().expect("an id");
    let path = format!("/v1/orders/{order}/returns/{id}/receipts");
    let receive = |at: &str, body: Value| api.call(Role::Warehouse, at, "POST", &path).json(&body).send();
    let part = json!({"receiptId": "q1", "location": "main", "condition": "sellable", "lines": lines(&[("l1", 2)])});
    for _ in 0..2 {
        let received = receive("main", part.clone()).await.expect(201);
        assert_eq!((&received["lines"][0]["returned"], &received["returnId"]), (&json!(2), &json!(id)));
        assert_eq!((&received["total"], &received["payments"]), (&json!(null), &json!([])), "no warehouse's business");
    }
    until(&api, &order, |row| row.payments[0].refund_due == 2_000).await;
    let rest = json!({"receiptId": "q2", "location": "main", "condition": "damaged"});
    receive("main", rest).await.expect(201);
    until(&api, &order, |row| row.payments[0].refund_due == 3_000).await;
    let late = json!({"receiptId": "q3", "location": "main", "condition": "damaged"});
    receive("main", late).await.problem(409, "return_complete");
    // Ten and five came in, five left, three came back, one of them damaged.
    let row = until_stock(&api, |row| row.levels.on_hand == 13).await;
    assert_eq!(row.levels.available, 12);
    let row = until(&api, &order, |row| row.payments[0].refunded == 3_000).await;
    assert_eq!((row.returns[0].receipts.len(), row.returns[0].lines[0].received), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_receives_at_its_own_location_and_a_shopper_returns_their_own() {
    let api = stocked().await;
    let order = shipped(&api).await;
    let path = format!("/v1/orders/{order}/returns");
    let body = json!({"lines": lines(&[("l1", 1)]), "reason": "too small"});
    let request = |sub: &str| api.call(Role::Shopper, sub, "POST", &path).key("t1").json(&body).send();
    request("bob").await.problem(404, "order_not_found");
    let id = request("ada").await.expect(201)["returnId"].as_str().expect("an id").to_owned();
    let receive = |role: Role, at: &str, id: &str, location: &str| {
        let path = format!("/v1/orders/{order}/returns/{id}/receipts");
        let body = json!({"receiptId": "q1", "location": location, "condition": "quality_control"});
        api.call(role, at, "POST", &path).json(&body).send()
    };
    receive(Role::Warehouse, "main", &id, "north").await.problem(403, "forbidden");
    receive(Role::Warehouse, "north", &id, "north").await.problem(404, "order_not_found");
    receive(Role::Shopper, "ada", &id, "main").await.problem(403, "forbidden");
    receive(Role::Warehouse, "main", "nothing", "main").await.problem(404, "return_not_found");
    receive(Role::Operator, "op", &id, "north").await.expect(201);
    receive(Role::Warehouse, "main", &id, "main").await.problem(422, "idempotency_key_reused");
}
