//! Sub-orders, shipments and deliveries over a real engine. Nobody plans here but the tests.

use super::harness::{Answer, Api};
use crate::Origin;
use read_model::views::{
    order::{self, OrderRow, SubOrderStatus},
    stock::{self, StockRow},
};
use schemas::{
    Caller, Command, CorrelationId, Digest, Effect, EffectId, ItemId, LineId, LocationId, OrderId, Quantity, Role,
    SubOrderId,
    order::{LineQuantity, OrderCommand, PlanInputs, PlanShipments, PlannedSubOrder},
};
use serde_json::{Value, json};
use std::time::Duration;

/// A line, and how many of its units.
pub type Units<'a> = (&'a str, u32);
/// A sub-order, where, its parent, and what it ships.
pub type Part<'a> = (&'a str, &'a str, Option<&'a str>, &'a [Units<'a>]);

/// Ten teapots at `main` and five at `north`.
pub async fn stocked() -> Api {
    let api = Api::start().await;
    api.list("teapot", 1_000).await;
    api.receive("teapot", 10).await;
    let receipt = json!({"receiptId": "north", "location": "north", "quantity": 5, "document": "note"});
    let call = api.call(Role::Operator, "op", "POST", "/v1/items/teapot/receipts").json(&receipt);
    call.send().await.expect(201);
    api
}

/// Ada's confirmed order of two lines of teapots, paid by card.
pub async fn confirmed(api: &Api, units: [u32; 2]) -> String {
    let [first, second] = units;
    let body = json!({"cart": [{"lineId": "l1", "itemId": "teapot", "quantity": first},
        {"lineId": "l2", "itemId": "teapot", "quantity": second}]});
    let post = |path: &str, key: &str| api.call(Role::Shopper, "ada", "POST", path).key(key);
    let begun = post("/v1/checkout?op=BEGIN", "begin").json(&body).send().await.expect(201);
    let order = begun["orderId"].as_str().expect("an id").to_owned();
    let card = json!({"number": "4242424242424242", "expiryMonth": 12, "expiryYear": 2030, "securityCode": "123"});
    let address = json!({"name": "Ada", "lines": ["12 Square"], "city": "London", "country": "GB"});
    let payment = json!({"paymentDetails": {"card": card}, "shippingAddress": address});
    post(&format!("/v1/orders/{order}/payments"), "pay").json(&payment).send().await.expect(200);
    let submitted = post(&format!("/v1/orders/{order}/submit"), "submit").json(&json!({})).send().await.expect(200);
    assert_eq!(submitted["status"], "confirmed");
    order
}

fn part(id: &str, at: &str, parent: Option<&str>, lines: &[Units<'_>]) -> PlannedSubOrder {
    let line = |(line, units): &Units<'_>| LineQuantity {
        line_id: LineId::parse(line).expect("an id"),
        quantity: Quantity::new(*units).expect("in range"),
    };
    PlannedSubOrder {
        sub_order_id: SubOrderId::parse(id).expect("an id"),
        parent: parent.map(|parent| SubOrderId::parse(parent).expect("an id")),
        location: LocationId::parse(at).expect("an id"),
        lines: lines.iter().map(line).collect(),
        arrival_at: None,
    }
}

