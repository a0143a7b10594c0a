//! What a cart must say to a command, and what it makes of what other carts and its orders tell it.

use super::{Cart, Checkout, by_item};
use crate::sim::{
    checker::evidence::{list, number, text},
    model::{Ask, Fact, Must, Said, Verdict, Wait},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most lines, open checkouts, and units of a line.
const MOST_LINES: usize = 500;
const MOST_CHECKOUTS: usize = 20;
const MOST_UNITS: i64 = 1_000_000;

fn refuse(code: &str) -> Value {
    json!({ "code": code })
}

fn makes(events: Vec<Fact>) -> Result<Verdict, Value> {
    Ok(Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Shown })
}

impl Cart {
    pub fn verdict(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let c = ask.asked;
        match text(c, "op") {
            "order_ended" => return makes(self.order_ended(c)),
            "superseded" => return makes(self.superseded(c)),
            "hand_over" => return makes(self.hand_over(c)),
            "take_over" => return makes(self.take_over(c)),
            _ if text(ask.caller, "role") != "shopper" || ask.caller["subject"] != self.id.as_str() => {
                return Err(refuse("cart_not_found"));
            }
            _ => {}
        }
        let known = self.known.get(text(&c["effect"], "id"));
        if known.is_some_and(|(digest, _)| *digest != c["effect"]["digest"]) {
            return Err(refuse("idempotency_key_reused"));
        }
        match (text(c, "op"), known) {
            ("checkout", known) => self.checkout(c, known.map(|(_, order)| order.as_deref())),
            ("merge", Some(_)) if self.merges.contains(&text(&c["effect"], "id").to_owned()) => {
                Ok(Verdict::already(Said::Later(Wait::Placed)))
            }
            (_, Some(_)) => Ok(Verdict::already(Said::Shown)),
            ("merge", None) => {
                self.unlocked()?;
                if c["guest"] == self.id.as_str() {
                    return Err(refuse("own_cart"));
                }
                let begun = ("merge-begun", json!({"effect": c["effect"], "guest": c["guest"]}));
                Ok(Verdict { fresh: true, events: Must::Be(vec![begun]), said: Said::Later(Wait::Placed) })
            }
            (op, None) => {
                self.unlocked()?;
                self.change(op, c)
            }
        }
    }

    /// Lines are set, added to, or taken from.
    fn change(&self, op: &str, c: &Value) -> Result<Verdict, Value> {
        let before = self.lines.get(text(c, "itemId"));
        let (had, asked) = (before.map_or(0, |line| number(line, "quantity")), c["quantity"].as_i64());
        let removed = || makes(vec![("cart-line-removed", json!({"effect": c["effect"], "itemId": c["itemId"]}))]);
        let units = match (op, asked) {
            ("set_line", Some(units)) => units,
            ("add_units", Some(units)) => had + units,
            (_, units) => (had - units.unwrap_or(had)).max(0),
        };
        if units == 0 {
            return if before.is_some() { removed() } else { Ok(Verdict::already(Said::Shown)) };
        }
        if units > MOST_UNITS {
            return Err(json!({"code": "item_quantity_too_large", "itemId": c["itemId"]}));
        }
        if before.is_none() && self.lines.len() >= MOST_LINES {
            return Err(json!({"code": "too_many_lines", "limit": MOST_LINES}));
        }
        let own: i64 = self.open().map(|(_, it)| by_item(&it.lines).get(text(c, "itemId")).copied().unwrap_or(0)).sum();
        if let Some(available) = c["available"].as_i64().map(|available| available + own)
            && op != "remove_units"
            && units > had
            && units > available
        {
            return Err(json!({"code": "insufficient_stock", "asked": units, "available": available}));
        }
        let price =
            if op == "set_line" { Some(&c["expectedUnitPrice"]) } else { before.map(|l| &l["expectedUnitPrice"]) };
        let mut line = json!({"itemId": c["itemId"], "quantity": units});
        if let Some(price) = price.filter(|price| !price.is_null()) {
            line["expectedUnitPrice"] = price.clone();
        }
        if before == Some(&line) {
            return Ok(Verdict::already(Said::Shown));
        }
        makes(vec![("cart-line-set", json!({"effect": c["effect"], "line": line}))])
    }

