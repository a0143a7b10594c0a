//! The cart: what a shopper or guest means to buy, and which checkouts of theirs are open. It holds no stock.
//!
//! A checkout places an order, which answers the client. A checkout of the cart's own lines locks them until its order has
//! ended. Older checkouts of the same items make way first, one after the other: so nobody is in their own way. State
//! stands here, then what is decided by command, one file each, then [`evolve`].

mod add_units;
mod answer;
mod checkout;
mod evolve;
mod hand_over;
mod merge;
mod order_ended;
mod remove_units;
mod set_line;
mod superseded;
mod take_over;
#[cfg(test)]
mod tests;

pub use answer::{CartWait, answer};
pub use evolve::evolve;

use crate::{
    Answer, Context, Decided, Decision,
    known::{Known, Was},
};
use schemas::{
    Effect, EffectId, Event, ItemId, Metadata, OrderId, Quantity, Rejection, Role, SubjectId,
    cart::{CartCommand, CartEvent, CartLine, CartLineSet, CartRejection, MergeBegun},
    order::{OrderLine, SubmitMode},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most lines that a shopper may put into a cart. A merge may bring it to [`MOST_MERGED`].
pub const MOST_LINES: u32 = 500;
/// The most lines that a merge leaves: as many as an order takes.
const MOST_MERGED: usize = 1_000;
/// The most checkouts of a shopper that are open at once: each holds stock.
const MOST_CHECKOUTS: u32 = 100;

/// The state of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    shopper: SubjectId,
    lines: BTreeMap<ItemId, CartLine>,
    /// Open ones, and those that have ended as long as their ids are known.
    checkouts: BTreeMap<OrderId, CheckoutState>,
    /// What guests were asked for and have not handed over.
    merges: Vec<MergeBegun>,
    known: Known,
}

/// A checkout, with all that placing its order takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckoutState {
    effect: Effect,
    lines: Vec<OrderLine>,
    of_cart: bool,
    submit: SubmitMode,
    metadata: Metadata,
    /// The older checkouts that make way first, each asked when the one before has answered.
    supersedes: Vec<OrderId>,
    /// Whether its order was placed.
    placed: bool,
    /// Whether its order has ended for the cart.
    ended: bool,
    /// How many known ids name it.
    named_by: u32,
}

impl Cart {
    /// A cart to which nothing has happened.
    #[must_use]
    pub fn new(shopper: SubjectId) -> Self {
        Self {
            shopper,
            lines: BTreeMap::new(),
            checkouts: BTreeMap::new(),
            merges: Vec::new(),
            known: Known::default(),
        }
    }

    /// How many entries its state has, about.
    #[must_use]
    pub fn entries(&self) -> usize {
        let ordered: usize = self.checkouts.values().map(|checkout| checkout.lines.len()).sum();
        self.lines.len() + ordered + self.known.len()
    }

    /// Whether it is empty and nothing is under way. The ids that it knows come back with its snapshot.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.lines.is_empty() && self.merges.is_empty() && self.open().next().is_none()
    }

    fn open(&self) -> impl Iterator<Item = (&OrderId, &CheckoutState)> {
        self.checkouts.iter().filter(|(_, checkout)| !checkout.ended)
    }

    /// The order whose checkout locks the lines.
    fn locked_by(&self) -> Option<&OrderId> {
        self.open().find(|(_, checkout)| checkout.of_cart).map(|(order_id, _)| order_id)
    }

    /// Units of an item that open checkouts of this shopper hold, or are about to.
    fn own_units(&self, item: &ItemId) -> u64 {
        let lines = self.open().flat_map(|(_, checkout)| &checkout.lines);
        lines.filter(|line| line.item_id == *item).map(|line| line.quantity.units()).sum()
    }

    /// The effect of that id, if it was before; refused where it said something else then.
    fn again(&self, effect: &Effect) -> Result<Option<&Was>, Rejection> {
        if planted::bug!("cart-key-forgotten") {
            return Ok(None);
        }
        self.known.again(effect).map_err(|_| Rejection::Cart(CartRejection::IdempotencyKeyReused))
    }

    fn has_merge(&self, id: &EffectId) -> bool {
        self.merges.iter().any(|merge| merge.effect.id == *id)
    }
}

