//! What the view of carts must show.

use super::{Cart, by_item};
use crate::sim::checker::evidence::{Event, list, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Cart {
    /// The row; an empty cart with no checkout open has none.
    pub fn row(&self) -> Option<Value> {
        if self.lines.is_empty() && self.order.is_empty() {
            return None;
        }
        let line = |(item, line): (&String, &Value)| {
            let mut line = line.clone();
            let flags = self.flags.get(item).filter(|(of, flags)| *of == line && !flags.is_empty());
            flags.into_iter().for_each(|(_, flags)| line["flags"] = json!(flags));
            line
        };
        let mut row = json!({"seq": self.newest, "lines": self.lines.iter().map(line).collect::<Vec<_>>()});
        self.locked_by().into_iter().for_each(|order| row["lockedBy"] = json!(order));
        let open = self.order.iter().map(|order| {
            let units: BTreeMap<_, _> = by_item(&self.checkouts[order].lines).into_iter().collect();
            json!({"orderId": order, "units": units})
        });
        let open: Vec<_> = open.collect();
        if !open.is_empty() {
            row["checkouts"] = json!(open);
        }
        Some(row)
    }

    /// What was wrong with lines is told until they are changed, or checked out again.
    pub fn flag(&mut self, event: &Event) {
        let (value, order) = (&event.value, text(&event.value, "orderId"));
        match event.name.as_str() {
            "cart-line-set" => _ = self.flags.remove(text(&value["line"], "itemId")),
            "checkout-begun" => {
                self.order.push(order.to_owned());
                if value["ofCart"] == Value::Bool(true) {
                    self.flags.clear();
                }
            }
            "checkout-ended" => {
                self.order.retain(|open| open != order);
                let of_cart = self.checkouts.get(order).is_some_and(|checkout| checkout.of_cart);
                let outcome = &value["outcome"];
                for (item, line) in self.lines.iter().filter(|_| of_cart) {
                    let refused = list(outcome, "refusals").iter().filter(|refusal| refusal["itemId"] == item.as_str());
                    let flags: Vec<_> = match text(outcome, "outcome") {
                        "expired" => vec![json!({"code": "checkout_expired"})],
                        _ => refused.filter_map(|refusal| flag(&refusal["refusal"])).collect(),
                    };
                    if !flags.is_empty() {
                        self.flags.insert(item.clone(), (line.clone(), flags));
                    }
                }
            }
            _ => {}
        }
        let lines = &self.lines;
        self.flags.retain(|item, (of, _)| lines.get(item) == Some(of));
    }
}

fn flag(refusal: &Value) -> Option<Value> {
    match text(refusal, "reason") {
        "insufficient_stock" => Some(json!({"code": "insufficient_stock", "available": refusal["available"]})),
        "price_changed" => Some(json!({"code": "price_changed", "price": refusal["price"]})),
        "item_unavailable" => Some(json!({"code": "item_unavailable"})),
        _ => None,
    }
}
