//! Drops, and places in their waiting rooms.

use crate::world::*;
use axum::http::{StatusCode, header};
use schemas::{
    AggregateKey, Digest, DropId, Effect, EffectId, Event, Metadata, Position, Quantity, Role, StoreId, SubjectId,
    Timestamp, drop::*,
};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn drop_id(id: &str) -> DropId {
    DropId::parse(id).expect("an id")
}

fn acme() -> StoreId {
    StoreId::parse("acme").expect("an id")
}

fn effect() -> Effect {
    Effect { id: EffectId::parse("e").expect("an id"), digest: Digest::default() }
}

/// So many seconds after the first event, where the clock of the API stands.
fn second(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + seconds * 1_000)
}

fn terms(starts_at: Timestamp) -> DropTerms {
    let quantity = |units| Quantity::new(units).expect("a quantity");
    DropTerms {
        title: Some("The shoe".to_owned()),
        items: vec![DropItem { item_id: item_id("shoe"), quantity: quantity(5), price: euros(9_900) }],
        starts_at,
        ends_at: starts_at.plus_seconds(3_600),
        limit_per_shopper: quantity(2),
        queue_opens_at: Some(starts_at),
        admit_at_once: Some(2),
    }
}

fn happens(world: &mut World, id: &str, event: impl Into<DropEvent>) -> Position {
    world.append(&AggregateKey::Drop(drop_id(id)), &Event::Drop(event.into()))
}

fn draft(world: &mut World, id: &str, starts_at: Timestamp) {
    let (effect, store, terms) = (effect(), acme(), terms(starts_at));
    let metadata = Metadata::default();
    happens(world, id, DropDrafted { effect, store, terms, answers_due_at: second(30), metadata });
}

fn schedule(world: &mut World, id: &str, starts_at: Timestamp) -> Position {
    draft(world, id, starts_at);
    let (store, terms) = (acme(), terms(starts_at));
    happens(world, id, DropScheduled { store, terms, seed_hash: SeedHash([0xab; 32]) })
}

fn open(world: &mut World, id: &str, early: u64) {
    happens(world, id, DropOpened { seed: Seed([0xcd; 32]), early, status: DropStatus::Live });
}

fn levels(next_rank: u64, places: u64, admitted: u64) -> QueueLevels {
    QueueLevels { next_rank, places, admitted }
}

/// The shopper joins; answers the ticket.
fn join(world: &mut World, id: &str, sub: &str, number: u64, rank: Option<u64>) -> String {
    let (shopper, queue) = (world.subject(sub), levels(1, number, 0));
    happens(world, id, QueueJoined { effect: effect(), shopper: shopper.clone(), number, rank, queue });
    world.edge.queue_tickets().seal(&drop_id(id), &shopper, number)
}

fn admit(world: &mut World, id: &str, subs: &[&str], until: Timestamp, queue: QueueLevels) {
    let shoppers: Vec<SubjectId> = subs.iter().map(|sub| world.subject(sub)).collect();
    happens(world, id, ShoppersAdmitted { shoppers, until, stood_still_ms: 0, queue });
}

async fn place(world: &World, sub: &str, ticket: &str) -> Value {
    world.get(&format!("/v1/drops/shoe/queue/{ticket}"), Some((Role::Shopper, sub))).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["drops"].as_array().expect("drops").iter().map(|drop| drop["dropId"].as_str().expect("an id")).collect()
}

const STAFF: Option<(Role, &str)> = Some((Role::Store, "acme"));

#[tokio::test]
async fn a_drop_is_public_once_it_is_scheduled_and_tells_its_seed_once_it_is_open() {
    let mut world = World::new();
    draft(&mut world, "shoe", second(DAY));
    world.fold().await;
    for nobody in [None, Some((Role::Shopper, "ada")), Some((Role::Store, "globex")), Some((Role::Analyst, "acme"))] {
        world.refused("/v1/drops/shoe", nobody, 404, "drop_not_found").await;
    }
    for own in [STAFF, Some((Role::Operator, "op")), Some((Role::Service, "erp"))] {
        assert_eq!(world.get("/v1/drops/shoe", own).await["status"], "draft", "{own:?}");
    }
    schedule(&mut world, "shoe", second(DAY));
    world.fold().await;
    let shown = world.get("/v1/drops/shoe", None).await;
    let item = json!({"itemId": "shoe", "quantity": 5, "price": {"amount": 9_900, "currency": "EUR"},
        "remaining": 5, "held": 0, "sold": 0});
    assert_eq!(
        (&shown["status"], &shown["items"], &shown["title"]),
        (&json!("scheduled"), &json!([item]), &json!("The shoe"))
    );
    assert_eq!((&shown["seedHash"], &shown["seed"]), (&json!("ab".repeat(32)), &Value::Null));
    assert_eq!((&shown["limitPerShopper"], &shown["startsAt"]), (&json!(2), &json!(second(DAY))));
    assert_eq!(shown["queue"], json!({"places": 0, "admitted": 0, "nextRank": 1, "early": null, "drawn": 0}));
    open(&mut world, "shoe", 0);
    world.fold().await;
    let shown = world.get("/v1/drops/shoe", None).await;
    assert_eq!((&shown["status"], &shown["seed"]), (&json!("live"), &json!("cd".repeat(32))));
}

