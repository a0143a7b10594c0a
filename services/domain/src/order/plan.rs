//! A decision in the making: it applies each event to a copy of the state, so that the next step sees it.

use super::{Order, OrderWait, Phase, answer, evolve, money, seller};
use crate::{Answer, Context, Decided, Decision, Wait};
use schemas::{
    Command, Event, ItemId, Money, Rejection, ReplyBody, Role,
    cart::{CartCommand, CartOutcome, OrderEnded},
    drop::{CommitClaim, DropClaim, DropCommand, ReleaseClaim, UncommitClaim},
    item::{CloseHold, CommitHold, HoldId, ItemCommand, PlaceHold, ReleaseHold, Uncommit},
    order::{OrderEvent, OrderRejection},
};
use std::collections::BTreeMap;

/// The prices that the buyer saw, by item.
pub(crate) type ExpectedPrices = BTreeMap<ItemId, Money>;

/// Events and sends so far, and the state after them.
pub(super) struct Plan<'a> {
    pub(super) order: Order,
    pub(super) cx: Context<'a>,
    events: Vec<Event>,
    sends: Vec<Command>,
    /// What the cart knows of.
    told: Phase,
}

impl<'a> Plan<'a> {
    pub(super) fn new(order: &Order, cx: Context<'a>) -> Self {
        Self { order: order.clone(), cx, events: Vec::new(), sends: Vec::new(), told: order.phase }
    }

    /// Something happens.
    pub(super) fn record(&mut self, event: impl Into<OrderEvent>) {
        let event = event.into();
        evolve(&mut self.order, &event, self.cx.now, self.cx.policy);
        self.events.push(Event::Order(event));
    }

    /// Asks an item for something.
    pub(super) fn send(&mut self, item: ItemId, command: ItemCommand) {
        self.ask(Command::Item { item, command });
    }

    /// Asks another aggregate for something.
    pub(super) fn ask(&mut self, command: Command) {
        self.sends.push(command);
    }

    /// Asks each item to hold for the attempt that counts.
    pub(super) fn place_holds(&mut self, expected: &ExpectedPrices) {
        // A store sells only what it owns; the item knows its owner.
        let placed_by = self.order.terms.as_ref().map(|terms| &terms.owner.placed_by);
        let only_store = placed_by.filter(|caller| caller.role == Role::Store).and_then(|caller| caller.store.clone());
        for (item, hold) in self.hold_ids() {
            let quantity = self.order.holds.iter().find(|hold| hold.item == item).expect("it was listed").quantity;
            let command = PlaceHold {
                hold,
                quantity,
                expected_price: expected.get(&item).copied(),
                only_store: only_store.clone(),
                expires_in_seconds: None,
                reference: None,
                metadata: schemas::Metadata::default(),
                effect: None,
            };
            self.send(item, ItemCommand::PlaceHold(command));
        }
    }

    /// Gives back at its drop, or at each item, also where it refused or did not answer: an answer may be on its way.
    pub(super) fn release_holds(&mut self) {
        if let Some(DropClaim { drop, claim }) = self.order.claim().cloned() {
            return self.ask(Command::Drop { drop, command: DropCommand::ReleaseClaim(ReleaseClaim { claim }) });
        }
        for (item, hold) in self.hold_ids() {
            self.send(item, ItemCommand::ReleaseHold(ReleaseHold { hold }));
        }
    }

    /// Turns held units into ordered ones, at its drop or at each item.
    pub(super) fn commit_holds(&mut self) {
        if let Some(DropClaim { drop, claim }) = self.order.claim().cloned() {
            return self.ask(Command::Drop { drop, command: DropCommand::CommitClaim(CommitClaim { claim }) });
        }
        for (item, hold) in self.hold_ids() {
            self.send(item, ItemCommand::CommitHold(CommitHold { hold }));
        }
    }

    /// Lets each item forget the hold of units that are with the buyer.
    pub(super) fn close_holds(&mut self) {
        let order = &self.order;
        let physical = (0..order.lines.len()).filter(|line| !order.is_digital(*line));
        let kept = physical.map(|line| (line, order.lines[line].shipped - order.lines[line].returned));
        for (item, _) in order.by_item(kept) {
            let hold = self.hold_id(&item);
            self.send(item, ItemCommand::CloseHold(CloseHold { hold }));
        }
    }

