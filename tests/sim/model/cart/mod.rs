//! A cart, reckoned from its events: lines, checkouts, merges.

mod decide;
mod rows;

use super::{Ask, Model, Shown, Verdict, Violations};
use crate::sim::checker::evidence::{Event, list, number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A checkout as its events tell it.
#[derive(Debug, Clone)]
struct Checkout {
    lines: Vec<Value>,
    of_cart: bool,
    supersedes: Vec<Value>,
    placed: bool,
    ended: bool,
    /// How it ended.
    outcome: String,
}

/// A cart as its events tell it.
#[derive(Debug, Default)]
pub struct Cart {
    id: String,
    /// By item.
    lines: BTreeMap<String, Value>,
    /// By order.
    checkouts: BTreeMap<String, Checkout>,
    /// By effect: digest, and the order of a checkout.
    known: BTreeMap<String, (Value, Option<String>)>,
    /// Merges that a guest's cart has not answered.
    merges: Vec<String>,
    /// What the view tells beside: the newest event, open checkouts as they began, and what was wrong with a line.
    newest: u64,
    order: Vec<String>,
    flags: BTreeMap<String, (Value, Vec<Value>)>,
}

/// Units by item.
fn by_item(lines: &[Value]) -> BTreeMap<&str, i64> {
    let mut items = BTreeMap::new();
    lines.iter().for_each(|line| *items.entry(text(line, "itemId")).or_default() += number(line, "quantity"));
    items
}

impl Cart {
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    fn open(&self) -> impl Iterator<Item = (&String, &Checkout)> {
        self.checkouts.iter().filter(|(_, checkout)| !checkout.ended)
    }

    fn locked_by(&self) -> Option<&String> {
        self.open().find(|(_, checkout)| checkout.of_cart).map(|(order, _)| order)
    }

    fn unlocked(&self) -> Result<(), Value> {
        match self.locked_by() {
            Some(order) => Err(json!({"code": "cart_locked", "orderId": order})),
            None => Ok(()),
        }
    }

    fn all_lines(&self) -> Vec<Value> {
        self.lines.values().cloned().collect()
    }

    fn set_lines(&mut self, lines: &[Value]) {
        self.lines = lines.iter().map(|line| (text(line, "itemId").to_owned(), line.clone())).collect();
    }

    fn remember(&mut self, value: &Value, order: Option<String>, found: &mut Violations) {
        let effect = &value["effect"];
        let before = self.known.insert(text(effect, "id").to_owned(), (effect["digest"].clone(), order));
        found.must(before.is_none(), "one-decision-per-id", || format!("cart {}: twice: {value}", self.id));
    }
}

impl Model for Cart {
    fn decide(&self, ask: Ask<'_>, _now: i64) -> Verdict {
        self.verdict(ask).unwrap_or_else(Verdict::refused)
    }

    fn shown(&self, _: &Value) -> Value {
        json!({"shopper": self.id, "lines": self.all_lines(), "lockedBy": self.locked_by()})
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        let (value, order) = (&event.value, text(&event.value, "orderId").to_owned());
        self.newest = event.seq;
        let locked = self.locked_by().cloned();
        let is_free = locked.is_none();
        let cart = self.id.clone();
        let wrong = || format!("cart {cart}, locked by {locked:?}: {} {value}", event.name);
        match event.name.as_str() {
            "cart-line-set" | "cart-line-removed" => {
                found.must(is_free, "carts-agree", wrong);
                if event.name == "cart-line-set" {
                    self.lines.insert(text(&value["line"], "itemId").to_owned(), value["line"].clone());
                } else {
                    self.lines.remove(text(value, "itemId"));
                }
                self.remember(value, None, found);
            }
            "checkout-begun" => {
                let of_cart = value["ofCart"] == Value::Bool(true);
                found.must(is_free || !of_cart, "carts-agree", wrong);
                let supersedes = list(value, "supersedes").to_vec();
                let placed = supersedes.is_empty();
                let lines = list(value, "lines").to_vec();
                let before = self.checkouts.insert(
                    order.clone(),
                    Checkout { lines, of_cart, supersedes, placed, ended: false, outcome: String::new() },
                );
                found.must(before.is_none(), "one-decision-per-id", wrong);
                self.remember(value, Some(order), found);
            }
            "checkout-joined" => {
                found.must(locked.as_ref() == Some(&order), "carts-agree", wrong);
                self.remember(value, Some(order), found);
            }
            "checkout-placed" => {
                let waits = self.checkouts.get_mut(&order).filter(|it| !it.placed && !it.ended);
                found.must(waits.is_some(), "one-decision-per-id", wrong);
                waits.into_iter().for_each(|it| it.placed = true);
            }
            "checkout-ended" => {
                let open = self.checkouts.get_mut(&order).filter(|it| !it.ended);
                found.must(open.is_some(), "one-decision-per-id", wrong);
                if let Some(it) = open {
                    (it.ended, it.outcome) = (true, text(&value["outcome"], "outcome").to_owned());
                }
                self.set_lines(list(value, "lines"));
            }
            "merge-begun" => {
                self.merges.push(text(&value["effect"], "id").to_owned());
                self.remember(value, None, found);
            }
            "cart-handed-over" => {
                let gave = list(value, "lines");
                let all = gave.is_empty() || gave == self.all_lines();
                found.must(all && (is_free || gave.is_empty()), "merge-moves-once", wrong);
                if !gave.is_empty() {
                    self.lines.clear();
                }
                self.remember(value, None, found);
            }
            "cart-merged" => {
                let waited = self.merges.len();
                self.merges.retain(|id| value["effect"]["id"] != id.as_str());
                found.must(self.merges.len() < waited, "merge-moves-once", wrong);
                self.set_lines(list(value, "lines"));
            }
            other => found.must(false, "known-events", || format!("the model knows no `{other}`")),
        }
        self.flag(event);
    }

    fn settled(&self, found: &mut Violations) {
        let locks = self.open().filter(|(_, checkout)| checkout.of_cart).count();
        found.must(locks <= 1, "carts-agree", || format!("cart {} is locked {locks} times", self.id));
    }

    fn rested(&self, found: &mut Violations) {
        let open: Vec<_> = self.open().collect();
        found.must(open.is_empty(), "carts-agree", || format!("cart {}: never ends: {open:?}", self.id));
        found.must(self.merges.is_empty(), "merge-moves-once", || format!("cart {}: {:?}", self.id, self.merges));
    }

    fn as_cart(&self) -> Option<&Cart> {
        Some(self)
    }

    fn rows(&self) -> Vec<Shown> {
        self.row().map(|row| ("cart_v1", self.id.clone(), row)).into_iter().collect()
    }
}

impl Cart {
    /// The orders that it placed, and how it was told that they ended.
    pub fn placed(&self) -> impl Iterator<Item = (&str, &str)> {
        let placed = self.checkouts.iter().filter(|(_, checkout)| checkout.placed && checkout.ended);
        placed.map(|(order, checkout)| (order.as_str(), checkout.outcome.as_str()))
    }
}
