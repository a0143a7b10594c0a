use super::harness::{Answer, Api};
use schemas::Role;
use serde_json::{Value, json};

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";

async fn begin(api: &Api, sub: &str, key: &str, quantity: u32) -> Answer {
    let body = json!({"cart": [{"itemId": "teapot", "quantity": quantity}]});
    api.call(Role::Shopper, sub, "POST", "/v1/checkout?op=BEGIN").key(key).json(&body).send().await
}

async fn pay(api: &Api, sub: &str, url: &str, key: &str, number: &str) -> Answer {
    let body = json!({
        "paymentDetails": {"card": {"number": number, "expiryMonth": 12, "expiryYear": 2030, "securityCode": "123"}},
        "shippingAddress": {"name": "Ada Lovelace", "lines": ["12 St James's Square"], "city": "London",
            "postalCode": "SW1Y 4JH", "country": "GB"}});
    api.call(Role::Shopper, sub, "POST", url).key(key).json(&body).send().await
}

async fn finish(api: &Api, sub: &str, op: &str, key: &str, order: &Value) -> Answer {
    let path = format!("/v1/checkout?op={op}");
    api.call(Role::Shopper, sub, "POST", &path).key(key).json(&json!({"orderId": order})).send().await
}

async fn stocked(units: u32) -> Api {
    let api = Api::start().await;
    api.list("teapot", 2_495).await;
    api.receive("teapot", units).await;
    api
}

