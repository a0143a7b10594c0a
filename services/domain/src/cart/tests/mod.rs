//! Given events, when a command, then events: by outcome, a file per command.

mod add_units;
mod checkout;
mod merge;
mod order_ended;
mod ownership;
mod random;
mod remove_units;
mod retention;
mod set_line;
mod superseded;

use super::{Cart, CartWait, answer, decide, evolve};
use crate::{Answer, Context, Decided, Decision, Policy, Wait};
use schemas::{
    Caller, Command, CommandId, Currency, Digest, Effect, EffectId, Event, ItemId, LineId, Metadata, Money, OrderId,
    Quantity, Rejection, ReplyBody, Role, SubjectId, Timestamp,
    cart::*,
    order::{HoldRefusal, OrderCommand, OrderLine, OrderRefusal, OrderRejection, PlaceOrder, SubmitMode},
};

pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("in range")
}

pub(super) fn item(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub(super) fn order(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id")
}

pub(super) fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

pub(super) fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("in range")
}

/// An effect whose digest says `content`.
pub(super) fn effect(id: &str, content: u8) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([content; 16]) }
}

pub(super) fn caller(role: Role, id: &str) -> Caller {
    Caller { role, subject: subject(id), store: None, location: None }
}

pub(super) fn alice() -> Caller {
    caller(Role::Shopper, "alice")
}

pub(super) fn set(id: &str, of: &str, units: u32) -> SetCartLine {
    let quantity = Quantity::new(units).ok();
    SetCartLine { effect: effect(id, 1), item_id: item(of), quantity, expected_unit_price: None, available: None }
}

pub(super) fn add(id: &str, of: &str, units: u32) -> AddUnits {
    AddUnits { effect: effect(id, 1), item_id: item(of), quantity: quantity(units), available: None }
}

pub(super) fn remove(id: &str, of: &str, units: u32) -> RemoveUnits {
    RemoveUnits { effect: effect(id, 1), item_id: item(of), quantity: quantity(units) }
}

/// A checkout of the cart, whose order has the id of the effect.
pub(super) fn stored(id: &str) -> Checkout {
    let metadata = Metadata::default();
    Checkout { effect: effect(id, 1), order_id: order(id), lines: None, submit: SubmitMode::Explicit, metadata }
}

