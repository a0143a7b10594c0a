//! What is under way: an order that is being planned, and an item whose backorders are being woken.

use crate::hear::Missing;
use read_model::{
    backoff::delay_ms,
    views::backorders::{BackorderRow, Waiting},
};
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, Digest, Effect, EffectId, ItemId, OrderId, Position,
    PositionToken, ReplyAddress, SubOrderId, Timestamp, Topic,
    order::{OrderCommand, PlanInputs, PlanShipments, PlannedSubOrder},
};

/// Delays of a plan that warehouses refused, and of a look for backordered units.
const AGAIN_MS: (u64, u64) = (50, 5_000);
/// So many plans of an order are tried without delay.
const SWIFT_REVISIONS: u32 = 4;

/// The record that a job holds the checkpoint before.
pub(crate) type Ticket = (Topic, u32);

/// An order that is being planned.
#[derive(Debug)]
pub(crate) struct Job {
    pub order: OrderId,
    pub missing: Missing,
    /// The event that says what is missing.
    pub position: Position,
    pub correlation: CorrelationId,
    pub traceparent: Option<String>,
    /// Where its record stands; none of what was found in a list.
    pub ticket: Option<Ticket>,
    /// The wakes that wait for it.
    pub wakes: Vec<u64>,
    pub state: State,
    /// Tries to submit.
    pub attempts: u32,
    /// When to go on.
    pub due_ms: Option<u64>,
}

/// How far a job is.
#[derive(Debug)]
pub(crate) enum State {
    /// Until its time has come.
    Resting,
    /// In the queue for the next round.
    Ready,
    /// In the round. `again`: units came after the round began, so that what it sees may not be the last word.
    Looking { again: bool },
    /// Its plan is being recorded.
    Submitting(Box<PlanShipments>),
}

impl Job {
    /// Of a row of the view of backorders, for a wake.
    pub fn of_row(row: BackorderRow, wake: u64) -> Self {
        Self {
            order: row.order_id,
            missing: Missing { revision: row.revision, lines: row.lines, is_backorder: true, refusals: 0 },
            position: row.position,
            correlation: row.correlation,
            traceparent: None,
            ticket: None,
            wakes: vec![wake],
            state: State::Ready,
            attempts: 0,
            due_ms: None,
        }
    }

    /// How long to wait before it is planned: a stock that promises what it refuses must not be asked in a hot loop.
    pub fn rest_ms(&self) -> u64 {
        let rounds = if self.missing.is_backorder {
            self.missing.revision.saturating_sub(SWIFT_REVISIONS)
        } else {
            self.missing.refusals
        };
        if rounds == 0 { 0 } else { delay_ms(rounds - 1, AGAIN_MS.0, AGAIN_MS.1) }
    }

    /// The id of a sub-order of its plan: revisions rise, so none is used twice.
    pub fn sub_order_id(&self, at: usize) -> SubOrderId {
        let id = format!("{}.{}", self.missing.revision, at + 1);
        SubOrderId::parse(&id).expect("digits and a point, below 64")
    }

    /// The plan as a command. The order takes the first plan of a revision, whoever sends it: so its id is the revision's, and
    /// says all that it says.
    pub fn plan(&self, sub_orders: Vec<PlannedSubOrder>, inputs: PlanInputs) -> PlanShipments {
        let revision = self.missing.revision;
        let id = EffectId::parse(&format!("plan-{revision}")).expect("letters, digits and a hyphen, below 64");
        PlanShipments { effect: Effect { id, digest: Digest::default() }, revision, sub_orders, inputs }
    }

    /// The command on its way.
    pub fn envelope(&self, plan: PlanShipments, reply_to: ReplyAddress) -> CommandEnvelope {
        let mut positions = PositionToken::default();
        positions.add(self.position);
        // The same whoever has read the event, and however often.
        let id = format!("fulfilment:{}:{}", self.position.partition, self.position.seq);
        CommandEnvelope {
            id: CommandId::parse(&id).expect("letters, digits and colons, below 64"),
            caller: Caller::engine(),
            correlation: self.correlation.clone(),
            reply_to: Some(reply_to),
            positions,
            sent_at: Timestamp::default(),
            traceparent: self.traceparent.clone(),
            command: Command::Order { order: self.order.clone(), command: OrderCommand::PlanShipments(plan) },
        }
    }
}

/// An item that has units for whoever waits for it.
#[derive(Debug)]
pub(crate) struct Wake {
    pub item: ItemId,
    /// Where the record stands that it began with.
    pub ticket: Ticket,
    /// Of the first record since it began to read the list: then it starts over.
    pub later: Option<(u64, Ticket)>,
    pub is_listing: bool,
    /// How far down the list it is.
    pub after: Option<Waiting>,
    /// Orders of this page that are being planned.
    pub waiting: usize,
    /// Whether nothing is behind this page, or nothing is left for them.
    pub is_last: bool,
}
