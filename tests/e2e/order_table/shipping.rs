//! From a confirmed order to what is with the customer.

use super::stage::{GOOD_CARD, Stage, lines, refused};
use crate::e2e::patience::until;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

pub async fn a_confirmed_order_is_planned_allocated_shipped_and_delivered(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.external("o", &[("tea", 3)]).await;
    s.allocated("o", 3).await;
    let told = s.told("o").await;
    let at = told.iter().position(|kind| kind == "shipments-due").expect("it is due");
    assert_eq!(told[at..], ["shipments-due", "sub-orders-planned", "sub-order-allocated"]);
    let plan = &s.events("o", "sub-orders-planned").await[0];
    assert_eq!((&plan["subOrders"][0]["location"], &plan["inputs"]["offers"][0]["units"]), (&json!("main"), &json!(5)));
    assert_eq!(refused(&s.ship("o", "many", lines(&[("tea", 4)])).await), (409, "not_that_many_allocated"));
    let part = s.ship("o", "part", lines(&[("tea", 1)])).await;
    assert_eq!((&part.body["status"], &part.body["lines"][0]["shipped"]), (&json!("confirmed"), &json!(1)));
    // What left is off the shelf; what is allocated is not for sale.
    s.stock("tea", [2, 4, 0, 2]).await;
    for _ in 0..2 {
        assert_eq!(s.ship("o", "rest", Value::Null).await.body["status"], "shipped");
    }
    assert_eq!(refused(&s.ship("o", "more", Value::Null).await), (409, "nothing_to_ship"));
    assert_eq!(s.deliver("o").await.body["status"], "delivered");
    assert_eq!(
        (s.events("o", "shipment-shipped").await.len(), s.events("o", "shipments-delivered").await.len()),
        (2, 1)
    );
    s.stock("tea", [2, 2, 0, 0]).await;
}

pub async fn digital_lines_are_delivered_at_confirmation(s: &Stage<'_>) {
    s.list("ebook", "digital", &super::stage::eur(300)).await;
    s.item("tea", 500, &[("main", 5)]).await;
    assert_eq!(s.bought("digital", &[("ebook", 1)]).await.body["status"], "delivered");
    let shown = s.comes_to("digital", |order| order["status"] == "delivered").await;
    assert_eq!(shown["lines"][0]["shipped"], 1, "{shown}");
    assert_eq!(refused(&s.cancel("digital", "c", &[]).await), (409, "already_shipped"));
    let back = json!({"lines": lines(&[("ebook", 1)]), "reason": "read it"});
    assert_eq!(refused(&s.act("digital", "returns", "t", back).await), (422, "not_returnable"));
    // Of a mixed one only what ships is open.
    s.bought("mixed", &[("ebook", 1), ("tea", 2)]).await;
    assert_eq!(s.events("mixed", "digital-delivered").await[0]["lineIds"], json!(["ebook"]));
    assert_eq!(s.cancel("mixed", "c", &[]).await.body["status"], "delivered");
    let shown = s.comes_to("mixed", |order| order["payments"][0]["refunded"] == 1_000).await;
    assert_eq!(shown["payments"][0]["captured"], 1_300);
    s.stock("tea", [5, 5, 0, 0]).await;
}

/// Waits until units were taken from an order so often; what is gone is backordered, and comes from elsewhere once it is there.
async fn taken(s: &Stage<'_>, times: usize, location: &str) {
    let wanted = format!("units taken away {times} times");
    until(&wanted, || s.events("o", "sub-order-deallocated"), |lost| lost.len() == times).await;
    s.allocated("o", 4).await;
    s.receive("tea", location, 2).await;
    s.allocated("o", 6).await;
}

/// A count, or a move to another bucket, takes away what was allocated; a transfer does not.
pub async fn units_that_are_taken_away_are_planned_again(s: &Stage<'_>) {
    s.item("tea", 500, &[("a", 6)]).await;
    s.external("o", &[("tea", 6)]).await;
    s.allocated("o", 6).await;
    let path = format!("/v1/items/{}/moves", s.id("tea"));
    let sent = json!({"location": "a", "from": "sellable", "to": "sellable", "toLocation": "d", "quantity": 1,
        "reason": "elsewhere", "reference": "r"});
    assert_eq!(refused(&s.post("operator", "sent", &path, sent).await), (409, "insufficient_at_location"));
    s.count("tea", "a", 4).await;
    taken(s, 1, "b").await;
    let broken = json!({"location": "a", "from": "sellable", "to": "damaged", "quantity": 2, "reason": "broken",
        "reference": "r"});
    assert!(s.post("operator", "broken", &path, broken).await.status.is_success());
    taken(s, 2, "c").await;
    assert_eq!(refused(&s.ship("o", "none", Value::Null).await), (422, "sub_order_required"));
    let parts = s.shown("o").await["subOrders"].as_array().cloned().expect("parts");
    let can_ship = parts.iter().filter(|part| part["lines"][0]["allocated"].as_u64() > Some(0));
    for id in can_ship.map(|part| part["subOrderId"].as_str().expect("an id")) {
        let body = json!({"shipmentId": s.id(&format!("k{id}")), "subOrderId": id});
        let shipped = s.act("o", "shipments", "", body).await;
        assert!(shipped.status.is_success(), "{shipped:?}");
    }
    s.comes_to("o", |order| order["status"] == "shipped").await;
    // Two are damaged.
    s.stock("tea", [0, 2, 0, 0]).await;
}