    /// Gives back ordered units, by way of the drop that lent them.
    pub(super) fn uncommit(&mut self, item: ItemId, uncommit: Uncommit) {
        match self.order.claim().cloned() {
            Some(DropClaim { drop, claim }) => {
                let command = DropCommand::UncommitClaim(UncommitClaim { claim, uncommit });
                self.ask(Command::Drop { drop, command });
            }
            None => self.send(item, ItemCommand::Uncommit(uncommit)),
        }
    }

    /// The id under which an item holds in the attempt that counts; a drop's order has one attempt.
    pub(super) fn hold_id(&self, item: &ItemId) -> HoldId {
        if let Some(DropClaim { drop, claim }) = self.order.claim().cloned() {
            return HoldId::Drop { drop, claim };
        }
        HoldId::Order { order: self.order.id.clone(), attempt: self.order.attempt, item: item.clone() }
    }

    fn hold_ids(&self) -> Vec<(ItemId, HoldId)> {
        self.order.holds.iter().map(|hold| (hold.item.clone(), self.hold_id(&hold.item))).collect()
    }

    /// The money rule: what is neither kept nor due back yet becomes due.
    pub(super) fn settle_money(&mut self) {
        for refund in money::refunds(&self.order) {
            self.record(refund);
        }
    }

    /// Tells the cart that placed the order how it ended for it, once.
    pub(super) fn tell_cart(&mut self) {
        let before = std::mem::replace(&mut self.told, self.order.phase);
        let Some(terms) = self.order.terms.as_ref().filter(|terms| terms.from_cart) else { return };
        let outcome = match (before, self.order.phase) {
            (before, now) if before == now => return,
            (_, Phase::Confirmed) => CartOutcome::Confirmed,
            (_, Phase::Rejected) => CartOutcome::Rejected { refusals: self.order.refusals.clone() },
            (Phase::AwaitingPayment, Phase::Expired) => CartOutcome::Expired,
            (Phase::Holding | Phase::AwaitingPayment, Phase::Cancelled) => CartOutcome::Cancelled,
            // A late payment comes to nothing, or a confirmed order is cancelled: it had ended for the cart before.
            (_, Phase::Expired | Phase::Cancelled) => return,
            (_, Phase::New | Phase::Holding | Phase::AwaitingPayment | Phase::Reholding) => return,
        };
        let Some(shopper) = terms.owner.shopper.clone() else { return };
        let ended = OrderEnded { order_id: self.order.id.clone(), outcome };
        if !planted::bug!("cart-never-told") {
            self.ask(Command::Cart { shopper, command: CartCommand::OrderEnded(ended) });
        }
    }

    /// What follows from every decision.
    fn settle(&mut self) {
        self.settle_shipments();
        self.settle_money();
        self.tell_cart();
    }

    /// Ends with an order as it stands now.
    pub(super) fn done(mut self) -> Decided {
        self.settle();
        let body = ReplyBody::Order(Box::new(seller::reply_to(&self.order, self.cx.caller)));
        Ok(self.finish(Answer::Now(body)))
    }

    /// Ends with nobody to tell.
    pub(super) fn silent(mut self) -> Decision {
        if planted::bug!("refund-forgotten") {
            self.settle_shipments();
            self.tell_cart();
        } else {
            self.settle();
        }
        self.finish(Answer::Nobody)
    }

    /// Ends with the answer to `wait`, now where it is known.
    pub(super) fn until(mut self, wait: OrderWait) -> Decided {
        self.settle();
        match answer(&self.order, &wait) {
            Some(Ok(body)) => Ok(self.finish(Answer::Now(body))),
            // A refusal carries no events: what was recorded must not be lost with it.
            Some(Err(refusal)) if self.events.is_empty() => Err(refusal),
            Some(Err(_)) | None => Ok(self.finish(Answer::Later(Wait::Order(wait)))),
        }
    }

    fn finish(self, answer: Answer) -> Decision {
        Decision { events: self.events, sends: self.sends, answer }
    }
}

/// A refusal of the order.
pub(super) fn refuse(rejection: OrderRejection) -> Decided {
    Err(Rejection::Order(rejection))
}
