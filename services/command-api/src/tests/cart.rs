use super::harness::{Answer, Api};
use schemas::Role;
use serde_json::{Value, json};

async fn stocked(units: u32) -> Api {
    let api = Api::start().await;
    api.list("teapot", 2_495).await;
    api.receive("teapot", units).await;
    api.fold().await;
    api
}

fn line(body: &Value) -> (Option<u64>, Option<u64>) {
    (body["lines"][0]["quantity"].as_u64(), body["lines"][0]["available"].as_u64())
}

async fn put(api: &Api, sub: &str, item: &str, body: Value) -> Answer {
    api.call(Role::Shopper, sub, "PUT", &format!("/v1/cart/lines/{item}")).json(&body).send().await
}

async fn patch(api: &Api, op: &str, key: &str, quantity: u32) -> Answer {
    let body = json!({"itemId": "teapot", "quantity": quantity});
    api.call(Role::Shopper, "ada", "PATCH", &format!("/v1/cart?op={op}")).key(key).json(&body).send().await
}

async fn begin(api: &Api, sub: &str, key: &str, body: Value) -> Answer {
    api.call(Role::Shopper, sub, "POST", "/v1/checkout?op=BEGIN").key(key).json(&body).send().await
}

async fn merge(api: &Api, key: &str, token: &str) -> Answer {
    let body = json!({"guestToken": token});
    api.call(Role::Shopper, "ada", "POST", "/v1/cart/merge").key(key).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_set_added_to_and_taken_out_once_for_each_key() {
    let api = stocked(10).await;
    let set = put(&api, "ada", "teapot", json!({"quantity": 2})).await;
    assert_eq!(line(&set.expect(200)), (Some(2), Some(10)));
    assert!(set.headers.contains_key("stockfold-position"));
    for _ in 0..2 {
        assert_eq!(line(&patch(&api, "ADD", "a", 3).await.expect(200)).0, Some(5));
    }
    patch(&api, "ADD", "a", 4).await.problem(422, "idempotency_key_reused");
    assert_eq!(line(&patch(&api, "REMOVE", "r", 1).await.expect(200)).0, Some(4));
    let body = json!({"quantity": 7});
    let keyed = || api.call(Role::Shopper, "ada", "PUT", "/v1/cart/lines/teapot").key("p").json(&body).send();
    assert_eq!(line(&keyed().await.expect(200)).0, Some(7));
    assert_eq!(line(&put(&api, "ada", "teapot", json!({"quantity": 1})).await.expect(200)).0, Some(1));
    assert_eq!(line(&keyed().await.expect(200)).0, Some(1), "with a key it was set once");
    let none = put(&api, "ada", "teapot", json!({"quantity": 0})).await.expect(200);
    assert_eq!((&none["lines"], &none["total"]), (&json!([]), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_does_not_go_into_a_cart() {
    let api = stocked(3).await;
    put(&api, "ada", "nil", json!({"quantity": 1})).await.problem(404, "item_not_found");
    let short = patch(&api, "ADD", "a", 4).await.problem(409, "insufficient_stock");
    assert_eq!((&short["asked"], &short["available"]), (&json!(4), &json!(3)));
    patch(&api, "ADD", "b", 3).await.expect(200);
    api.call(Role::Operator, "op", "DELETE", "/v1/items/teapot").send().await.expect(200);
    api.fold().await;
    let gone = put(&api, "ada", "teapot", json!({"quantity": 4})).await.problem(409, "insufficient_stock");
    assert_eq!(gone["available"], json!(0));
    assert_eq!(line(&patch(&api, "ADD", "b", 3).await.expect(200)).0, Some(3), "a key comes before the view's number");
    patch(&api, "REMOVE", "r", 1).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_shoppers_have_a_cart() {
    let api = stocked(3).await;
    for role in [Role::Operator, Role::Service, Role::Store, Role::Supplier, Role::Warehouse, Role::Analyst] {
        let call = |method: &str, path: &str| api.call(role, "x", method, path).key("k");
        let line = json!({"quantity": 1});
        call("PUT", "/v1/cart/lines/teapot").json(&line).send().await.problem(403, "forbidden");
        let units = json!({"itemId": "teapot", "quantity": 1});
        call("PATCH", "/v1/cart?op=ADD").json(&units).send().await.problem(403, "forbidden");
        call("POST", "/v1/cart/merge").json(&json!({"guestToken": "t"})).send().await.problem(403, "forbidden");
    }
    let keyless = api.call(Role::Shopper, "ada", "PATCH", "/v1/cart?op=ADD");
    let keyless = keyless.json(&json!({"itemId": "teapot", "quantity": 1})).send().await;
    keyless.problem(400, "idempotency_key_missing");
    let bad = put(&api, "ada", "teapot", json!({"quantity": -1, "colour": "red"})).await;
    bad.problem(400, "invalid_body");
    assert_eq!(bad.pointers().len(), 2, "{}", bad.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_cart_is_checked_out_and_locked() {
    let api = stocked(10).await;
    begin(&api, "ada", "b0", json!({})).await.problem(422, "cart_empty");
    put(&api, "ada", "teapot", json!({"quantity": 2})).await.expect(200);
    let order = begin(&api, "ada", "b", json!({})).await.expect(201);
    assert_eq!((&order["lines"][0]["quantity"], &order["status"]), (&json!(2), &json!("awaiting_payment")));
    assert_eq!(begin(&api, "ada", "b", json!({})).await.expect(201)["orderId"], order["orderId"]);
    assert_eq!(begin(&api, "ada", "c", json!({})).await.expect(201)["orderId"], order["orderId"], "it joins");
    let locked = put(&api, "ada", "teapot", json!({"quantity": 1})).await.problem(409, "cart_locked");
    assert_eq!(locked["orderId"], order["orderId"]);
    let bare = api.call(Role::Shopper, "ada", "POST", "/v1/checkout?op=BEGIN").key("d").send().await;
    assert_eq!(bare.expect(201)["orderId"], order["orderId"], "no body is the stored cart too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_order_reaches_the_client_of_the_cart_each_time() {
    let api = stocked(1).await;
    let short = json!({"cart": [{"itemId": "teapot", "quantity": 2}]});
    for _ in 0..2 {
        begin(&api, "ada", "b", short.clone()).await.problem(409, "insufficient_stock");
    }
    begin(&api, "ada", "b", json!({"cart": []})).await.problem(422, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_checkout_of_the_same_buyer_makes_way() {
    let api = stocked(1).await;
    let last = json!({"cart": [{"itemId": "teapot", "quantity": 1}]});
    let first = begin(&api, "ada", "b0", last.clone()).await.expect(201);
    let second = begin(&api, "ada", "b1", last.clone()).await.expect(201);
    assert_ne!(first["orderId"], second["orderId"]);
    begin(&api, "eve", "b", last.clone()).await.problem(409, "insufficient_stock");
    let gone = begin(&api, "ada", "b0", last).await.expect(201);
    assert_eq!((&gone["orderId"], &gone["status"]), (&first["orderId"], &json!("cancelled")), "as it is by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_has_a_token_and_their_cart_is_merged_once() {
    let api = stocked(10).await;
    let guest = api.anonymous("POST", "/v1/guests").send().await;
    assert_eq!(guest.headers["cache-control"], "private, no-store");
    let guest = guest.expect(201);
    assert!(guest["expiresAt"].is_string());
    let token = guest["token"].as_str().expect("a token");
    let bearer = format!("Bearer {token}");
    let body = json!({"quantity": 3});
    let put_line = api.anonymous("PUT", "/v1/cart/lines/teapot").header("authorization", &bearer).json(&body);
    put_line.send().await.expect(200);
    put(&api, "ada", "teapot", json!({"quantity": 1})).await.expect(200);
    for key in ["m", "m", "n"] {
        assert_eq!(line(&merge(&api, key, token).await.expect(200)).0, Some(4));
    }
    merge(&api, "o", &api.token(Role::Shopper, "ada")).await.problem(422, "own_cart");
    merge(&api, "p", &api.token(Role::Operator, "op")).await.problem(422, "invalid_token");
    merge(&api, "q", "no token").await.problem(422, "invalid_token");
    merge(&api, "m", &api.token(Role::Shopper, "gwen")).await.problem(422, "idempotency_key_reused");
    let other = api.anonymous("POST", "/v1/guests").send().await.expect(201);
    assert_ne!(other["token"], guest["token"]);
}
