//! The order: a saga over items and payments, and the only owner of the checkout's deadline.
//!
//! It asks its items to hold, waits for the money, commits the holds, and gives back what is not kept (see [`money`]).
//! State stands here, then what is decided by command, one file each, then [`evolve`].

mod allocation_answered;
mod answer;
mod cancel;
mod clock;
mod confirm;
mod deliver;
mod drop_units_committed;
mod due;
mod evolve;
mod evolve_fulfilment;
mod fulfilment;
mod item_answered;
mod item_deallocated;
pub mod money;
mod open;
mod place;
mod plan;
mod plan_shipments;
mod receive_return;
mod receive_shipment;
mod record_authorization;
mod record_capture;
mod record_capture_failure;
mod record_decline;
mod record_pending;
mod refund_by_operator;
mod request_return;
mod seller;
mod settle_refund;
mod shared;
mod ship;
mod start_payment;
mod status;
mod submit;
mod supersede;
#[cfg(test)]
mod tests;

pub use answer::answer;
pub use clock::on_clock;
pub use evolve::evolve;
pub(crate) use place::{expected_prices, quantities};
pub use status::status;

use crate::{Context, Decided};
use fulfilment::{Fulfilment, own_location};
use plan::Plan;
use schemas::{
    Caller, Currency, Effect, ItemId, LineId, Money, OrderId, PaymentId, Quantity, RefundId, Rejection, Role, StoreId,
    Timestamp,
    drop::DropClaim,
    item::ItemKind,
    order::{
        HoldAnswer, LineQuantity, OrderCommand, OrderPlaced, OrderRefusal, OrderRejection, Payment, PaymentMode,
        PaymentStatus,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The state of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    id: OrderId,
    /// The time of its first event.
    since: Option<Timestamp>,
    phase: Phase,
    /// What was placed and never changes; none of an order that only an authorization told of.
    #[serde(with = "shared")]
    terms: Option<Arc<OrderPlaced>>,
    /// In the order of the lines of `terms`.
    lines: Vec<Line>,
    /// One per item, ordered by it.
    holds: Vec<Hold>,
    /// The attempt to hold that counts, from 1.
    attempt: u32,
    /// When the clock has something to say.
    deadline: Option<Timestamp>,
    /// What the buyer is told.
    expires_at: Option<Timestamp>,
    /// Known from the last grant on.
    total: Option<Money>,
    submitted: Option<Submitted>,
    confirmed: bool,
    /// A late payment's holds were cancelled: no other payment brings the order back.
    withdrawn: bool,
    /// Why it was rejected.
    refusals: Vec<OrderRefusal>,
    payments: Vec<PaymentState>,
    refunds: Vec<Refund>,
    cancellations: Vec<Effect>,
    operator_refunds: Vec<Effect>,
    /// Minor units.
    operator_refunded: i64,
    /// Of a drop's order: its item has ordered the units that the drop had lent from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    units_ordered: bool,
    fulfilment: Fulfilment,
}

/// Where the saga stands. What is shown is [`status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Not placed.
    New,
    Holding,
    AwaitingPayment,
    Reholding,
    Confirmed,
    Rejected,
    Expired,
    Cancelled,
}

/// What may change of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// Known from the last grant on.
    priced: Option<LinePrice>,
    /// Who sells it, from the last grant on; none of what the shop itself sells, or sold in an older log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<StoreId>,
    cancelled: u32,
    shipped: u32,
    /// Announced to come back.
    requested: u32,
    returned: u32,
    /// Of no sub-order, as the newest event said that says so, and not planned since.
    due: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinePrice {
    unit_price: Money,
    kind: ItemKind,
    /// What the line counts in the total, with its part of the adjustments; minor units.
    amount: i64,
}

/// What an item was asked for, and what it said in this attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hold {
    item: ItemId,
    quantity: Quantity,
    answer: Option<HoldAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    effect: Option<Effect>,
}

/// A payment with what is not shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentState {
    shown: Payment,
    /// Of the command that started it; none where only its authorization told of it.
    effect: Option<Effect>,
    /// The provider's id of the authorization.
    reference: Option<String>,
    /// Minor units that the provider was asked to take.
    capture_due: i64,
    capture_failed: bool,
    /// While it is pending: the provider has said that it decides later.
    #[serde(default)]
    deferred: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    refund_id: RefundId,
    payment_id: PaymentId,
    amount: Money,
    settled: bool,
}

