//! Sub-orders, shipments, returns, carts and warehouses are changed: what a bug in the shop would have written.

use super::{Tampering, answer, event, remove};
use crate::sim::checker::evidence::{Event, Evidence, ORDERS, list, number, text};
use serde_json::{Value, json};

/// One more of a number of an event.
fn more(event: &mut Value, name: &str) {
    event[name] = json!(number(event, name) + 1);
}

/// Has several of a list.
fn has(event: &Event, name: &str) -> bool {
    !list(&event.value, name).is_empty()
}

/// What was recorded of an order from an event of that name on never was.
fn forget_from(evidence: &mut Evidence, name: &str) -> Option<()> {
    let from = event(evidence, name, |_| true)?.clone();
    evidence.events.retain(|event| event.topic != ORDERS || event.subject != from.subject || event.seq < from.seq);
    Some(())
}

pub const ALL: [Tampering; 28] = [
    // More is planned than was due; or less than all is said to be due.
    ("units-add-up", |e| {
        let event = event(e, "sub-orders-planned", |event| has(event, "subOrders"))?;
        more(&mut event.value["subOrders"][0]["lines"][0], "quantity");
        Some(())
    }),
    ("units-add-up", |e| {
        let event = event(e, "shipments-due", |event| has(event, "lines"))?;
        event.value["lines"].as_array_mut()?.pop();
        Some(())
    }),
    ("units-add-up", |e| {
        let event = event(e, "forward-received", |event| has(event, "lines"))?;
        event.value["lines"] = json!([]);
        Some(())
    }),
    // An order is never planned.
    ("due-is-planned", |e| forget_from(e, "sub-orders-planned")),
    // An item answered, and the order never heard it.
    ("due-is-planned", |e| forget_from(e, "sub-order-allocated")),
    // A plan takes what is not there, leaves out what is, or is of another revision.
    ("plans-are-right", |e| {
        let event = event(e, "sub-orders-planned", |event| has(event, "subOrders"))?;
        event.value["inputs"]["offers"][0]["units"] = json!(0);
        Some(())
    }),
    ("plans-are-right", |e| {
        let event = event(e, "sub-orders-planned", |event| has(event, "subOrders"))?;
        event.value["subOrders"].as_array_mut()?.pop();
        Some(())
    }),
    ("plans-are-right", |e| event(e, "sub-orders-planned", |_| true).map(|event| more(&mut event.value, "revision"))),
    // Two parcels, where one location has all of it.
    ("plans-are-right", |e| {
        let several =
            |event: &Event| list(&event.value["inputs"], "offers").len() > list(&event.value, "subOrders").len();
        let event = event(e, "sub-orders-planned", |event| several(event) && has(event, "subOrders"))?;
        let used = event.value["subOrders"][0]["location"].clone();
        let offers = event.value["inputs"]["offers"].as_array()?;
        let other = offers.iter().find(|offer| offer["location"] != used)?["location"].clone();
        event.value["subOrders"][0]["location"] = other;
        Some(())
    }),
    // Parcels that are to be joined go elsewhere.
    ("plans-are-right", |e| {
        let joined = |part: &Value| !part["parent"].is_null();
        let event = event(e, "sub-orders-planned", |event| list(&event.value, "subOrders").iter().any(joined))?;
        let parts = event.value["subOrders"].as_array_mut()?;
        parts.iter_mut().for_each(|part| part["parent"] = Value::Null);
        Some(())
    }),
    // What an item refused counts as allocated.
    ("allocations-agree", |e| {
        let event = event(e, "allocation-refused", |_| true)?;
        event.name = "sub-order-allocated".to_owned();
        Some(())
    }),
    ("allocations-agree", |e| {
        // Nothing happens to that sub-order afterwards.
        let told = e.events.iter().filter(|event| event.name == "sub-order-deallocated" && has(event, "lines"));
        let is_last = |event: &&Event| {
            let later = e.events.iter().filter(|later| later.subject == event.subject && later.seq > event.seq);
            let id = event.value["subOrder"].to_string();
            let concerns = |later: &Event| later.name == "lines-cancelled" || later.value.to_string().contains(&id);
            later.filter(|later| later.topic == ORDERS).all(|later| !concerns(later))
        };
        let last = told.filter(is_last).map(|event| (event.subject.clone(), event.seq)).next()?;
        remove(e, "sub-order-deallocated", |event| (event.subject.clone(), event.seq) == last).map(drop)
    }),
    ("returns-once", |e| {
        let event = event(e, "return-received", |event| has(event, "lines"))?;
        more(&mut event.value["lines"][0], "quantity");
        Some(())
    }),
    ("returns-once", |e| {
        let event = event(e, "return-requested", |event| has(event, "lines"))?;
        event.value["lines"][0]["quantity"] = json!(1_000);
        Some(())
    }),
    // Came back, and lies nowhere.
    ("returns-once", |e| remove(e, "stock-restocked", |_| true).map(drop)),
    // What came back is paid for, and not given back.
    ("money-adds-up", |e| {
        let paid = |event: &&Event| event.name == "refund-due";
        let by_return: Vec<_> = e.events.iter().filter(|event| event.name == "return-received").collect();
        let cause =
            e.events.iter().filter(paid).find(|due| {
                by_return.iter().any(|back| back.causation == due.causation && back.subject == due.subject)
            })?;
        let seq = (cause.topic.clone(), cause.subject.clone(), cause.seq);
        let due = |event: &Event| (event.topic.clone(), event.subject.clone(), event.seq) == seq;
        remove(e, "refund-due", due).map(drop)
    }),
    // The cart is never told; it is changed while it is locked.
    ("carts-agree", |e| remove(e, "checkout-ended", |_| true).map(drop)),
    ("carts-agree", |e| {
        let event = event(e, "checkout-ended", |event| text(&event.value["outcome"], "outcome") == "confirmed")?;
        event.name = "cart-line-set".to_owned();
        event.value["line"] = json!({"itemId": "sku-0", "quantity": 1});
        Some(())
    }),
    ("merge-moves-once", |e| remove(e, "cart-merged", |_| true).map(drop)),
    ("merge-moves-once", |e| {
        event(e, "cart-handed-over", |_| true).map(|event| event.value["to"] = json!("somebody-else"))
    }),
    ("versions-are-dense", |e| event(e, "warehouse-set", |_| true).map(|event| more(&mut event.value, "version"))),
    // Refusals are counted wrongly, so that an order waits too early.
    ("events-equal-model", |e| event(e, "shipments-due", |_| true).map(|event| more(&mut event.value, "refusals"))),
    // A cancellation takes units out of another place than it says.
    ("events-equal-model", |e| {
        let event = event(e, "lines-cancelled", |event| has(event, "subOrders"))?;
        event.value["subOrders"] = json!([]);
        Some(())
    }),
    ("conservation", |e| {
        let event = event(e, "transfer-received", |_| true)?;
        more(&mut event.value, "quantity");
        Some(())
    }),
    ("no-early-expiry", |e| {
        let event = event(e, "return-window-closed", |_| true)?;
        event.time = "2001-01-01T00:00:00.000Z".to_owned();
        Some(())
    }),
    // A warehouse ships what another one has.
    ("refused-is-refused", |e| {
        let cause = event(e, "shipment-shipped", |_| true)?.causation.clone();
        let call = e.calls.iter_mut().find(|call| call.id == cause)?;
        (call.caller["role"], call.caller["location"]) = (json!("warehouse"), json!("elsewhere"));
        Some(())
    }),
    // An item tells an order that it has allocated what it has not.
    ("reply-equals-model", |e| {
        let said = e.internal.iter_mut().find(|c| !c["command"]["command"]["refusal"].is_null())?;
        said["command"]["command"]["refusal"] = Value::Null;
        Some(())
    }),
    ("reply-equals-model", |e| {
        let (_, answer) = answer(e, |call, answer| answer.done && text(call.asked(), "op") == "checkout")?;
        answer.body["status"] = json!("delivered_twice");
        Some(())
    }),
];