/// A checkout of these lines.
pub(super) fn of_lines(id: &str, lines: &[(&str, u32)]) -> Checkout {
    let line = |(number, (of, units)): (usize, &(&str, u32))| OrderLine {
        line_id: LineId::parse(&(number + 1).to_string()).expect("an id"),
        item_id: item(of),
        quantity: quantity(*units),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    Checkout { lines: Some(lines.iter().enumerate().map(line).collect()), ..stored(id) }
}

pub(super) fn ended(id: &str, outcome: CartOutcome) -> CartCommand {
    CartCommand::OrderEnded(OrderEnded { order_id: order(id), outcome })
}

pub(super) fn gave_way(older: &str, by: &str) -> CartCommand {
    CartCommand::Superseded(Superseded { order_id: order(older), by: order(by) })
}

/// A cart, the time, and what was decided last.
#[derive(Clone)]
pub(super) struct World {
    pub cart: Cart,
    pub now: Timestamp,
    pub policy: Policy,
}

impl World {
    pub fn new() -> Self {
        Self::of("alice")
    }

    pub fn of(shopper: &str) -> Self {
        Self { cart: Cart::new(subject(shopper)), now: START, policy: Policy::default() }
    }

    /// Alice's cart of these lines.
    pub fn with(lines: &[(&str, u32)]) -> Self {
        let mut world = Self::new();
        for (number, (of, units)) in lines.iter().enumerate() {
            world.done(CartCommand::SetLine(set(&format!("given-{number}"), of, *units)));
        }
        world
    }

    /// Decides and applies. What is decided again makes no event and is answered the same.
    #[track_caller]
    pub fn by(&mut self, caller: &Caller, command: CartCommand) -> Decided {
        let decided = self.decide(caller, &command);
        if let Ok(decision) = &decided {
            self.apply(decision);
            let again = self.decide(caller, &command).expect("what took effect is not refused when it comes again");
            assert_eq!(again.events, [], "again: {command:?}");
            if !matches!(command, CartCommand::Checkout(_) | CartCommand::Superseded(_)) {
                assert_eq!(again.answer, decision.answer, "again: {command:?}");
            }
        } else {
            assert_eq!(self.decide(caller, &command), decided, "a refusal is given again");
        }
        decided
    }

    fn decide(&self, caller: &Caller, command: &CartCommand) -> Decided {
        let command_id = CommandId::parse("c-1").expect("an id");
        let cx = Context { now: self.now, command_id: &command_id, caller, policy: &self.policy };
        decide(&self.cart, command, cx)
    }

    fn apply(&mut self, decision: &Decision) {
        for event in &decision.events {
            let Event::Cart(event) = event else { panic!("not a cart's: {event:?}") };
            evolve(&mut self.cart, event, self.now, &self.policy);
        }
        let stored = serde_json::to_vec(&self.cart).expect("a cart is JSON");
        let restored: Cart = serde_json::from_slice(&stored).expect("a cart is read as it was stored");
        assert_eq!(restored, self.cart);
    }

    /// What Alice is answered.
    #[track_caller]
    pub fn ask(&mut self, command: CartCommand) -> Decided {
        self.by(&alice(), command)
    }

    /// What Alice asks for, and gets.
    #[track_caller]
    pub fn done(&mut self, command: CartCommand) -> Decision {
        self.ask(command).expect("it is not refused")
    }

    /// Item and units of each line.
    pub fn lines(&self) -> Vec<(String, u32)> {
        self.cart.lines.values().map(|line| (line.item_id.to_string(), line.quantity.get())).collect()
    }

    #[track_caller]
    pub fn assert_lines(&self, lines: &[(&str, u32)]) {
        let lines: Vec<_> = lines.iter().map(|(item, units)| ((*item).to_owned(), *units)).collect();
        assert_eq!(self.lines(), lines);
    }

    /// The order that locks it.
    pub fn locked_by(&self) -> Option<String> {
        self.cart.locked_by().map(ToString::to_string)
    }
}

#[track_caller]
pub(super) fn refusal(decided: &Decided) -> CartRejection {
    match decided {
        Err(Rejection::Cart(rejection)) => rejection.clone(),
        other => panic!("not refused: {other:?}"),
    }
}

/// The last words of the types of the events.
pub(super) fn names(decision: &Decision) -> Vec<String> {
    let last = |event: &Event| event.event_type().trim_end_matches(".v1").rsplit('.').next().unwrap_or("").to_owned();
    decision.events.iter().map(last).collect()
}

/// What was sent, in few words.
pub(super) fn sent(decision: &Decision) -> Vec<String> {
    let told = |command: &Command| match command {
        Command::Order { order, command: OrderCommand::Place(place) } => {
            assert!(place.from_cart, "the order is to tell how it ends");
            let units = |line: &OrderLine| format!("{}x{}", line.quantity, line.item_id);
            format!("place {order}: {}", place.lines.iter().map(units).collect::<Vec<_>>().join(" "))
        }
        Command::Order { order, command: OrderCommand::Supersede(by) } => format!("supersede {order} by {}", by.by),
        Command::Cart { shopper, command: CartCommand::HandOver(ask) } => format!("hand over {shopper} to {}", ask.to),
        Command::Cart { shopper, command: CartCommand::TakeOver(take) } => {
            format!("take over {shopper}: {}", take.lines.len())
        }
        other => panic!("not sent by a cart: {other:?}"),
    };
    decision.sends.iter().map(told).collect()
}

pub(super) fn short(of: &str) -> CartOutcome {
    let refusal = HoldRefusal::InsufficientStock { asked: 2, available: 1 };
    CartOutcome::Rejected { refusals: vec![OrderRefusal::Item { item_id: item(of), refusal }] }
}
