//! Orders.

use crate::world::*;
use schemas::{
    Caller, Digest, Effect, EffectId, LineId, Metadata, PaymentId, Quantity, Role, StoreId, Timestamp,
    item::ItemKind,
    order::{
        Address, HoldsGranted, OrderLine, OrderOwner, OrderPlaced, PaymentMode, PaymentStarted, PricedLine, SubmitMode,
    },
};
use serde_json::{Value, json};

pub fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

pub fn placed(world: &World, shopper: &str, ordered_at: Timestamp) -> OrderPlaced {
    OrderPlaced {
        from_cart: false,
        drop: None,
        effect: effect("place"),
        owner: OrderOwner { shopper: Some(world.subject(shopper)), placed_by: world.caller(Role::Shopper, shopper) },
        channel: None,
        ordered_at,
        lines: vec![OrderLine {
            line_id: LineId::parse("1").expect("an id"),
            item_id: item_id("mug"),
            quantity: Quantity::new(2).expect("a quantity"),
            unit_price: None,
            expected_unit_price: None,
            metadata: Metadata::default(),
        }],
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: SubmitMode::Explicit,
        expires_in_seconds: 300,
        answers_due_at: ordered_at.plus_seconds(30),
        metadata: Metadata::default(),
    }
}

pub fn granted(at: Timestamp) -> HoldsGranted {
    let line_id = LineId::parse("1").expect("an id");
    HoldsGranted {
        lines: vec![PricedLine { line_id, unit_price: euros(500), kind: ItemKind::Physical, store: None }],
        total: euros(1_000),
        expires_at: at.plus_seconds(300),
        expires_for_good_at: at.plus_seconds(360),
        ordered_at: Some(at),
    }
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["orders"].as_array().expect("orders").iter().map(|order| order["orderId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn an_order_is_seen_by_its_shopper_and_by_who_is_trusted() {
    let mut world = World::new();
    let event = placed(&world, "alice", world.time);
    world.order("o-1", event);
    let event = granted(world.time);
    world.order("o-1", event);
    world.fold().await;
    for caller in [(Role::Shopper, "alice"), (Role::Service, "erp"), (Role::Operator, "o")] {
        let order = world.get("/v1/orders/o-1", Some(caller)).await;
        assert_eq!((&order["status"], &order["total"]["amount"]), (&json!("awaiting_payment"), &json!(1_000)));
        assert_eq!(order["lines"][0]["unitPrice"], json!({"amount": 500, "currency": "EUR"}));
        assert_eq!(order["shopper"], world.subject("alice").as_str());
        for list in ["adjustments", "subOrders", "payments", "history"] {
            assert!(order[list].is_array(), "{list}");
        }
    }
    for caller in [(Role::Shopper, "bob"), (Role::Store, "s1"), (Role::Analyst, "a")] {
        world.refused("/v1/orders/o-1", Some(caller), 404, "order_not_found").await;
    }
    world.refused("/v1/orders/o-1", None, 401, "unauthenticated").await;
    world.refused("/v1/orders/nothing", Some((Role::Operator, "o")), 404, "order_not_found").await;
}

#[tokio::test]
async fn an_order_of_a_store_is_seen_by_its_staff_alone() {
    let mut world = World::new();
    let mut event = placed(&world, "alice", world.time);
    // The test's tokens of a store have the store's name as `sub`: who placed it works elsewhere by now.
    event.owner.placed_by = Caller { store: StoreId::parse("acme").ok(), ..world.caller(Role::Store, "globex") };
    world.order("o-1", event);
    world.fold().await;
    for caller in [(Role::Store, "acme"), (Role::Shopper, "alice"), (Role::Operator, "o")] {
        assert_eq!(world.get("/v1/orders/o-1", Some(caller)).await["orderId"], "o-1");
    }
    for caller in
        [(Role::Store, "globex"), (Role::Supplier, "globex"), (Role::Shopper, "globex"), (Role::Supplier, "alice")]
    {
        world.refused("/v1/orders/o-1", Some(caller), 404, "order_not_found").await;
    }
}

#[tokio::test]
async fn orders_are_listed_newest_first_and_only_ones_own() {
    let mut world = World::new();
    let day = |n: u32| Timestamp::from_millis(START_MS).plus_seconds(n * 86_400);
    for n in 0..5 {
        let event = placed(&world, "alice", day(n));
        world.order(&format!("o-{n}"), event);
    }
    let event = placed(&world, "bob", day(9));
    world.order("bobs", event);
    let event = granted(world.time);
    world.order("o-3", event);
    world.fold().await;
    let alice = Some((Role::Shopper, "alice"));
    let page = world.get("/v1/orders?limit=2", alice).await;
    assert_eq!(ids(&page), ["o-4", "o-3"]);
    let cursor = page["nextCursor"].as_str().expect("another page");
    let rest = world.get(&format!("/v1/orders?limit=3&cursor={cursor}"), alice).await;
    assert_eq!((ids(&rest), &rest["nextCursor"]), (vec!["o-2", "o-1", "o-0"], &Value::Null));
    assert_eq!(ids(&world.get("/v1/orders?status=awaiting_payment", alice).await), ["o-3"]);
    assert_eq!(ids(&world.get("/v1/orders?status=holding,awaiting_payment", alice).await).len(), 5);
    assert_eq!(ids(&world.get("/v1/orders?since=2026-01-04T00:00:00Z", alice).await), ["o-4", "o-3"]);
    assert_eq!(ids(&world.get("/v1/orders?shopper=bob", Some((Role::Service, "erp"))).await), ["bobs"]);
    world.refused("/v1/orders?shopper=bob", alice, 403, "forbidden").await;
    world.refused(&format!("/v1/orders?cursor={cursor}"), Some((Role::Shopper, "bob")), 400, "invalid_cursor").await;
    world.refused("/v1/orders?status=lost", alice, 400, "invalid_query").await;
    world.refused("/v1/orders", None, 401, "unauthenticated").await;
}

#[tokio::test]
async fn an_address_is_shown_until_the_person_is_forgotten() {
    use keys::KeyStore as _;
    let mut world = World::new();
    let event = placed(&world, "alice", world.time);
    world.order("o-1", event);
    let address = Address {
        coordinates: None,
        name: "Alice".to_owned(),
        lines: vec!["1 High Street".to_owned()],
        city: "Leeds".to_owned(),
        postal_code: None,
        region: None,
        country: "GB".to_owned(),
        phone: None,
    };
    let sealed = keys::seal(&*world.keys, &world.subject("alice"), &address).await.expect("seals");
    let payment = PaymentStarted {
        effect: effect("pay"),
        payment_id: PaymentId::parse("p-1").expect("an id"),
        amount: euros(1_000),
        method_token: "tok_1".to_owned(),
        shipping_address: Some(sealed),
    };
    world.order("o-1", payment);
    world.fold().await;
    let alice = Some((Role::Shopper, "alice"));
    assert_eq!(world.get("/v1/orders/o-1", alice).await["shippingAddress"]["city"], "Leeds");
    world.keys.destroy(&world.subject("alice")).await.expect("forgets");
    assert_eq!(world.get("/v1/orders/o-1", alice).await["shippingAddress"], Value::Null);
}

#[tokio::test]
async fn a_digital_line_is_shown_with_its_file_once_it_is_delivered() {
    let mut world = World::new();
    let event = placed(&world, "alice", world.time);
    world.order("o-1", event);
    let file = "https://files.example/e.epub";
    let held = schemas::order::ItemHeld {
        attempt: 1,
        item_id: item_id("mug"),
        unit_price: euros(500),
        kind: ItemKind::Digital,
        file: Some(file.to_owned()),
        store: None,
    };
    world.order("o-1", held);
    let mut event = granted(world.time);
    event.lines[0].kind = ItemKind::Digital;
    world.order("o-1", event);
    world.fold().await;
    let alice = Some((Role::Shopper, "alice"));
    assert_eq!(world.get("/v1/orders/o-1", alice).await["lines"][0].get("downloadUrl"), None, "not yet");
    let line_ids = vec![LineId::parse("1").expect("an id")];
    world.order("o-1", schemas::order::DigitalDelivered { line_ids });
    world.fold().await;
    let order = world.get("/v1/orders/o-1", alice).await;
    assert_eq!(order["lines"][0]["downloadUrl"], file);
    world.refused("/v1/orders/o-1", Some((Role::Shopper, "bob")), 404, "order_not_found").await;
    let list = world.get("/v1/orders", alice).await;
    assert_eq!(list["orders"][0]["lines"][0].get("downloadUrl"), None, "lists do not carry it");
}
