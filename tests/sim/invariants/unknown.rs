//! What became of the calls that nobody answered: final reads of the views say it, and the log must say the same.

use crate::sim::{
    checker::{
        Key,
        evidence::{Call, Evidence, ORDERS, list, text},
    },
    model::{Model, Violations},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How calls ended, in numbers.
#[derive(Debug, Default, Clone, Copy)]
pub struct Ends {
    pub done: u64,
    pub refused: u64,
    /// Unknown, and took effect.
    pub unknown_done: u64,
    /// Unknown, and did not.
    pub unknown_not: u64,
    /// Unknown, and no view keeps the id of such a command.
    pub unknown: u64,
}

/// The calls that were never answered.
fn unknown(evidence: &Evidence) -> impl Iterator<Item = &Call> {
    let answered: BTreeSet<u64> = evidence.answers.iter().map(|answer| answer.request).collect();
    evidence.calls.iter().filter(move |call| call.waits && !answered.contains(&call.request))
}

pub fn check(evidence: &Evidence, models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    for call in unknown(evidence) {
        let (topic, subject) = call.aggregate();
        let model = models.get(&(topic.to_owned(), subject.to_owned()));
        let in_log = model.is_some_and(|model| in_log(&**model, call.asked()));
        let Some(shown) = shown(evidence, call) else { continue };
        found.must(shown == in_log, "unknown-is-resolved", || {
            format!("{} is in the log: {in_log}, and shown: {shown}: {}", call.id, call.command)
        });
    }
}

/// Counts how calls ended.
pub fn count(evidence: &Evidence) -> Ends {
    let mut ends = Ends::default();
    for answer in &evidence.answers {
        if answer.done { ends.done += 1 } else { ends.refused += 1 }
    }
    for call in unknown(evidence) {
        match shown(evidence, call) {
            Some(true) => ends.unknown_done += 1,
            Some(false) => ends.unknown_not += 1,
            None => ends.unknown += 1,
        }
    }
    ends
}

/// Whether a view shows the effect of a call; `None` where no view keeps its id.
fn shown(evidence: &Evidence, call: &Call) -> Option<bool> {
    let (asked, (_, subject)) = (call.asked(), call.aggregate());
    let row = |table: &str, key: &str| evidence.views.get(&(table.to_owned(), key.to_owned(), String::new()));
    let in_ledger = |kind: &str| {
        let from = ("ledger_v2".to_owned(), subject.to_owned(), String::new());
        let pages = evidence.views.range(from..).take_while(|(key, _)| key.0 == "ledger_v2" && key.1 == subject);
        let mut entries = pages.flat_map(|(_, page)| page.as_array().into_iter().flatten());
        entries.any(|entry| text(entry, "k") == kind && entry["e"] == asked["effect"]["id"])
    };
    let order = row("order_v1", subject);
    Some(match text(asked, "op") {
        "receive" => in_ledger("stock_received"),
        "count" => in_ledger("stock_counted"),
        "move" => in_ledger("stock_moved"),
        "transfer" => in_ledger("stock_dispatched"),
        "place_hold" => {
            let hold = &asked["hold"];
            row("hold_v1", &format!("{subject}/{}/{}", text(hold, "caller"), text(hold, "id"))).is_some()
        }
        "ship" if call.aggregate().0 == ORDERS => {
            let parts = order.into_iter().flat_map(|row| list(row, "subOrders"));
            let mut left = parts.flat_map(|part| list(part, "shipments"));
            left.any(|shipment| shipment["shipmentId"] == asked["effect"]["id"])
        }
        "request_return" => {
            order.is_some_and(|row| list(row, "returns").iter().any(|known| known["returnId"] == asked["returnId"]))
        }
        "receive_return" => {
            let returns = order.into_iter().flat_map(|row| list(row, "returns"));
            let mut receipts = returns.flat_map(|known| list(known, "receipts"));
            receipts.any(|receipt| receipt["receiptId"] == asked["effect"]["id"])
        }
        "place" => order.is_some_and(|row| !row["owner"].is_null()),
        "submit" => order.is_some_and(|row| row["submitted"] == Value::Bool(true)),
        "start_payment" => {
            order.is_some_and(|row| list(row, "payments").iter().any(|p| p["paymentId"] == asked["paymentId"]))
        }
        _ => return None,
    })
}

/// Whether the log has the effect of a command.
fn in_log(model: &dyn Model, asked: &Value) -> bool {
    let id = &asked["effect"]["id"];
    let order = model.as_order();
    match text(asked, "op") {
        "place_hold" => {
            let key = crate::sim::model::item::hold_key(&asked["hold"]);
            model.as_item().is_some_and(|item| item.holds.contains_key(&key))
        }
        "place" => order.is_some_and(crate::sim::model::order::Order::is_placed),
        "submit" => order.is_some_and(crate::sim::model::order::Order::is_submitted),
        "start_payment" => order.is_some_and(|order| order.has_payment(text(asked, "paymentId"))),
        "ship" => order.is_some_and(|order| order.has_shipment(id)),
        "request_return" => order.is_some_and(|order| order.has_return(&asked["returnId"])),
        "receive_return" => order.is_some_and(|order| order.has_receipt(id)),
        "transfer" => model.as_item().is_some_and(|item| item.has_effect("move", id)),
        kind => model.as_item().is_some_and(|item| item.has_effect(kind, id)),
    }
}
