//! Carts.

use crate::world::*;
use axum::body::Body;
use schemas::{
    AggregateKey, Digest, Effect, EffectId, Event, Quantity, Role,
    cart::{CartEvent, CartLine, CartLineSet},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn set(world: &mut World, sub: &str, item: &str, units: u32) -> String {
    let effect = Effect { id: EffectId::parse("set").expect("an id"), digest: Digest::default() };
    let quantity = Quantity::new(units).expect("a quantity");
    let line = CartLine { item_id: item_id(item), quantity, expected_unit_price: Some(euros(450)) };
    let key = AggregateKey::Cart(world.subject(sub));
    token_of(&[world.append(&key, &Event::Cart(CartEvent::from(CartLineSet { effect, line })))])
}

#[tokio::test]
async fn a_cart_is_its_shoppers_own() {
    let mut world = World::new();
    world.list("mug", |_| {});
    world.receive("mug", 3);
    set(&mut world, "alice", "mug", 2);
    world.fold().await;
    let cart = world.get("/v1/cart", Some((Role::Shopper, "alice"))).await;
    let price = |cents: i64| json!({"amount": cents, "currency": "EUR"});
    let line = json!({"itemId": "mug", "name": "Item mug", "quantity": 2, "price": price(500),
        "expectedUnitPrice": price(450), "available": 3, "flags": []});
    assert_eq!(cart, json!({"lines": [line], "total": price(1_000), "lockedBy": null}));
    let others = world.get("/v1/cart", Some((Role::Shopper, "bob"))).await;
    assert_eq!(others, json!({"lines": [], "total": null, "lockedBy": null}));
    for role in [Role::Operator, Role::Service, Role::Store, Role::Supplier, Role::Warehouse, Role::Analyst] {
        world.refused("/v1/cart", Some((role, "alice")), 403, "forbidden").await;
    }
    world.refused("/v1/cart", None, 401, "unauthenticated").await;
}

#[tokio::test]
async fn a_read_with_a_token_sees_what_the_command_did() {
    let mut world = World::new();
    world.list("mug", |_| {});
    let token = set(&mut world, "alice", "mug", 2);
    let ask =
        |world: &World| world.request("/v1/cart", Some((Role::Shopper, "alice"))).header("stockfold-at-least", &token);
    let request = ask(&world).body(Body::empty()).expect("a request");
    let behind = body(world.hasty.clone().oneshot(request).await.expect("a router does not fail")).await;
    assert_eq!(behind["code"], "view_behind", "{behind}");
    world.fold().await;
    let cart: Value = body(world.send(ask(&world)).await).await;
    assert_eq!(cart["lines"][0]["quantity"], 2);
}