/// Decides a command. Pure and total; what it refuses is a [`CartRejection`].
pub fn decide(cart: &Cart, command: &CartCommand, cx: Context<'_>) -> Decided {
    match command {
        CartCommand::SetLine(command) => set_line::set_line(own(cart, cx)?, command, cx),
        CartCommand::AddUnits(command) => add_units::add_units(own(cart, cx)?, command, cx),
        CartCommand::RemoveUnits(command) => remove_units::remove_units(own(cart, cx)?, command, cx),
        CartCommand::Checkout(command) => checkout::checkout(own(cart, cx)?, command),
        CartCommand::Merge(command) => merge::merge(own(cart, cx)?, command, cx),
        // No edge takes these from outside: their caller is whoever began the chain.
        CartCommand::OrderEnded(command) => Ok(order_ended::order_ended(cart, command)),
        CartCommand::Superseded(command) => Ok(superseded::superseded(cart, command)),
        CartCommand::HandOver(command) => Ok(hand_over::hand_over(cart, command)),
        CartCommand::TakeOver(command) => Ok(take_over::take_over(cart, command)),
    }
}

/// Passes what the cart's own shopper or guest asks.
fn own<'c>(cart: &'c Cart, cx: Context<'_>) -> Result<&'c Cart, Rejection> {
    let is_own = cx.caller.role == Role::Shopper && cx.caller.subject == cart.shopper;
    if is_own { Ok(cart) } else { Err(Rejection::Cart(CartRejection::CartNotFound)) }
}

/// Passes a cart that no checkout locks.
fn unlocked(cart: &Cart) -> Result<(), Rejection> {
    match cart.locked_by().filter(|_| !planted::bug!("cart-unlocked-change")) {
        Some(order_id) => Err(Rejection::Cart(CartRejection::CartLocked { order_id: order_id.clone() })),
        None => Ok(()),
    }
}

/// Puts a line into the cart as it is to be, where there is room and so much is available.
fn put_line(cart: &Cart, effect: &Effect, line: CartLine, available: Option<u64>, cx: Context<'_>) -> Decided {
    let before = cart.lines.get(&line.item_id);
    if before.is_none() && cart.lines.len() >= MOST_LINES as usize {
        return refuse(CartRejection::TooManyLines { limit: MOST_LINES });
    }
    let asked = line.quantity.units();
    let own = if planted::bug!("own-hold-not-counted") { 0 } else { cart.own_units(&line.item_id) };
    let is_more = before.is_none_or(|before| before.quantity < line.quantity);
    if let Some(available) = available.filter(|_| is_more).map(|available| available.saturating_add(own))
        && asked > available
    {
        return refuse(CartRejection::InsufficientStock { asked, available });
    }

    // From here it succeeds.
    let is_same = before == Some(&line);
    let set = || CartEvent::from(CartLineSet { effect: effect.clone(), line: line.clone() });
    Ok(done(cart, if is_same { Vec::new() } else { vec![set()] }, cx))
}

/// A number of units that is known to be in range.
fn units(units: u64) -> Option<Quantity> {
    u32::try_from(units).ok().and_then(|units| Quantity::new(units).ok())
}

/// Ends with the cart as it is after these events.
fn done(cart: &Cart, events: Vec<CartEvent>, cx: Context<'_>) -> Decision {
    let mut after = cart.clone();
    events.iter().for_each(|event| evolve(&mut after, event, cx.now, cx.policy));
    Decision {
        events: events.into_iter().map(Event::Cart).collect(),
        sends: Vec::new(),
        answer: Answer::Now(answer::reply(&after)),
    }
}

/// Ends with nobody to tell.
fn silent(events: Vec<CartEvent>, sends: Vec<schemas::Command>) -> Decision {
    Decision { events: events.into_iter().map(Event::Cart).collect(), sends, answer: Answer::Nobody }
}

/// A refusal of the cart.
fn refuse(rejection: CartRejection) -> Decided {
    Err(Rejection::Cart(rejection))
}
