//! What clients were told or shown is changed.

use super::{Tampering, answer, event};
use crate::sim::checker::evidence::{Evidence, number, text};
use serde_json::json;

fn op_is(call: &super::Call, op: &str) -> bool {
    text(call.asked(), "op") == op
}

pub const ALL: [Tampering; 15] = [
    ("reply-equals-model", |e| {
        let (_, answer) = answer(e, |call, answer| answer.done && op_is(call, "receive"))?;
        answer.body["available"] = json!(number(&answer.body, "available") + 1);
        Some(())
    }),
    // Refused, where the model knows another reason, or none.
    ("reply-equals-model", |e| {
        let (_, answer) = answer(e, |_, answer| text(&answer.body, "code") == "insufficient_stock")?;
        answer.body["available"] = json!(number(&answer.body, "available") + 1);
        Some(())
    }),
    ("reply-equals-model", |e| {
        let (_, answer) = answer(e, |call, answer| !answer.done && op_is(call, "submit"))?;
        answer.body = json!({"code": "order_cancelled_by_nobody"});
        Some(())
    }),
    ("reply-equals-model", |e| {
        let (_, answer) = answer(e, |call, answer| answer.done && op_is(call, "place"))?;
        answer.body["status"] = json!("delivered_twice");
        Some(())
    }),
    // An item tells an order another price than it has.
    ("reply-equals-model", |e| {
        let said = e.internal.iter_mut().find(|c| text(&c["command"]["command"]["answer"], "outcome") == "granted")?;
        said["command"]["command"]["answer"]["unitPrice"]["amount"] = json!(123_456);
        Some(())
    }),
    // Told before it was durable, and lost.
    ("answered-is-in-log", |e| {
        let (_, answer) = answer(e, |_, answer| answer.done)?;
        answer.positions.values_mut().for_each(|seq| *seq += 100_000);
        Some(())
    }),
    ("answered-is-in-log", |e| {
        let (call, _) = answer(e, |call, answer| answer.done && op_is(call, "receive"))?;
        let at = e.events.iter().position(|event| event.causation == call.id)?;
        e.events.remove(at);
        Some(())
    }),
    ("positions-are-whole", |e| {
        let (subject, cause) = {
            let last = event(e, "shortfall-detected", |_| true)?;
            (last.subject.clone(), last.causation.clone())
        };
        let last = e.events.iter().filter(|event| event.causation == cause).map(|event| event.seq).max()?;
        let (_, answer) = answer(e, |call, answer| call.aggregate().1 == subject && call.id == cause && answer.done)?;
        answer.positions.values_mut().filter(|seq| **seq == last).for_each(|seq| *seq -= 1);
        Some(())
    }),
    ("positions-never-go-back", |e| {
        let first = answer(e, |_, answer| answer.done && answer.positions.values().all(|seq| *seq > 3))?;
        let (key, order) = ((first.0.aggregate().0, first.0.aggregate().1.to_owned()), first.1.order);
        let later = |call: &super::Call| call.order > order && call.aggregate() == (key.0, key.1.as_str());
        let (_, later) = answer(e, |call, answer| later(call) && !answer.positions.is_empty())?;
        later.positions.values_mut().for_each(|seq| *seq = 1);
        Some(())
    }),
    // A view shows a client the past.
    ("positions-never-go-back", |e| {
        let read = e.reads.iter_mut().find(|read| read.row.is_some() && read.table == "item_v1" && read.token > 3)?;
        read.row = None;
        Some(())
    }),
    ("one-answer", |e| {
        let again = e.answers.first()?.clone();
        e.answers.push(again);
        Some(())
    }),
    ("views-equal-fold", |e| {
        let (_, row) = e.views.iter_mut().find(|(key, _)| key.0 == "stock_v1")?;
        row["levels"]["held"] = json!(99);
        Some(())
    }),
    // A delisted item stays on the list.
    ("views-equal-fold", |e| {
        let key = ("items_v1".to_owned(), "all".to_owned(), "sku-gone".to_owned());
        e.views.insert(key, json!({})).is_none().then_some(())
    }),
    ("unknown-is-resolved", |e| {
        let (call, _) = answer(e, |call, answer| answer.done && op_is(call, "receive"))?;
        e.answers.retain(|answer| answer.request != call.request);
        e.views.retain(|key, _| key.0 != "ledger_v2");
        Some(())
    }),
    ("the-run-proves-something", |e: &mut Evidence| {
        e.answers.iter_mut().for_each(|answer| answer.done = false);
        Some(())
    }),
];