#[tokio::test]
async fn drops_are_listed_by_start_and_store_and_status() {
    let mut world = World::new();
    schedule(&mut world, "soon", second(60));
    schedule(&mut world, "late", second(9 * DAY));
    draft(&mut world, "draft", second(2 * DAY));
    schedule(&mut world, "next", second(3 * DAY));
    open(&mut world, "soon", 0);
    world.fold().await;
    assert_eq!(ids(&world.get("/v1/drops", None).await), ["late", "next", "soon"]);
    assert_eq!(ids(&world.get("/v1/drops?store=acme", None).await), ["late", "next", "soon"]);
    assert_eq!(ids(&world.get("/v1/drops?store=acme", STAFF).await), ["late", "next", "draft", "soon"]);
    assert_eq!(ids(&world.get("/v1/drops?store=acme&status=draft", STAFF).await), ["draft"]);
    assert_eq!(ids(&world.get("/v1/drops?store=globex", None).await), Vec::<&str>::new());
    assert_eq!(ids(&world.get("/v1/drops?status=live", None).await), ["soon"]);
    assert_eq!(ids(&world.get("/v1/drops?status=draft", None).await), Vec::<&str>::new());
    let first = world.get("/v1/drops?limit=2", None).await;
    let cursor = first["nextCursor"].as_str().expect("a second page").to_owned();
    let second = world.get(&format!("/v1/drops?limit=2&cursor={cursor}"), None).await;
    assert_eq!((ids(&first), ids(&second), &second["nextCursor"]), (vec!["late", "next"], vec!["soon"], &Value::Null));
    world.refused(&format!("/v1/drops?limit=2&store=acme&cursor={cursor}"), None, 400, "invalid_cursor").await;
    world.refused("/v1/drops?status=wild&colour=red", None, 400, "invalid_query").await;
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let mut world = World::new();
    schedule(&mut world, "shoe", second(60));
    world.fold().await;
    for path in ["/v1/drops/shoe", "/v1/drops"] {
        let first = world.send(world.request(path, None)).await;
        assert_eq!(first.headers()[header::CACHE_CONTROL], "public, no-cache");
        let tag = first.headers()[header::ETAG].clone();
        let again = |world: &World| world.request(path, None).header(header::IF_NONE_MATCH, &tag);
        assert_eq!(world.send(again(&world)).await.status(), StatusCode::NOT_MODIFIED, "{path}");
        open(&mut world, "shoe", 0);
        world.fold().await;
        assert_eq!(world.send(again(&world)).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_place_is_told_by_where_the_room_is_now() {
    let mut world = World::new();
    schedule(&mut world, "shoe", second(90));
    let tickets = ["ada", "bob"].map(|sub| join(&mut world, "shoe", sub, if sub == "ada" { 1 } else { 2 }, None));
    world.fold().await;
    let early = place(&world, "bob", &tickets[1]).await;
    assert_eq!(
        (&early["status"], &early["drawn"], &early["position"]),
        (&json!("waiting"), &json!(false), &Value::Null)
    );
    assert_eq!((&early["number"], &early["estimatedWaitSeconds"]), (&json!(2), &json!(90)));
    open(&mut world, "shoe", 2);
    let shoppers = ["bob", "ada"].map(|sub| world.subject(sub)).to_vec();
    happens(&mut world, "shoe", PlacesDrawn { first_rank: 1, shoppers });
    let late = join(&mut world, "shoe", "cid", 3, Some(3));
    world.fold().await;
    for (sub, ticket, position) in [("bob", &tickets[1], 1), ("ada", &tickets[0], 2), ("cid", &late, 3)] {
        let told = place(&world, sub, ticket).await;
        assert_eq!((&told["rank"], &told["position"]), (&json!(position), &json!(position)), "{sub}: {told}");
    }
    admit(&mut world, "shoe", &["bob"], second(200), levels(2, 3, 1));
    world.fold().await;
    let admitted = place(&world, "bob", &tickets[1]).await;
    assert_eq!((&admitted["status"], &admitted["admittedUntil"]), (&json!("admitted"), &json!(second(200))));
    assert_eq!((&admitted["position"], &admitted["dropStatus"]), (&Value::Null, &json!("live")));
    assert_eq!(place(&world, "cid", &late).await["position"], 2, "it was not told of, and moves up");
}

#[tokio::test]
async fn used_and_expired_places_say_so() {
    let mut world = World::new();
    schedule(&mut world, "shoe", second(60));
    open(&mut world, "shoe", 0);
    let (ada, bob) = (join(&mut world, "shoe", "ada", 1, Some(1)), join(&mut world, "shoe", "bob", 2, Some(2)));
    admit(&mut world, "shoe", &["ada", "bob"], second(200), levels(3, 2, 2));
    let claim = ClaimFacts {
        claim: schemas::ClaimId::parse("c").expect("an id"),
        order_id: schemas::OrderId::parse("o").expect("an id"),
        shopper: world.subject("ada"),
        item_id: item_id("shoe"),
        quantity: Quantity::new(1).expect("a quantity"),
        unit_price: euros(9_900),
        store: acme(),
    };
    let pool = ItemPool { item_id: item_id("shoe"), levels: PoolLevels { remaining: 4, held: 1, sold: 0 } };
    happens(&mut world, "shoe", ClaimGranted { effect: effect(), claim, pool, queue: levels(3, 2, 1) });
    let shoppers = vec![world.subject("bob")];
    happens(&mut world, "shoe", AdmissionsExpired { shoppers, queue: levels(3, 2, 0) });
    world.fold().await;
    for (sub, ticket, status) in [("ada", &ada, "claimed"), ("bob", &bob, "expired")] {
        let place = world.get(&format!("/v1/drops/shoe/queue/{ticket}"), Some((Role::Shopper, sub))).await;
        assert_eq!(place["status"], status);
        assert_eq!((&place["claimed"], &place["expired"]), (&json!(sub == "ada"), &json!(sub == "bob")));
        assert_eq!((&place["position"], &place["admittedUntil"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(world.get("/v1/drops/shoe", None).await["items"][0]["held"], 1);
}

#[tokio::test]
async fn no_ticket_but_ones_own_newest_tells_anything() {
    let mut world = World::new();
    schedule(&mut world, "shoe", second(60));
    schedule(&mut world, "hat", second(60));
    open(&mut world, "shoe", 0);
    let (ada, bob) = (join(&mut world, "shoe", "ada", 1, Some(1)), join(&mut world, "shoe", "bob", 2, Some(2)));
    let shoppers = vec![world.subject("ada")];
    happens(&mut world, "shoe", AdmissionsExpired { shoppers, queue: levels(2, 2, 0) });
    let newer = join(&mut world, "shoe", "ada", 3, Some(3));
    world.fold().await;
    let seen = |drop: &str, ticket: &str| format!("/v1/drops/{drop}/queue/{ticket}");
    let shopper = Some((Role::Shopper, "ada"));
    assert_eq!(world.get(&seen("shoe", &newer), shopper).await["number"], 3);
    let never = world.edge.queue_tickets().seal(&drop_id("shoe"), &world.subject("ada"), 4);
    let mut problems = Vec::new();
    for (drop, ticket) in [("shoe", &ada), ("shoe", &bob), ("hat", &newer), ("none", &newer), ("shoe", &never)] {
        let mut problem = world.refused(&seen(drop, ticket), shopper, 404, "place_not_found").await;
        problem["traceId"] = Value::Null;
        problems.push(problem);
    }
    assert!(problems.iter().all(|problem| *problem == problems[0]), "{problems:?}");
    world.refused(&seen("shoe", &newer), None, 401, "unauthenticated").await;
    world.refused(&seen("shoe", &newer), STAFF, 403, "forbidden").await;
}

#[tokio::test]
async fn a_place_is_waited_for() {
    let mut world = World::new();
    let at = schedule(&mut world, "shoe", second(60));
    let later = Position { seq: at.seq + 1, ..at };
    let ticket = join(&mut world, "shoe", "ada", 1, None);
    world.fold().await;
    let ask = |token: String| {
        let path = format!("/v1/drops/shoe/queue/{ticket}");
        world.request(&path, Some((Role::Shopper, "ada"))).header("stockfold-at-least", token)
    };
    assert_eq!(world.send(ask(token_of(&[later]))).await.status(), StatusCode::OK);
    let ahead = Position { seq: at.seq + 2, ..at };
    assert_eq!(world.send(ask(token_of(&[ahead]))).await.status(), StatusCode::CONFLICT);
}
