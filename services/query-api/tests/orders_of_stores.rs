//! What the staff of a store reads of somebody's orders of its items.

use crate::{
    orders::{effect, granted, placed},
    world::*,
};
use schemas::{
    Caller, LineId, PaymentId, Quantity, Role, StoreId,
    item::ItemKind,
    order::{LineQuantity, LinesCancelled, OrderConfirmed, OrderLine, OrderSubmitted, PaymentAuthorized, PricedLine},
};
use serde_json::{Value, json};

const ACME: Option<(Role, &str)> = Some((Role::Store, "acme"));
const GLOBEX: Option<(Role, &str)> = Some((Role::Store, "globex"));

fn store(id: &str) -> Option<StoreId> {
    Some(StoreId::parse(id).expect("an id"))
}

fn line_id(id: &str) -> LineId {
    LineId::parse(id).expect("an id")
}

/// Alice's order: two mugs, line 1, and one lamp, line 2, for 500 each; each of one of these stores.
fn order(world: &mut World, id: &str, sellers: [&str; 2]) {
    let mut event = placed(world, "alice", world.time);
    let lamp = OrderLine {
        line_id: line_id("2"),
        item_id: item_id("lamp"),
        quantity: Quantity::new(1).expect("a quantity"),
        ..event.lines[0].clone()
    };
    event.lines.push(lamp);
    let mut grant = granted(event.ordered_at);
    world.order(id, event);
    grant.lines[0].store = store(sellers[0]);
    let lamp = PricedLine {
        line_id: line_id("2"),
        unit_price: euros(500),
        kind: ItemKind::Physical,
        store: store(sellers[1]),
    };
    grant.lines.push(lamp);
    grant.total = euros(1_500);
    world.order(id, grant);
}

fn confirm(world: &mut World, id: &str) {
    let (payment_id, provider_reference) = (PaymentId::parse("pay-1").expect("an id"), "ref-1".to_owned());
    world.order(id, PaymentAuthorized { payment_id, amount: euros(1_500), provider_reference });
    world.order(id, OrderSubmitted { effect: None });
    world.order(id, OrderConfirmed { attempt: 1 });
}

fn cancel(world: &mut World, id: &str, line: &str, units: u32) {
    let lines = vec![LineQuantity { line_id: line_id(line), quantity: Quantity::new(units).expect("a quantity") }];
    let reason = Some("sold out".to_owned());
    world.order(id, LinesCancelled { effect: Some(effect("c")), lines, sub_orders: Vec::new(), reason });
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["orders"].as_array().expect("orders").iter().map(|order| order["orderId"].as_str().expect("an id")).collect()
}

fn lines(order: &Value) -> Vec<&str> {
    order["lines"].as_array().expect("lines").iter().map(|line| line["lineId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn a_store_sees_its_own_lines_and_nothing_of_others() {
    let mut world = World::new();
    order(&mut world, "o-1", ["acme", "globex"]);
    confirm(&mut world, "o-1");
    cancel(&mut world, "o-1", "2", 1);
    world.fold().await;
    let acme = world.get("/v1/orders/o-1", ACME).await;
    assert_eq!((lines(&acme), &acme["lines"][0]["store"]), (vec!["1"], &json!("acme")));
    assert_eq!((&acme["status"], &acme["total"]["amount"]), (&json!("confirmed"), &json!(1_000)));
    let globex = world.get("/v1/orders/o-1", GLOBEX).await;
    assert_eq!((lines(&globex), &globex["lines"][0]["cancelled"]), (vec!["2"], &json!(1)));
    assert_eq!((&globex["status"], &globex["total"]["amount"]), (&json!("cancelled"), &json!(500)));
    let shopper = world.subject("alice");
    for (seen, others) in [(&acme, ["globex", "lamp", "sold out"]), (&globex, ["acme", "mug", "\"1\""])] {
        let text = seen.to_string();
        for secret in others.into_iter().chain([shopper.as_str(), "pay-1", "ref-1", "payment_authorized"]) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(
            (&seen["payments"], &seen["shippingAddress"], seen.get("shopper")),
            (&json!([]), &Value::Null, None)
        );
    }
    // Whose it is sees all of it, and so does who runs the shop.
    for caller in [(Role::Shopper, "alice"), (Role::Service, "erp")] {
        let whole = world.get("/v1/orders/o-1", Some(caller)).await;
        assert_eq!((lines(&whole), &whole["total"]["amount"]), (vec!["1", "2"], &json!(1_500)));
    }
}

#[tokio::test]
async fn an_order_without_its_lines_is_not_found() {
    let mut world = World::new();
    order(&mut world, "o-1", ["acme", "acme"]);
    let event = placed(&world, "alice", world.time);
    world.order("o-held", event);
    world.fold().await;
    for caller in [GLOBEX, Some((Role::Supplier, "acme")), Some((Role::Shopper, "acme"))] {
        let hidden = world.refused("/v1/orders/o-1", caller, 404, "order_not_found").await;
        let nothing = world.refused("/v1/orders/o-9", caller, 404, "order_not_found").await;
        assert_eq!(hidden["detail"], nothing["detail"]);
    }
    world.refused("/v1/orders/o-held", ACME, 404, "order_not_found").await;
}

#[tokio::test]
async fn what_a_store_has_placed_it_sees_whole() {
    let mut world = World::new();
    let mut event = placed(&world, "alice", world.time);
    event.owner.placed_by = Caller { store: store("acme"), ..world.caller(Role::Store, "acme") };
    let mut grant = granted(event.ordered_at);
    grant.lines[0].store = store("acme");
    world.order("o-1", event);
    world.order("o-1", grant);
    world.fold().await;
    let whole = world.get("/v1/orders/o-1", ACME).await;
    assert_eq!(whole["shopper"], world.subject("alice").as_str());
    assert_eq!(ids(&world.get("/v1/orders", ACME).await), ["o-1"], "it is listed once");
}

#[tokio::test]
async fn a_store_lists_the_orders_of_its_items_newest_first() {
    let mut world = World::new();
    order(&mut world, "o-1", ["acme", "globex"]);
    order(&mut world, "o-2", ["globex", "globex"]);
    order(&mut world, "o-3", ["globex", "acme"]);
    confirm(&mut world, "o-3");
    cancel(&mut world, "o-3", "2", 1);
    world.fold().await;
    let all = world.get("/v1/orders", ACME).await;
    assert_eq!(ids(&all), ["o-3", "o-1"]);
    assert_eq!((lines(&all["orders"][0]), lines(&all["orders"][1])), (vec!["2"], vec!["1"]));
    assert_eq!(all["orders"][1]["total"]["amount"], 1_000);
    assert!(!all.to_string().contains("globex"), "{all}");
    assert_eq!(ids(&world.get("/v1/orders", GLOBEX).await), ["o-3", "o-2", "o-1"]);
    let page = world.get("/v1/orders?limit=1", ACME).await;
    let cursor = page["nextCursor"].as_str().expect("another page");
    assert_eq!(ids(&world.get(&format!("/v1/orders?limit=1&cursor={cursor}"), ACME).await), ["o-1"]);
    // The status is that of the store's own lines.
    assert_eq!(ids(&world.get("/v1/orders?status=cancelled", ACME).await), ["o-3"]);
    assert_eq!(ids(&world.get("/v1/orders?status=confirmed", ACME).await), Vec::<&str>::new());
    assert_eq!(ids(&world.get("/v1/orders?status=confirmed", GLOBEX).await), ["o-3"]);
    world.refused(&format!("/v1/orders?limit=1&cursor={cursor}"), GLOBEX, 400, "invalid_cursor").await;
}
