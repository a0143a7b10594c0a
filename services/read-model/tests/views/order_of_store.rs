//! What a store sees of an order of its items and of others'.

use super::{
    order::{authorized, cancelled, granted, line_id, placed, refund, row, started},
    parcels::{Part, allocated, delivered, due, location, planned, shipped, units},
};
use crate::shop::{Shop, effect, euros};
use read_model::views::order::OrderRow;
use schemas::{
    AdjustmentId, Metadata, ReturnId, StoreId,
    item::{Bucket, ItemKind},
    order::{
        Adjustment, AdjustmentKind, LinesCancelled, OrderConfirmed, OrderStatus, OrderSubmitted, ReturnReceived,
        ReturnRequested, ShipmentsDue,
    },
};

fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn seen(shop: &Shop, by: &str) -> OrderRow {
    row(shop).of_store(&store(by)).expect("it sells a line")
}

fn adjustment(id: &str, of: Option<&str>, amount: i64, included: bool) -> Adjustment {
    Adjustment {
        adjustment_id: AdjustmentId::parse(id).expect("an id"),
        kind: AdjustmentKind::Fee,
        line_id: of.map(line_id),
        amount: euros(amount),
        included,
        label: "a label".to_owned(),
    }
}

/// A paid order of two of acme's `a` and one of globex's `b`, of which all is due.
fn shop() -> Shop {
    let mut shop = Shop::open();
    let mut order = placed();
    order.adjustments = vec![
        adjustment("f-a", Some("l-a"), 7, false),
        adjustment("f-b", Some("l-b"), 9, false),
        adjustment("f", None, 5, false),
    ];
    order.metadata = Metadata::new([("note".to_owned(), "for globex".to_owned())].into()).expect("pairs");
    shop.order("o-1", order);
    let mut grant = granted([ItemKind::Physical; 2]);
    (grant.lines[0].store, grant.lines[1].store) = (Some(store("acme")), Some(store("globex")));
    grant.total = euros(321);
    shop.order("o-1", grant);
    shop.order("o-1", started());
    shop.order("o-1", authorized());
    shop.order("o-1", OrderSubmitted { effect: None });
    shop.order("o-1", OrderConfirmed { attempt: 1 });
    let lines = due(&[("l-a", "a", 2), ("l-b", "b", 1)]);
    shop.order("o-1", ShipmentsDue { revision: 1, lines, gone: Vec::new(), refusals: 0 });
    shop
}

fn kinds(row: &OrderRow) -> Vec<&str> {
    row.history.iter().map(|entry| entry.what.as_str()).collect()
}

