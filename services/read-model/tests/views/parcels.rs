//! Sub-orders, shipments and returns in an order's row.

use super::order::{confirmed, line_id, row};
use crate::shop::{BEGIN_MS, Shop, effect, item_id, quantity};
use read_model::views::order::{OrderRow, SubOrderStatus};
use schemas::{
    CommandId, LocationId, ReturnId, ShipmentId, SubOrderId, Timestamp,
    item::{Bucket, ItemKind, ItemRejection},
    order::{
        AllocationRefused, DueLine, ForwardReceived, LineQuantity, LinesCancelled, OrderStatus, PlanInputs,
        PlannedSubOrder, ReturnReceived, ReturnRequested, ReturnWindowClosed, ShipmentForwarded, ShipmentShipped,
        ShipmentsBackordered, ShipmentsDelivered, ShipmentsDue, SubOrderAllocated, SubOrderDeallocated, SubOrderLine,
        SubOrdersPlanned,
    },
};

pub fn sub(id: &str) -> SubOrderId {
    SubOrderId::parse(id).expect("an id")
}

pub fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

fn shipment(id: &str) -> ShipmentId {
    ShipmentId::parse(id).expect("an id")
}

pub fn units(lines: &[(&str, u32)]) -> Vec<LineQuantity> {
    lines.iter().map(|(id, units)| LineQuantity { line_id: line_id(id), quantity: quantity(*units) }).collect()
}

pub fn due(lines: &[(&str, &str, u32)]) -> Vec<DueLine> {
    let line = |(id, item, units): &(&str, &str, u32)| DueLine {
        line_id: line_id(id),
        item_id: item_id(item),
        quantity: quantity(*units),
    };
    lines.iter().map(line).collect()
}

fn hour(n: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN_MS + n * 3_600_000)
}

/// A part, its warehouse, parent and lines, and the hour of its arrival.
pub type Part<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, u32)], Option<i64>);

pub fn planned(parts: &[Part<'_>]) -> SubOrdersPlanned {
    let part = |(id, at, parent, lines, arrival): &Part<'_>| PlannedSubOrder {
        sub_order_id: sub(id),
        parent: parent.map(sub),
        location: location(at),
        lines: units(lines),
        arrival_at: arrival.map(hour),
    };
    let sub_orders = parts.iter().map(part).collect();
    SubOrdersPlanned { effect: effect("plan"), revision: 1, sub_orders, inputs: PlanInputs::default() }
}

pub fn allocated(of: &str, item: &str) -> SubOrderAllocated {
    SubOrderAllocated { sub_order: sub(of), item_id: item_id(item) }
}

pub fn shipped(id: &str, of: &str, at: &str, lines: &[(&str, u32)]) -> ShipmentShipped {
    let (sub_order, location) = (sub(of), location(at));
    ShipmentShipped { effect: effect(id), sub_order, location, lines: units(lines), arrival_at: None }
}

pub fn delivered(id: &str, shipments: &[&str]) -> ShipmentsDelivered {
    ShipmentsDelivered { effect: effect(id), shipments: shipments.iter().map(|id| shipment(id)).collect() }
}

/// A confirmed order of two of `a` and one of `b`, of which all is due.
fn shop() -> Shop {
    let mut shop = confirmed([ItemKind::Physical; 2]);
    let lines = due(&[("l-a", "a", 2), ("l-b", "b", 1)]);
    shop.order("o-1", ShipmentsDue { revision: 1, lines, gone: Vec::new(), refusals: 0 });
    shop
}

fn statuses(row: &OrderRow) -> Vec<&'static str> {
    row.sub_orders.iter().map(|sub_order| row.status_of(sub_order).as_str()).collect()
}

fn parts(row: &OrderRow, sub_order: usize) -> Vec<[u32; 4]> {
    let parts = row.sub_orders[sub_order].lines.iter();
    parts.map(|part| [part.planned, part.allocated, part.forwarded, part.shipped]).collect()
}

