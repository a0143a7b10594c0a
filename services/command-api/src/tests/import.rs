use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

async fn import(api: &Api, media_type: &str, body: String) -> Vec<Value> {
    let answer = api.call(Role::Supplier, "s", "POST", "/v1/items:import").raw(media_type, body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).expect("a result")).collect()
}

fn statuses(results: &[Value]) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().expect("a number");
    results.iter().map(|result| (number(&result["line"]), number(&result["status"]))).collect()
}

fn list(item: &str) -> String {
    json!({"op": "list", "itemId": item, "name": item, "kind": "physical", "price": {"amount": 100, "currency": "EUR"}})
        .to_string()
}

fn receive(item: &str, receipt: &str, quantity: i64) -> String {
    json!({"op": "receive", "itemId": item, "receiptId": receipt, "location": "main", "quantity": quantity,
        "document": "note"})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_answered_in_order_and_a_bad_one_refuses_itself_only() {
    let api = Api::start().await;
    let long = format!("{{\"op\":\"list\",\"name\":\"{}\"}}", "x".repeat(70_000));
    let body = [
        list("teapot"),
        receive("teapot", "r1", 5),
        receive("teapot", "r2", -5),
        "{broken".to_owned(),
        String::new(),
        long,
        receive("unknown", "r1", 5),
        json!({"op": "count", "itemId": "teapot", "countId": "c1", "location": "main", "counted": 4, "reason": "r"})
            .to_string(),
        json!({"op": "count", "itemId": "teapot", "location": "main", "counted": 4, "reason": "r"}).to_string(),
        json!({"op": "sell", "itemId": "teapot"}).to_string(),
        json!({"op": "delist", "itemId": "teapot"}).to_string(),
    ]
    .join("\n");
    let results = import(&api, "application/x-ndjson", body).await;
    let expected =
        [(1, 201), (2, 201), (3, 400), (4, 400), (6, 400), (7, 404), (8, 201), (9, 400), (10, 400), (11, 200)];
    assert_eq!(statuses(&results), expected, "{results:#?}");
    assert_eq!(results[1]["result"], json!({"available": 5, "onHand": 5}));
    assert!(results[1]["position"].as_str().is_some_and(|position| !position.is_empty()));
    assert_eq!(results[2]["problem"]["errors"][0]["pointer"], "/quantity");
    assert_eq!(results[4]["problem"]["code"], "line_too_long");
    assert_eq!(results[7]["problem"]["code"], "idempotency_key_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_again_changes_nothing() {
    let api = Api::start().await;
    let body = [list("teapot"), receive("teapot", "r1", 5), receive("teapot", "r2", 6)].join("\n");
    let first = import(&api, "application/x-ndjson", body.clone()).await;
    let again = import(&api, "application/x-ndjson", body).await;
    assert_eq!(first[2]["result"], json!({"available": 11, "onHand": 11}));
    assert_eq!(again[1]["status"], 201);
    assert_eq!(again[2]["result"], first[2]["result"]);
    // The same receipt over its own call is the same effect.
    let receipt = json!({"receiptId": "r2", "location": "main", "quantity": 6, "document": "note"});
    let call = api.call(Role::Supplier, "s", "POST", "/v1/items/teapot/receipts").json(&receipt);
    assert_eq!(call.send().await.expect(201), first[2]["result"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_of_many_items_keep_the_order_of_each_item() {
    let api = Api::start().await;
    let mut lines = Vec::new();
    for n in 0..600 {
        let item = format!("sku-{}", n % 7);
        if n < 7 {
            lines.push(list(&item));
        }
        lines.push(receive(&item, &format!("r{n}"), 1));
    }
    let results = import(&api, "application/x-ndjson", lines.join("\n")).await;
    assert_eq!(results.len(), lines.len());
    let mut on_hand = std::collections::HashMap::new();
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result["line"], i + 1);
        if let Some(units) = result["result"]["onHand"].as_u64() {
            let before = on_hand.insert(result["itemId"].to_string(), units).unwrap_or(0);
            assert_eq!(units, before + 1, "{result}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_taken_by_the_names_in_its_head() {
    let api = Api::start().await;
    let body = "op,itemId,name,kind,price.amount,price.currency,receiptId,location,quantity,document\r\n\
        list,teapot,\"Tea,\r\npot\",physical,250,EUR,,,,\r\n\
        list,kettle,Kettle,physical,250,EUR,,,,\r\n\
        receive,kettle,,,,,r1,main,7,\"note \"\"1\"\"\"\r\n\
        receive,kettle,,,,,r2,main,1.5,note";
    let results = import(&api, "text/csv; charset=utf-8", body.to_owned()).await;
    assert_eq!(statuses(&results), [(2, 400), (3, 201), (4, 201), (5, 400)], "{results:#?}");
    assert_eq!(results[0]["problem"]["errors"][0]["code"], "control_character");
    assert_eq!(results[2]["result"]["onHand"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_media_types_and_roles_are_refused() {
    let api = Api::start().await;
    let call = |role| api.call(role, "s", "POST", "/v1/items:import").raw("text/plain", "x");
    call(Role::Supplier).send().await.problem(415, "unsupported_media_type");
    call(Role::Shopper).send().await.problem(403, "forbidden");
}
