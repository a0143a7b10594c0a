//! What shoppers said, whom they follow, and what they were told.

use crate::world::*;
use axum::http::{StatusCode, header};
use schemas::{
    AggregateKey, Digest, DropId, Effect, EffectId, Event, Personal, Role, StoreId,
    follows::{FollowsEvent, StoreFollowed, StoreUnfollowed},
    shopper::{Channels, Notification, NotificationKind, ShopperEvent, ShopperFacts, ShopperNotified, ShopperSet},
    store::{EmailAddress, StoreEvent, StoreFacts, StoreSet},
};
use serde_json::{Value, json};

const ALICE: Option<(Role, &str)> = Some((Role::Shopper, "alice"));

fn effect() -> Effect {
    Effect { id: EffectId::parse("e").expect("an id"), digest: Digest::default() }
}

fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn follows(world: &mut World, sub: &str, event: impl Into<FollowsEvent>) {
    let key = AggregateKey::Follows(world.subject(sub));
    world.append(&key, &Event::Follows(event.into()));
}

fn follow(world: &mut World, sub: &str, of: &str) {
    follows(world, sub, StoreFollowed { effect: effect(), store: store(of) });
}

fn shopper(world: &mut World, sub: &str, event: impl Into<ShopperEvent>) {
    let key = AggregateKey::Shopper(world.subject(sub));
    world.append(&key, &Event::Shopper(event.into()));
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let entries = list.as_array().expect("a list").iter();
    entries.map(|entry| entry[field].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn what_was_never_said_is_the_default_and_the_address_is_opened_for_its_owner() {
    let mut world = World::new();
    let both = json!({"inApp": true, "email": true});
    let defaults = json!({"email": null, "locale": null, "timeZone": null,
        "notifications": {"drops": both, "orders": both}, "mutedStores": [], "version": 0});
    assert_eq!(world.get("/v1/me", ALICE).await, defaults);
    let subject = world.subject("alice");
    let address = EmailAddress("alice@people.example".to_owned());
    let email = keys::seal(&*world.keys, &subject, &address).await.expect("sealed");
    let facts = ShopperFacts { email: Some(email), locale: Some("de".to_owned()), ..ShopperFacts::default() };
    shopper(&mut world, "alice", ShopperSet { effect: effect(), version: 1, facts });
    world.fold().await;
    let shown = world.get("/v1/me", ALICE).await;
    assert_eq!((&shown["email"], &shown["locale"], &shown["version"]), (&json!(address.0), &json!("de"), &json!(1)));
    assert_eq!(world.get("/v1/me", Some((Role::Shopper, "bob"))).await, defaults);
    keys::KeyStore::destroy(&*world.keys, &subject).await.expect("destroyed");
    assert_eq!(world.get("/v1/me", ALICE).await["email"], json!(null), "who is forgotten has none");
}

#[tokio::test]
async fn follows_are_paged_and_each_shoppers_own() {
    let mut world = World::new();
    for of in ["globex", "acme", "initech"] {
        follow(&mut world, "alice", of);
    }
    follow(&mut world, "bob", "hooli");
    world.fold().await;
    let first = world.get("/v1/follows?limit=2", ALICE).await;
    assert_eq!(names(&first["follows"], "storeId"), ["acme", "globex"]);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let path = format!("/v1/follows?limit=2&cursor={cursor}");
    let last = world.get(&path, ALICE).await;
    assert_eq!((names(&last["follows"], "storeId"), &last["nextCursor"]), (vec!["initech".to_owned()], &json!(null)));
    world.refused(&path, Some((Role::Shopper, "bob")), 400, "invalid_cursor").await;
}

#[tokio::test]
async fn notifications_are_paged_newest_first() {
    let mut world = World::new();
    for number in 1..=5 {
        let notification = Notification {
            notification_id: EffectId::parse(&format!("n-{number}")).expect("an id"),
            kind: NotificationKind::DropScheduled,
            occurred_at: schemas::Timestamp::from_millis(0),
            store: Some(store("acme")),
            drop: DropId::parse("d-1").ok(),
            order_id: None,
        };
        shopper(&mut world, "alice", ShopperNotified { notification, channels: Channels::default() });
    }
    world.fold().await;
    let first = world.get("/v1/notifications?limit=3", ALICE).await;
    assert_eq!(names(&first["notifications"], "notificationId"), ["n-5", "n-4", "n-3"]);
    let newest = &first["notifications"][0];
    let about = (&newest["kind"], &newest["storeId"], &newest["dropId"], &newest["orderId"]);
    assert_eq!(about, (&json!("drop_scheduled"), &json!("acme"), &json!("d-1"), &json!(null)));
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let last = world.get(&format!("/v1/notifications?limit=3&cursor={cursor}"), ALICE).await;
    assert_eq!(names(&last["notifications"], "notificationId"), ["n-2", "n-1"]);
    assert_eq!(last["nextCursor"], json!(null));
    let other = world.get("/v1/notifications", Some((Role::Shopper, "bob"))).await;
    assert_eq!(other["notifications"], json!([]));
}

#[tokio::test]
async fn all_of_it_is_for_shoppers_alone() {
    let world = World::new();
    for path in ["/v1/me", "/v1/follows", "/v1/notifications"] {
        world.refused(path, None, 401, "unauthenticated").await;
        for role in [Role::Store, Role::Service, Role::Operator, Role::Supplier, Role::Warehouse, Role::Analyst] {
            world.refused(path, Some((role, "x")), 403, "forbidden").await;
        }
    }
}

#[tokio::test]
async fn a_store_shows_its_followers_and_its_tag_tells_of_each_change() {
    let mut world = World::new();
    let key_id = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().expect("a UUID");
    let email = Personal::from_sealed(world.subject("s"), key_id, "c2VhbGVk".to_owned());
    let facts = StoreFacts { name: "Acme".to_owned(), email, profile: None, images: Vec::new() };
    let set = StoreSet { effect: effect(), version: 1, facts };
    world.append(&AggregateKey::Store(store("acme")), &Event::Store(StoreEvent::from(set)));
    let mut tags = Vec::new();
    for (sub, is_followed, count) in [("alice", true, 1), ("bob", true, 2), ("alice", false, 1), ("alice", true, 2)] {
        if is_followed {
            follow(&mut world, sub, "acme");
        } else {
            follows(&mut world, sub, StoreUnfollowed { effect: effect(), store: store("acme") });
        }
        world.fold().await;
        assert_eq!(world.get("/v1/stores/acme", None).await["followers"], count);
        let tag = world.send(world.request("/v1/stores/acme", None)).await.headers()[header::ETAG].clone();
        assert!(!tags.contains(&tag), "another state, another tag");
        let again = world.request("/v1/stores/acme", None).header(header::IF_NONE_MATCH, &tag);
        assert_eq!(world.send(again).await.status(), StatusCode::NOT_MODIFIED);
        tags.push(tag);
    }
}
