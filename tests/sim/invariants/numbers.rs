//! The numbers of the shop: what is bought of late, the turnover, and what is bought together; counted order by order.

use crate::sim::checker::evidence::{Event, ORDERS, RowKey, list, number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Rows = BTreeMap<RowKey, Value>;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Minutes until a place is taken again.
const RING: i64 = 64;

/// An order, as far as it was told.
struct Order {
    row: Value,
    confirmed_at: Option<i64>,
}

pub fn add(events: &[Event], rows: &mut Rows) {
    let mut orders: BTreeMap<&str, Order> = BTreeMap::new();
    for event in events.iter().filter(|event| event.topic == ORDERS) {
        if event.name == "order-placed" {
            orders.insert(&event.subject, Order { row: placed(&event.value), confirmed_at: None });
        }
        if let Some(order) = orders.get_mut(event.subject.as_str()) {
            order.take(event, rows);
        }
    }
    let sale = |(id, order): (&str, Order)| (("sale_v1".to_owned(), id.to_owned(), String::new()), order.row);
    rows.extend(orders.into_iter().map(sale));
}

/// What of its adjustments counts, of a line or (`null`) of the whole.
fn adjusted(placed: &Value, line: &Value) -> i64 {
    let counts = |a: &&Value| a["included"] != Value::Bool(true) && a["lineId"] == *line;
    list(placed, "adjustments").iter().filter(counts).map(|a| number(&a["amount"], "amount")).sum()
}

fn placed(value: &Value) -> Value {
    let line = |line: &Value| {
        json!({
            "lineId": line["lineId"], "itemId": line["itemId"], "units": line["quantity"], "unitPrice": 0,
            "adjusted": adjusted(value, &line["lineId"]),
        })
    };
    let lines: Vec<_> = list(value, "lines").iter().map(line).collect();
    json!({"lines": lines, "ofOrder": adjusted(value, &Value::Null)})
}

/// The sum of a line's units that came back.
fn back(line: &Value) -> i64 {
    list(line, "back").iter().map(|back| number(back, "units")).sum()
}

/// What a line came to, and what so many of its units come to: rounded down, and the last one has the rest.
fn worth(line: &Value, units: i64) -> i64 {
    let (ordered, all) = (number(line, "units"), number(line, "unitPrice") * number(line, "units"));
    (all + number(line, "adjusted")) * units / ordered
}

impl Order {
    fn lines(&self) -> &[Value] {
        list(&self.row, "lines")
    }

    fn take(&mut self, event: &Event, rows: &mut Rows) {
        let value = &event.value;
        match event.name.as_str() {
            "holds-granted" => {
                self.row["currency"] = value["total"]["currency"].clone();
                for line in self.row["lines"].as_array_mut().into_iter().flatten() {
                    let priced = list(value, "lines").iter().find(|priced| priced["lineId"] == line["lineId"]);
                    let priced = priced.expect("every line is priced");
                    line["unitPrice"] = priced["unitPrice"]["amount"].clone();
                    if !priced["store"].is_null() {
                        line["store"] = priced["store"].clone();
                    }
                }
            }
            "order-confirmed" => {
                self.row["confirmed"] = json!({"seq": event.seq, "time": event.time});
                self.confirmed_at = Some(event.millis());
                self.count_sold(event, rows);
            }
            "lines-cancelled" | "return-received" => self.take_back(event, rows),
            "operator-refunded" if self.confirmed_at.is_some() => {
                let amount = number(&value["amount"], "amount");
                self.turn(event, rows, "", &[("refunded", amount)]);
            }
            _ => {}
        }
    }

    fn count_sold(&self, event: &Event, rows: &mut Rows) {
        let mut stores: Vec<&str> = self.lines().iter().map(|line| text(line, "store")).collect();
        stores.sort_unstable();
        stores.dedup();
        for store in stores {
            let of_store: Vec<_> = self.lines().iter().filter(|line| text(line, "store") == store).collect();
            let units = of_store.iter().map(|line| number(line, "units")).sum();
            let gross = of_store.iter().map(|line| worth(line, number(line, "units"))).sum();
            self.turn(event, rows, store, &[("orders", 1), ("units", units), ("gross", gross)]);
        }
        if number(&self.row, "ofOrder") != 0 {
            self.turn(event, rows, "", &[("gross", number(&self.row, "ofOrder"))]);
        }
        for line in self.lines() {
            self.buy(event, rows, text(line, "itemId"), number(line, "units"));
        }
        let mut items: Vec<&str> = Vec::new();
        for item in self.lines().iter().map(|line| text(line, "itemId")) {
            if !items.contains(&item) && items.len() < 20 {
                items.push(item);
            }
        }
        for item in &items {
            for other in items.iter().filter(|other| *other != item) {
                let key = ("bought_together_v1".to_owned(), (*item).to_owned(), format!("{:05}", event.partition));
                let row = rows.entry(key).or_insert_with(|| json!({"others": {}}));
                row["others"][*other] = json!(number(&row["others"], other) + 1);
            }
        }
    }

    /// Adds units to, or takes them from, the minute in which the order was confirmed.
    fn buy(&self, event: &Event, rows: &mut Rows, item: &str, units: i64) {
        let minute = self.confirmed_at.expect("it is confirmed").div_euclid(MINUTE_MS);
        let place = format!("{:02}/{}", minute.rem_euclid(RING), event.partition);
        let key = ("most_bought_v1".to_owned(), place, String::new());
        let is_this = rows.get(&key).is_some_and(|row| number(row, "minute") == minute);
        if !is_this && units < 0 {
            return;
        }
        let fresh = || json!({"minute": minute, "items": {}});
        let row = rows.entry(key).or_insert_with(fresh);
        if !is_this {
            *row = fresh();
        }
        let left = number(&row["items"], item) + units;
        row["items"][item] = json!(left);
        if left == 0 {
            row["items"].as_object_mut().expect("a list").remove(item);
        }
    }

    fn take_back(&mut self, event: &Event, rows: &mut Rows) {
        let cancels = event.name == "lines-cancelled";
        let kind = if cancels { "cancelled" } else { "returned" };
        let all_back = |order: &Self| order.lines().iter().all(|line| back(line) >= number(line, "units"));
        for at in 0..self.lines().len() {
            let before = self.lines()[at].clone();
            let parts = list(&event.value, "lines").iter().filter(|part| part["lineId"] == before["lineId"]);
            for part in parts {
                let line = &mut self.row["lines"][at];
                if line["back"].is_null() {
                    line["back"] = json!([]);
                }
                let entry = json!({"seq": event.seq, "units": part["quantity"]});
                line["back"].as_array_mut().expect("a list").push(entry);
            }
            let line = self.lines()[at].clone();
            let units = back(&line) - back(&before);
            if units > 0 && self.confirmed_at.is_some() {
                let amount = worth(&line, back(&line)) - worth(&line, back(&before));
                self.turn(event, rows, text(&line, "store"), &[("unitsBack", units), (kind, amount)]);
                if cancels {
                    self.buy(event, rows, text(&line, "itemId"), -units);
                }
            }
        }
        if self.confirmed_at.is_some() && all_back(self) && number(&self.row, "ofOrder") != 0 {
            self.turn(event, rows, "", &[(kind, number(&self.row, "ofOrder"))]);
        }
    }

    /// Adds to the takings of a store on the day of the event.
    fn turn(&self, event: &Event, rows: &mut Rows, store: &str, more: &[(&str, i64)]) {
        let day = format!("{}/{}", event.millis().div_euclid(DAY_MS), event.partition);
        let row = rows.entry(("turnover_v1".to_owned(), day, store.to_owned())).or_insert_with(|| json!({}));
        let takings = &mut row[text(&self.row, "currency")];
        for name in ["orders", "units", "unitsBack", "gross", "cancelled", "returned", "refunded"] {
            let added = more.iter().find(|(what, _)| *what == name).map_or(0, |(_, added)| *added);
            takings[name] = json!(number(takings, name) + added);
        }
    }
}
