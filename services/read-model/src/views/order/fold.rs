//! The fold of an order's row.

use super::{HistoryEntry, OrderRow, TABLE};
use crate::{
    fold::{Fact, Touch, View},
    store::Table,
};
use schemas::{
    Event, LineId, Money, PaymentId,
    item::ItemKind,
    order::{
        LineReply, OrderEvent, OrderLine, OrderPlaced, OrderStatus, Payment, PaymentMode, PaymentStarted,
        PaymentStatus, PricedLine,
    },
};

/// Entries kept from the beginning of a history.
const HISTORY_FIRST: usize = 32;
/// Entries kept in all.
const HISTORY_MOST: usize = 256;

/// The fold.
pub struct OrderView;

impl View for OrderView {
    type Row = OrderRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            // Not even a placing is fresh: money may have come first.
            Event::Order(_) => {
                key.push_str(&fact.envelope.subject);
                Touch::Row
            }
            Event::Item(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<OrderRow>, fact: &Fact<'_>) {
        let Event::Order(event) = fact.event else { return };
        let row = row.get_or_insert_with(|| unplaced(fact));
        row.position = fact.position;
        apply(row, event, fact);
        remember(row, event, fact);
        row.status = shown(row);
    }
}

/// An order of which only money is known. It never was, so it shows as one that has expired.
fn unplaced(fact: &Fact<'_>) -> OrderRow {
    OrderRow {
        order_id: fact.order_id(),
        position: fact.position,
        owner: None,
        status: OrderStatus::Expired,
        state: OrderStatus::Expired,
        placed_at: fact.envelope.time,
        ordered_at: fact.envelope.time,
        channel: None,
        payment: PaymentMode::Provider,
        submitted: false,
        lines: Vec::new(),
        adjustments: Vec::new(),
        total: None,
        expires_at: None,
        refusals: Vec::new(),
        payments: Vec::new(),
        shipping_address: None,
        metadata: schemas::Metadata::default(),
        history: Vec::new(),
        history_left_out: 0,
    }
}

fn apply(row: &mut OrderRow, event: &OrderEvent, fact: &Fact<'_>) {
    match event {
        OrderEvent::OrderPlaced(e) => place(row, e, fact),
        // Prices and kinds come with the last answer; what each item said is in the refusals.
        OrderEvent::ItemHeld(_) | OrderEvent::ItemRefused(_) => {}
        OrderEvent::HoldsGranted(e) => {
            row.state = OrderStatus::AwaitingPayment;
            price(row, &e.lines);
            row.total = Some(e.total);
            row.expires_at = Some(e.expires_at);
        }
        OrderEvent::OrderRejected(e) => {
            row.state = OrderStatus::Rejected;
            row.refusals.clone_from(&e.refusals);
        }
        OrderEvent::PaymentStarted(e) => start_payment(row, e),
        OrderEvent::PaymentAuthorized(e) => {
            let payment = payment(row, &e.payment_id, e.amount);
            // The provider may authorize in another currency than it was asked for; what came in is what counts.
            if payment.amount.currency() != e.amount.currency() {
                payment.amount = e.amount;
            }
            payment.status = PaymentStatus::Authorized;
            payment.authorized = e.amount.minor();
            payment.reason = None;
        }
        OrderEvent::PaymentAttemptFailed(e) => {
            if let Some(payment) = known_payment(row, &e.payment_id) {
                payment.status = PaymentStatus::Declined;
                payment.reason = Some(e.reason.clone());
            }
        }
        OrderEvent::OrderSubmitted(_) => row.submitted = true,
        OrderEvent::OrderConfirmed(_) => row.state = OrderStatus::Confirmed,
        OrderEvent::DigitalDelivered(e) => deliver(row, &e.line_ids),
        OrderEvent::CaptureDue(_) | OrderEvent::OperatorRefunded(_) => {}
        OrderEvent::PaymentCaptured(e) => payment(row, &e.payment_id, e.amount).captured += e.amount.minor(),
        OrderEvent::CaptureFailed(e) => {
            if let Some(payment) = known_payment(row, &e.payment_id) {
                payment.reason = Some(e.reason.clone());
            }
        }
        OrderEvent::OrderExpired(_) | OrderEvent::ReholdFailed(_) => {
            row.state = OrderStatus::Expired;
            if let OrderEvent::ReholdFailed(e) = event {
                row.refusals.clone_from(&e.refusals);
            }
        }
        OrderEvent::OrderCancelled(_) => row.state = OrderStatus::Cancelled,
        OrderEvent::LinesCancelled(e) => {
            for part in &e.lines {
                if let Some(line) = row.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                    line.cancelled += part.quantity.get();
                }
            }
        }
        OrderEvent::LatePayment(_) => {
            row.state = OrderStatus::Holding;
            row.refusals.clear();
        }
        OrderEvent::RefundDue(e) => payment(row, &e.payment_id, e.amount).refund_due += e.amount.minor(),
        OrderEvent::RefundSettled(e) => payment(row, &e.payment_id, e.amount).refunded += e.amount.minor(),
    }
}

fn place(row: &mut OrderRow, event: &OrderPlaced, fact: &Fact<'_>) {
    row.owner = Some(event.owner.clone());
    row.state = OrderStatus::Holding;
    row.placed_at = fact.envelope.time;
    row.ordered_at = event.ordered_at;
    row.channel.clone_from(&event.channel);
    row.payment = event.payment;
    row.lines = event.lines.iter().map(line).collect();
    row.adjustments.clone_from(&event.adjustments);
    row.metadata = event.metadata.clone();
}