/// Plans all that is due as the engine does, and waits until the items have answered.
pub async fn planned(api: &Api, order: &str, parts: &[Part<'_>]) {
    let command = OrderCommand::PlanShipments(PlanShipments {
        effect: Effect { id: EffectId::parse("plan-1").expect("an id"), digest: Digest::default() },
        revision: 1,
        sub_orders: parts.iter().map(|(id, at, parent, lines)| part(id, at, *parent, lines)).collect(),
        inputs: PlanInputs::default(),
    });
    let (correlation, wait) = (CorrelationId::parse("c").expect("an id"), Duration::from_secs(30));
    let origin = Origin { correlation, traceparent: None, wait };
    let order_id = OrderId::parse(order).expect("an id");
    let asked = api.submitter.ask(Caller::engine(), Command::Order { order: order_id, command }, origin).await;
    assert!(asked.is_ok(), "the plan fits");
    let allocated = |row: &OrderRow| {
        row.sub_orders.len() == parts.len()
            && row.sub_orders.iter().all(|sub_order| sub_order.lines.iter().all(|part| part.planned == 0))
    };
    until(api, order, allocated).await;
}

/// The order's row, once it is as it should be.
pub async fn until(api: &Api, order: &str, is: impl Fn(&OrderRow) -> bool) -> OrderRow {
    let id = OrderId::parse(order).expect("an id");
    let wait = async {
        loop {
            api.fold().await;
            let row = order::get(api.views(), &id).await.expect("it reads").expect("it is there");
            if is(&row) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it comes to be so")
}

/// The stock of the teapot, once it is as it should be.
pub async fn until_stock(api: &Api, is: impl Fn(&StockRow) -> bool) -> StockRow {
    let id = ItemId::parse("teapot").expect("an id");
    let wait = async {
        loop {
            api.fold().await;
            let row = stock::get(api.views(), &id).await.expect("it reads").expect("it is there");
            if is(&row) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it comes to be so")
}

pub async fn ship(api: &Api, at: &str, order: &str, body: Value) -> Answer {
    let path = format!("/v1/orders/{order}/shipments");
    api.call(Role::Warehouse, at, "POST", &path).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_five_ship_and_a_cancellation_gives_back_exactly_two() {
    let api = stocked().await;
    let order = confirmed(&api, [3, 2]).await;
    planned(&api, &order, &[("a", "main", None, &[("l1", 3), ("l2", 2)])]).await;
    let body = json!({"shipmentId": "k1", "lines": [{"lineId": "l1", "quantity": 3}]});
    let shipped = ship(&api, "main", &order, body.clone()).await.expect(201);
    assert_eq!((&shipped["status"], &shipped["lines"][0]["shipped"]), (&json!("confirmed"), &json!(3)));
    assert_eq!(ship(&api, "main", &order, body).await.expect(201), shipped, "the same shipment");
    let path = format!("/v1/orders/{order}/cancel");
    let cancel = |key: &str| api.call(Role::Shopper, "ada", "POST", &path).key(key).send();
    let cancelled = cancel("x1").await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["lines"][1]["cancelled"]), (&json!("shipped"), &json!(2)));
    assert_eq!(cancelled["payments"][0]["refundDue"], 2_000);
    cancel("x2").await.problem(409, "already_shipped");
    let row = until_stock(&api, |row| row.levels.on_hand == 12 && row.levels.available == 12).await;
    assert_eq!((row.levels.committed, row.levels.held), (0, 0));
    let row = until(&api, &order, |row| row.payments[0].refunded == 2_000).await;
    assert_eq!(row.payments[0].captured - row.payments[0].refunded, 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_warehouses_ship_and_deliver_what_is_theirs() {
    let api = stocked().await;
    let order = confirmed(&api, [3, 2]).await;
    let parts: &[Part<'_>] = &[("a", "main", None, &[("l1", 3)]), ("b", "north", None, &[("l2", 2)])];
    planned(&api, &order, parts).await;
    ship(&api, "west", &order, json!({"shipmentId": "k1"})).await.problem(404, "order_not_found");
    let other = json!({"shipmentId": "k1", "subOrderId": "b"});
    ship(&api, "main", &order, other).await.problem(404, "sub_order_not_found");
    let many = json!({"shipmentId": "k1", "lines": [{"lineId": "l1", "quantity": 4}]});
    let problem = ship(&api, "main", &order, many).await.problem(409, "not_that_many_allocated");
    assert_eq!(problem["allocated"], 3);
    let path = format!("/v1/orders/{order}/shipments");
    let call = api.call(Role::Operator, "op", "POST", &path).json(&json!({"shipmentId": "k1"}));
    call.send().await.problem(422, "sub_order_required");
    ship(&api, "main", &order, json!({"shipmentId": "k1"})).await.expect(201);
    // The same id of another warehouse is no repeat.
    ship(&api, "north", &order, json!({"shipmentId": "k1"})).await.problem(422, "idempotency_key_reused");
    let shipped = ship(&api, "north", &order, json!({"shipmentId": "k2"})).await.expect(201);
    assert_eq!(shipped["status"], "shipped");
    ship(&api, "north", &order, json!({"shipmentId": "k3"})).await.problem(409, "nothing_to_ship");
    assert_eq!(
        (&shipped["total"], &shipped["payments"]),
        (&json!(null), &json!([])),
        "what was paid is not its business"
    );
    assert!(shipped["lines"].as_array().expect("lines").iter().all(|line| line["unitPrice"].is_null()), "{shipped}");
    let path = format!("/v1/orders/{order}/deliveries");
    let deliver = |at: &str, key: &str| api.call(Role::Warehouse, at, "POST", &path).key(key).send();
    assert_eq!(deliver("main", "d1").await.expect(201)["status"], "shipped");
    assert_eq!(deliver("main", "d1").await.expect(201)["status"], "shipped");
    assert_eq!(deliver("north", "d1").await.expect(201)["status"], "delivered");
    api.call(Role::Shopper, "ada", "POST", &path).key("d2").send().await.problem(403, "forbidden");
    api.call(Role::Operator, "op", "POST", &path).send().await.problem(400, "idempotency_key_missing");
    let row = until_stock(&api, |row| row.levels.on_hand == 10).await;
    assert_eq!((row.levels.available, row.levels.committed), (10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_warehouse_forwards_another_ships_on() {
    let api = stocked().await;
    let order = confirmed(&api, [3, 2]).await;
    let parts: &[Part<'_>] = &[("a", "main", None, &[("l1", 3)]), ("b", "north", Some("a"), &[("l2", 2)])];
    planned(&api, &order, parts).await;
    let forwarded = ship(&api, "north", &order, json!({"shipmentId": "k1"})).await.expect(201);
    assert_eq!((&forwarded["status"], &forwarded["lines"][1]["shipped"]), (&json!("confirmed"), &json!(0)));
    let path = format!("/v1/orders/{order}/shipments/k1/receive");
    let receive = |at: &str| api.call(Role::Warehouse, at, "POST", &path).key("r1").send();
    receive("north").await.problem(404, "shipment_not_found");
    receive("west").await.problem(404, "order_not_found");
    receive("main").await.expect(201);
    receive("main").await.expect(201);
    let row = until(&api, &order, |row| row.sub_orders[1].shipments[0].arrived_at.is_some()).await;
    assert_eq!(row.status_of(&row.sub_orders[1]), SubOrderStatus::Received);
    let shipped = ship(&api, "main", &order, json!({"shipmentId": "k2"})).await.expect(201);
    assert_eq!((&shipped["status"], &shipped["lines"][1]["shipped"]), (&json!("shipped"), &json!(2)));
    let row = until_stock(&api, |row| row.levels.on_hand == 10).await;
    assert_eq!((row.levels.available, row.levels.committed), (10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_shipment_are_told() {
    let api = stocked().await;
    let order = confirmed(&api, [1, 1]).await;
    let wrong = ship(&api, "main", &order, json!({"lines": [], "subOrderId": "a b", "extra": 1})).await;
    wrong.problem(400, "invalid_body");
    let pointers = wrong.pointers();
    for expected in ["/shipmentId", "/lines", "/subOrderId", "/extra"] {
        assert!(pointers.iter().any(|found| found == expected), "{expected}: {}", wrong.text);
    }
}