fn url(order: &Value) -> String {
    order["paymentInputUrl"].as_str().expect("a URL").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_begun_paid_and_submitted() {
    let api = stocked(10).await;
    let begun = begin(&api, "ada", "k1", 2).await;
    let order = begun.expect(201);
    assert_eq!(order["total"], json!({"amount": 4_990, "currency": "EUR"}));
    assert_eq!(order["status"], "awaiting_payment");
    assert_eq!(order["lines"][0]["lineId"], "1");
    assert!(order["expiresAt"].is_string());
    assert_eq!(begun.headers["location"], format!("/v1/orders/{}", order["orderId"].as_str().expect("an id")));
    assert!(begun.headers.contains_key("stockfold-position"));
    let paid = pay(&api, "ada", &url(&order), "k2", GOOD).await.expect(200);
    assert_eq!(paid["status"], "authorized");
    assert_eq!(pay(&api, "ada", &url(&order), "k2", GOOD).await.expect(200), paid, "the same key, the same payment");
    pay(&api, "ada", &url(&order), "k2", DECLINED).await.problem(422, "idempotency_key_reused");
    let submitted = finish(&api, "ada", "SUBMIT", "k3", &order["orderId"]).await.expect(200);
    assert_eq!((&submitted["status"], &submitted["expiresAt"]), (&json!("confirmed"), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_card_or_a_name_is_in_any_file() {
    let api = stocked(10).await;
    let order = begin(&api, "ada", "k1", 1).await.expect(201);
    pay(&api, "ada", &url(&order), "k2", GOOD).await.expect(200);
    for entry in std::fs::read_dir(api.dir.path()).expect("listed") {
        let path = entry.expect("an entry").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for secret in ["4242424242424242", "Lovelace", "James's", "SW1Y"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_joins_the_order_and_another_body_is_refused() {
    let api = stocked(10).await;
    let order = begin(&api, "ada", "k1", 2).await.expect(201);
    assert_eq!(begin(&api, "ada", "k1", 2).await.expect(201), order);
    begin(&api, "ada", "k1", 3).await.problem(422, "idempotency_key_reused");
    let other = begin(&api, "bob", "k1", 3).await.expect(201);
    assert_ne!(other["orderId"], order["orderId"], "keys of two callers never meet");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_stock_is_told_by_line_and_nothing_stays_held() {
    let api = stocked(3).await;
    let problem = begin(&api, "ada", "k1", 4).await.problem(409, "insufficient_stock");
    assert_eq!(problem["lines"][0]["itemId"], "teapot");
    assert_eq!((&problem["lines"][0]["asked"], &problem["lines"][0]["available"]), (&json!(4), &json!(3)));
    begin(&api, "ada", "k2", 3).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_price_than_the_buyer_saw_is_refused() {
    let api = stocked(3).await;
    let price = json!({"amount": 2_000, "currency": "EUR"});
    let body = json!({"cart": [{"itemId": "teapot", "quantity": 1, "expectedUnitPrice": price}]});
    let call = api.call(Role::Shopper, "ada", "POST", "/v1/checkout?op=BEGIN").key("k1").json(&body);
    call.send().await.problem(409, "price_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_is_402_and_the_buyer_may_try_again() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "k1", 1).await.expect(201);
    finish(&api, "ada", "SUBMIT", "k2", &order["orderId"]).await.problem(402, "payment_required");
    pay(&api, "ada", &url(&order), "k3", DECLINED).await.problem(402, "payment_declined");
    assert_eq!(pay(&api, "ada", &url(&order), "k4", GOOD).await.expect(200)["status"], "authorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_checkout_gives_its_units_back() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "k1", 3).await.expect(201);
    assert_eq!(finish(&api, "ada", "CANCEL", "k2", &order["orderId"]).await.expect(200)["status"], "cancelled");
    begin(&api, "bob", "k1", 3).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_order_is_not_found() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "k1", 1).await.expect(201);
    pay(&api, "eve", &url(&order), "k1", GOOD).await.problem(404, "order_not_found");
    finish(&api, "eve", "SUBMIT", "k2", &order["orderId"]).await.problem(404, "order_not_found");
    finish(&api, "eve", "CANCEL", "k3", &order["orderId"]).await.problem(404, "order_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_that_cannot_be_are_refused() {
    let api = stocked(3).await;
    let call = |body: &Value| api.call(Role::Shopper, "ada", "POST", "/v1/checkout?op=BEGIN").key("k").json(body);
    call(&json!({})).send().await.problem(422, "cart_empty");
    call(&json!({"cart": []})).send().await.problem(422, "cart_empty");
    let line = json!({"lineId": "a", "itemId": "teapot", "quantity": 1});
    call(&json!({"cart": [line, line]})).send().await.problem(400, "invalid_body");
    let many: Vec<Value> = (0..1_001).map(|_| json!({"itemId": "teapot", "quantity": 1})).collect();
    call(&json!({"cart": many})).send().await.problem(400, "invalid_body");
    let post = |path: &str| api.call(Role::Shopper, "ada", "POST", path).key("k").json(&json!({}));
    post("/v1/checkout").send().await.problem(400, "invalid_query");
    post("/v1/checkout?op=BUY").send().await.problem(400, "invalid_query");
    let keyless = api.call(Role::Shopper, "ada", "POST", "/v1/checkout?op=BEGIN").json(&json!({"cart": []}));
    keyless.send().await.problem(400, "idempotency_key_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_cannot_be_are_refused_without_quoting_the_card() {
    let api = stocked(3).await;
    let order = begin(&api, "ada", "k1", 1).await.expect(201);
    let address = json!({"name": "A", "lines": ["x"], "city": "c", "country": "GB"});
    let bad = [
        json!({"shippingAddress": address}),
        json!({"paymentMethodToken": "tok_x", "paymentDetails": {"card": {"number": GOOD}}}),
        json!({"paymentMethodToken": "4242 4242 4242 4242"}),
        json!({"paymentDetails": {"card": {"number": "4242 4242 4242 4242"}}}),
        json!({"paymentDetails": {"card": {"number": GOOD, "expiryMonth": 12}}}),
        json!({"paymentDetails": {"card": {"number": 4_242_424_242_424_242_u64}}}),
        json!({"paymentMethodToken": "tok_x", "shippingAddress": {"name": "A", "lines": [], "city": "c", "country": "gb"}}),
    ];
    for body in bad {
        let answer = api.call(Role::Shopper, "ada", "POST", &url(&order)).key("k").json(&body).send().await;
        answer.problem(400, "invalid_body");
        assert!(!answer.text.contains("4242"), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_race_for_one_unit_one_gets_it() {
    let api = std::sync::Arc::new(stocked(1).await);
    let mut racers = tokio::task::JoinSet::new();
    for n in 0..64 {
        let api = std::sync::Arc::clone(&api);
        racers.spawn(async move { begin(&api, &format!("shopper-{n}"), "k1", 1).await.status.as_u16() });
    }
    let mut statuses = Vec::new();
    while let Some(status) = racers.join_next().await {
        statuses.push(status.expect("no panic"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 63, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_outlives_a_stop_of_payments() {
    let mut api = stocked(3).await;
    let order = begin(&api, "ada", "k1", 1).await.expect(201);
    api.stop_payments().await;
    let body = json!({"paymentMethodToken": "tok_authorized"});
    let pay = |api: &Api, wait: &str| {
        let call = api.call(Role::Shopper, "ada", "POST", &url(&order)).key("k2").header("prefer", wait);
        call.json(&body).request()
    };
    let request = pay(&api, "wait=0");
    api.send(request).await.problem(503, "outcome_unknown");
    api.start_payments().await;
    let request = pay(&api, "wait=20");
    assert_eq!(api.send(request).await.expect(200)["status"], "authorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_are_done_again_from_the_beginning_record_nothing_new() {
    let mut api = stocked(9).await;
    for (shopper, number) in [("ada", GOOD), ("bob", DECLINED), ("eve", GOOD)] {
        let order = begin(&api, shopper, "k1", 1).await.expect(201);
        pay(&api, shopper, &url(&order), "k2", number).await;
        finish(&api, shopper, if shopper == "eve" { "CANCEL" } else { "SUBMIT" }, "k3", &order["orderId"]).await;
    }
    let before = api.settled_payments().await;
    assert!(before.iter().sum::<u64>() > 0);
    api.stop_payments().await;
    api.forget_payments();
    api.start_payments().await;
    assert_eq!(api.settled_payments().await, before);
}
