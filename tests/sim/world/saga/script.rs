//! What is played: seven orders, of which one goes the whole way, and the others end early, late, or not at all.

use crate::sim::{model::order::RETURNS_MS, provider::decides};
use schemas::{Caller, Command};
use serde_json::{Value, json};

/// One thing that happens; the next one begins when nothing more comes of it.
#[derive(Debug, Clone)]
pub enum Act {
    /// A client asks, and asks again until it is answered.
    Ask(Box<(Caller, Command)>),
    /// The provider decides a payment at last.
    Decide(String),
    /// So many seconds pass.
    Pass(u32),
}

/// The acts, and the payments that the provider decides when it is told to.
pub struct Script {
    pub acts: Vec<Act>,
    pub undecided: Vec<String>,
}

/// A payment of which the provider decides so: see [`decides`].
fn payment(of: &str, fits: impl Fn(u64) -> bool) -> String {
    let named = (0..).map(|n| format!("{of}-{n}"));
    named.into_iter().find(|id| fits(decides(id, 0))).expect("there is no end of ids")
}

/// Authorized at once and captured; the bounds are the provider's.
fn good(of: &str) -> String {
    payment(of, |n| n >= 15 && n % 5 != 3 && n % 10 != 9)
}

/// Authorized, and never captured.
fn uncaptured(of: &str) -> String {
    payment(of, |n| n >= 15 && n % 5 != 3 && n % 10 == 9)
}

fn declined(of: &str) -> String {
    payment(of, |n| n < 15 && n % 5 != 3)
}

/// Authorized, but later.
fn later(of: &str) -> String {
    payment(of, |n| n >= 15 && n % 5 == 3)
}

fn effect(id: &str) -> Value {
    json!({"id": id, "digest": format!("{:032x}", id.bytes().fold(0_u128, |sum, byte| sum * 31 + u128::from(byte)))})
}

fn euros(minor: i64) -> Value {
    json!({"amount": minor, "currency": "EUR"})
}

fn act(caller: Value, command: Value) -> Act {
    let read = |error| panic!("{command}: {error}");
    let command = serde_json::from_value(command.clone()).unwrap_or_else(read);
    Act::Ask(Box::new((serde_json::from_value(caller).expect("a caller"), command)))
}

fn shop() -> Value {
    json!({"role": "service", "subject": "shop"})
}

fn shopper(name: &str) -> Value {
    json!({"role": "shopper", "subject": name})
}

fn warehouse(location: &str) -> Value {
    json!({"role": "warehouse", "subject": "hall", "location": location})
}

fn item(id: &str, command: Value) -> Act {
    act(shop(), json!({"aggregate": "item", "item": id, "command": command}))
}

fn order(caller: Value, id: &str, command: Value) -> Act {
    act(caller, json!({"aggregate": "order", "order": id, "command": command}))
}

fn line(id: &str, of: &str, units: u32) -> Value {
    json!({"lineId": id, "itemId": of, "quantity": units})
}

fn units(line: &str, units: u32) -> Value {
    json!({"lineId": line, "quantity": units})
}

fn place(caller: Value, id: &str, lines: &[Value], payment: &str, submit: &str) -> Act {
    let place = json!({"op": "place", "effect": effect(id), "lines": lines, "payment": payment, "submit": submit});
    order(caller, id, place)
}

fn pay(who: &str, id: &str, payment: &str) -> Act {
    let pay = json!({"op": "start_payment", "effect": effect(payment), "paymentId": payment, "methodToken": "tok"});
    order(shopper(who), id, pay)
}

fn submit(who: &str, id: &str) -> Act {
    order(shopper(who), id, json!({"op": "submit", "effect": effect(&format!("submit-{id}"))}))
}

/// Three items, some here and some there.
fn opening() -> Vec<Act> {
    let mut acts = Vec::new();
    for (id, kind, price) in [("tea", "physical", 500), ("mug", "physical", 900), ("ebook", "digital", 300)] {
        let mut catalog = json!({"name": id, "kind": kind});
        if kind == "digital" {
            catalog["file"] = json!("https://files.example/ebook");
        }
        acts.push(item(id, json!({"op": "list", "catalog": catalog, "price": euros(price)})));
    }
    for (id, location, quantity) in [("tea", "berlin", 8), ("tea", "leeds", 2), ("mug", "leeds", 3)] {
        let effect = effect(&format!("receipt-{id}-{location}"));
        acts.push(item(
            id,
            json!({"op": "receive", "effect": effect, "location": location, "quantity": quantity, "document": "note"}),
        ));
    }
    acts
}