/// What a caller of an order waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderWait {
    /// That its items have answered.
    Placed,
    /// That this payment is decided.
    Payment(PaymentId),
    /// That it is confirmed, or cannot be.
    Submitted,
    /// Nothing: a cart's question was refused with this.
    Refused(OrderRejection),
}

impl Order {
    /// An order to which nothing has happened.
    #[must_use]
    pub fn new(id: OrderId) -> Self {
        Self {
            id,
            since: None,
            phase: Phase::New,
            terms: None,
            lines: Vec::new(),
            holds: Vec::new(),
            attempt: 0,
            deadline: None,
            expires_at: None,
            total: None,
            submitted: None,
            confirmed: false,
            withdrawn: false,
            refusals: Vec::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            cancellations: Vec::new(),
            operator_refunds: Vec::new(),
            operator_refunded: 0,
            units_ordered: false,
            fulfilment: Fulfilment::default(),
        }
    }

    /// The one deadline there is: of its items' answers, of the checkout with its grace, or of the return window; and what
    /// an order of an older log has not said yet is due at once.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Whether nothing is due and nothing more is expected: it has ended, or all of it has left and the return window is
    /// over; and all money has found its way. What still comes back of it then is loaded again for.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let ended = match self.phase {
            Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => true,
            Phase::Holding | Phase::AwaitingPayment | Phase::Reholding => false,
            Phase::Confirmed => !self.is_open() && self.deadline.is_none(),
        };
        ended
            && self.refunds.iter().all(|refund| refund.settled)
            && self.payments.iter().all(|payment| !payment.is_asked() && !payment.is_capture_open())
    }

    /// Whether `caller` may know of it and touch it.
    fn is_open_to(&self, caller: &Caller) -> bool {
        let owner = self.terms.as_ref().map(|terms| &terms.owner);
        match caller.role {
            Role::Service | Role::Operator | Role::Engine => true,
            Role::Shopper => owner.is_some_and(|owner| owner.shopper.as_ref() == Some(&caller.subject)),
            Role::Store => owner.is_some_and(|owner| {
                owner.placed_by.role == Role::Store && caller.store.is_some() && owner.placed_by.store == caller.store
            }),
            Role::Supplier | Role::Warehouse | Role::Analyst => false,
        }
    }

    /// Its currency, once its total is known.
    fn currency(&self) -> Option<Currency> {
        self.total.map(Money::currency)
    }

    /// The claim that it stems from.
    fn claim(&self) -> Option<&DropClaim> {
        self.terms.as_ref()?.drop.as_ref()
    }

    /// Whether its units are still the drop's to its item: until they are not they cannot be planned.
    fn awaits_units(&self) -> bool {
        self.claim().is_some() && !self.units_ordered
    }

    fn is_external(&self) -> bool {
        self.terms.as_ref().is_some_and(|terms| terms.payment == PaymentMode::External)
    }

    /// Units of a line that are neither cancelled nor shipped.
    fn open_units(&self, line: usize) -> u32 {
        let ordered = self.terms.as_ref().map_or(0, |terms| terms.lines[line].quantity.get());
        ordered - self.lines[line].cancelled - self.lines[line].shipped
    }

    /// All that is open, by line.
    fn all_open(&self) -> Vec<LineQuantity> {
        let Some(terms) = &self.terms else { return Vec::new() };
        let open = terms.lines.iter().enumerate().filter_map(|(index, line)| {
            let quantity = Quantity::new(self.open_units(index)).ok()?;
            Some(LineQuantity { line_id: line.line_id.clone(), quantity })
        });
        open.collect()
    }

    fn line_index(&self, id: &LineId) -> Option<usize> {
        self.terms.as_ref()?.lines.iter().position(|line| line.line_id == *id)
    }

    fn payment(&self, id: &PaymentId) -> Option<&PaymentState> {
        self.payments.iter().find(|payment| payment.shown.payment_id == *id)
    }

    /// Whether its items are being asked.
    fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Holding | Phase::Reholding)
    }
}

impl PaymentState {
    fn is_pending(&self) -> bool {
        self.shown.status == PaymentStatus::Pending
    }

