//! One face over all aggregates, so that the processor need not know which it holds.

use crate::{Answer, Context, Decided, Decision, Wait, cart, drop, follows, item, order, shopper, store, warehouse};
use schemas::{AggregateKey, Command, Event, Rejection, ReplyBody, Timestamp};
use serde::{Deserialize, Serialize};

/// The state of one consistency unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", content = "state", rename_all = "snake_case")]
pub enum Aggregate {
    /// An item.
    Item(Box<item::Item>),
    /// An order.
    Order(Box<order::Order>),
    /// A cart.
    Cart(Box<cart::Cart>),
    /// A store.
    Store(Box<store::Store>),
    /// A warehouse.
    Warehouse(Box<warehouse::Warehouse>),
    /// A drop.
    Drop(Box<drop::Drop>),
    /// What a shopper follows.
    Follows(Box<follows::Follows>),
    /// A shopper.
    Shopper(Box<shopper::Shopper>),
}

impl Aggregate {
    /// The number of the stored state format; a snapshot with another number is ignored.
    pub const STATE_FORMAT: u32 = 4;

    /// The state of an aggregate to which nothing has happened.
    #[must_use]
    pub fn new(key: &AggregateKey) -> Self {
        match key {
            AggregateKey::Item(id) => Self::Item(Box::new(item::Item::new(id.clone()))),
            AggregateKey::Order(id) => Self::Order(Box::new(order::Order::new(id.clone()))),
            AggregateKey::Cart(id) => Self::Cart(Box::new(cart::Cart::new(id.clone()))),
            AggregateKey::Store(id) => Self::Store(Box::new(store::Store::new(id.clone()))),
            AggregateKey::Warehouse(id) => Self::Warehouse(Box::new(warehouse::Warehouse::new(id.clone()))),
            AggregateKey::Drop(id) => Self::Drop(Box::new(drop::Drop::new(id.clone()))),
            AggregateKey::Follows(id) => Self::Follows(Box::new(follows::Follows::new(id.clone()))),
            AggregateKey::Shopper(id) => Self::Shopper(Box::new(shopper::Shopper::new(id.clone()))),
        }
    }

    /// Decides a command. Pure and total; what it refuses is a [`Rejection`].
    ///
    /// # Panics
    /// If the command is not of this aggregate: the processor routes by [`Command::aggregate`].
    pub fn decide(&self, command: &Command, cx: Context<'_>) -> Decided {
        match (self, command) {
            (Self::Item(state), Command::Item { command, .. }) => item::decide(state, command, cx),
            (Self::Order(state), Command::Order { command, .. }) => order::decide(state, command, cx),
            (Self::Cart(state), Command::Cart { command, .. }) => cart::decide(state, command, cx),
            (Self::Store(state), Command::Store { command, .. }) => store::decide(state, command, cx),
            (Self::Warehouse(state), Command::Warehouse { command, .. }) => warehouse::decide(state, command, cx),
            (Self::Drop(state), Command::Drop { command, .. }) => drop::decide(state, command, cx),
            (Self::Follows(state), Command::Follows { command, .. }) => follows::decide(state, command, cx),
            (Self::Shopper(state), Command::Shopper { command, .. }) => shopper::decide(state, command, cx),
            (
                Self::Item(_)
                | Self::Order(_)
                | Self::Cart(_)
                | Self::Store(_)
                | Self::Warehouse(_)
                | Self::Drop(_)
                | Self::Follows(_)
                | Self::Shopper(_),
                _,
            ) => {
                panic!("a command reached an aggregate of another type")
            }
        }
    }

    /// Applies an event that happened at `time`. Never decides; a broken invariant is a bug and panics.
    ///
    /// # Panics
    /// If the event is not of this aggregate, or breaks an invariant.
    pub fn evolve(&mut self, event: &Event, time: Timestamp, policy: &crate::Policy) {
        match (self, event) {
            (Self::Item(state), Event::Item(event)) => item::evolve(state, event, time, policy),
            (Self::Order(state), Event::Order(event)) => order::evolve(state, event, time, policy),
            (Self::Cart(state), Event::Cart(event)) => cart::evolve(state, event, time, policy),
            (Self::Store(state), Event::Store(event)) => store::evolve(state, event, policy),
            (Self::Warehouse(state), Event::Warehouse(event)) => warehouse::evolve(state, event, policy),
            (Self::Drop(state), Event::Drop(event)) => drop::evolve(state, event, time, policy),
            (Self::Follows(state), Event::Follows(event)) => follows::evolve(state, event, time, policy),
            (Self::Shopper(state), Event::Shopper(event)) => shopper::evolve(state, event, time, policy),
            (
                Self::Item(_)
                | Self::Order(_)
                | Self::Cart(_)
                | Self::Store(_)
                | Self::Warehouse(_)
                | Self::Drop(_)
                | Self::Follows(_)
                | Self::Shopper(_),
                _,
            ) => {
                panic!("an event reached an aggregate of another type")
            }
        }
    }

    /// The earliest time at which [`Self::on_clock`] has something to say.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Item(state) => state.due(),
            Self::Order(state) => state.due(),
            Self::Drop(state) => state.due(),
            Self::Cart(_) | Self::Store(_) | Self::Warehouse(_) | Self::Follows(_) | Self::Shopper(_) => None,
        }
    }

    /// What the passing of time does: the deadlines at or before `cx.now`, ordered by (due, id).
    #[must_use]
    pub fn on_clock(&self, cx: Context<'_>) -> Decision {
        match self {
            Self::Item(state) => item::on_clock(state, cx),
            Self::Order(state) => order::on_clock(state, cx),
            Self::Drop(state) => drop::on_clock(state, cx),
            Self::Cart(_) | Self::Store(_) | Self::Warehouse(_) | Self::Follows(_) | Self::Shopper(_) => {
                Decision { events: Vec::new(), sends: Vec::new(), answer: Answer::Nobody }
            }
        }
    }

    /// The answer to a wait, once there is one.
    #[must_use]
    pub fn answer(&self, wait: &Wait) -> Option<Result<ReplyBody, Rejection>> {
        match (self, wait) {
            (Self::Order(state), Wait::Order(wait)) => order::answer(state, wait),
            (Self::Cart(state), Wait::Cart(wait)) => cart::answer(state, wait),
            (Self::Drop(state), Wait::Drop(wait)) => drop::answer(state, wait),
            (
                Self::Item(_)
                | Self::Order(_)
                | Self::Cart(_)
                | Self::Store(_)
                | Self::Warehouse(_)
                | Self::Drop(_)
                | Self::Follows(_)
                | Self::Shopper(_),
                _,
            ) => None,
        }
    }

    /// How many entries its state has, about, where they can be many: what storing and restoring it costs.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Self::Item(state) => state.entries(),
            Self::Cart(state) => state.entries(),
            Self::Drop(state) => state.entries(),
            Self::Follows(state) => state.entries(),
            Self::Shopper(state) => state.entries(),
            Self::Order(_) | Self::Store(_) | Self::Warehouse(_) => 0,
        }
    }

    /// Whether nothing is due for it and nothing more is expected, so that it may leave memory.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Item(_) | Self::Store(_) | Self::Warehouse(_) => false,
            Self::Order(state) => state.is_finished(),
            Self::Cart(state) => state.is_finished(),
            Self::Drop(state) => state.is_finished(),
            Self::Follows(state) => state.is_finished(),
            Self::Shopper(state) => state.is_finished(),
        }
    }
}