    /// `known`: the effect is, and of which order.
    fn checkout(&self, c: &Value, known: Option<Option<&str>>) -> Result<Verdict, Value> {
        // The order answers, which is asked about it; but one that is withdrawn never had any.
        let again = |order: &str| match self.checkouts.get(order) {
            Some(checkout) if checkout.ended && !checkout.placed => Err(refuse("order_cancelled")),
            Some(_) => Ok(Verdict::already(Said::Later(Wait::Placed))),
            None => Err(refuse("idempotency_key_reused")),
        };
        if let Some(order) = known {
            return again(order.unwrap_or_default());
        }
        if self.checkouts.contains_key(text(c, "orderId")) {
            return Err(refuse("idempotency_key_reused"));
        }
        let of_cart = c["lines"].is_null();
        if let Some(order) = self.locked_by().filter(|_| of_cart) {
            return makes(vec![("checkout-joined", json!({"effect": c["effect"], "orderId": order}))]);
        }
        let lines = if of_cart { self.order_lines() } else { list(c, "lines").to_vec() };
        if let Some((item, _)) = by_item(&lines).into_iter().find(|(_, units)| *units > MOST_UNITS) {
            return Err(json!({"code": "item_quantity_too_large", "itemId": item}));
        }
        let mut expected = BTreeMap::new();
        for line in lines.iter().filter(|line| line["unitPrice"].is_null() && !line["expectedUnitPrice"].is_null()) {
            let price = &line["expectedUnitPrice"];
            if *expected.entry(text(line, "itemId")).or_insert(price) != price {
                return Err(json!({"code": "expected_prices_differ", "itemId": line["itemId"]}));
            }
        }
        if lines.is_empty() {
            return Err(refuse("cart_empty"));
        }
        let items = by_item(&lines);
        let shares = |checkout: &Checkout| by_item(&checkout.lines).keys().any(|item| items.contains_key(item));
        let (older, others): (Vec<_>, Vec<_>) = self.open().partition(|(_, checkout)| shares(checkout));
        if others.len() >= MOST_CHECKOUTS {
            return Err(json!({"code": "too_many_checkouts", "limit": MOST_CHECKOUTS}));
        }
        let (placed, unplaced): (Vec<_>, Vec<_>) = older.into_iter().partition(|(_, checkout)| checkout.placed);
        let cancelled = json!({"outcome": "cancelled"});
        let ended = |order: &String| json!({"orderId": order, "outcome": cancelled, "lines": self.all_lines()});
        let mut events: Vec<_> = unplaced.into_iter().map(|(order, _)| ("checkout-ended", ended(order))).collect();
        let supersedes: Vec<_> = placed.into_iter().map(|(order, _)| order).collect();
        let supersedes = if supersedes.is_empty() { Value::Null } else { json!(supersedes) };
        let begun = json!({
            "effect": c["effect"], "orderId": c["orderId"], "lines": lines, "ofCart": of_cart, "submit": c["submit"],
            "supersedes": supersedes,
        });
        events.push(("checkout-begun", begun));
        Ok(Verdict { fresh: true, events: Must::Be(events), said: Said::Later(Wait::Placed) })
    }

    /// The lines as an order has them.
    fn order_lines(&self) -> Vec<Value> {
        let line = |(number, line): (usize, &Value)| {
            let mut ordered = line.clone();
            ordered["lineId"] = json!((number + 1).to_string());
            ordered
        };
        self.lines.values().enumerate().map(line).collect()
    }

    fn order_ended(&self, c: &Value) -> Vec<Fact> {
        let order = text(c, "orderId");
        let Some(checkout) = self.checkouts.get(order).filter(|it| it.placed && !it.ended) else { return Vec::new() };
        let bought = checkout.of_cart && c["outcome"]["outcome"] == "confirmed";
        let bought = if bought { by_item(&checkout.lines) } else { BTreeMap::new() };
        let rest = self.lines.iter().filter_map(|(item, line)| {
            let units = number(line, "quantity") - bought.get(item.as_str()).copied().unwrap_or(0);
            let mut line = line.clone();
            line["quantity"] = json!(units);
            (units > 0).then_some(line)
        });
        let lines: Vec<_> = rest.collect();
        vec![("checkout-ended", json!({"orderId": order, "outcome": c["outcome"], "lines": lines}))]
    }

    fn superseded(&self, c: &Value) -> Vec<Fact> {
        let waits = |checkout: &&Checkout| !checkout.placed && !checkout.ended;
        let Some(checkout) = self.checkouts.get(text(c, "by")).filter(waits) else { return Vec::new() };
        if checkout.supersedes.last() != Some(&c["orderId"]) {
            return Vec::new();
        }
        vec![("checkout-placed", json!({"orderId": c["by"]}))]
    }

    fn hand_over(&self, c: &Value) -> Vec<Fact> {
        if self.known.contains_key(text(&c["effect"], "id")) {
            return Vec::new();
        }
        let lines = if self.locked_by().is_some() { Vec::new() } else { self.all_lines() };
        vec![("cart-handed-over", json!({"effect": c["effect"], "to": c["to"], "lines": lines}))]
    }

    fn take_over(&self, c: &Value) -> Vec<Fact> {
        if !self.merges.iter().any(|id| c["effect"]["id"] == id.as_str()) {
            return Vec::new();
        }
        let mut lines = self.lines.clone();
        for guests in list(c, "lines") {
            let line = lines.entry(text(guests, "itemId").to_owned());
            let own = line.or_insert_with(|| json!({"itemId": guests["itemId"], "quantity": 0}));
            own["quantity"] = json!((number(own, "quantity") + number(guests, "quantity")).min(MOST_UNITS));
            if own["expectedUnitPrice"].is_null() && !guests["expectedUnitPrice"].is_null() {
                own["expectedUnitPrice"] = guests["expectedUnitPrice"].clone();
            } else if own["expectedUnitPrice"].is_null() {
                own.as_object_mut().map(|own| own.remove("expectedUnitPrice"));
            }
        }
        let lines: Vec<_> = lines.into_values().collect();
        vec![("cart-merged", json!({"effect": c["effect"], "guest": c["guest"], "lines": lines}))]
    }
}