    /// The provider is being asked, and answers soon.
    fn is_asked(&self) -> bool {
        self.is_pending() && !self.deferred
    }

    /// The provider was asked to take money and has not said how that went; all due back again, nothing is taken.
    fn is_capture_open(&self) -> bool {
        self.capture_due > 0 && self.shown.captured == 0 && !self.capture_failed && self.unrefunded() > 0
    }
}

/// Decides a command. Pure and total; what it refuses is an [`OrderRejection`].
pub fn decide(order: &Order, command: &OrderCommand, cx: Context<'_>) -> Decided {
    let plan = || Plan::new(order, cx);
    match command {
        // Who may place is another question than whose it is.
        OrderCommand::Place(command) => place::place(plan(), command),
        OrderCommand::ItemAnswered(command) => item_answered::item_answered(order, command, cx),
        OrderCommand::StartPayment(command) => start_payment::start_payment(owned(plan())?, command),
        OrderCommand::RecordPending(command) => record_pending::record_pending(trusted(plan())?, command),
        OrderCommand::RecordAuthorization(command) => {
            record_authorization::record_authorization(trusted(plan())?, command)
        }
        OrderCommand::RecordDecline(command) => record_decline::record_decline(trusted(plan())?, command),
        OrderCommand::Submit(command) => submit::submit(owned(plan())?, command),
        OrderCommand::Cancel(command) if planted::bug!("owner-unchecked") => cancel::cancel(plan(), command),
        OrderCommand::Cancel(command) => cancel::cancel(seller::owned_or_sold(plan())?, command),
        OrderCommand::RecordCapture(command) => record_capture::record_capture(trusted(plan())?, command),
        OrderCommand::RecordCaptureFailure(command) => {
            record_capture_failure::record_capture_failure(trusted(plan())?, command)
        }
        OrderCommand::SettleRefund(command) => settle_refund::settle_refund(trusted(plan())?, command),
        OrderCommand::RefundByOperator(command) => {
            refund_by_operator::refund_by_operator(owned(trusted(plan())?)?, command)
        }
        OrderCommand::Supersede(command) => Ok(supersede::supersede(plan(), command)),
        OrderCommand::PlanShipments(command) => plan_shipments::plan_shipments(owned(trusted(plan())?)?, command),
        OrderCommand::AllocationAnswered(command) => Ok(allocation_answered::allocation_answered(plan(), command)),
        OrderCommand::ItemDeallocated(command) => Ok(item_deallocated::item_deallocated(plan(), command)),
        OrderCommand::Ship(command) => ship::ship(concerned(plan())?, command),
        OrderCommand::ReceiveShipment(command) => receive_shipment::receive_shipment(concerned(plan())?, command),
        OrderCommand::Deliver(command) => deliver::deliver(concerned(plan())?, command),
        OrderCommand::RequestReturn(command) => request_return::request_return(owned(plan())?, command),
        OrderCommand::ReceiveReturn(command) => receive_return::receive_return(concerned(plan())?, command),
        OrderCommand::Open(command) => Ok(open::open(plan(), command)),
        OrderCommand::DropUnitsCommitted(command) => Ok(drop_units_committed::drop_units_committed(plan(), command)),
    }
}

/// Passes what the owner, or somebody who acts for the shop, asks of an order that was placed.
fn owned(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    if plan.order.phase == Phase::New || !plan.order.is_open_to(plan.cx.caller) {
        return Err(Rejection::Order(OrderRejection::OrderNotFound));
    }
    Ok(plan)
}

/// Passes what only the engine and who acts for the shop may say: facts about money.
fn trusted(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    if plan.cx.caller.is_trusted() { Ok(plan) } else { Err(Rejection::Order(OrderRejection::OrderNotFound)) }
}

/// Passes what a warehouse asks of an order that it has, or had, a part of, and who acts for the shop of any.
fn concerned(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    let caller = plan.cx.caller;
    let is_own = caller.role == Role::Warehouse
        && own_location(caller).is_some_and(|location| plan.order.fulfilment.concerns(location));
    if plan.order.phase != Phase::New && (is_own || caller.is_trusted()) {
        return Ok(plan);
    }
    Err(Rejection::Order(OrderRejection::OrderNotFound))
}