#[test]
fn goes_from_due_to_delivered() {
    let mut shop = shop();
    assert_eq!((row(&shop).due.len(), row(&shop).backordered, row(&shop).arrival_at()), (2, false, None));
    let parts_of: [Part<'_>; 2] =
        [("s1", "w1", None, &[("l-a", 2)], Some(9)), ("s2", "w2", None, &[("l-b", 1)], Some(5))];
    shop.order("o-1", planned(&parts_of));
    assert_eq!((statuses(&row(&shop)), row(&shop).due), (vec!["planned", "planned"], Vec::new()));
    assert_eq!(row(&shop).arrival_at(), Some(hour(9)));
    shop.order("o-1", allocated("s1", "a"));
    shop.order("o-1", shipped("k1", "s1", "w1", &[("l-a", 1)]));
    assert_eq!((statuses(&row(&shop)), parts(&row(&shop), 0)), (vec!["allocated", "planned"], vec![[0, 1, 0, 1]]));
    shop.order("o-1", shipped("k2", "s1", "w1", &[("l-a", 1)]));
    shop.order("o-1", delivered("d1", &["k1"]));
    assert_eq!((statuses(&row(&shop))[0], row(&shop).status), ("shipped", OrderStatus::Confirmed));
    shop.order("o-1", allocated("s2", "b"));
    shop.order("o-1", shipped("k3", "s2", "w2", &[("l-b", 1)]));
    assert_eq!(row(&shop).status, OrderStatus::Shipped);
    shop.order("o-1", delivered("d2", &["k2"]));
    assert_eq!((statuses(&row(&shop)), row(&shop).arrival_at()), (vec!["delivered", "shipped"], Some(hour(5))));
    shop.order("o-1", delivered("d3", &["k3"]));
    assert_eq!((statuses(&row(&shop)), row(&shop).status), (vec!["delivered"; 2], OrderStatus::Delivered));
    assert_eq!(row(&shop).arrival_at(), row(&shop).sub_orders[1].shipments[0].arrived_at);
    assert_eq!(row(&shop).line(&line_id("l-a")).map(|line| line.shipped), Some(2));
}

#[test]
fn what_is_refused_or_given_up_leaves_and_what_nobody_has_waits() {
    let mut shop = shop();
    shop.order("o-1", planned(&[("s1", "w1", None, &[("l-a", 2), ("l-b", 1)], Some(1))]));
    let refusal = ItemRejection::InsufficientAtLocation { location: location("w1"), asked: 2, available: 1 };
    let (sub_order, lines) = (sub("s1"), units(&[("l-a", 2)]));
    shop.order("o-1", AllocationRefused { sub_order, item_id: item_id("a"), refusal, lines });
    let told = row(&shop).history.last().cloned().expect("it is told");
    assert_eq!(
        (told.what.as_str(), told.reason),
        ("allocation_refused", None),
        "how much lies where is no buyer's to know"
    );
    shop.order("o-1", allocated("s1", "b"));
    let cause = CommandId::parse("c1").expect("an id");
    let (sub_order, lines) = (sub("s1"), units(&[("l-b", 1)]));
    shop.order("o-1", SubOrderDeallocated { cause, sub_order, item_id: item_id("b"), lines });
    assert_eq!((statuses(&row(&shop)), parts(&row(&shop), 0)), (vec!["cancelled"], vec![[0; 4]; 2]));
    let lines = due(&[("l-a", "a", 2), ("l-b", "b", 1)]);
    shop.order("o-1", ShipmentsBackordered { revision: 2, lines, gone: Vec::new() });
    let row = row(&shop);
    assert_eq!((row.backordered, row.due, row.sub_orders.len()), (true, units(&[("l-a", 2), ("l-b", 1)]), 1));
}

#[test]
fn what_is_forwarded_joins_the_parent_as_far_as_it_is_ordered() {
    let mut shop = shop();
    let parts_of: [Part<'_>; 2] = [("s1", "w1", None, &[], Some(9)), ("s2", "w2", Some("s1"), &[("l-a", 2)], None)];
    shop.order("o-1", planned(&parts_of));
    shop.order("o-1", allocated("s2", "a"));
    assert_eq!(statuses(&row(&shop)), ["planned", "allocated"]);
    shop.order(
        "o-1",
        ShipmentForwarded {
            effect: effect("k1"),
            sub_order: sub("s2"),
            parent: sub("s1"),
            location: location("w2"),
            to_location: location("w1"),
            lines: units(&[("l-a", 2)]),
        },
    );
    assert_eq!((statuses(&row(&shop)), parts(&row(&shop), 1)), (vec!["planned", "forwarded"], vec![[0, 0, 2, 2]]));
    let taken = SubOrderLine { sub_order: sub("s2"), line_id: line_id("l-a"), quantity: quantity(1) };
    let lines = units(&[("l-a", 1)]);
    shop.order("o-1", LinesCancelled { effect: None, lines, sub_orders: vec![taken], reason: None });
    let (shipment, lines) = (shipment("k1"), units(&[("l-a", 1)]));
    shop.order("o-1", ForwardReceived { effect: effect("r1"), shipment, lines });
    assert_eq!(statuses(&row(&shop)), ["allocated", "received"]);
    assert_eq!((parts(&row(&shop), 0), parts(&row(&shop), 1)), (vec![[0, 1, 0, 0]], vec![[0, 0, 0, 2]]));
}

#[test]
fn a_return_counts_what_has_come() {
    let mut shop = shop();
    shop.order("o-1", planned(&[("s1", "w1", None, &[("l-a", 2), ("l-b", 1)], None)]));
    shop.order("o-1", allocated("s1", "a"));
    shop.order("o-1", shipped("k1", "s1", "w1", &[("l-a", 2)]));
    let return_id = ReturnId::parse("r-1").expect("an id");
    shop.order(
        "o-1",
        ReturnRequested {
            effect: effect("r-1"),
            return_id: return_id.clone(),
            lines: units(&[("l-a", 2)]),
            reason: "too small".to_owned(),
            metadata: schemas::Metadata::default(),
        },
    );
    shop.order(
        "o-1",
        ReturnReceived {
            effect: effect("q1"),
            return_id,
            location: location("w1"),
            condition: Bucket::Damaged,
            lines: units(&[("l-a", 1)]),
        },
    );
    shop.order("o-1", ReturnWindowClosed {});
    let row = row(&shop);
    assert_eq!((row.returns[0].lines[0].quantity, row.returns[0].lines[0].received), (2, 1));
    assert_eq!(row.returns[0].receipts[0].condition, Bucket::Damaged);
    assert_eq!(row.line(&line_id("l-a")).map(|line| line.returned), Some(1));
    assert!(row.return_window_closed);
    let last: Vec<&str> = row.history.iter().rev().take(3).map(|entry| entry.what.as_str()).collect();
    assert_eq!(last, ["return_window_closed", "return_received", "return_requested"]);
    let received = &row.history[row.history.len() - 2];
    assert_eq!((received.return_id.as_ref(), received.lines.len()), (Some(&row.returns[0].return_id), 1));
}

#[test]
fn every_status_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<&str> = SubOrderStatus::ALL.into_iter().map(SubOrderStatus::as_str).collect();
    assert_eq!(words.len(), SubOrderStatus::ALL.len());
}
