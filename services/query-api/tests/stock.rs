//! Stock, ledger and holds.

use crate::world::*;
use schemas::{
    Digest, Effect, EffectId, FreeHoldId, Metadata, Quantity, Role, StoreId,
    item::{HoldGranted, HoldId, StockLevels},
};
use serde_json::{Value, json};

fn five_of_ten_held(world: &World, caller: &str, id: &str) -> HoldGranted {
    HoldGranted {
        hold: HoldId::Free { caller: world.subject(caller), id: FreeHoldId::parse(id).expect("an id") },
        quantity: Quantity::new(5).expect("a quantity"),
        unit_price: euros(500),
        expires_at: Some(world.time.plus_seconds(60)),
        reference: Some("their-7".to_owned()),
        metadata: Metadata::default(),
        effect: Some(Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }),
        stock: StockLevels { available: 5, on_hand: 10, held: 5, ..StockLevels::default() },
    }
}

#[tokio::test]
async fn everybody_sees_what_is_available_and_keepers_see_all() {
    let mut world = World::new();
    world.list("mug", |catalog| catalog.store = Some(StoreId::parse("s1").expect("an id")));
    world.receive("mug", 10);
    let hold = five_of_ten_held(&world, "erp", "h1");
    world.item("mug", hold);
    world.fold().await;
    let public = json!({"itemId": "mug", "available": 5});
    for caller in [None, Some((Role::Shopper, "alice")), Some((Role::Store, "s2")), Some((Role::Analyst, "a"))] {
        assert_eq!(world.get("/v1/items/mug/stock", caller).await, public, "{caller:?}");
    }
    let keepers = [
        (Role::Service, "erp"),
        (Role::Operator, "o"),
        (Role::Supplier, "p"),
        (Role::Store, "s1"),
        (Role::Warehouse, "w"),
    ];
    for caller in keepers {
        let stock = world.get("/v1/items/mug/stock", Some(caller)).await;
        assert_eq!((&stock["onHand"], &stock["held"], &stock["available"]), (&json!(10), &json!(5), &json!(5)));
        assert_eq!(stock["locations"][0]["sellable"], 10, "{caller:?}: {stock}");
        assert!(stock["position"].is_string());
    }
    let list = world.get("/v1/stock?items=nothing,mug", None).await;
    assert_eq!(list, json!({"items": [public]}));
    world.refused("/v1/stock", None, 400, "invalid_query").await;
    world.refused("/v1/items/nothing/stock", None, 404, "item_not_found").await;
}

#[tokio::test]
async fn stock_of_an_item_that_nobody_listed_is_for_keepers_only() {
    let mut world = World::new();
    world.receive("secret", 3);
    world.fold().await;
    world.refused("/v1/items/secret/stock", None, 404, "item_not_found").await;
    assert_eq!(world.get("/v1/items/secret/stock", Some((Role::Operator, "o"))).await["onHand"], 3);
}

#[tokio::test]
async fn stock_as_of_then_is_what_it_was() {
    let mut world = World::new();
    world.list("mug", |_| {});
    let first = world.receive("mug", 4);
    let between = world.time.plus_millis(-500);
    world.receive_after("mug", 6, StockLevels { available: 10, on_hand: 10, ..StockLevels::default() });
    world.fold().await;
    let operator = Some((Role::Operator, "o"));
    for at in [first.to_string(), between.to_string()] {
        let stock = world.get(&format!("/v1/items/mug/stock?asOf={at}"), operator).await;
        assert_eq!((&stock["onHand"], &stock["locations"][0]["sellable"]), (&json!(4), &json!(4)), "{at}");
    }
    assert_eq!(world.get("/v1/items/mug/stock", operator).await["onHand"], 10);
    let at = format!("/v1/items/mug/stock?asOf={between}");
    world.refused(&at, None, 401, "unauthenticated").await;
    world.refused(&at, Some((Role::Shopper, "alice")), 403, "forbidden").await;
    let foreign = (first.partition + 1) % 4;
    let foreign = format!("/v1/items/mug/stock?asOf=inventory.events.v1/{foreign}@1");
    world.refused(&foreign, operator, 400, "invalid_position").await;
    let future = format!("/v1/items/mug/stock?asOf=inventory.events.v1/{}@9999", first.partition);
    world.refused(&future, operator, 409, "view_behind").await;
    world.refused("/v1/items/mug/stock?asOf=yesterday", operator, 400, "invalid_query").await;
}

#[tokio::test]
async fn the_ledger_tells_every_change_newest_first() {
    let mut world = World::new();
    world.list("mug", |_| {});
    for _ in 0..3 {
        world.receive("mug", 4);
    }
    world.fold().await;
    let operator = Some((Role::Operator, "o"));
    let page = world.get("/v1/items/mug/ledger?limit=2", operator).await;
    let entries = page["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["kind"], &entries[0]["quantity"]), (&json!("stock_received"), &json!(4)));
    assert_eq!((&entries[0]["actor"], &entries[0]["reference"]), (&json!("operator:somebody"), &json!("note-1")));
    assert_eq!(entries[0]["bucketsAfter"]["onHand"], 4);
    let cursor = page["nextCursor"].as_str().expect("another page");
    let rest = world.get(&format!("/v1/items/mug/ledger?limit=2&cursor={cursor}"), operator).await;
    assert_eq!((rest["entries"].as_array().map(Vec::len), &rest["nextCursor"]), (Some(1), &Value::Null));
    world.refused("/v1/items/mug/ledger", None, 401, "unauthenticated").await;
    world.refused("/v1/items/mug/ledger", Some((Role::Store, "s2")), 403, "forbidden").await;
    world.refused("/v1/items/nothing/ledger", operator, 404, "item_not_found").await;
    world.refused(&format!("/v1/items/cup/ledger?cursor={cursor}"), operator, 400, "invalid_cursor").await;
}

#[tokio::test]
async fn a_free_hold_is_seen_by_who_placed_it_alone() {
    let mut world = World::new();
    world.list("mug", |_| {});
    world.receive("mug", 10);
    let hold = five_of_ten_held(&world, "erp", "h1");
    world.item("mug", hold);
    world.fold().await;
    let hold = world.get("/v1/items/mug/holds/h1", Some((Role::Service, "erp"))).await;
    assert_eq!((&hold["status"], &hold["quantity"]), (&json!("active"), &json!(5)));
    assert_eq!((&hold["reference"], &hold["holdId"]), (&json!("their-7"), &json!("h1")));
    world.refused("/v1/items/mug/holds/h1", Some((Role::Service, "other")), 404, "hold_not_found").await;
    world.refused("/v1/items/mug/holds/h1", Some((Role::Shopper, "erp")), 403, "forbidden").await;
    world.refused("/v1/items/mug/holds/h1", None, 401, "unauthenticated").await;
}
