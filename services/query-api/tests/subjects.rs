//! People by pseudonym, and their keys.

use crate::world::*;
use axum::http::header;
use keys::{KeyStore as _, SubjectKey};
use schemas::{Role, store::EmailAddress};
use serde_json::{Value, json};

const OPERATOR: Option<(Role, &str)> = Some((Role::Operator, "ops"));

async fn known(world: &World) -> (String, SubjectKey) {
    let who = world.subject("alice");
    let key = world.keys.key_for(&who).await.expect("a key");
    (who.to_string(), key)
}

#[tokio::test]
async fn the_pseudonym_of_a_shopper_is_told_to_operators() {
    let world = World::new();
    let told = world.get("/v1/subjects?sub=alice", OPERATOR).await;
    assert_eq!(told, json!({"subject": world.subject("alice")}));
    world.refused("/v1/subjects", OPERATOR, 400, "invalid_query").await;
    world.refused("/v1/subjects?sub=", OPERATOR, 400, "invalid_query").await;
}

#[tokio::test]
async fn a_key_opens_what_was_sealed_until_it_is_destroyed() {
    let world = World::new();
    let (who, key) = known(&world).await;
    let list = format!("/v1/subjects/{who}/keys");
    let keys = |status: &str| json!({"subject": who, "keys": [{"keyId": key.id(), "status": status}]});
    assert_eq!(world.get(&list, OPERATOR).await, keys("live"));
    let one = format!("{list}/{}", key.id());
    let answer = world.send(world.request(&one, OPERATOR)).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "private, no-store");
    let told: Value = world.get(&one, OPERATOR).await;
    assert_eq!((&told["algorithm"], &told["key"]), (&json!("XChaCha20-Poly1305"), &json!(*key.told())));
    let sealed = key.seal(&world.subject("alice"), &EmailAddress("a@b.example".to_owned())).expect("sealed");
    assert!(key.open::<EmailAddress>(&sealed).is_ok());
    world.keys.destroy(&world.subject("alice")).await.expect("destroyed");
    assert_eq!(world.get(&list, OPERATOR).await, keys("destroyed"));
    world.refused(&one, OPERATOR, 410, "key_destroyed").await;
}

#[tokio::test]
async fn keys_are_for_operators() {
    let world = World::new();
    let (who, key) = known(&world).await;
    let paths = [
        "/v1/subjects?sub=alice".to_owned(),
        format!("/v1/subjects/{who}/keys"),
        format!("/v1/subjects/{who}/keys/{}", key.id()),
    ];
    for path in paths {
        world.refused(&path, None, 401, "unauthenticated").await;
        for role in [Role::Shopper, Role::Store, Role::Service, Role::Supplier, Role::Warehouse, Role::Analyst] {
            world.refused(&path, Some((role, "alice")), 403, "forbidden").await;
        }
    }
    let never = format!("/v1/subjects/{who}/keys/00000000-0000-4000-8000-000000000000");
    world.refused(&never, OPERATOR, 404, "key_not_found").await;
    world.refused(&format!("/v1/subjects/{who}/keys/none"), OPERATOR, 400, "invalid_id").await;
    let nobody = world.subject("nobody");
    assert_eq!(world.get(&format!("/v1/subjects/{nobody}/keys"), OPERATOR).await["keys"], json!([]));
}
