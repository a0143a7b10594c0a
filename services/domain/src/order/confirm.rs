//! Confirmation and what follows from it at once. From here there is no deadline, and a commit cannot fail.

use super::{Order, PaymentState, Phase, money, plan::Plan};
use schemas::{
    Money,
    item::ItemKind,
    order::{CaptureDue, DigitalDelivered, LatePayment, OrderConfirmed},
};

impl Plan<'_> {
    /// Confirms what is held, submitted and paid.
    pub(super) fn confirm_if_paid(&mut self) {
        let order = &self.order;
        if order.phase == Phase::AwaitingPayment && order.submitted.is_some() && money::is_paid(order) {
            self.confirm();
        }
    }

    /// The holds become orders of stock, digital lines are delivered, and the money is taken.
    pub(super) fn confirm(&mut self) {
        self.record(OrderConfirmed { attempt: self.order.attempt });
        self.commit_holds();
        let line_ids = digital_lines(&self.order);
        if !line_ids.is_empty() {
            self.record(DigitalDelivered { line_ids });
        }
        self.settle_shipments();
        // What is due back is not taken.
        self.settle_money();
        for capture in captures(&self.order) {
            self.record(capture);
        }
    }

    /// Brings an expired order back that was submitted and is paid in full after all, unless its buyer withdrew or it was a drop's.
    pub(super) fn rehold_if_paid(&mut self) {
        let order = &self.order;
        // A drop's units went to the next in line: of its orders the money goes back.
        let wanted =
            order.phase == Phase::Expired && order.submitted.is_some() && !order.withdrawn && order.claim().is_none();
        if wanted && !order.is_external() && money::is_paid(order) {
            if planted::bug!("expired-and-confirmed") {
                return self.confirm();
            }
            let answers_due_at = self.cx.now.plus_seconds(self.cx.policy.answer_timeout_seconds);
            self.record(LatePayment { attempt: order.attempt + 1, answers_due_at });
            // No price check: the buyer has paid what was told.
            self.place_holds(&super::plan::ExpectedPrices::new());
        }
    }
}

fn digital_lines(order: &Order) -> Vec<schemas::LineId> {
    let terms = order.terms.as_ref().expect("a confirmed order was placed");
    let lines = terms.lines.iter().zip(&order.lines);
    let digital = lines.filter(|(_, line)| line.priced.is_some_and(|priced| priced.kind == ItemKind::Digital));
    digital.map(|(line, _)| line.line_id.clone()).collect()
}

/// What may be taken of a payment: what is due back is not.
fn capturable(payment: &PaymentState) -> i64 {
    if planted::bug!("capture-of-refunded") { payment.received() } else { payment.unrefunded() }
}

/// Up to the total: the money rule has made due back whatever is beyond it.
fn captures(order: &Order) -> Vec<CaptureDue> {
    if order.is_external() {
        return Vec::new();
    }
    // A payment is captured once: what was taken before is not asked for again.
    let open = order.payments.iter().filter(|payment| payment.shown.captured == 0 && payment.unrefunded() > 0);
    open.map(|payment| CaptureDue {
        payment_id: payment.shown.payment_id.clone(),
        amount: Money::new(capturable(payment), payment.shown.amount.currency()).expect("at most what came in"),
    })
    .collect()
}
