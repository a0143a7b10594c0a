//! What the checker looks at: the log, the history of calls and answers, and the views, all of it as JSON.
//!
//! Nothing here knows the engine's types, so that the same checker reads what a real process wrote.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Positions: `topic/partition` and the seq there.
pub type Positions = BTreeMap<String, u64>;

/// A row of a view: table, partition and clustering key.
pub type RowKey = (String, String, String);

/// An event with what stands beside its value.
#[derive(Debug, Clone)]
pub struct Event {
    pub topic: String,
    pub partition: u32,
    pub seq: u64,
    pub epoch: u64,
    /// Such as `hold-granted`.
    pub name: String,
    pub subject: String,
    /// As the envelope has it: RFC 3339.
    pub time: String,
    pub actor: String,
    pub causation: String,
    pub correlation: String,
    pub value: Value,
}

impl Event {
    /// `topic/partition`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.topic, self.partition)
    }

    /// `topic/partition@seq`, as views name it.
    pub fn position(&self) -> String {
        format!("{}/{}@{}", self.topic, self.partition, self.seq)
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        millis(&self.time)
    }
}

/// Somebody asked for something.
#[derive(Debug, Clone)]
pub struct Call {
    /// When, in the order of all calls, answers and reads.
    pub order: u64,
    /// What its answer names.
    pub request: u64,
    pub client: usize,
    /// The id of its command.
    pub id: String,
    pub caller: Value,
    /// Aggregate, key and what is asked of it.
    pub command: Value,
    /// The latest time that any clock of the world had shown when it (or its last copy) stood in the log, in milliseconds
    /// since 1970.
    pub arrived: i64,
    /// Whether its client listens for the answer.
    pub waits: bool,
}

impl Call {
    /// The topic and the key of the aggregate that is asked.
    pub fn aggregate(&self) -> (&'static str, &str) {
        let (topic, name) = match self.command["aggregate"].as_str() {
            Some("item") => (ITEMS, "item"),
            Some("cart") => (CARTS, "shopper"),
            Some("store") => (STORES, "store"),
            Some("warehouse") => (WAREHOUSES, "location"),
            Some("drop") => (DROPS, "drop"),
            Some("follows") => (FOLLOWS, "shopper"),
            Some("shopper") => (SHOPPERS, "shopper"),
            _ => (ORDERS, "order"),
        };
        (topic, text(&self.command, name))
    }

    /// What is asked.
    pub fn asked(&self) -> &Value {
        &self.command["command"]
    }
}

/// The topic of the items.
pub const ITEMS: &str = "inventory.events.v1";
/// The topic of the orders.
pub const ORDERS: &str = "orders.events.v1";

/// The topic of the carts.
pub const CARTS: &str = "carts.events.v1";
/// The topic of the stores.
pub const STORES: &str = "stores.events.v1";
/// The topic of the warehouses.
pub const WAREHOUSES: &str = "warehouses.events.v1";

/// The topic of the drops.
pub const DROPS: &str = "drops.events.v1";
/// The topic of what shoppers follow.
pub const FOLLOWS: &str = "follows.events.v1";
/// The topic of the shoppers.
pub const SHOPPERS: &str = "shoppers.events.v1";

/// What a client was told: done, or refused. A call without any ended as unknown.
#[derive(Debug, Clone)]
pub struct Answer {
    pub order: u64,
    pub request: u64,
    pub done: bool,
    /// The reply, or the refusal.
    pub body: Value,
    pub positions: Positions,
    /// How far the log was, at that moment.
    pub seen: Positions,
}

/// A client read a row of a view.
#[derive(Debug, Clone)]
pub struct Read {
    pub order: u64,
    pub client: usize,
    pub table: String,
    pub key: String,
    /// The aggregate that the row is of.
    pub aggregate: (&'static str, String),
    /// What its token named of the row's partition.
    pub token: u64,
    pub row: Option<Value>,
}

/// Everything that a run left behind.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub events: Vec<Event>,
    /// Commands from one aggregate to another, as the log has them.
    pub internal: Vec<Value>,
    pub calls: Vec<Call>,
    pub answers: Vec<Answer>,
    pub reads: Vec<Read>,
    pub views: BTreeMap<RowKey, Value>,
    /// The most that a clock went before the latest, in milliseconds.
    pub skew: i64,
}

impl Evidence {
    /// A number that is another one when anything in it is.
    pub fn trace(&self) -> u64 {
        let mut hash = Fnv::default();
        for e in &self.events {
            let head = json!([e.topic, e.partition, e.seq, e.epoch, e.name, e.subject, e.time, e.actor, e.causation]);
            hash.add(&head);
            hash.add(&e.value);
        }
        self.internal.iter().for_each(|command| hash.add(command));
        for c in &self.calls {
            hash.add(&json!([c.order, c.request, c.client, c.id, c.caller, c.command, c.arrived, c.waits]));
        }
        for a in &self.answers {
            hash.add(&json!([a.order, a.request, a.done, a.body, a.positions, a.seen]));
        }
        for r in &self.reads {
            hash.add(&json!([r.order, r.client, r.table, r.key, r.token, r.row]));
        }
        self.views.iter().for_each(|(key, row)| hash.add(&json!([key, row])));
        hash.0
    }
}

/// FNV-1a, 64 bits: the same in every build.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, value: &Value) {
        for byte in value.to_string().bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// A number of a JSON object; zero where there is none, which no check takes for right.
pub fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

/// A text of a JSON object.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Minor units of an amount.
pub fn minor(value: &Value, name: &str) -> i64 {
    number(&value[name], "amount")
}

/// A list of a JSON object; empty where there is none.
pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Milliseconds since 1970 of `2026-01-31T12:00:00.000Z`, by counting years and months.
pub fn millis(time: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| time.get(range).and_then(|text| text.parse().ok()).unwrap_or(0_i64);
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + (1..month).map(|m| months[usize::try_from(m - 1).unwrap_or(0) % 12]).sum::<i64>() + day - 1;
    ((days * 24 + number(11..13)) * 60 + number(14..16)) * 60_000 + number(17..19) * 1_000 + number(20..23)
}

/// The text of a time: the inverse of [`millis`].
pub fn rfc3339(at: i64) -> String {
    let (mut days, of_day) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1_000 % 60, of_day % 1_000);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", days + 1)
}
