use super::harness::{Answer, Api};
use schemas::Role;
use serde_json::{Value, json};

fn order(id: &str, quantity: u32) -> Value {
    json!({"orderId": id, "shopper": "ada", "channel": "marketplace", "orderedAt": "2011-01-31T10:00:00Z",
        "lines": [{"lineId": "l1", "itemId": "teapot", "quantity": quantity, "unitPrice": {"amount": 900, "currency": "EUR"}}],
        "adjustments": [{"adjustmentId": "a1", "kind": "shipping", "amount": {"amount": 500, "currency": "EUR"},
            "label": "Postage"}],
        "payment": "external", "submit": "auto", "metadata": {"source": "test"}})
}

async fn place(api: &Api, body: &Value) -> Answer {
    api.call(Role::Service, "erp", "POST", "/v1/orders").json(body).send().await
}

async fn stocked(units: u32) -> Api {
    let api = Api::start().await;
    api.list("teapot", 1_000).await;
    api.receive("teapot", units).await;
    api
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_order_is_confirmed_at_once_at_its_own_prices() {
    let api = stocked(10).await;
    let placed = place(&api, &order("o-1", 2)).await.expect(201);
    assert_eq!(placed["status"], "confirmed");
    assert_eq!(placed["total"], json!({"amount": 2_300, "currency": "EUR"}));
    assert_eq!(placed["orderedAt"], "2011-01-31T10:00:00.000Z");
    assert_eq!(place(&api, &order("o-1", 2)).await.expect(201), placed);
    place(&api, &order("o-1", 3)).await.problem(409, "exists_with_different_content");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_order_is_given_again() {
    let api = stocked(1).await;
    place(&api, &order("o-1", 2)).await.problem(409, "insufficient_stock");
    api.receive("teapot", 10).await;
    place(&api, &order("o-1", 2)).await.problem(409, "insufficient_stock");
    place(&api, &order("o-2", 2)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_cancelled_in_part_and_then_wholly() {
    let api = stocked(10).await;
    place(&api, &order("o-1", 3)).await.expect(201);
    let cancel = |key: &str, body: Value| {
        api.call(Role::Service, "erp", "POST", "/v1/orders/o-1/cancel").key(key).json(&body).send()
    };
    let part = json!({"lines": [{"lineId": "l1", "quantity": 1}], "reason": "returned"});
    let first = cancel("c1", part.clone()).await.expect(200);
    assert_eq!((&first["lines"][0]["cancelled"], &first["status"]), (&json!(1), &json!("confirmed")));
    assert_eq!(cancel("c1", part).await.expect(200)["lines"][0]["cancelled"], 1);
    let too_many = json!({"lines": [{"lineId": "l1", "quantity": 3}]});
    cancel("c2", too_many).await.problem(409, "not_that_many_open");
    assert_eq!(cancel("c3", json!({})).await.expect(200)["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_an_order_are_told_at_once() {
    let api = stocked(1).await;
    let body = json!({"orderId": "o 1", "lines": [
            {"lineId": "a", "itemId": "teapot", "quantity": 1}, {"lineId": "a", "itemId": "teapot", "quantity": 0}],
        "adjustments": [{"adjustmentId": "x", "kind": "gift", "amount": {"amount": 1, "currency": "EUR"}, "label": "l"}],
        "payment": "barter", "expiresInSeconds": 86_401});
    let answer = place(&api, &body).await;
    answer.problem(400, "invalid_body");
    let pointers = answer.pointers();
    for expected in ["/orderId", "/lines/1/quantity", "/adjustments/0/kind", "/payment", "/expiresInSeconds"] {
        assert!(pointers.iter().any(|found| found == expected), "{expected}: {}", answer.text);
    }
    let mut unknown = order("o-1", 1);
    unknown["adjustments"][0]["lineId"] = json!("l9");
    place(&api, &unknown).await.problem(400, "invalid_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_refunds() {
    let api = stocked(5).await;
    place(&api, &order("o-1", 1)).await.expect(201);
    let body = json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "kindness"});
    let refund = |role| api.call(role, "x", "POST", "/v1/orders/o-1/refunds").key("r1").json(&body).send();
    refund(Role::Service).await.problem(403, "forbidden");
    assert!(refund(Role::Operator).await.status.is_client_error(), "the money was taken elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_places_no_order_for_others() {
    let api = stocked(5).await;
    let call = api.call(Role::Shopper, "ada", "POST", "/v1/orders").json(&order("o-1", 1));
    call.send().await.problem(403, "forbidden");
}
