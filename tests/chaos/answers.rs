//! What clients were told, held against the log.

use super::history::{Call, End, Op};
use crate::sim::checker::evidence::{Event, ITEMS, number, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The events of the log, by what a client may ask of.
pub struct Told<'a> {
    /// Of a free hold, by item and id.
    holds: BTreeMap<(&'a str, &'a str), Vec<&'a Event>>,
    /// Of an order.
    orders: BTreeMap<&'a str, Vec<&'a Event>>,
    /// By item and receipt.
    receipts: BTreeMap<(&'a str, &'a str), Vec<&'a Event>>,
}

/// So many of a call's kind were held against the log.
pub type Checked = BTreeMap<&'static str, usize>;

impl<'a> Told<'a> {
    pub fn of(events: &'a [Event]) -> Self {
        let mut told = Self { holds: BTreeMap::new(), orders: BTreeMap::new(), receipts: BTreeMap::new() };
        for event in events {
            let (subject, value) = (event.subject.as_str(), &event.value);
            if event.topic != ITEMS {
                told.orders.entry(subject).or_default().push(event);
            } else if event.name == "stock-received" {
                told.receipts.entry((subject, text(&value["effect"], "id"))).or_default().push(event);
            } else if text(&value["hold"], "kind") == "free" {
                told.holds.entry((subject, text(&value["hold"], "id"))).or_default().push(event);
            }
        }
        told
    }

