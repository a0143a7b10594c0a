//! One face over all aggregates, so that the processor need not know which it holds.

use crate::{Context, Decided, Decision, Wait, item, order};
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
}

impl Aggregate {
    /// The number of the stored state format; a snapshot with another number is ignored.
    pub const STATE_FORMAT: u32 = 2;

    /// The state of an aggregate to which nothing has happened.
    #[must_use]
    pub fn new(key: &AggregateKey) -> Self {
        match key {
            AggregateKey::Item(id) => Self::Item(Box::new(item::Item::new(id.clone()))),
            AggregateKey::Order(id) => Self::Order(Box::new(order::Order::new(id.clone()))),
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
            (Self::Item(_), Command::Order { .. }) | (Self::Order(_), Command::Item { .. }) => {
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
            (Self::Item(_), Event::Order(_)) | (Self::Order(_), Event::Item(_)) => {
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
        }
    }

    /// What the passing of time does: the deadlines at or before `cx.now`, ordered by (due, id).
    #[must_use]
    pub fn on_clock(&self, cx: Context<'_>) -> Decision {
        match self {
            Self::Item(state) => item::on_clock(state, cx),
            Self::Order(state) => order::on_clock(state, cx),
        }
    }

    /// The answer to a wait, once there is one.
    #[must_use]
    pub fn answer(&self, wait: &Wait) -> Option<Result<ReplyBody, Rejection>> {
        match (self, wait) {
            (Self::Order(state), Wait::Order(wait)) => order::answer(state, wait),
            (Self::Item(_), Wait::Order(_)) => None,
        }
    }

    /// How many entries its state has, about, where they can be many: what storing and restoring it costs.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Self::Item(state) => state.entries(),
            Self::Order(_) => 0,
        }
    }

    /// Whether nothing is due for it and nothing more is expected, so that it may leave memory.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Item(_) => false,
            Self::Order(state) => state.is_finished(),
        }
    }
}
