//! The way of an order, and what a client sees of it.

use super::{
    engine::{Ask, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

in_both_worlds!(
    a_shopper_buys_and_every_view_shows_it,
    all_lines_are_held_or_none,
    a_changed_price_is_told_and_nothing_stays_held,
    another_system_places_its_order_with_its_own_prices,
    the_contract_is_served_and_readable_offline,
);

pub const GOOD_CARD: &str = "4242424242424242";
pub const DECLINED_CARD: &str = "4000000000000002";

/// The body that pays with `card`.
pub fn payment(card: &str) -> Value {
    json!({"paymentDetails": {"card": card}, "shippingAddress": {
        "name": "Alice Example", "lines": ["1 High Street"], "city": "Leeds", "postalCode": "LS1 1AA", "country": "GB",
    }})
}

async fn a_shopper_buys_and_every_view_shows_it(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 10).await;
    engine.stock("mug", 900, 3).await;
    let alice = engine.token("shopper", "alice");
    let cart = json!({"cart": [{"itemId": "tea", "quantity": 2}, {"itemId": "mug", "quantity": 1}]});
    let begun = engine.post(&alice, "b", "/v1/checkout?op=BEGIN", cart.clone()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    assert_eq!(begun.body["total"], json!({"amount": 1_900, "currency": "EUR"}));
    let again = engine.post(&alice, "b", "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!(again.body["orderId"], begun.body["orderId"]);
    let held = engine.get(Some(&engine.token("operator", "ops")), "/v1/items/tea/stock", &begun.position()).await;
    assert_eq!((&held.body["available"], &held.body["held"]), (&json!(8), &json!(2)), "{held:?}");

    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url").to_owned();
    let early = engine.post(&alice, "s0", &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!((early.status.as_u16(), early.code()), (402, "payment_required"), "{early:?}");
    let declined = engine.post(&alice, "p0", &pay_at, payment(DECLINED_CARD)).await;
    assert_eq!((declined.status.as_u16(), declined.code()), (402, "payment_declined"), "{declined:?}");
    let paid = engine.post(&alice, "p1", &pay_at, payment(GOOD_CARD)).await;
    assert_eq!((paid.status, paid.body["status"].as_str()), (StatusCode::OK, Some("authorized")), "{paid:?}");
    let submitted = engine.post(&alice, "s1", &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!((submitted.status, &submitted.body["status"]), (StatusCode::OK, &json!("confirmed")), "{submitted:?}");

    let at = submitted.position();
    let mine = engine.get(Some(&alice), "/v1/orders", &at).await;
    assert_eq!(mine.body["orders"][0]["orderId"], json!(order), "{mine:?}");
    let shown = engine.get(Some(&alice), &format!("/v1/orders/{order}"), &at).await;
    assert_eq!(shown.body["status"], "confirmed");
    assert!(!shown.body.to_string().contains("4242"), "a card number is never shown: {shown:?}");
    let bob = engine.token("shopper", "bob");
    let hidden = engine.get(Some(&bob), &format!("/v1/orders/{order}"), &at).await;
    assert_eq!((hidden.status, hidden.code()), (StatusCode::NOT_FOUND, "order_not_found"), "{hidden:?}");
    for (verb, key) in [("cancel", "x"), ("submit", "y")] {
        let foreign = engine.post(&bob, key, &format!("/v1/orders/{order}/{verb}"), json!({})).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{foreign:?}");
    }
}

async fn all_lines_are_held_or_none(world: World) {
    let engine = world.start(&[]);
    engine.stock("plenty", 100, 10).await;
    engine.stock("scarce", 100, 1).await;
    let alice = engine.token("shopper", "alice");
    let cart = json!({"cart": [{"itemId": "plenty", "quantity": 2}, {"itemId": "scarce", "quantity": 2}]});
    let refused = engine.post(&alice, "b", "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "insufficient_stock"), "{refused:?}");
    assert_eq!(refused.body["lines"][0]["itemId"], "scarce");
    assert_eq!((&refused.body["lines"][0]["asked"], &refused.body["lines"][0]["available"]), (&json!(2), &json!(1)));
    assert_eq!(refused.body["outcome"], "refused");
    for item in ["plenty", "scarce"] {
        settles_at(&engine, item, if item == "plenty" { 10 } else { 1 }).await;
    }
}

/// The release of a refused order's holds is asked of the items after its answer: they follow in moments.
pub async fn settles_at(engine: &Engine, item: &str, available: i64) {
    let path = format!("/v1/items/{item}");
    let look = || async { engine.get(None, &path, "").await.body };
    until(&format!("{available} available"), look, |shown| shown["available"] == json!(available)).await;
}

async fn a_changed_price_is_told_and_nothing_stays_held(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 10).await;
    let alice = engine.token("shopper", "alice");
    let cart =
        json!({"cart": [{"itemId": "tea", "quantity": 1, "expectedUnitPrice": {"amount": 450, "currency": "EUR"}}]});
    let refused = engine.post(&alice, "b", "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "price_changed"), "{refused:?}");
    assert!(refused.body.to_string().contains("500"), "{refused:?}");
    settles_at(&engine, "tea", 10).await;
}

async fn another_system_places_its_order_with_its_own_prices(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 10).await;
    let service = engine.token("service", "erp");
    let order = json!({
        "orderId": "erp-1", "shopper": "customer-9", "orderedAt": "2025-12-24T18:00:00+01:00", "payment": "external", "submit": "auto",
        "lines": [{"lineId": "1", "itemId": "tea", "quantity": 3, "unitPrice": {"amount": 450, "currency": "EUR"}}],
        "adjustments": [{"adjustmentId": "post", "kind": "shipping", "amount": {"amount": 399, "currency": "EUR"}, "label": "Postage"}],
    });
    let placed = engine.post(&service, "", "/v1/orders", order.clone()).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    let shown = engine.get(Some(&service), "/v1/orders/erp-1", &placed.position()).await;
    assert_eq!(shown.body["total"], json!({"amount": 1_749, "currency": "EUR"}), "{shown:?}");
    assert_eq!(
        (&shown.body["status"], &shown.body["orderedAt"]),
        (&json!("confirmed"), &json!("2025-12-24T17:00:00.000Z"))
    );
    let mut other = order;
    other["lines"][0]["quantity"] = json!(4);
    let reused = engine.post(&service, "", "/v1/orders", other).await;
    assert!(reused.status.is_client_error(), "{reused:?}");
    let cancel = json!({"lines": [{"lineId": "1", "quantity": 1}], "reason": "one too many"});
    let cancelled = engine.post(&service, "c1", "/v1/orders/erp-1/cancel", cancel).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    settles_at(&engine, "tea", 8).await;
}

async fn the_contract_is_served_and_readable_offline(world: World) {
    let engine = world.start(&["--seed", "demo"]);
    let contract = engine.get(None, "/openapi.json", "").await;
    let paths = contract.body["paths"].as_object().expect("paths");
    for path in ["/v1/items/{itemId}", "/v1/items/{itemId}/holds", "/v1/checkout", "/v1/orders", "/v1/log/{topic}"] {
        assert!(paths.contains_key(path), "{path} is not in {:?}", paths.keys().collect::<Vec<_>>());
    }
    let page = engine.get(None, "/docs/", "").await;
    assert!(page.status.is_success() && page.body.to_string().contains("swagger"), "{page:?}");
    for path in ["/livez", "/readyz", "/metrics", "/v1/items/teapot"] {
        let answer = engine.get(None, path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    }
    let first = engine.get(None, "/v1/items/teapot", "").await;
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let ask = Ask { headers: vec![("if-none-match", tag)], ..Ask::default() };
    assert_eq!(engine.ask(Method::GET, "/v1/items/teapot", ask).await.status, StatusCode::NOT_MODIFIED);
}