    /// All events of what a call is about.
    fn about<'b>(&'b self, call: &'b Call) -> &'b [&'a Event] {
        let (item, id) = (call.item.as_str(), call.id.as_str());
        let found = match call.op {
            Op::Receive => self.receipts.get(&(item, id)),
            Op::Hold | Op::Commit | Op::Release => self.holds.get(&(item, id)),
            Op::Begin => call.body["orderId"].as_str().and_then(|order| self.orders.get(order)),
            Op::PlaceOrder | Op::Pay | Op::Submit | Op::Cancel => self.orders.get(id),
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// Whether the log has what the call asked for; `None` where several calls may have done it.
    pub fn took_effect(&self, call: &Call) -> Option<bool> {
        let has = |name: &str| self.about(call).iter().any(|event| event.name == name);
        Some(match call.op {
            Op::Receive => has("stock-received"),
            Op::Hold => has("hold-granted"),
            Op::Commit => has("hold-committed"),
            Op::Release => has("hold-released"),
            Op::PlaceOrder => has("order-placed"),
            Op::Submit => has("order-submitted"),
            Op::Begin | Op::Pay | Op::Cancel => return None,
        })
    }

    /// What is wrong with what a call was told.
    pub fn check(&self, call: &Call) -> Result<(), String> {
        match &call.end {
            End::Done => self.check_done(call),
            End::Refused(code) => self.check_refused(call, code),
            End::Unknown(_) => Ok(()),
        }
    }

    /// What was done is in the log, once, and as it was told.
    fn check_done(&self, call: &Call) -> Result<(), String> {
        let events = self.about(call);
        let count = |name: &str| events.iter().filter(|event| event.name == name).count();
        let once = |name: &'static str| match count(name) {
            1 => Ok(()),
            n => Err(format!("is {n} times in the log as {name}")),
        };
        match call.op {
            Op::Receive => {
                once("stock-received")?;
                same_stock(call, events[0])
            }
            Op::Hold => {
                once("hold-granted")?;
                let granted = events[0];
                let expires = !call.body["expiresAt"].is_null() && call.body["expiresAt"] != granted.value["expiresAt"];
                if expires || number(&call.body, "quantity") != number(&granted.value, "quantity") {
                    return Err(format!("was told otherwise than the log has it: {}", granted.value));
                }
                same_stock(call, granted)
            }
            Op::Commit => once("hold-committed"),
            // A hold that was over before gives nothing back a second time.
            Op::Release => match count("hold-released") + count("hold-expired") {
                1 => Ok(()),
                n => Err(format!("ended {n} times")),
            },
            Op::PlaceOrder | Op::Begin => once("order-placed"),
            Op::Pay => {
                let payment = text(&call.body, "paymentId");
                let of = |name: &str| {
                    events.iter().filter(|e| e.name == name && text(&e.value, "paymentId") == payment).count()
                };
                let is_authorized = text(&call.body, "status") == "authorized";
                match (of("payment-started"), of("payment-authorized")) {
                    (1, 1) => Ok(()),
                    (1, 0) if !is_authorized => Ok(()),
                    counts => Err(format!("started and authorized {counts:?} times")),
                }
            }
            Op::Submit => {
                once("order-submitted")?;
                if text(&call.body, "status") == "confirmed" { once("order-confirmed") } else { Ok(()) }
            }
            Op::Cancel => match (count("order-cancelled"), count("lines-cancelled")) {
                (0, 0) => Err("is not in the log".to_owned()),
                (whole, _) if whole > 1 => Err(format!("is {whole} times in the log")),
                _ => Ok(()),
            },
        }
    }

    /// What was refused, and sent only once, had no effect; and what its code says is in the log.
    fn check_refused(&self, call: &Call, code: &str) -> Result<(), String> {
        let events = self.about(call);
        let has = |name: &str| events.iter().any(|event| event.name == name);
        let proof = match code {
            "hold_expired" => Some("hold-expired"),
            "hold_released" => Some("hold-released"),
            "payment_declined" => Some("payment-attempt-failed"),
            _ => None,
        };
        if let Some(proof) = proof.filter(|proof| !has(proof)) {
            return Err(format!("and the log has no {proof}"));
        }
        let nothing = match call.op {
            Op::Receive | Op::Hold => events.is_empty(),
            Op::Commit => !has("hold-committed"),
            // An order that was refused is in the log as a rejected one; it has nothing.
            Op::PlaceOrder | Op::Begin => !has("order-placed") || has("order-rejected") || has("order-expired"),
            Op::Pay | Op::Submit | Op::Cancel | Op::Release => true,
        };
        if nothing || call.doubtful { Ok(()) } else { Err("and took effect".to_owned()) }
    }
}

/// That who was answered at the first time of asking was told the stock of that moment.
fn same_stock(call: &Call, event: &Event) -> Result<(), String> {
    let (told, stock) = (&call.body["available"], &event.value["stock"]["available"]);
    if call.sent == 1 && told != stock && *told != Value::Null {
        return Err(format!("was told {told} available, and it was {stock}"));
    }
    Ok(())
}

/// Every call against the log: how many of each end, and what is wrong.
pub fn check(calls: &[Call], events: &[Event]) -> (Checked, Vec<String>) {
    let told = Told::of(events);
    let (mut checked, mut wrong) = (Checked::new(), Vec::new());
    for call in calls {
        let end = match &call.end {
            End::Done => "done, once in the log",
            End::Refused(_) => "refused, without effect",
            End::Unknown(_) => match told.took_effect(call) {
                Some(true) => "unknown, and took effect",
                Some(false) => "unknown, and did not",
                None => "unknown, one of several that may have",
            },
        };
        *checked.entry(end).or_default() += 1;
        if let Err(what) = told.check(call) {
            wrong.push(format!("answers: {} {} {what}: {}", call.op.name(), call.id, call.line()));
        }
    }
    (checked, wrong)
}

/// That a run proves something: a call of each kind was done, and not nearly all were refused.
pub fn proves_something(calls: &[Call]) -> Vec<String> {
    let by_op = super::history::by_op(calls);
    let none = |op: &Op| by_op.get(op).is_none_or(|ends| ends.done == 0);
    let mut wrong: Vec<_> = Op::ALL
        .iter()
        .filter(|op| none(op))
        .map(|op| format!("the run proves nothing: no {} was done", op.name()))
        .collect();
    let done = calls.iter().filter(|call| call.is_done()).count();
    if done < 100 || done * 4 < calls.len() {
        wrong.push(format!("the run proves nothing: {done} of {} calls were done", calls.len()));
    }
    wrong
}
