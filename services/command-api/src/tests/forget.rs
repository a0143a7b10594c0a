use super::harness::{Answer, Api};
use keys::KeyError;
use read_model::views::{cart, follows, shoppers};
use schemas::Role;
use serde_json::{Value, json};

async fn forget(api: &Api, key: &str, body: Value) -> Answer {
    let path = format!("/v1/subjects/{}/forget", api.caller("ada"));
    api.call(Role::Operator, "ops", "POST", &path).key(key).json(&body).send().await
}

/// Somebody who told their address, follows two stores, and has a line in the cart.
async fn known() -> Api {
    let api = Api::start().await;
    api.list("teapot", 2_495).await;
    api.receive("teapot", 10).await;
    api.fold().await;
    let put = |path: &'static str, body: Value| api.call(Role::Shopper, "ada", "PUT", path).json(&body);
    put("/v1/me", json!({"email": "ada@people.example", "locale": "en-GB"})).send().await.expect(201);
    for store in ["/v1/follows/acme", "/v1/follows/globex"] {
        put(store, json!({})).send().await.expect(200);
    }
    put("/v1/cart/lines/teapot", json!({"quantity": 2})).send().await.expect(200);
    api.fold().await;
    api
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_has_no_key_no_address_no_follows_and_no_cart() {
    let api = known().await;
    let who = api.caller("ada");
    let row = shoppers::get(api.views(), &who).await.expect("it reads").expect("a row");
    let sealed = row.facts.email.expect("an address");
    assert!(keys::open(&*api.state.keys, &sealed).await.is_ok());
    let would = forget(&api, "dry", json!({"dryRun": true})).await.expect(200);
    let told = |answer: &Value| ["keys", "follows", "cartLines"].map(|name| answer[name].as_u64());
    assert_eq!((told(&would), &would["dryRun"]), ([Some(1), Some(2), Some(1)], &json!(true)));
    assert!(keys::open(&*api.state.keys, &sealed).await.is_ok(), "nothing was done");
    let done = forget(&api, "f", json!({})).await;
    let told_of = done.expect(200);
    assert_eq!((told(&told_of), &told_of["dryRun"]), ([Some(1), Some(2), Some(1)], &json!(false)));
    assert!(done.headers.contains_key("stockfold-position"));
    assert_eq!(keys::open(&*api.state.keys, &sealed).await, Err(KeyError::Destroyed));
    api.fold().await;
    let row = shoppers::get(api.views(), &who).await.expect("it reads").expect("a row");
    assert_eq!((row.version, row.facts), (2, schemas::shopper::ShopperFacts::default()));
    assert_eq!(follows::page(api.views(), &who, None, 9).await.expect("it reads"), Vec::new());
    assert_eq!(cart::get(api.views(), &who).await.expect("it reads").lines, Vec::new());
    // The same request again, and another one.
    let again = forget(&api, "f", json!({})).await.expect(200);
    assert_eq!(told(&again), [Some(1), Some(0), Some(0)]);
    forget(&api, "f", json!({"force": true})).await.problem(422, "idempotency_key_reused");
    forget(&api, "g", json!({})).await.expect(200);
    api.fold().await;
    let row = shoppers::get(api.views(), &who).await.expect("it reads").expect("a row");
    assert_eq!(row.version, 3, "each request is on record");
    // They may come back, under another key.
    let back = json!({"email": "ada@people.example"});
    api.call(Role::Shopper, "ada", "PUT", "/v1/me").json(&back).send().await.expect(200);
    assert_eq!(api.state.keys.list(&who).await.expect("listed").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_open_order_is_forgotten_only_by_force() {
    let api = known().await;
    let begin = api.call(Role::Shopper, "ada", "POST", "/v1/checkout?op=BEGIN").key("k");
    let order = begin.json(&json!({"cart": [{"itemId": "teapot", "quantity": 1}]})).send().await.expect(201);
    api.fold().await;
    let open = json!([{"orderId": order["orderId"], "status": "awaiting_payment"}]);
    let refused = forget(&api, "f", json!({})).await.problem(409, "orders_open");
    assert_eq!((&refused["orders"], &refused["outcome"]), (&open, &json!("refused")));
    assert!(api.state.keys.list(&api.caller("ada")).await.expect("listed").iter().all(|key| !key.is_destroyed));
    assert_eq!(forget(&api, "d", json!({"dryRun": true})).await.expect(200)["openOrders"], open);
    let forced = forget(&api, "g", json!({"force": true})).await.expect(200);
    assert_eq!((&forced["openOrders"], &forced["keys"]), (&open, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_forget_and_each_by_a_key() {
    let api = Api::start().await;
    let path = format!("/v1/subjects/{}/forget", api.caller("ada"));
    for role in [Role::Shopper, Role::Store, Role::Service, Role::Supplier, Role::Warehouse, Role::Analyst] {
        let call = api.call(role, "ada", "POST", &path).key("k").json(&json!({}));
        call.send().await.problem(403, "forbidden");
    }
    let call = api.call(Role::Operator, "ops", "POST", &path).json(&json!({}));
    call.send().await.problem(400, "idempotency_key_missing");
    // Of whom nothing is known there is nothing to destroy; that they were asked for is on record all the same.
    let nobody = forget(&api, "k", json!({})).await.expect(200);
    assert_eq!((&nobody["keys"], &nobody["openOrders"]), (&json!(0), &json!([])));
}
