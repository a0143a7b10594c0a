//! After a quiet time: nothing is held, no order is on its way, and items and orders agree.

use crate::sim::{
    checker::{
        Key,
        evidence::{Event, Evidence, ITEMS, ORDERS, text},
    },
    model::{
        Model, Violations,
        item::{Hold, Phase},
        order,
    },
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
    sub_orders_agree(models, found);
    merges_move_once(evidence, found);
    carts_were_told(models, found);
    holds_have_orders(models, found);
    holds_end_with_returns(evidence, models, found);
    answers_come_from_items(evidence, found);
}

/// What orders know of allocations and returns is what items have; and nothing waits for stock that is there.
fn sub_orders_agree(models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let items: Vec<_> = models.values().filter_map(|model| model.as_item()).collect();
    let mut there: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for item in &items {
        let allocated = item.allocated_to_orders().into_iter();
        there.extend(allocated.map(|((order, sub_order), units)| ((order, sub_order, item.id.clone()), units)));
    }
    let mut known = BTreeMap::new();
    for order in models.values().filter_map(|model| model.as_order()) {
        let allocated = order.allocated().into_iter();
        known.extend(allocated.map(|((sub_order, item), units)| ((order.id.clone(), sub_order, item), units)));
        let restocked: i64 = items.iter().map(|item| item.returned_of(&order.id)).sum();
        found.must(order.returned() == restocked, "returns-once", || {
            format!("{}: {} came back, and {restocked} lie somewhere", order.id, order.returned())
        });
        for (item, units) in order.backordered() {
            let offers = items.iter().find(|known| known.id == item).map(|item| item.offers().max_by_key(|(_, n)| *n));
            let offer = offers.flatten().filter(|(_, free)| *free > 0);
            found.must(offer.is_none(), "due-is-planned", || {
                format!("{}: {units} of {item} wait, and {offer:?} has some", order.id)
            });
        }
    }
    found.must(there == known, "allocations-agree", || {
        let differ = |(key, units): &(&(String, String, String), &i64)| there.get(*key) != Some(*units);
        let wrong: Vec<_> = known.iter().filter(differ).collect();
        let stray: Vec<_> = there.iter().filter(|(key, units)| known.get(*key) != Some(*units)).collect();
        format!("orders know {wrong:?}, and items have {stray:?}")
    });
}

/// A cart was told of its orders what became of them.
fn carts_were_told(models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    for (id, outcome) in models.values().filter_map(|model| model.as_cart()).flat_map(|cart| cart.placed()) {
        let order = models.get(&(ORDERS.to_owned(), id.to_owned())).and_then(|model| model.as_order());
        let fits = order.is_some_and(|order| order.has_ended(outcome));
        found.must(fits, "carts-agree", || format!("{id} is {outcome} to its cart, and {order:?}"));
    }
}

/// What a guest's cart gave came to the cart that asked for it, and nowhere else.
fn merges_move_once(evidence: &Evidence, found: &mut Violations) {
    let of = |name: &'static str| evidence.events.iter().filter(move |event| event.name == name);
    for gave in of("cart-handed-over") {
        let same = |event: &&Event| event.value["effect"]["id"] == gave.value["effect"]["id"];
        let took: Vec<_> = of("cart-merged").filter(same).collect();
        let fits = took.len() == 1 && gave.value["to"] == took[0].subject.as_str();
        found.must(fits && of("cart-handed-over").filter(same).count() == 1, "merge-moves-once", || {
            format!("{} gave {}, and {took:?} took it", gave.subject, gave.value)
        });
    }
}

/// Every hold of an order is of an order that asked for so many, and a confirmed order holds all that it asked for.
fn holds_have_orders(models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let order_of = |id: &str| models.get(&(ORDERS.to_owned(), id.to_owned())).and_then(|model| model.as_order());
    for item in models.values().filter_map(|model| model.as_item()) {
        for hold in item.holds.values().filter(|hold| hold.granted > 0) {
            let Some(order) = hold.of_order().map(order_of) else { continue };
            let asked = order.map_or(0, |order| order.asked_of(&item.id));
            found.must(hold.granted == asked, "stock-equals-orders", || {
                format!("{}: {} units held, {asked} asked by {order:?}", item.id, hold.granted)
            });
            let counts = order.is_some_and(|order| {
                order.phase == order::Phase::Confirmed && hold.id["attempt"].as_i64().unwrap_or(1) == order.attempt
            });
            found.must(!counts || hold.phase == Phase::Committed, "stock-equals-orders", || {
                format!("{}: a confirmed order has {hold:?}", item.id)
            });
            let stray = hold.phase == Phase::Committed && hold.open() > 0 && !counts;
            found.must(!stray, "stock-equals-orders", || format!("{}: {hold:?} is nobody's", item.id));
        }
    }
}

/// An item may forget a hold when its order has said, in the same decision, that it takes no more returns; and then it may.
fn holds_end_with_returns(evidence: &Evidence, models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let of = |name: &'static str| evidence.events.iter().filter(move |event| event.name == name);
    let ends: BTreeMap<&str, &str> =
        of("return-window-closed").map(|event| (event.subject.as_str(), event.causation.as_str())).collect();
    let lent: BTreeMap<String, &str> =
        of("allotted-committed").map(|e| (e.value["hold"].to_string(), text(&e.value, "orderId"))).collect();
    for event in of("hold-closed") {
        let of_drop = lent.get(&event.value["hold"].to_string()).copied();
        let end = ends.get(of_drop.unwrap_or_else(|| text(&event.value["hold"], "order")));
        let cause = event.causation.rsplit_once('.').map(|(cause, _)| cause);
        found.must(end.copied() == cause && end.is_some(), "no-early-expiry", || {
            format!("{} forgets a hold whose order takes returns: {}", event.subject, event.value)
        });
    }
    for item in models.values().filter_map(|model| model.as_item()) {
        let ended = |hold: &&Hold| hold.of_order().is_some_and(|order| ends.contains_key(order));
        let kept = item.holds.values().filter(ended).find(|hold| hold.is_with_the_buyer() && !hold.closed);
        found.must(kept.is_none(), "every-hold-ends", || format!("{}: {kept:?} outlives its order", item.id));
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
