//! After a quiet time: nothing is held, no order is on its way, and items and orders agree.

use crate::sim::{
    checker::{
        Key,
        evidence::{Evidence, ITEMS, ORDERS, number, text},
    },
    model::{Model, Violations, item::Phase, order},
};
use std::collections::BTreeMap;

pub fn check(evidence: &Evidence, models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    models.values().for_each(|model| model.rested(found));
    let orders: Vec<_> = models.values().filter_map(|model| model.as_order()).collect();
    for item in models.values().filter_map(|model| model.as_item()).filter(|item| !item.is_digital()) {
        let ordered: i64 = orders.iter().map(|order| order.open_units(&item.id)).sum();
        found.must(item.committed_to_orders() == ordered, "stock-equals-orders", || {
            format!("{}: {} committed to orders, {ordered} ordered", item.id, item.committed_to_orders())
        });
    }
    holds_have_orders(models, found);
    answers_come_from_items(evidence, found);
}

/// Every hold of an order is of an order that asked for so many, and a confirmed order holds all that it asked for.
fn holds_have_orders(models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let order_of = |id: &str| models.get(&(ORDERS.to_owned(), id.to_owned())).and_then(|model| model.as_order());
    for item in models.values().filter_map(|model| model.as_item()) {
        for hold in item.holds.values().filter(|hold| text(&hold.id, "kind") == "order" && hold.granted > 0) {
            let order = order_of(text(&hold.id, "order"));
            let asked = order.map_or(0, |order| order.asked_of(&item.id));
            found.must(hold.granted == asked, "stock-equals-orders", || {
                format!("{}: {} units held, {asked} asked by {order:?}", item.id, hold.granted)
            });
            let counts = order.is_some_and(|order| {
                order.phase == order::Phase::Confirmed && number(&hold.id, "attempt") == order.attempt
            });
            found.must(!counts || hold.phase == Phase::Committed, "stock-equals-orders", || {
                format!("{}: a confirmed order has {hold:?}", item.id)
            });
            let stray = hold.phase == Phase::Committed && hold.open > 0 && !counts;
            found.must(!stray, "stock-equals-orders", || format!("{}: {hold:?} is nobody's", item.id));
        }
    }
}

/// What an order recorded of an item is what that item said.
fn answers_come_from_items(evidence: &Evidence, found: &mut Violations) {
    let said: BTreeMap<&str, _> = evidence.internal.iter().map(|c| (text(c, "id"), &c["command"]["command"])).collect();
    for event in evidence.events.iter().filter(|e| matches!(e.name.as_str(), "item-held" | "item-refused")) {
        let value = &event.value;
        let same = said.get(event.causation.as_str()).is_some_and(|c| {
            c["itemId"] == value["itemId"]
                && c["attempt"] == value["attempt"]
                && c["answer"]["refusal"] == value["refusal"]
                && c["answer"]["unitPrice"] == value["unitPrice"]
                && c["answer"]["kind"] == value["kind"]
        });
        found.must(same, "stock-equals-orders", || format!("{} recorded what no item said: {value}", event.subject));
    }
    let held = |topic: &str, name: &str| evidence.events.iter().filter(|e| e.topic == topic && e.name == name).count();
    let (grants, answers) = (held(ITEMS, "hold-granted"), held(ORDERS, "item-held"));
    let free = evidence.events.iter().filter(|e| e.name == "hold-granted" && text(&e.value["hold"], "kind") == "free");
    let for_orders = grants - free.count();
    found.must(answers <= for_orders, "never-oversold", || format!("{answers} lines held by {for_orders} holds"));
}
