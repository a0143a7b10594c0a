//! Orders and their money are changed: what a bug in the saga would have written.

use super::{Tampering, event, remove};
use crate::sim::checker::evidence::{Evidence, number, text};
use serde_json::{Value, json};

fn add(evidence: &mut Evidence, name: &str, more: i64) -> Option<()> {
    let event = event(evidence, name, |_| true)?;
    event.value["amount"]["amount"] = json!(number(&event.value["amount"], "amount") + more);
    Some(())
}

/// Takes the events of that name and what follows in their decisions out of the log.
fn forget(evidence: &mut Evidence, name: &str) -> Option<()> {
    let event = event(evidence, name, |_| true)?.clone();
    evidence
        .events
        .retain(|other| other.causation != event.causation || other.subject != event.subject || other.seq < event.seq);
    Some(())
}

pub const ALL: [Tampering; 14] = [
    ("orders-take-steps", |e| {
        event(e, "order-confirmed", |_| true).map(|event| event.name = "order-rejected".to_owned())
    }),
    ("orders-take-steps", |e| remove(e, "holds-granted", |_| true).map(drop)),
    ("nothing-is-forgotten", |e| forget(e, "order-confirmed")),
    ("nothing-is-forgotten", |e| remove(e, "digital-delivered", |_| true).map(drop)),
    // Refunded too much, too little, twice, or not at all.
    ("money-adds-up", |e| add(e, "refund-due", 1)),
    ("money-adds-up", |e| add(e, "refund-due", -1)),
    ("money-adds-up", |e| remove(e, "refund-due", |_| true).map(drop)),
    ("money-adds-up", |e| remove(e, "refund-settled", |_| true).map(drop)),
    ("one-decision-per-id", |e| {
        let at = e.events.iter().position(|event| event.name == "refund-settled")?;
        let again = e.events[at].clone();
        e.events.insert(at + 1, again);
        Some(())
    }),
    ("money-adds-up", |e| add(e, "capture-due", 1)),
    ("every-order-ends", |e| {
        // The last that happened to it.
        let expired = e.events.iter().filter(|event| event.name == "order-expired");
        let last = |event: &&super::Event| !e.events.iter().any(|o| o.subject == event.subject && o.seq > event.seq);
        let order = expired.filter(|event| last(event)).map(|event| event.subject.clone()).next()?;
        remove(e, "order-expired", |event| event.subject == order).map(drop)
    }),
    ("every-hold-ends", |e| remove(e, "hold-expired", |_| true).map(drop)),
    // An order is confirmed, and an item does not know.
    ("stock-equals-orders", |e| {
        let committed = e.events.iter().filter(|event| event.name == "hold-committed");
        let of = |hold: &Value| e.events.iter().filter(|event| event.value["hold"] == *hold).count();
        let last =
            committed.map(|event| &event.value["hold"]).find(|hold| text(hold, "kind") == "order" && of(hold) == 2);
        let hold = last?.clone();
        remove(e, "hold-committed", |event| event.value["hold"] == hold).map(drop)
    }),
    // An item said no, and the order took it for a yes.
    ("stock-equals-orders", |e| {
        let event = event(e, "item-refused", |_| true)?;
        event.name = "item-held".to_owned();
        event.value["refusal"] = json!(null);
        event.value["unitPrice"] = json!({"amount": 1, "currency": "EUR"});
        Some(())
    }),
];
