//! Stores.

use crate::world::*;
use axum::http::{StatusCode, header};
use keys::KeyStore as _;
use schemas::{
    AggregateKey, Digest, Effect, EffectId, Event, Role, StoreId,
    store::{EmailAddress, StoreEvent, StoreFacts, StoreSet},
};
use serde_json::json;

async fn set(world: &mut World, version: u64) {
    let subject = world.edge.pseudonym("store/acme");
    let address = EmailAddress("orders@acme.example".to_owned());
    let email = keys::seal(&*world.keys, &subject, &address).await.expect("sealed");
    let effect = Effect { id: EffectId::parse("put").expect("an id"), digest: Digest::default() };
    let images = vec!["https://acme.example/front.jpg".to_owned()];
    let facts = StoreFacts { name: "Acme".to_owned(), email, profile: Some("All for coyotes".to_owned()), images };
    let key = AggregateKey::Store(StoreId::parse("acme").expect("an id"));
    world.append(&key, &Event::Store(StoreEvent::from(StoreSet { effect, version, facts })));
    world.fold().await;
}

#[tokio::test]
async fn a_store_is_public_and_its_address_is_for_itself_and_operators() {
    let mut world = World::new();
    world.refused("/v1/stores/acme", None, 404, "store_not_found").await;
    set(&mut world, 1).await;
    let public = json!({"storeId": "acme", "name": "Acme", "profile": "All for coyotes",
        "images": ["https://acme.example/front.jpg"], "followers": 0, "version": 1});
    assert_eq!(world.get("/v1/stores/acme", None).await, public);
    for other in [(Role::Shopper, "acme"), (Role::Service, "acme"), (Role::Store, "globex"), (Role::Analyst, "acme")] {
        assert_eq!(world.get("/v1/stores/acme", Some(other)).await, public, "{other:?}");
    }
    for reader in [(Role::Store, "acme"), (Role::Operator, "ops")] {
        assert_eq!(world.get("/v1/stores/acme", Some(reader)).await["email"], "orders@acme.example");
    }
    world.keys.destroy(&world.edge.pseudonym("store/acme")).await.expect("destroyed");
    let forgotten = world.get("/v1/stores/acme", Some((Role::Operator, "ops"))).await;
    assert_eq!((&forgotten["email"], &forgotten["name"]), (&json!(null), &json!("Acme")));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let mut world = World::new();
    set(&mut world, 1).await;
    let first = world.send(world.request("/v1/stores/acme", None)).await;
    assert_eq!(first.headers()[header::CACHE_CONTROL], "public, no-cache");
    let tag = first.headers()[header::ETAG].clone();
    let again = |tag: &header::HeaderValue| world.request("/v1/stores/acme", None).header(header::IF_NONE_MATCH, tag);
    assert_eq!(world.send(again(&tag)).await.status(), StatusCode::NOT_MODIFIED);
    let own = world.send(world.request("/v1/stores/acme", Some((Role::Store, "acme")))).await;
    assert_eq!(own.headers()[header::CACHE_CONTROL], "private, no-cache");
    set(&mut world, 2).await;
    let again = world.request("/v1/stores/acme", None).header(header::IF_NONE_MATCH, &tag);
    assert_eq!(world.send(again).await.status(), StatusCode::OK);
}
