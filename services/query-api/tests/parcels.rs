//! Sub-orders, shipments and returns: in an order, and in the list of a warehouse.

use crate::{
    orders::{effect, granted, placed},
    world::*,
};
use keys::KeyStore as _;
use schemas::{
    LineId, LocationId, PaymentId, Quantity, Role, SubOrderId,
    order::{
        Address, DueLine, LineQuantity, OrderConfirmed, OrderSubmitted, PaymentStarted, PlanInputs, PlannedSubOrder,
        ShipmentForwarded, ShipmentShipped, ShipmentsBackordered, ShipmentsDelivered, SubOrderAllocated,
        SubOrdersPlanned,
    },
};
use serde_json::{Value, json};

fn sub(id: &str) -> SubOrderId {
    SubOrderId::parse(id).expect("an id")
}

fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

fn units(count: u32) -> Vec<LineQuantity> {
    let (line_id, quantity) = (LineId::parse("1").expect("an id"), Quantity::new(count).expect("a quantity"));
    vec![LineQuantity { line_id, quantity }]
}

/// Alice's confirmed order of two mugs: one ships from `main` as `a`, one is backordered.
async fn world() -> World {
    let mut world = World::new();
    let event = placed(&world, "alice", world.time);
    world.order("o-1", event);
    let address = Address {
        name: "Alice".to_owned(),
        lines: vec!["1 High Street".to_owned()],
        city: "Leeds".to_owned(),
        postal_code: None,
        region: None,
        country: "GB".to_owned(),
        phone: None,
        coordinates: None,
    };
    let sealed = keys::seal(&*world.keys, &world.subject("alice"), &address).await.expect("seals");
    let event = granted(world.time);
    world.order("o-1", event);
    world.order(
        "o-1",
        PaymentStarted {
            effect: effect("pay"),
            payment_id: PaymentId::parse("p-1").expect("an id"),
            amount: euros(1_000),
            method_token: "tok_1".to_owned(),
            shipping_address: Some(sealed),
        },
    );
    world.order("o-1", OrderSubmitted { effect: None });
    world.order("o-1", OrderConfirmed { attempt: 1 });
    plan(&mut world, "o-1", 1, vec![part("a", "main", None, 1)]);
    let line_id = LineId::parse("1").expect("an id");
    let due = DueLine { line_id, item_id: item_id("mug"), quantity: Quantity::new(1).expect("a quantity") };
    world.order("o-1", ShipmentsBackordered { revision: 2, lines: vec![due], gone: Vec::new() });
    world
}

fn part(id: &str, at: &str, parent: Option<&str>, count: u32) -> PlannedSubOrder {
    PlannedSubOrder {
        sub_order_id: sub(id),
        parent: parent.map(sub),
        location: location(at),
        lines: if count == 0 { Vec::new() } else { units(count) },
        arrival_at: Some(schemas::Timestamp::from_millis(START_MS).plus_seconds(86_400)),
    }
}

fn plan(world: &mut World, order: &str, revision: u32, sub_orders: Vec<PlannedSubOrder>) {
    let inputs = PlanInputs::default();
    world.order(order, SubOrdersPlanned { effect: effect("plan"), revision, sub_orders, inputs });
}

fn ids(answer: &Value) -> Vec<&str> {
    let entries = answer["orders"].as_array().expect("orders").iter();
    entries.map(|entry| entry["subOrderId"].as_str().expect("an id")).collect()
}

const MAIN: Option<(Role, &str)> = Some((Role::Warehouse, "main"));

#[tokio::test]
async fn an_order_tells_its_sub_orders_what_waits_and_when_it_arrives() {
    let mut world = world().await;
    world.fold().await;
    let alice = Some((Role::Shopper, "alice"));
    let order = world.get("/v1/orders/o-1", alice).await;
    assert_eq!(order["backordered"], json!([{"lineId": "1", "quantity": 1}]));
    assert_eq!(order["arrivalAt"], Value::Null, "nobody knows when the second comes");
    let part = &order["subOrders"][0];
    assert_eq!(
        (&part["subOrderId"], &part["location"], &part["status"]),
        (&json!("a"), &json!("main"), &json!("planned"))
    );
    plan(&mut world, "o-1", 2, vec![self::part("b", "york", None, 1)]);
    world.fold().await;
    let order = world.get("/v1/orders/o-1", alice).await;
    assert_eq!((&order["backordered"], &order["arrivalAt"]), (&json!([]), &json!("2026-01-02T00:00:00.000Z")));
    let list = world.get("/v1/orders", alice).await;
    assert_eq!(list["orders"][0]["arrivalAt"], order["arrivalAt"]);
}

