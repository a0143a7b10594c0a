//! A file of commands, most of them good, one in a hundred bad in one of twenty ways. The same for the same number of lines.

use serde_json::{Value, json};

/// How many ways to be bad there are.
pub const KINDS: u64 = 20;
/// One line in so many is bad.
const BAD_ONE_IN: u64 = 100;
/// Lines at the start that make what bad lines are about.
const BASE: u64 = 3;
/// Good lines of an item: list, receive twice, move, safety.
const PER_ITEM: u64 = 5;

/// A line of the file.
pub struct Line {
    /// Without its line break.
    pub bytes: Vec<u8>,
    /// Of a bad one, the code of its refusal.
    pub refused: Option<&'static str>,
}

/// The lines of a file that long, numbered from 1.
pub fn lines(count: u64) -> impl Iterator<Item = Line> {
    let mut good = 0;
    (1..=count).map(move |number| {
        if number <= BASE {
            return Line { bytes: base(number).to_string().into_bytes(), refused: None };
        }
        if number % BAD_ONE_IN == 50 {
            let (bytes, code) = bad(number / BAD_ONE_IN % KINDS, number);
            return Line { bytes, refused: Some(code) };
        }
        good += 1;
        Line { bytes: of_item(good - 1).to_string().into_bytes(), refused: None }
    })
}

/// How many items have all of their lines in a file that long.
pub fn items(count: u64) -> u64 {
    let bad = (1..=count).filter(|number| *number > BASE && number % BAD_ONE_IN == 50).count() as u64;
    (count.saturating_sub(BASE) - bad) / PER_ITEM
}

/// The id of an item.
pub fn item(n: u64) -> String {
    format!("goods-{n:07}")
}

/// What is received of an item, in two receipts.
pub fn received(n: u64) -> [u64; 2] {
    [1 + n % 50, 2 + n % 7]
}

fn base(number: u64) -> Value {
    let list = |item: &str, kind: &str| json!({"op": "list", "itemId": item, "name": item, "kind": kind, "price": {"amount": 100, "currency": "EUR"}});
    match number {
        1 => list("base-physical", "physical"),
        2 => list("base-digital", "digital"),
        _ => receipt("base-physical", "base-1", 10),
    }
}

fn receipt(item: &str, id: &str, quantity: u64) -> Value {
    json!({"op": "receive", "itemId": item, "receiptId": id, "location": "main", "quantity": quantity, "document": "note"})
}

fn of_item(nth: u64) -> Value {
    let n = nth / PER_ITEM;
    let item = item(n);
    let [first, second] = received(n);
    match nth % PER_ITEM {
        0 => json!({"op": "list", "itemId": item, "name": format!("Goods \"{n}\""), "kind": "physical",
            "price": {"amount": 100 + n % 900, "currency": "EUR"}, "attributes": {"batch": n / 100}}),
        1 => receipt(&item, &format!("r1-{n}"), first),
        2 => receipt(&item, &format!("r2-{n}"), second),
        3 => json!({"op": "move", "itemId": item, "moveId": format!("m-{n}"), "location": "main", "from": "sellable",
            "to": "damaged", "quantity": 1, "reason": "broken", "reference": "note"}),
        _ => json!({"op": "safety", "itemId": item, "quantity": 1}),
    }
}

fn changed(mut line: Value, field: &str, value: Value) -> Vec<u8> {
    line[field] = value;
    line.to_string().into_bytes()
}

fn without(mut line: Value, field: &str) -> Vec<u8> {
    line.as_object_mut().expect("an object").remove(field);
    line.to_string().into_bytes()
}

/// A bad line, and the code of its refusal. Whatever else is in the file, and however often it is sent, it stays bad.
fn bad(kind: u64, number: u64) -> (Vec<u8>, &'static str) {
    let receive = || receipt("base-physical", &format!("bad-{number}"), 5);
    let list = || base(1);
    match kind {
        0 => (format!("{number};not;JSON").into_bytes(), "invalid_json"),
        1 => (receive().to_string().as_bytes()[..40].to_vec(), "invalid_json"),
        2 => (changed(receive(), "op", json!("sell")), "invalid_body"),
        3 => (without(receive(), "itemId"), "invalid_body"),
        4 => (changed(receive(), "itemId", json!("no id")), "invalid_body"),
        5 => (changed(receive(), "color", json!("red")), "invalid_body"),
        6 => (changed(receive(), "quantity", json!(-5)), "invalid_body"),
        7 => (changed(receive(), "quantity", json!(0)), "invalid_body"),
        8 => (changed(receive(), "quantity", json!(1_000_001)), "invalid_body"),
        9 => (changed(list(), "price", json!({"amount": 1.5, "currency": "EUR"})), "invalid_body"),
        10 => (changed(list(), "price", json!({"amount": 1, "currency": "EURO"})), "invalid_body"),
        11 => (changed(list(), "name", json!("x".repeat(70_000))), "line_too_long"),
        12 => {
            let mut bytes = receive().to_string().into_bytes();
            bytes.splice(12..12, [0xff, 0xfe]);
            (bytes, "invalid_json")
        }
        13 => (b"{\"op\":\"delist\",\"itemId\":\"base-physical\",\"itemId\":\"x\"}".to_vec(), "invalid_json"),
        14 => (format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500)).into_bytes(), "invalid_json"),
        15 => (changed(list(), "kind", json!("digital")), "kind_immutable"),
        16 => (changed(receive(), "itemId", json!("base-digital")), "digital_has_no_stock"),
        17 => (changed(receive(), "itemId", json!(format!("unknown-{number}"))), "item_not_found"),
        18 => {
            let count = json!({"op": "count", "itemId": "base-physical", "countId": format!("c-{number}"),
                "location": "main", "counted": 1, "expected": 999, "reason": "count"});
            (count.to_string().into_bytes(), "stale_count")
        }
        _ => (changed(list(), "images", json!(["ftp://example.com/1"])), "invalid_body"),
    }
}
