//! Stores: what they say of themselves, and that each sees and changes its own only.

use super::{
    checkout::settles_at,
    engine::{Answer, Ask, Engine},
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

in_both_worlds!(
    a_store_is_read_by_anybody_and_its_address_by_itself,
    a_store_sees_and_changes_its_own_items_and_orders_only,
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
    assert_eq!(shown.body, json!({"storeId": "acme", "name": "Acme", "profile": "All for coyotes", "version": 1}));
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
