//! Decisions, and nothing else: commands in, events out. No clock, randomness, IO, async or log line.
//!
//! `decide` looks at the state and says which events happen or why not; `evolve` applies an event and is the one path
//! that builds state, live or at start. [`Aggregate`] is what the processor sees: it never knows which aggregate it holds.

pub mod aggregate;
pub mod cart;
pub mod drop;
pub mod follows;
pub mod fulfilment;
pub mod item;
mod known;
pub mod order;
pub mod shopper;
pub mod store;
pub mod warehouse;

pub use aggregate::Aggregate;

use schemas::{Caller, Command, CommandId, Event, PositionToken, Rejection, ReplyBody, Timestamp};
use serde::{Deserialize, Serialize};

/// The times that the shop has settled on, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long the items of an order may take to answer.
    pub answer_timeout_seconds: u32,
    /// The life of a checkout once all is held.
    pub checkout_seconds: u32,
    /// How much longer than told a checkout or a free hold really lives.
    pub grace_seconds: u32,
    /// How long ids of finished effects are kept.
    pub retention_seconds: u32,
    /// How long after the last shipment or delivery returns are announced.
    pub return_seconds: u32,
    /// How long a shopper who is admitted to a drop may claim.
    pub admission_seconds: u32,
    /// What the seeds of draws are made with; never stored.
    #[serde(skip)]
    pub draw_secret: drop::DrawSecret,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            answer_timeout_seconds: 30,
            checkout_seconds: 300,
            grace_seconds: 60,
            retention_seconds: 24 * 3_600,
            return_seconds: 30 * 24 * 3_600,
            admission_seconds: 120,
            draw_secret: drop::DrawSecret::default(),
        }
    }
}

/// What a decision may know beside the state and the command.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The engine's time.
    pub now: Timestamp,
    /// The command's id; for a deadline, the deadline's.
    pub command_id: &'a CommandId,
    /// Who asks.
    pub caller: &'a Caller,
    /// The shop's times.
    pub policy: &'a Policy,
}

/// What follows from a command that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What happened, in order; empty where it was already true.
    pub events: Vec<Event>,
    /// What other aggregates are asked for: the outbox.
    pub sends: Vec<Command>,
    /// What the caller is told, and when.
    pub answer: Answer,
}

/// When the caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With this, once it is committed.
    Now(ReplyBody),
    /// When the wait has ended: see [`Aggregate::answer`].
    Later(Wait),
    /// Nobody waits: an internal command, or a deadline.
    Nobody,
}

/// What a caller waits for. Kept in memory only: after a failover nobody is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// Of an order.
    Order(order::OrderWait),
    /// Of a cart.
    Cart(cart::CartWait),
    /// Of a drop.
    Drop(drop::DropWait),
}

/// The outcome of a decision.
pub type Decided = Result<Decision, Rejection>;

/// A command with what the shard knows of it, as a batch of replies needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Where the answer goes.
    pub to: schemas::ReplyAddress,
    /// What it waits for.
    pub wait: Wait,
    /// The positions that its chain of commands told so far.
    pub positions: PositionToken,
}
