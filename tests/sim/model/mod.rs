//! The naive model: what each aggregate is after some events, and what it must say to a command then.
//!
//! It folds the JSON of the log in the simplest way and shares no code with the engine. One folder an aggregate; a new
//! one implements [`Model`] and stands in [`of_topic`].

pub mod cart;
pub mod drop;
pub mod item;
pub mod order;
mod people;
mod plan;
mod registers;

use super::checker::evidence::{CARTS, DROPS, Event, FOLLOWS, ITEMS, ORDERS, SHOPPERS, STORES, WAREHOUSES};
use serde_json::Value;

/// Something that must not be, under the name of the invariant that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// Notes a violation unless `holds`.
    pub fn must(&mut self, holds: bool, invariant: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { invariant, what: what() });
        }
    }
}

/// A command as an aggregate hears it.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub caller: &'a Value,
    pub asked: &'a Value,
}

/// What an aggregate must say.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// This reply.
    Done(Value),
    /// This refusal.
    Refused(Value),
    /// Whatever it shows once the command is through.
    Shown,
    /// Nothing before that has come about.
    Later(Wait),
}

/// What a caller waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    Placed,
    Payment(String),
    Submitted,
    Scheduled,
}

/// What must follow from a command at some state.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether it takes effect now: it did not before, and is not refused.
    pub fresh: bool,
    pub events: Must,
    pub said: Said,
}

/// An event by name, with fields that it must have.
pub type Fact = (&'static str, Value);

/// The events that must follow.
#[derive(Debug, Clone)]
pub enum Must {
    /// These.
    Be(Vec<Fact>),
    /// These, and others that the fold judges.
    Begin(Vec<Fact>),
    /// Whatever the fold takes.
    Fit,
}

impl Verdict {
    pub fn refused(refusal: Value) -> Self {
        Self { fresh: false, events: Must::Be(Vec::new()), said: Said::Refused(refusal) }
    }

    pub fn already(said: Said) -> Self {
        Self { fresh: false, events: Must::Be(Vec::new()), said }
    }
}

/// A row that a view must show of an aggregate: table, key, row.
pub type Shown = (&'static str, String, Value);

/// One aggregate as its events tell it.
pub trait Model {
    /// What must follow from a command here, at that time.
    fn decide(&self, ask: Ask<'_>, now: i64) -> Verdict;
    /// What a waiting caller is told; `None` while there is nothing to tell.
    fn answer(&self, _wait: &Wait) -> Option<Result<Value, Value>> {
        None
    }
    /// The refusals that may be told beside that of [`Self::decide`], where the time of the decision is not known.
    fn late(&self, _asked: &Value) -> Vec<Value> {
        Vec::new()
    }
    /// The reply that shows all of it that this caller may know.
    fn shown(&self, _caller: &Value) -> Value {
        Value::Null
    }
    /// Takes an event, and says what is wrong with it.
    fn take(&mut self, event: &Event, found: &mut Violations);
    /// What must hold once all events of one decision are in.
    fn settled(&self, found: &mut Violations);
    /// What must hold once nothing is under way any more.
    fn rested(&self, found: &mut Violations);
    /// What the views must show.
    fn rows(&self) -> Vec<Shown>;
    /// To look at what only this aggregate has.
    fn as_item(&self) -> Option<&item::Item> {
        None
    }
    /// As [`Self::as_item`].
    fn as_order(&self) -> Option<&order::Order> {
        None
    }
    /// As [`Self::as_item`].
    fn as_cart(&self) -> Option<&cart::Cart> {
        None
    }
    /// As [`Self::as_item`].
    fn as_drop(&self) -> Option<&drop::Drop> {
        None
    }
}

/// The model of an aggregate to which nothing has happened; `None` where nobody has made one.
pub fn of_topic(topic: &str, subject: &str) -> Option<Box<dyn Model>> {
    match topic {
        ITEMS => Some(Box::new(item::Item::new(subject))),
        ORDERS => Some(Box::new(order::Order::new(subject))),
        CARTS => Some(Box::new(cart::Cart::new(subject))),
        STORES => Some(Box::new(registers::Register::new("store", subject))),
        WAREHOUSES => Some(Box::new(registers::Register::new("warehouse", subject))),
        DROPS => Some(Box::new(drop::Drop::new(subject))),
        FOLLOWS => Some(Box::new(people::Follows::new(subject))),
        SHOPPERS => Some(Box::new(people::Shopper::new(subject))),
        _ => None,
    }
}