#[test]
fn a_store_sees_its_own_lines_with_their_own_adjustments_and_their_sum() {
    let shop = shop();
    let acme = seen(&shop, "acme");
    assert_eq!(acme.lines.iter().map(|line| line.item_id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(acme.adjustments, [adjustment("f-a", Some("l-a"), 7, false)]);
    assert_eq!((acme.total, seen(&shop, "globex").total), (Some(euros(207)), Some(euros(109))));
    assert_eq!(acme.due, units(&[("l-a", 2)]));
    assert!(row(&shop).of_store(&store("initech")).is_none());
}

#[test]
fn an_included_adjustment_is_shown_and_not_added() {
    let mut shop = Shop::open();
    let mut order = placed();
    order.adjustments = vec![adjustment("vat", Some("l-a"), 32, true)];
    shop.order("o-1", order);
    let mut grant = granted([ItemKind::Physical; 2]);
    grant.lines[0].store = Some(store("acme"));
    shop.order("o-1", grant);
    let acme = seen(&shop, "acme");
    assert_eq!((acme.adjustments.len(), acme.total, acme.status), (1, Some(euros(200)), OrderStatus::AwaitingPayment));
}

#[test]
fn nothing_of_the_buyer_and_of_the_money_is_told() {
    let mut shop = shop();
    let (refund_due, settled) = refund(100);
    shop.order("o-1", cancelled("l-b", 1));
    shop.order("o-1", refund_due);
    shop.order("o-1", settled);
    let acme = seen(&shop, "acme");
    assert!(acme.owner.is_none() && acme.shipping_address.is_none() && acme.payments.is_empty());
    let text = serde_json::to_string(&acme).expect("a row is JSON");
    for secret in ["alice", "pay-1", "ref-1", "operator:op", "l-b", "for globex", "globex", "f-b", "refund", "payment_"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(kinds(&acme), ["order_placed", "holds_granted", "order_submitted", "order_confirmed", "shipments_due"]);
    assert!(acme.history.iter().all(|entry| entry.actor == "operator"));
}

#[test]
fn each_sees_how_far_its_own_lines_are() {
    let mut shop = shop();
    let parts: [Part<'_>; 2] =
        [("s1", "w1", None, &[("l-a", 2), ("l-b", 1)], None), ("s2", "w2", None, &[("l-b", 1)], None)];
    shop.order("o-1", planned(&parts[..1]));
    for item in ["a", "b"] {
        shop.order("o-1", allocated("s1", item));
    }
    shop.order("o-1", shipped("k1", "s1", "w1", &[("l-a", 2)]));
    let status = |shop: &Shop, by| seen(shop, by).status;
    assert_eq!((status(&shop, "acme"), status(&shop, "globex")), (OrderStatus::Shipped, OrderStatus::Confirmed));
    assert_eq!(seen(&shop, "acme").sub_orders[0].lines.len(), 1);
    assert!(seen(&shop, "globex").sub_orders[0].shipments.is_empty(), "another's parcel");
    assert!(!kinds(&seen(&shop, "globex")).contains(&"shipment_shipped"));
    shop.order("o-1", delivered("d1", &["k1"]));
    assert_eq!((status(&shop, "acme"), status(&shop, "globex")), (OrderStatus::Delivered, OrderStatus::Confirmed));
    assert_eq!(kinds(&seen(&shop, "acme")).last(), Some(&"shipments_delivered"));
    assert!(!kinds(&seen(&shop, "globex")).contains(&"shipments_delivered"));
    let reason = Some("sold out".to_owned());
    shop.order("o-1", LinesCancelled { effect: None, lines: units(&[("l-b", 1)]), sub_orders: Vec::new(), reason });
    assert_eq!((status(&shop, "acme"), status(&shop, "globex")), (OrderStatus::Delivered, OrderStatus::Cancelled));
    assert_eq!(seen(&shop, "globex").history.last().and_then(|entry| entry.reason.as_deref()), Some("sold out"));
    assert!(!kinds(&seen(&shop, "acme")).contains(&"lines_cancelled"));
    assert_eq!(row(&shop).status, OrderStatus::Delivered, "the order as a whole");
}

#[test]
fn a_return_is_told_as_far_as_it_is_of_its_lines() {
    let mut shop = shop();
    let return_id = ReturnId::parse("r-1").expect("an id");
    let announced = |id: &ReturnId, lines| ReturnRequested {
        effect: effect(id.as_str()),
        return_id: id.clone(),
        lines: units(lines),
        reason: "too small".to_owned(),
        metadata: Metadata::default(),
    };
    shop.order("o-1", announced(&return_id, &[("l-a", 2), ("l-b", 1)]));
    shop.order("o-1", announced(&ReturnId::parse("r-2").expect("an id"), &[("l-b", 1)]));
    let received = ReturnReceived {
        effect: effect("q1"),
        return_id,
        location: location("w1"),
        condition: Bucket::Damaged,
        lines: units(&[("l-b", 1)]),
    };
    shop.order("o-1", received);
    let (acme, globex) = (seen(&shop, "acme"), seen(&shop, "globex"));
    assert_eq!((acme.returns.len(), acme.returns[0].lines.len(), acme.returns[0].receipts.len()), (1, 1, 0));
    assert_eq!((globex.returns.len(), globex.returns[0].receipts.len()), (2, 1));
    assert_eq!(kinds(&acme).last(), Some(&"return_requested"));
    assert_eq!(kinds(&globex).last(), Some(&"return_received"));
}
