use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

async fn shop() -> Api {
    let api = Api::start().await;
    let ebook = json!({"name": "E", "kind": "digital", "price": {"amount": 700, "currency": "EUR"},
        "file": "https://files.example/e.epub"});
    api.call(Role::Operator, "op", "PUT", "/v1/items/ebook").json(&ebook).send().await.expect(201);
    api.list("teapot", 1_000).await;
    api.receive("teapot", 5).await;
    api
}

async fn order(api: &Api, id: &str, items: &[&str]) -> Value {
    let lines = items.iter().map(|item| json!({"lineId": item, "itemId": item, "quantity": 2}));
    let body = json!({"orderId": id, "lines": lines.collect::<Vec<_>>(), "payment": "external", "submit": "auto"});
    api.call(Role::Service, "erp", "POST", "/v1/orders").json(&body).send().await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_ebooks_is_delivered_at_confirmation_and_cannot_be_cancelled() {
    let api = shop().await;
    let placed = order(&api, "o-1", &["ebook"]).await;
    assert_eq!((&placed["status"], &placed["lines"][0]["shipped"]), (&json!("delivered"), &json!(2)));
    let cancel = |key: &str, body: Value| {
        api.call(Role::Service, "erp", "POST", "/v1/orders/o-1/cancel").key(key).json(&body).send()
    };
    cancel("c1", json!({})).await.problem(409, "already_shipped");
    cancel("c2", json!({"lines": [{"lineId": "ebook", "quantity": 1}]})).await.problem(409, "already_shipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mixed_order_only_what_ships_can_be_cancelled() {
    let api = shop().await;
    let placed = order(&api, "o-1", &["ebook", "teapot"]).await;
    assert_eq!(placed["status"], "confirmed");
    let shipped = |order: &Value| -> Vec<(Value, Value)> {
        let lines = order["lines"].as_array().expect("lines");
        lines.iter().map(|line| (line["shipped"].clone(), line["cancelled"].clone())).collect()
    };
    assert_eq!(shipped(&placed), [(json!(2), json!(0)), (json!(0), json!(0))]);
    let cancel = api.call(Role::Service, "erp", "POST", "/v1/orders/o-1/cancel").key("c1").json(&json!({}));
    let cancelled = cancel.send().await.expect(200);
    assert_eq!(shipped(&cancelled), [(json!(2), json!(0)), (json!(0), json!(2))]);
    assert_eq!(cancelled["status"], "delivered", "nothing is left to ship");
    let none = api.call(Role::Service, "erp", "POST", "/v1/orders/o-1/cancel").key("c2").json(&json!({}));
    none.send().await.problem(409, "already_shipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ebook_is_counted_and_moved_nowhere() {
    let api = shop().await;
    let calls = [
        ("receipts", json!({"receiptId": "r", "location": "main", "quantity": 1, "document": "n"})),
        ("counts", json!({"countId": "c", "location": "main", "counted": 1, "reason": "r"})),
        (
            "moves",
            json!({"moveId": "m", "location": "main", "from": "sellable", "to": "damaged", "quantity": 1,
            "reason": "r", "reference": "r"}),
        ),
        ("moves/m/receive", json!({"receiptId": "r"})),
    ];
    for (path, body) in calls {
        let call = api.call(Role::Operator, "op", "POST", &format!("/v1/items/ebook/{path}")).json(&body);
        call.send().await.problem(422, "digital_has_no_stock");
    }
}
