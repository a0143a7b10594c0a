//! Stores: what they say of themselves, and that each sees and changes its own only.

use super::{
    checkout::{GOOD_CARD, payment, settles_at},
    engine::{Answer, Ask, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

in_both_worlds!(
    a_store_is_read_by_anybody_and_its_address_by_itself,
    a_store_sees_and_changes_its_own_items_and_orders_only,
    of_an_order_of_several_stores_each_sees_and_cancels_its_own_lines,
);

fn staff(engine: &Engine, store: &str) -> String {
    engine.run(&["token", "--role", "store", "--sub", &format!("staff-of-{store}"), "--store", store])
}

async fn put(engine: &Engine, token: &str, path: &str, body: Value) -> Answer {
    engine.ask(Method::PUT, path, Ask { token: Some(token), body: Some(body), ..Ask::default() }).await
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

async fn a_store_is_read_by_anybody_and_its_address_by_itself(world: World) {
    let engine = world.start(&[]);
    let (acme, globex) = (staff(&engine, "acme"), staff(&engine, "globex"));
    let facts = json!({"name": "Acme", "email": "orders@acme.example", "profile": "All for coyotes"});
    let made = put(&engine, &acme, "/v1/stores/acme", facts.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(refused(&put(&engine, &globex, "/v1/stores/acme", facts).await), (404, "store_not_found"));
    let shown = engine.get(None, "/v1/stores/acme", &made.position()).await;
    assert_eq!(
        shown.body,
        json!({"storeId": "acme", "name": "Acme", "profile": "All for coyotes", "followers": 0, "version": 1})
    );
    assert!(shown.headers.contains_key("etag"), "{shown:?}");
    let own = engine.get(Some(&acme), "/v1/stores/acme", "").await;
    assert_eq!(own.body["email"], "orders@acme.example");
    let log = engine.get(Some(&engine.token("operator", "ops")), "/v1/log/stores.events.v1?follow=false", "").await;
    assert!(!log.body.to_string().contains("orders@acme"), "the log holds ciphertext: {log:?}");
}

async fn a_store_sees_and_changes_its_own_items_and_orders_only(world: World) {
    let engine = world.start(&[]);
    let (acme, globex) = (staff(&engine, "acme"), staff(&engine, "globex"));
    let facts = json!({"name": "Anvil", "kind": "physical", "price": {"amount": 9_900, "currency": "EUR"}});
    let listed = put(&engine, &acme, "/v1/items/anvil", facts.clone()).await;
    assert_eq!(listed.status, StatusCode::CREATED, "{listed:?}");
    let receipt = json!({"receiptId": "r", "location": "main", "quantity": 5, "document": "d"});
    let received = engine.post(&acme, "", "/v1/items/anvil/receipts", receipt.clone()).await;
    assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
    settles_at(&engine, "anvil", 5).await;
    // Of its items.
    let foreign = put(&engine, &globex, "/v1/items/anvil", facts).await;
    assert_eq!(refused(&foreign), (403, "item_of_another_store"));
    let foreign = engine.post(&globex, "", "/v1/items/anvil/receipts", receipt).await;
    assert_eq!(refused(&foreign), (403, "item_of_another_store"));
    let foreign = put(&engine, &globex, "/v1/items/anvil/safety", json!({"quantity": 1})).await;
    assert_eq!(refused(&foreign), (403, "item_of_another_store"));
    let hold = json!({"holdId": "h", "quantity": 1, "expiresInSeconds": 600});
    assert_eq!(refused(&engine.post(&globex, "", "/v1/items/anvil/holds", hold).await), (403, "item_of_another_store"));
    let ledger = |token: String| {
        let engine = &engine;
        async move { engine.get(Some(&token), "/v1/items/anvil/ledger", "").await.status.as_u16() }
    };
    assert_eq!((ledger(acme.clone()).await, ledger(globex.clone()).await), (200, 403));
    let stock = engine.get(Some(&globex), "/v1/items/anvil/stock", "").await;
    assert_eq!((&stock.body["available"], &stock.body["onHand"]), (&json!(5), &Value::Null), "as anybody: {stock:?}");
    // Of its orders.
    let order = |id: &str| {
        let line = json!({"lineId": "1", "itemId": "anvil", "quantity": 1});
        json!({"orderId": id, "shopper": "wile", "lines": [line], "payment": "external"})
    };
    let placed = engine.post(&acme, "", "/v1/orders", order("acme-1")).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    let sold = engine.post(&globex, "", "/v1/orders", order("globex-1")).await;
    assert_eq!(refused(&sold), (409, "item_unavailable"), "what another store owns it cannot sell");
    let at = sold.position();
    let orders = |answer: &Answer| -> Vec<String> {
        let orders = answer.body["orders"].as_array().expect("orders").iter();
        orders.map(|order| order["orderId"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(orders(&engine.get(Some(&acme), "/v1/orders", &placed.position()).await), ["acme-1"]);
    assert_eq!(orders(&engine.get(Some(&globex), "/v1/orders", &at).await), ["globex-1"]);
    assert_eq!(orders(&engine.get(Some(&globex), "/v1/orders?status=confirmed", &at).await), Vec::<String>::new());
    let hidden = engine.get(Some(&globex), "/v1/orders/acme-1", "").await;
    assert_eq!(refused(&hidden), (404, "order_not_found"));
    for verb in ["cancel", "submit"] {
        let foreign = engine.post(&globex, verb, &format!("/v1/orders/acme-1/{verb}"), json!({})).await;
        assert_eq!(refused(&foreign), (404, "order_not_found"));
    }
    let listed_as = engine.get(Some(&acme), "/v1/orders?shopper=wile", "").await;
    assert_eq!(refused(&listed_as), (403, "forbidden"));
    let cancelled = engine.post(&acme, "c", "/v1/orders/acme-1/cancel", json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled", "{cancelled:?}");
}

/// The store lists an item and receives ten of it.
async fn sells(engine: &Engine, store: &str, item: &str, price: i64) {
    let token = staff(engine, store);
    let facts = json!({"name": item, "kind": "physical", "price": {"amount": price, "currency": "EUR"}});
    assert_eq!(put(engine, &token, &format!("/v1/items/{item}"), facts).await.status, StatusCode::CREATED);
    let receipt = json!({"receiptId": "r", "location": "main", "quantity": 10, "document": "d"});
    let received = engine.post(&token, "", &format!("/v1/items/{item}/receipts"), receipt).await;
    assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
}

/// Wile buys two of acme's anvils (line 1), one of globex's magnets (2) and a tea of the shop's own (3).
async fn bought(engine: &Engine) -> (String, String) {
    sells(engine, "acme", "anvil", 9_900).await;
    sells(engine, "globex", "magnet", 1_000).await;
    engine.stock("tea", 500, 10).await;
    let wile = engine.token("shopper", "wile");
    let line = |id: &str, item: &str, units: u32| json!({"lineId": id, "itemId": item, "quantity": units});
    let cart = json!({"cart": [line("1", "anvil", 2), line("2", "magnet", 1), line("3", "tea", 1)], "submit": "auto"});
    let begun = engine.post(&wile, "b", "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let early = engine.post(&staff(engine, "globex"), "e", &format!("/v1/orders/{order}/cancel"), json!({})).await;
    assert_eq!(refused(&early), (409, "order_not_ready"), "nobody has bought it: {early:?}");
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url").to_owned();
    let paid = engine.post(&wile, "p", &pay_at, payment(GOOD_CARD)).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    (order, paid.position())
}

/// The ids of an order's lines.
fn lines(order: &Value) -> Vec<&str> {
    order["lines"].as_array().expect("lines").iter().map(|line| line["lineId"].as_str().expect("an id")).collect()
}

/// Waits until what a caller is shown of an order is so.
async fn shown(engine: &Engine, token: &str, order: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/orders/{order}");
    until(what, || async { engine.get(Some(token), &path, "").await.body }, is_so).await
}

async fn of_an_order_of_several_stores_each_sees_and_cancels_its_own_lines(world: World) {
    let engine = world.start(&[]);
    let (order, at) = bought(&engine).await;
    let path = format!("/v1/orders/{order}");
    let [acme, globex, initech] = ["acme", "globex", "initech"].map(|store| staff(&engine, store));
    let operator = engine.token("operator", "ops");
    let whole = engine.get(Some(&operator), &path, &at).await.body;
    assert_eq!((lines(&whole), &whole["total"]["amount"]), (vec!["1", "2", "3"], &json!(21_300)));
    let secrets =
        [&whole["shopper"], &whole["payments"][0]["paymentId"]].map(|id| id.as_str().expect("an id").to_owned());
    // Each sees its own lines, what they come to, and nobody else.
    let of_both = [(&acme, "1", 19_800, ["magnet", "globex", "tea"]), (&globex, "2", 1_000, ["anvil", "acme", "tea"])];
    for (token, line, total, others) in of_both {
        let own = engine.get(Some(token), &path, &at).await.body;
        assert_eq!((lines(&own), &own["total"]["amount"]), (vec![line], &json!(total)), "{own}");
        assert_eq!(
            (&own["payments"], &own["shippingAddress"], &own["status"]),
            (&json!([]), &Value::Null, &json!("confirmed"))
        );
        let listed = engine.get(Some(token), "/v1/orders", &at).await.body;
        assert_eq!((&listed["orders"][0]["orderId"], lines(&listed["orders"][0])), (&json!(order), vec![line]));
        for text in [own.to_string(), listed.to_string()] {
            for secret in
                others.into_iter().chain(secrets.iter().map(String::as_str)).chain(["High Street", "payment_"])
            {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
    let hidden = engine.get(Some(&initech), &path, &at).await;
    assert_eq!(refused(&hidden), (404, "order_not_found"));
    assert_eq!(engine.get(Some(&initech), "/v1/orders", &at).await.body["orders"], json!([]));

    // What acme sells leaves; for globex nothing has.
    let is_allocated =
        |order: &Value| order["subOrders"][0]["status"] == "allocated" && order["backordered"] == json!([]);
    shown(&engine, &acme, &order, "allocated", is_allocated).await;
    let parcel = json!({"shipmentId": "parcel-1", "lines": [{"lineId": "1", "quantity": 2}]});
    let left = engine.post(&operator, "", &format!("{path}/shipments"), parcel).await;
    assert_eq!(left.status, StatusCode::CREATED, "{left:?}");
    let at = left.position();
    let (of_acme, of_globex) =
        (engine.get(Some(&acme), &path, &at).await.body, engine.get(Some(&globex), &path, &at).await.body);
    assert_eq!((&of_acme["status"], &of_acme["lines"][0]["shipped"]), (&json!("shipped"), &json!(2)), "{of_acme}");
    assert_eq!((&of_globex["status"], &of_globex["lines"][0]["shipped"]), (&json!("confirmed"), &json!(0)));
    assert!(!of_globex.to_string().contains("parcel-1"), "{of_globex}");

    cancels_only_its_own(&engine, &order, &globex, &acme).await;
}

async fn cancels_only_its_own(engine: &Engine, order: &str, globex: &str, acme: &str) {
    let path = format!("/v1/orders/{order}");
    let cancel = |token: String, key: &'static str, body: Value| {
        let path = format!("{path}/cancel");
        async move { engine.post(&token, key, &path, body).await }
    };
    let named = |line: &str| json!({"lines": [{"lineId": line, "quantity": 1}], "reason": "broken"});
    for line in ["1", "3", "9"] {
        let foreign = cancel(globex.to_owned(), "f", named(line)).await;
        assert_eq!(foreign.code(), "line_not_found", "{foreign:?}");
    }
    let shipped = cancel(acme.to_owned(), "a", json!({})).await;
    assert_eq!(refused(&shipped), (409, "already_shipped"));
    for verb in ["submit", "payments", "returns"] {
        let body = match verb {
            "payments" => payment(GOOD_CARD),
            "returns" => named("2"),
            _ => json!({}),
        };
        let foreign = engine.post(globex, verb, &format!("{path}/{verb}"), body).await;
        assert_eq!(refused(&foreign), (404, "order_not_found"), "{verb}");
    }
    for _ in 0..2 {
        let taken = cancel(globex.to_owned(), "g", named("2")).await;
        assert_eq!((taken.status, lines(&taken.body)), (StatusCode::OK, vec!["2"]), "{taken:?}");
        assert_eq!((&taken.body["status"], &taken.body["payments"]), (&json!("cancelled"), &json!([])), "{taken:?}");
    }
    settles_at(engine, "magnet", 10).await;
    let is_refunded = |order: &Value| order["payments"][0]["refunded"] == json!(1_000);
    let whole = shown(engine, &engine.token("shopper", "wile"), order, "refunded", is_refunded).await;
    assert_eq!(whole["lines"][0]["cancelled"], 0, "{whole}");
    assert_eq!(
        (&whole["status"], &whole["lines"][1]["cancelled"]),
        (&json!("confirmed"), &json!(1)),
        "the tea is open"
    );
    let told = engine.get(Some(acme), &path, "").await.body;
    assert!(!told.to_string().contains("lines_cancelled"), "{told}");
}
