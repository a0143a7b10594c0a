//! Answers that are not what the log says must be found: a small log, and calls that it proves or belies.

use super::{
    answers,
    history::{Call, End, Op},
    log,
};
use crate::sim::checker::evidence::{Event, ITEMS, ORDERS};
use serde_json::{Value, json};
use std::time::Duration;

fn event(topic: &str, seq: u64, name: &str, subject: &str, value: Value) -> Event {
    Event {
        topic: topic.to_owned(),
        partition: 0,
        seq,
        epoch: 1,
        name: name.to_owned(),
        subject: subject.to_owned(),
        time: format!("2026-01-01T00:00:{seq:02}.000Z"),
        actor: "service:shop".to_owned(),
        causation: format!("c{seq}"),
        correlation: format!("r{seq}"),
        value,
    }
}

fn granted(seq: u64, hold: &str) -> Event {
    let hold = json!({"kind": "free", "caller": "shop", "id": hold});
    let value =
        json!({"hold": hold, "quantity": 2, "expiresAt": "2026-01-01T00:01:00.000Z", "stock": {"available": 7}});
    event(ITEMS, seq, "hold-granted", "tea", value)
}

fn call(op: Op, id: &str, end: End, body: Value) -> Call {
    Call {
        client: 0,
        op,
        id: id.to_owned(),
        item: "tea".to_owned(),
        begun: Duration::ZERO,
        ended: Duration::ZERO,
        sent: 1,
        doubtful: false,
        process: "api-0",
        end,
        status: 0,
        body,
        position: String::new(),
    }
}

fn held(id: &str, available: i64) -> Call {
    let body = json!({"quantity": 2, "available": available, "expiresAt": "2026-01-01T00:01:00.000Z"});
    call(Op::Hold, id, End::Done, body)
}

fn refused(op: Op, id: &str, code: &str) -> Call {
    call(op, id, End::Refused(code.to_owned()), Value::Null)
}

fn is_wrong(call: Call, events: &[Event]) -> bool {
    !answers::check(&[call], events).1.is_empty()
}

#[test]
fn what_the_log_proves_is_right() {
    let log = [granted(1, "h")];
    assert!(!is_wrong(held("h", 7), &log));
    assert!(!is_wrong(refused(Op::Hold, "other", "insufficient_stock"), &log));
    let doubtful = Call { doubtful: true, sent: 2, ..refused(Op::Hold, "h", "insufficient_stock") };
    assert!(!is_wrong(doubtful, &log));
}

#[test]
fn what_was_done_must_be_in_the_log_once_and_as_it_was_told() {
    assert!(is_wrong(held("h", 7), &[]));
    assert!(is_wrong(held("h", 7), &[granted(1, "h"), granted(2, "h")]));
    assert!(is_wrong(held("h", 8), &[granted(1, "h")]));
    for op in Op::ALL.into_iter().filter(|op| *op != Op::Hold) {
        let body = json!({"orderId": "o", "paymentId": "p", "status": "authorized"});
        assert!(is_wrong(call(op, "o", End::Done, body), &[]), "{op:?}");
    }
}

#[test]
fn what_was_refused_must_not_be_in_the_log() {
    assert!(is_wrong(refused(Op::Hold, "h", "insufficient_stock"), &[granted(1, "h")]));
    assert!(is_wrong(refused(Op::Commit, "h", "hold_expired"), &[granted(1, "h")]));
    let placed = event(ORDERS, 1, "order-placed", "o", json!({}));
    assert!(is_wrong(refused(Op::PlaceOrder, "o", "order_rejected"), std::slice::from_ref(&placed)));
    let rejected = event(ORDERS, 2, "order-rejected", "o", json!({}));
    assert!(!is_wrong(refused(Op::PlaceOrder, "o", "order_rejected"), &[placed, rejected]));
}

#[test]
fn a_run_of_refusals_proves_nothing() {
    assert!(!answers::proves_something(&[]).is_empty());
    let refusals: Vec<_> = (0..500).map(|n| refused(Op::Hold, &n.to_string(), "insufficient_stock")).collect();
    assert!(!answers::proves_something(&refusals).is_empty());
}

#[test]
fn what_is_still_held_is_under_way() {
    assert!(!log::under_way(&[granted(1, "h")]).is_empty());
    assert!(log::under_way(&[]).is_empty());
}