/// Out of a cart, paid at the second attempt, shipped in part, the rest cancelled, delivered, and sent back in part.
fn whole() -> Vec<Act> {
    let cart = |command| act(shopper("ann"), json!({"aggregate": "cart", "shopper": "ann", "command": command}));
    let lines = [("tea", 5), ("mug", 1), ("ebook", 1)];
    let mut acts: Vec<Act> = Vec::new();
    for (id, quantity) in lines {
        let effect = effect(&format!("line-{id}"));
        acts.push(cart(json!({"op": "set_line", "effect": effect, "itemId": id, "quantity": quantity})));
    }
    // A cart numbers its lines by item: the ebook, the mug, the tea.
    acts.push(cart(json!({"op": "checkout", "effect": effect("whole"), "orderId": "whole"})));
    acts.push(pay("ann", "whole", &declined("no-funds")));
    acts.push(pay("ann", "whole", &good("paid")));
    acts.push(submit("ann", "whole"));
    let (berlin, of_ann) =
        (|command| order(warehouse("berlin"), "whole", command), |command| order(shopper("ann"), "whole", command));
    acts.push(berlin(json!({"op": "ship", "effect": effect("parcel"), "lines": [units("3", 3)]})));
    acts.push(of_ann(json!({"op": "cancel", "effect": effect("the-rest"), "reason": "too slow"})));
    acts.push(berlin(json!({"op": "deliver", "effect": effect("delivery")})));
    acts.push(of_ann(json!({"op": "request_return", "effect": effect("back"), "returnId": "back",
        "lines": [units("3", 2)], "reason": "too many"})));
    for condition in ["sellable", "damaged"] {
        let receive = json!({"op": "receive_return", "effect": effect(condition), "returnId": "back",
            "location": "berlin", "condition": condition, "lines": [units("3", 1)]});
        acts.push(berlin(receive));
    }
    acts
}

/// Paid and never submitted; refused; never captured; taken by somebody else; paid when it was too late, in time and not.
fn others(late: &str, gone: &str) -> Vec<Act> {
    let two = [line("1", "tea", 1), line("2", "mug", 50)];
    vec![
        place(shopper("bob"), "refused", &two, "provider", "explicit"),
        place(shopper("bob"), "expires", &[line("1", "tea", 2)], "provider", "explicit"),
        pay("bob", "expires", &good("in-vain")),
        place(shopper("eve"), "failing", &[line("1", "tea", 1)], "provider", "auto"),
        pay("eve", "failing", &uncaptured("closed")),
        place(shopper("cid"), "late", &[line("1", "mug", 1)], "provider", "explicit"),
        pay("cid", "late", late),
        submit("cid", "late"),
        place(shopper("dan"), "gone", &[line("1", "mug", 2)], "provider", "explicit"),
        pay("dan", "gone", gone),
        submit("dan", "gone"),
        Act::Pass(300),
        Act::Pass(61),
        place(shop(), "taker", &[line("1", "mug", 2)], "external", "auto"),
        Act::Decide(late.to_owned()),
        Act::Decide(gone.to_owned()),
        order(warehouse("leeds"), "late", json!({"op": "ship", "effect": effect("late-parcel")})),
        order(warehouse("leeds"), "late", json!({"op": "deliver", "effect": effect("late-delivery")})),
    ]
}

/// All of it.
pub fn script() -> Script {
    let (late, gone) = (later("late"), later("gone"));
    let mut acts = opening();
    acts.extend(whole());
    acts.extend(others(&late, &gone));
    // Until nothing comes back any more.
    let window = u32::try_from(RETURNS_MS / 1_000).expect("some minutes");
    acts.push(Act::Pass(window + 1));
    Script { acts, undecided: vec![late, gone] }
}

/// What it must come to, however often something died: of each order its state, and what was authorized, captured, due
/// back and given back; of each item what is available, on hand, held and committed.
pub fn end() -> Vec<(&'static str, Value)> {
    vec![
        ("order whole", json!(["order-confirmed", 3_700, 3_700, 2_900, 2_900])),
        ("order refused", json!(["order-rejected", 0, 0, 0, 0])),
        ("order expires", json!(["order-expired", 1_000, 0, 1_000, 1_000])),
        ("order failing", json!(["order-cancelled", 500, 0, 500, 500])),
        ("order late", json!(["order-confirmed", 900, 900, 0, 0])),
        ("order gone", json!(["rehold-failed", 1_800, 0, 1_800, 1_800])),
        ("order taker", json!(["order-confirmed", 0, 0, 0, 0])),
        ("item tea", json!([8, 9, 0, 0])),
        ("item mug", json!([0, 2, 0, 0])),
        // Of what is digital there is no stock.
        ("item ebook", json!([0, 0, 0, 0])),
    ]
}
