//! What has happened becomes state. A broken invariant is a bug, so it panics.

use super::{Hold, Line, LinePrice, Order, PaymentState, Phase, Refund, Submitted, evolve_fulfilment, money, place};
use crate::Policy;
use schemas::{
    Effect, LineId, Money, PaymentId, Quantity, Timestamp,
    order::{
        HoldAnswer, HoldsGranted, ItemHeld, LatePayment, LineQuantity, OperatorRefunded, OrderEvent, OrderLine,
        OrderPlaced, Payment, PaymentAttemptFailed, PaymentAuthorized, PaymentStarted, PaymentStatus, RefundDue,
        RefundSettled, SubOrderLine,
    },
};
use std::sync::Arc;

/// Applies an event that happened at `time`. Never decides.
///
/// # Panics
/// If the event breaks an invariant: that is a bug, not a state of the world.
pub fn evolve(order: &mut Order, event: &OrderEvent, time: Timestamp, policy: &Policy) {
    order.since.get_or_insert(time);
    match event {
        OrderEvent::DropUnitsOrdered(_) => {
            assert!(order.awaits_units(), "the units of a drop's order are ordered once");
            order.units_ordered = true;
        }
        OrderEvent::OrderPlaced(event) => placed(order, event),
        OrderEvent::ItemHeld(event) => held(order, event),
        OrderEvent::ItemRefused(event) => {
            let answer = HoldAnswer::Refused { refusal: event.refusal.clone() };
            answered(order, event.attempt, &event.item_id, answer);
        }
        OrderEvent::HoldsGranted(event) => granted(order, event),
        OrderEvent::OrderRejected(event) => {
            leave(order, &[Phase::Holding], Phase::Rejected);
            order.refusals.clone_from(&event.refusals);
        }
        OrderEvent::PaymentStarted(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::PaymentAttemptFailed(_)
        | OrderEvent::CaptureDue(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::RefundDue(_)
        | OrderEvent::RefundSettled(_)
        | OrderEvent::OperatorRefunded(_) => paid(order, event),
        OrderEvent::OrderSubmitted(event) => {
            assert!(order.submitted.is_none(), "an order is submitted once");
            order.submitted = Some(Submitted { effect: event.effect.clone() });
        }
        OrderEvent::OrderConfirmed(event) => confirmed(order, event.attempt),
        OrderEvent::DigitalDelivered(event) => delivered(order, &event.line_ids),
        OrderEvent::OrderExpired(_) => leave(order, &[Phase::AwaitingPayment], Phase::Expired),
        OrderEvent::OrderCancelled(event) => {
            leave(order, &[Phase::Holding, Phase::AwaitingPayment, Phase::Confirmed], Phase::Cancelled);
            remember_cancellation(order, event.effect.as_ref());
        }
        OrderEvent::LinesCancelled(event) => {
            lines_cancelled(order, &event.lines, &event.sub_orders);
            remember_cancellation(order, event.effect.as_ref());
        }
        OrderEvent::LatePayment(event) => late_payment(order, event),
        OrderEvent::ReholdFailed(event) => {
            leave(order, &[Phase::Reholding], Phase::Expired);
            remember_cancellation(order, event.effect.as_ref());
            order.withdrawn |= event.effect.is_some();
        }
        OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
        | OrderEvent::SubOrdersPlanned(_)
        | OrderEvent::SubOrderAllocated(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentShipped(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnReceived(_)
        | OrderEvent::ReturnWindowClosed(_) => {
            evolve_fulfilment::evolve(order, event, time.plus_seconds(policy.return_seconds));
        }
    }
    await_clock(order, time);
}

fn held(order: &mut Order, event: &ItemHeld) {
    let (unit_price, kind) = (event.unit_price, event.kind);
    let answer = HoldAnswer::Granted { unit_price, kind, file: event.file.clone(), store: event.store.clone() };
    answered(order, event.attempt, &event.item_id, answer);
}

fn confirmed(order: &mut Order, attempt: u32) {
    assert_eq!(attempt, order.attempt, "the holds of the attempt that counts are committed");
    assert!(order.submitted.is_some(), "a confirmed order was submitted");
    leave(order, &[Phase::AwaitingPayment, Phase::Reholding], Phase::Confirmed);
    order.confirmed = true;
}

/// Money was asked for, came or went.
fn paid(order: &mut Order, event: &OrderEvent) {
    match event {
        OrderEvent::PaymentStarted(event) => payment_started(order, event),
        OrderEvent::PaymentPending(event) => {
            let payment = payment(order, &event.payment_id);
            assert!(payment.is_asked(), "only of a payment that is being asked for is it news");
            payment.deferred = true;
        }
        OrderEvent::PaymentAuthorized(event) => authorized(order, event),
        OrderEvent::PaymentAttemptFailed(event) => attempt_failed(order, event),
        OrderEvent::CaptureDue(event) => {
            let payment = payment(order, &event.payment_id);
            payment.capture_due += event.amount.minor();
            // What is asked for anew may fail anew, and then counts.
            payment.capture_failed = false;
        }
        OrderEvent::PaymentCaptured(event) => {
            payment(order, &event.payment_id).shown.captured += event.amount.minor();
        }
        OrderEvent::CaptureFailed(event) => {
            let payment = payment(order, &event.payment_id);
            payment.capture_failed = true;
            payment.shown.reason = Some(event.reason.clone());
        }
        OrderEvent::RefundDue(event) => refund_due(order, event),
        OrderEvent::RefundSettled(event) => refund_settled(order, event),
        OrderEvent::OperatorRefunded(event) => operator_refunded(order, event),
        other => unreachable!("{other:?} is not of money"),
    }
}

/// The return window closes when nothing is open any more.
///
/// In an older log orders were confirmed that never said what is due: the clock has them say it, at once.
fn await_clock(order: &mut Order, time: Timestamp) {
    if order.phase == Phase::Confirmed {
        let fulfilment = &order.fulfilment;
        order.deadline = if order.is_open() {
            (fulfilment.planning.revision == 0 && !order.awaits_units()).then_some(time)
        } else {
            fulfilment.returns_until.filter(|_| !fulfilment.window_closed)
        };
    }
}

/// Goes from one of `from` to `to`; the deadline of what it leaves is gone with it.
fn leave(order: &mut Order, from: &[Phase], to: Phase) {
    let may = from.contains(&order.phase) || planted::bug!("expired-and-confirmed");
    assert!(may, "{:?} does not become {to:?}", order.phase);
    order.phase = to;
    order.deadline = None;
}

fn placed(order: &mut Order, event: &OrderPlaced) {
    leave(order, &[Phase::New], Phase::Holding);
    let hold = |(item, quantity): (schemas::ItemId, Quantity)| Hold { item, quantity, answer: None };
    order.holds = place::quantities(&event.lines).expect("the sums were checked").into_iter().map(hold).collect();
    let line =
        |_: &OrderLine| Line { priced: None, store: None, cancelled: 0, shipped: 0, requested: 0, returned: 0, due: 0 };
    order.lines = event.lines.iter().map(line).collect();
    order.attempt = 1;
    order.deadline = Some(event.answers_due_at);
    order.terms = Some(Arc::new(event.clone()));
}

fn answered(order: &mut Order, attempt: u32, item: &schemas::ItemId, answer: HoldAnswer) {
    assert!(order.is_asking(), "only an order that asks is answered");
    assert_eq!(attempt, order.attempt, "an answer to another attempt is no event");
    let hold = order.holds.iter_mut().find(|hold| hold.item == *item).expect("the item was asked");
    assert!(hold.answer.is_none(), "an item answers once");
    hold.answer = Some(answer);
}

fn granted(order: &mut Order, event: &HoldsGranted) {
    leave(order, &[Phase::Holding], Phase::AwaitingPayment);
    let terms = order.terms.as_ref().expect("what is granted was placed");
    assert_eq!(event.lines.len(), order.lines.len(), "every line has a price");
    let lines: Vec<(OrderLine, Money)> =
        terms.lines.iter().zip(&event.lines).map(|(line, priced)| (line.clone(), priced.unit_price)).collect();
    let (total, amounts) = money::total(&lines, &terms.adjustments).expect("a total was granted");
    assert_eq!(total, event.total, "the total is the sum of its parts");
    assert_eq!(amounts.iter().sum::<i64>(), total.minor(), "the parts of a total sum to it");
    for ((line, priced), amount) in order.lines.iter_mut().zip(&event.lines).zip(amounts) {
        line.store.clone_from(&priced.store);
        line.priced = Some(LinePrice { unit_price: priced.unit_price, kind: priced.kind, amount });
    }
    order.total = Some(event.total);
    order.expires_at = Some(event.expires_at);
    order.deadline = Some(event.expires_for_good_at);
}

fn payment<'a>(order: &'a mut Order, id: &PaymentId) -> &'a mut PaymentState {
    order.payments.iter_mut().find(|payment| payment.shown.payment_id == *id).expect("the payment is known")
}

fn new_payment(order: &mut Order, id: &PaymentId, amount: Money, effect: Option<Effect>) {
    order.payments.push(PaymentState {
        shown: Payment {
            payment_id: id.clone(),
            status: PaymentStatus::Pending,
            amount,
            authorized: 0,
            captured: 0,
            refund_due: 0,
            refunded: 0,
            reason: None,
        },
        effect,
        reference: None,
        capture_due: 0,
        capture_failed: false,
        deferred: false,
    });
}

fn payment_started(order: &mut Order, event: &PaymentStarted) {
    assert_eq!(order.phase, Phase::AwaitingPayment, "only what awaits payment is paid");
    assert!(order.payment(&event.payment_id).is_none(), "a payment starts once");
    new_payment(order, &event.payment_id, event.amount, Some(event.effect.clone()));
}

fn authorized(order: &mut Order, event: &PaymentAuthorized) {
    if order.payment(&event.payment_id).is_none() {
        new_payment(order, &event.payment_id, event.amount, None);
    }
    let payment = payment(order, &event.payment_id);
    assert_ne!(payment.shown.status, PaymentStatus::Authorized, "a payment is authorized once");
    // The provider may authorize in another currency than it was asked for; what came in is what counts.
    if payment.shown.amount.currency() != event.amount.currency() {
        payment.shown.amount = event.amount;
    }
    payment.shown.status = PaymentStatus::Authorized;
    payment.shown.authorized = event.amount.minor();
    payment.shown.reason = None;
    payment.reference = Some(event.provider_reference.clone());
}

fn attempt_failed(order: &mut Order, event: &PaymentAttemptFailed) {
    let payment = payment(order, &event.payment_id);
    assert_eq!(payment.shown.status, PaymentStatus::Pending, "only a pending payment fails");
    payment.shown.status = PaymentStatus::Declined;
    payment.shown.reason = Some(event.reason.clone());
}

fn late_payment(order: &mut Order, event: &LatePayment) {
    leave(order, &[Phase::Expired], Phase::Reholding);
    assert_eq!(event.attempt, order.attempt + 1, "attempts are dense");
    order.attempt = event.attempt;
    order.deadline = Some(event.answers_due_at);
    order.holds.iter_mut().for_each(|hold| hold.answer = None);
}

fn delivered(order: &mut Order, lines: &[LineId]) {
    for id in lines {
        let index = order.line_index(id).expect("the order has the line");
        order.lines[index].shipped += order.open_units(index);
    }
}

fn lines_cancelled(order: &mut Order, lines: &[LineQuantity], sub_orders: &[SubOrderLine]) {
    assert_eq!(order.phase, Phase::Confirmed, "before it is confirmed an order is cancelled as a whole");
    for taken in sub_orders {
        evolve_fulfilment::leave_sub_order(order, taken);
    }
    for line in lines {
        let index = order.line_index(&line.line_id).expect("the order has the line");
        assert!(line.quantity.get() <= order.open_units(index), "cancelled and shipped are at most ordered");
        order.lines[index].cancelled += line.quantity.get();
    }
    // What sub-orders still have is not cancelled: this asserts it.
    let free = order.free_units();
    assert_eq!(free.len(), order.lines.len(), "every line is reckoned");
}

fn remember_cancellation(order: &mut Order, effect: Option<&Effect>) {
    let Some(effect) = effect else { return };
    if !order.cancellations.contains(effect) {
        order.cancellations.push(effect.clone());
    }
}

fn refund_due(order: &mut Order, event: &RefundDue) {
    let payment = payment(order, &event.payment_id);
    assert!(event.amount.minor() > 0, "nothing is not refunded");
    assert!(event.amount.minor() <= payment.unrefunded(), "at most what came in is due back");
    payment.shown.refund_due += event.amount.minor();
    order.refunds.push(Refund {
        refund_id: event.refund_id.clone(),
        payment_id: event.payment_id.clone(),
        amount: event.amount,
        settled: false,
    });
}

fn refund_settled(order: &mut Order, event: &RefundSettled) {
    let refund = order.refunds.iter_mut().find(|refund| refund.refund_id == event.refund_id);
    let refund = refund.expect("the refund is known");
    assert!(!refund.settled, "a refund is settled once");
    refund.settled = true;
    let payment = payment(order, &event.payment_id);
    payment.shown.refunded += event.amount.minor();
    assert!(payment.shown.refunded <= payment.shown.refund_due, "at most what is due back is given back");
}

fn operator_refunded(order: &mut Order, event: &OperatorRefunded) {
    order.operator_refunded += event.amount.minor();
    order.operator_refunds.push(event.effect.clone());
}
