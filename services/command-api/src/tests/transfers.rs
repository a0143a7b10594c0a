use super::harness::{Api, Call};
use schemas::Role;
use serde_json::{Value, json};

/// Ten in main.
async fn shop() -> Api {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 10).await;
    api
}

fn sent(quantity: u32) -> Value {
    json!({"moveId": "m1", "location": "main", "toLocation": "north", "quantity": quantity, "reason": "empty",
        "reference": "note-1"})
}

fn send<'a>(api: &'a Api, body: &Value) -> Call<'a> {
    api.call(Role::Operator, "op", "POST", "/v1/items/teapot/moves").json(body)
}

fn receive<'a>(api: &'a Api, warehouse: &str, of: &str) -> Call<'a> {
    api.call(Role::Warehouse, warehouse, "POST", &format!("/v1/items/teapot/moves/{of}/receive"))
}

#[tokio::test(flavor = "multi_thread")]
async fn units_leave_one_location_and_arrive_at_another_in_parts() {
    let api = shop().await;
    let told = json!({"moveId": "m1", "available": 4, "onHand": 4});
    assert_eq!(send(&api, &sent(6)).send().await.expect(201), told);
    assert_eq!(send(&api, &sent(6)).send().await.expect(201), told, "the same again is the same answer");
    send(&api, &sent(5)).send().await.problem(409, "exists_with_different_quantity");
    let part = json!({"receiptId": "r1", "quantity": 4});
    let arrived = json!({"available": 8, "onHand": 8});
    assert_eq!(receive(&api, "north", "m1").json(&part).send().await.expect(201), arrived);
    assert_eq!(receive(&api, "north", "m1").json(&part).send().await.expect(201), arrived, "it arrives once");
    let other = json!({"receiptId": "r1", "quantity": 1});
    receive(&api, "north", "m1").json(&other).send().await.problem(409, "exists_with_different_quantity");
    let rest = receive(&api, "north", "m1").key("k1").send().await;
    assert_eq!(rest.expect(201), json!({"available": 10, "onHand": 10}));
    assert_eq!(receive(&api, "north", "m1").key("k1").send().await.expect(201)["onHand"], 10);
    let none = receive(&api, "north", "m1").key("k2").send().await.problem(409, "not_that_many_on_the_way");
    assert_eq!(none["onTheWay"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_without_an_id_tells_the_one_it_was_given() {
    let api = shop().await;
    let mut body = sent(2);
    body.as_object_mut().expect("an object").remove("moveId");
    send(&api, &body).send().await.problem(400, "idempotency_key_missing");
    let told = send(&api, &body).key("k1").send().await.expect(201);
    let id = told["moveId"].as_str().expect("an id").to_owned();
    assert_eq!(send(&api, &body).key("k1").send().await.expect(201), told);
    assert_eq!(receive(&api, "north", &id).key("k1").send().await.expect(201)["onHand"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_takes_what_is_there_to_another_place() {
    let api = shop().await;
    let short = send(&api, &sent(11)).send().await.problem(409, "insufficient_at_location");
    assert_eq!((&short["available"], &short["asked"], &short["location"]), (&json!(10), &json!(11), &json!("main")));
    let with = |field: &str, value: Value| {
        let mut body = sent(1);
        body[field] = value;
        body
    };
    send(&api, &with("location", json!("moon"))).send().await.problem(409, "location_not_found");
    send(&api, &with("toLocation", json!("main"))).send().await.problem(422, "same_location");
    let broken = send(&api, &with("from", json!("damaged"))).send().await;
    broken.problem(400, "invalid_body");
    assert_eq!(broken.pointers(), ["/from"]);
    send(&api, &with("from", json!("sellable"))).send().await.expect(201);
    let ebook = json!({"name": "E", "kind": "digital", "price": {"amount": 1, "currency": "EUR"}});
    api.call(Role::Operator, "op", "PUT", "/v1/items/ebook").json(&ebook).send().await.expect(201);
    let digital = api.call(Role::Operator, "op", "POST", "/v1/items/ebook/moves").json(&sent(1));
    digital.send().await.problem(422, "digital_has_no_stock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_sends_from_its_own_location_and_receives_there() {
    let api = shop().await;
    let by = |warehouse: &str| api.call(Role::Warehouse, warehouse, "POST", "/v1/items/teapot/moves").json(&sent(2));
    by("north").send().await.problem(403, "forbidden");
    by("main").send().await.expect(201);
    let elsewhere = receive(&api, "main", "m1").key("k1").send().await.problem(403, "transfer_elsewhere");
    assert_eq!(elsewhere["location"], "north");
    receive(&api, "north", "m2").key("k1").send().await.problem(404, "transfer_not_found");
    receive(&api, "north", "m1").key("k1").send().await.expect(201);
    let shopper = api.call(Role::Shopper, "s", "POST", "/v1/items/teapot/moves/m1/receive").key("k1");
    shopper.send().await.problem(403, "forbidden");
    let anonymous = api.anonymous("POST", "/v1/items/teapot/moves/m1/receive").key("k1");
    anonymous.send().await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrives_is_written_off_and_never_more_than_was_sent() {
    let api = shop().await;
    send(&api, &sent(6)).send().await.expect(201);
    let book = |body: Value| receive(&api, "north", "m1").json(&body).send();
    for too_many in [json!({"receiptId": "r1", "quantity": 7}), json!({"receiptId": "r1", "quantity": 4, "lost": 3})] {
        assert_eq!(book(too_many).await.problem(409, "not_that_many_on_the_way")["onTheWay"], 6);
    }
    for bad in [json!({"quantity": 0}), json!({"quantity": -1}), json!({"lost": 1_000_001}), json!({"units": 1})] {
        book(bad).await.problem(400, "invalid_body");
    }
    let arrived = book(json!({"receiptId": "r1", "lost": 2})).await.expect(201);
    assert_eq!(arrived, json!({"available": 8, "onHand": 8}));
    let none = book(json!({"receiptId": "r2", "lost": 1})).await.problem(409, "not_that_many_on_the_way");
    assert_eq!(none["onTheWay"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_sends_transfers_too() {
    let api = shop().await;
    let mut line = sent(3);
    line["op"] = json!("move");
    line["itemId"] = json!("teapot");
    let import = api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k1");
    let answer = import.raw("application/x-ndjson", format!("{line}\n")).send().await;
    assert_eq!(answer.json()["result"], json!({"available": 7, "onHand": 7}), "{}", answer.text);
    assert_eq!(receive(&api, "north", "m1").key("k1").send().await.expect(201)["onHand"], 10);
    line.as_object_mut().expect("an object").remove("moveId");
    let import = api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k2");
    let answer = import.raw("application/x-ndjson", format!("{line}\n")).send().await;
    assert_eq!(answer.json()["problem"]["code"], "missing_move_id", "{}", answer.text);
}