#[tokio::test]
async fn a_warehouse_sees_its_own_sub_orders_with_the_address_until_they_are_delivered() {
    let mut world = world().await;
    world.order("o-1", SubOrderAllocated { sub_order: sub("a"), item_id: item_id("mug") });
    world.fold().await;
    let path = "/v1/warehouses/main/orders";
    let list = world.get(path, MAIN).await;
    let entry = &list["orders"][0];
    assert_eq!(
        (&entry["orderId"], &entry["subOrderId"], &entry["status"]),
        (&json!("o-1"), &json!("a"), &json!("allocated"))
    );
    assert_eq!((&entry["shippingAddress"]["city"], &entry["lines"][0]["itemId"]), (&json!("Leeds"), &json!("mug")));
    let (lines, arrival_at) = (units(1), None);
    world.order(
        "o-1",
        ShipmentShipped { effect: effect("k1"), sub_order: sub("a"), location: location("main"), lines, arrival_at },
    );
    world.fold().await;
    assert_eq!(ids(&world.get(&format!("{path}?status=allocated"), MAIN).await), Vec::<&str>::new());
    let shipped = world.get(&format!("{path}?status=shipped,planned"), MAIN).await;
    assert_eq!(shipped["orders"][0]["shippingAddress"]["city"], "Leeds");
    let shipments = vec![schemas::ShipmentId::parse("k1").expect("an id")];
    world.order("o-1", ShipmentsDelivered { effect: effect("d1"), shipments });
    world.fold().await;
    let delivered = world.get(&format!("{path}?status=delivered"), Some((Role::Operator, "o"))).await;
    assert_eq!(delivered["orders"][0]["shippingAddress"], Value::Null);
    assert!(delivered["orders"][0]["shipments"][0]["arrivedAt"].is_string());
}

#[tokio::test]
async fn an_address_is_not_shown_once_the_person_is_forgotten_nor_to_who_ships_to_a_warehouse() {
    let mut world = world().await;
    plan(&mut world, "o-1", 2, vec![part("b", "main", Some("a"), 1)]);
    world.fold().await;
    let list = world.get("/v1/warehouses/main/orders", MAIN).await;
    assert_eq!(ids(&list), ["b", "a"]);
    assert_eq!(list["orders"][0]["shippingAddress"], Value::Null);
    assert_eq!(list["orders"][1]["shippingAddress"]["name"], "Alice");
    world.keys.destroy(&world.subject("alice")).await.expect("forgets");
    let list = world.get("/v1/warehouses/main/orders", MAIN).await;
    assert_eq!(list["orders"][1]["shippingAddress"], Value::Null);
}

#[tokio::test]
async fn what_comes_to_be_shipped_on_is_told() {
    let mut world = world().await;
    plan(&mut world, "o-1", 2, vec![part("b", "york", Some("a"), 1)]);
    world.order("o-1", SubOrderAllocated { sub_order: sub("b"), item_id: item_id("mug") });
    world.order(
        "o-1",
        ShipmentForwarded {
            effect: effect("k1"),
            sub_order: sub("b"),
            parent: sub("a"),
            location: location("york"),
            to_location: location("main"),
            lines: units(1),
        },
    );
    world.fold().await;
    let list = world.get("/v1/warehouses/main/orders", MAIN).await;
    assert_eq!(list["orders"][0]["incoming"][0]["shipmentId"], "k1");
    let york = world.get("/v1/warehouses/york/orders?status=forwarded", Some((Role::Operator, "o"))).await;
    assert_eq!((ids(&york), &york["orders"][0]["parent"]), (vec!["b"], &json!("a")));
}

#[tokio::test]
async fn another_warehouse_sees_nothing_and_pages_go_on() {
    let mut world = world().await;
    plan(&mut world, "o-1", 2, vec![part("b", "main", None, 1)]);
    world.fold().await;
    let path = "/v1/warehouses/main/orders";
    world.refused("/v1/warehouses/york/orders", MAIN, 404, "warehouse_not_found").await;
    for role in [Role::Shopper, Role::Store, Role::Supplier, Role::Analyst] {
        world.refused(path, Some((role, "alice")), 403, "forbidden").await;
    }
    world.refused(path, None, 401, "unauthenticated").await;
    world.refused(&format!("{path}?status=lost"), MAIN, 400, "invalid_query").await;
    let first = world.get(&format!("{path}?limit=1"), MAIN).await;
    assert_eq!(ids(&first), ["b"]);
    let cursor = first["nextCursor"].as_str().expect("another page");
    let second = world.get(&format!("{path}?limit=1&cursor={cursor}"), MAIN).await;
    assert_eq!((ids(&second), &second["nextCursor"]), (vec!["a"], &Value::Null));
    world.refused(&format!("{path}?status=planned&cursor={cursor}"), MAIN, 400, "invalid_cursor").await;
}