fn line(line: &OrderLine) -> LineReply {
    LineReply {
        line_id: line.line_id.clone(),
        item_id: line.item_id.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        kind: None,
        cancelled: 0,
        shipped: 0,
        returned: 0,
        metadata: line.metadata.clone(),
    }
}

fn price(row: &mut OrderRow, lines: &[PricedLine]) {
    for priced in lines {
        if let Some(line) = row.lines.iter_mut().find(|line| line.line_id == priced.line_id) {
            line.unit_price = Some(priced.unit_price);
            line.kind = Some(priced.kind);
        }
    }
}

fn start_payment(row: &mut OrderRow, event: &PaymentStarted) {
    let payment = payment(row, &event.payment_id, event.amount);
    payment.amount = event.amount;
    if event.shipping_address.is_some() {
        row.shipping_address.clone_from(&event.shipping_address);
    }
}

fn known_payment<'r>(row: &'r mut OrderRow, id: &PaymentId) -> Option<&'r mut Payment> {
    row.payments.iter_mut().find(|payment| payment.payment_id == *id)
}

/// The payment of that id; a provider may tell of one that the order never began.
fn payment<'r>(row: &'r mut OrderRow, id: &PaymentId, amount: Money) -> &'r mut Payment {
    let at = row.payments.iter().position(|payment| payment.payment_id == *id).unwrap_or_else(|| {
        row.payments.push(Payment {
            payment_id: id.clone(),
            status: PaymentStatus::Pending,
            amount,
            authorized: 0,
            captured: 0,
            refund_due: 0,
            refunded: 0,
            reason: None,
        });
        row.payments.len() - 1
    });
    &mut row.payments[at]
}

fn deliver(row: &mut OrderRow, lines: &[LineId]) {
    for line in row.lines.iter_mut().filter(|line| lines.contains(&line.line_id)) {
        line.shipped = line.quantity.get() - line.cancelled;
    }
}

/// The status as the order itself shows it: see its domain's `status`.
fn shown(row: &OrderRow) -> OrderStatus {
    match row.state {
        OrderStatus::Confirmed => of_lines(row),
        OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired => money_back(row),
        OrderStatus::Holding
        | OrderStatus::AwaitingPayment
        | OrderStatus::Shipped
        | OrderStatus::Delivered
        | OrderStatus::Refunding
        | OrderStatus::Refunded => row.state,
    }
}

/// What has left and what is open; a digital line is delivered as it leaves.
fn of_lines(row: &OrderRow) -> OrderStatus {
    let physical = |line: &LineReply| line.kind == Some(ItemKind::Physical);
    if row.lines.iter().any(|line| line.cancelled + line.shipped < line.quantity.get()) {
        OrderStatus::Confirmed
    } else if row.lines.iter().any(|line| physical(line) && line.shipped > 0) {
        OrderStatus::Shipped
    } else {
        OrderStatus::Delivered
    }
}

/// Whether the money of an order that has ended is being, or was, given back.
fn money_back(row: &OrderRow) -> OrderStatus {
    let due: i64 = row.payments.iter().map(|payment| payment.refund_due).sum();
    let refunded: i64 = row.payments.iter().map(|payment| payment.refunded).sum();
    match due {
        0 => row.state,
        due if refunded >= due => OrderStatus::Refunded,
        _ => OrderStatus::Refunding,
    }
}

/// Adds to the history; a long one loses what follows its beginning.
fn remember(row: &mut OrderRow, event: &OrderEvent, fact: &Fact<'_>) {
    let mut entry = HistoryEntry {
        position: fact.position,
        time: fact.envelope.time,
        what: name(event),
        actor: fact.envelope.actor.clone(),
        payment_id: None,
        refund_id: None,
        amount: None,
        reason: None,
        lines: Vec::new(),
    };
    match event {
        OrderEvent::ItemHeld(_) | OrderEvent::ItemRefused(_) => return,
        OrderEvent::PaymentStarted(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::PaymentAuthorized(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::CaptureDue(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::PaymentCaptured(e) => money(&mut entry, &e.payment_id, e.amount),
        OrderEvent::RefundDue(e) => {
            money(&mut entry, &e.payment_id, e.amount);
            entry.refund_id = Some(e.refund_id.clone());
        }
        OrderEvent::RefundSettled(e) => {
            money(&mut entry, &e.payment_id, e.amount);
            entry.refund_id = Some(e.refund_id.clone());
        }
        OrderEvent::PaymentAttemptFailed(e) => {
            entry.payment_id = Some(e.payment_id.clone());
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::CaptureFailed(e) => {
            entry.payment_id = Some(e.payment_id.clone());
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::OperatorRefunded(e) => {
            entry.amount = Some(e.amount);
            entry.reason = Some(e.reason.clone());
        }
        OrderEvent::OrderCancelled(e) => entry.reason.clone_from(&e.reason),
        OrderEvent::LinesCancelled(e) => {
            entry.reason.clone_from(&e.reason);
            entry.lines.clone_from(&e.lines);
        }
        OrderEvent::OrderPlaced(_)
        | OrderEvent::HoldsGranted(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::OrderConfirmed(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_) => {}
    }
    row.history.push(entry);
    if row.history.len() > HISTORY_MOST {
        row.history.remove(HISTORY_FIRST);
        row.history_left_out += 1;
    }
}

fn money(entry: &mut HistoryEntry, payment: &PaymentId, amount: Money) {
    entry.payment_id = Some(payment.clone());
    entry.amount = Some(amount);
}

/// `stockfold.orders.order-placed.v1` is `order_placed`.
fn name(event: &OrderEvent) -> String {
    event.event_type().split('.').nth(2).unwrap_or_default().replace('-', "_")
}