/// Counts move the only unit from here to there and back, faster than it can be allocated.
async fn chase(s: &Stage<'_>, stop: &AtomicBool) {
    let places = ["a", "b"];
    let mut at = 0;
    while !stop.load(Ordering::Relaxed) {
        s.receive("tea", places[1 - at], 1).await;
        s.count("tea", places[at], 0).await;
        at = 1 - at;
    }
}

/// Waits until a unit was planned three times in a row and not got: taken away or refused, refused, and refused again.
async fn lost_three_times(s: &Stage<'_>) {
    let begun = Instant::now();
    let rounds =
        ["allocation-refused", "shipments-due", "sub-orders-planned", "allocation-refused", "shipments-backordered"];
    while begun.elapsed() < Duration::from_secs(300) {
        let log = s.log("o").await;
        let is_third = |window: &[(String, Value)]| {
            window.iter().map(|(kind, _)| kind).eq(rounds.iter()) && window[1].1["refusals"] == 2
        };
        if log.windows(rounds.len()).any(is_third) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never refused until it waits: {:?}", s.told("o").await);
}

pub async fn an_allocation_that_loses_the_race_is_planned_again_and_after_three_waits_for_stock(s: &Stage<'_>) {
    s.item("tea", 500, &[("a", 1)]).await;
    let stop = AtomicBool::new(false);
    let raced = async {
        s.external("o", &[("tea", 1)]).await;
        lost_three_times(s).await;
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(chase(s, &stop), raced);
    // It stands still, and more comes: the order gets its unit.
    s.receive("tea", "c", 1).await;
    s.allocated("o", 1).await;
    assert_eq!(s.ship("o", "k", Value::Null).await.body["status"], "shipped");
    s.stock("tea", [1, 1, 0, 0]).await;
}

/// What one warehouse forwards another one ships on: only where parcels are joined.
pub async fn a_joined_parcel_is_forwarded_received_and_shipped_on(s: &Stage<'_>) {
    s.item("tea", 500, &[("hub", 3), ("spoke", 2)]).await;
    s.external("o", &[("tea", 5)]).await;
    let shown = s.allocated("o", 5).await;
    let part = |at: &str| {
        let mut parts = shown["subOrders"].as_array().into_iter().flatten();
        parts.find(|part| part["location"] == at).unwrap_or_else(|| panic!("no part at {at}: {shown}")).clone()
    };
    assert_eq!(part("spoke")["parent"], part("hub")["subOrderId"]);
    let (hub, spoke) = (part("hub")["subOrderId"].clone(), part("spoke")["subOrderId"].clone());
    let sent = s.act("o", "shipments", "", json!({"shipmentId": s.id("f"), "subOrderId": spoke})).await;
    assert_eq!((&sent.body["status"], &sent.body["lines"][0]["shipped"]), (&json!("confirmed"), &json!(0)));
    // Two of five are on the way: one of them is cancelled, and free where it arrives.
    assert_eq!(s.cancel("o", "c", &[("tea", 4)]).await.body["status"], "confirmed");
    let arrive = format!("shipments/{}/receive", s.id("f"));
    for _ in 0..2 {
        assert!(s.act("o", &arrive, "arrival", json!({})).await.status.is_success());
    }
    s.allocated("o", 1).await;
    let shipped = s.act("o", "shipments", "", json!({"shipmentId": s.id("k"), "subOrderId": hub})).await;
    assert_eq!(shipped.body["status"], "shipped", "{shipped:?}");
    let of = async |kind: &str| s.events("o", kind).await.len();
    assert_eq!((of("shipment-forwarded").await, of("forward-received").await), (1, 1));
    s.stock("tea", [4, 4, 0, 0]).await;
}

/// Of what is paid here a part ships, and the rest is given back: three of five ship, exactly two return.
pub async fn a_part_ships_and_the_rest_is_cancelled(s: &Stage<'_>) {
    s.item("tea", 500, &[("main", 5)]).await;
    s.begun("o", &[("tea", 5)]).await;
    assert_eq!(s.pay("o", "p", GOOD_CARD).await.body["status"], "authorized");
    assert_eq!(s.submit("o").await.body["status"], "confirmed");
    s.allocated("o", 5).await;
    assert_eq!(s.ship("o", "k", lines(&[("tea", 3)])).await.body["status"], "confirmed");
    for key in ["c", "c"] {
        let cancelled = s.cancel("o", key, &[]).await;
        assert_eq!(
            (&cancelled.body["status"], &cancelled.body["lines"][0]["cancelled"]),
            (&json!("shipped"), &json!(2))
        );
    }
    s.stock("tea", [2, 2, 0, 0]).await;
    let shown = s.comes_to("o", |order| super::stage::sums(order) == [2_500, 2_500, 1_000]).await;
    assert_eq!(shown["status"], "shipped");
}
