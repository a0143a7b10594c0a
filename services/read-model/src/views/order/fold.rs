//! The fold of an order's row.

use super::{OrderRow, SubOrderRow, TABLE, history::remember, parcels};
use crate::{
    fold::{Fact, Touch, View},
    store::Table,
};
use schemas::{
    Event, LineId, Money, PaymentId,
    order::{
        LineReply, OrderEvent, OrderLine, OrderPlaced, OrderStatus, Payment, PaymentMode, PaymentStarted,
        PaymentStatus, PricedLine,
    },
};

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
            Event::Item(_)
            | Event::Cart(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_)
            | Event::Shopper(_) => Touch::None,
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
        files: std::collections::BTreeMap::new(),
        adjustments: Vec::new(),
        total: None,
        expires_at: None,
        refusals: Vec::new(),
        payments: Vec::new(),
        shipping_address: None,
        metadata: schemas::Metadata::default(),
        sub_orders: Vec::new(),
        due: Vec::new(),
        backordered: false,
        returns: Vec::new(),
        return_window_closed: false,
        history: Vec::new(),
        history_left_out: 0,
    }
}

fn apply(row: &mut OrderRow, event: &OrderEvent, fact: &Fact<'_>) {
    match event {
        OrderEvent::OrderPlaced(e) => place(row, e, fact),
        // Prices and kinds come with the last answer; what each item said is in the refusals.
        OrderEvent::ItemHeld(e) => row.files.extend(e.file.clone().map(|file| (e.item_id.clone(), file))),
        OrderEvent::ItemRefused(_) => {}
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
        | OrderEvent::ReturnWindowClosed(_) => parcels::apply(row, event, fact),
        OrderEvent::DropUnitsOrdered(_) => {}
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
        OrderEvent::PaymentStarted(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::PaymentAttemptFailed(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::RefundDue(_)
        | OrderEvent::RefundSettled(_) => pay(row, event),
        OrderEvent::OrderSubmitted(_) => row.submitted = true,
        OrderEvent::OrderConfirmed(_) => row.state = OrderStatus::Confirmed,
        OrderEvent::DigitalDelivered(e) => deliver(row, &e.line_ids),
        OrderEvent::CaptureDue(_) | OrderEvent::OperatorRefunded(_) => {}
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
            e.sub_orders.iter().for_each(|taken| parcels::cancelled(row, taken));
        }
        OrderEvent::LatePayment(_) => {
            row.state = OrderStatus::Holding;
            row.refusals.clear();
        }
    }
}

/// Money was asked for, came or went.
fn pay(row: &mut OrderRow, event: &OrderEvent) {
    match event {
        OrderEvent::PaymentStarted(e) => start_payment(row, e),
        // It was shown as pending before.
        OrderEvent::PaymentPending(_) => {}
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
        OrderEvent::PaymentCaptured(e) => payment(row, &e.payment_id, e.amount).captured += e.amount.minor(),
        OrderEvent::CaptureFailed(e) => {
            if let Some(payment) = known_payment(row, &e.payment_id) {
                payment.reason = Some(e.reason.clone());
            }
        }
        OrderEvent::RefundDue(e) => payment(row, &e.payment_id, e.amount).refund_due += e.amount.minor(),
        OrderEvent::RefundSettled(e) => payment(row, &e.payment_id, e.amount).refunded += e.amount.minor(),
        other => unreachable!("{other:?} is not of money"),
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
        store: None,
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
            line.store.clone_from(&priced.store);
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
pub(super) fn of_lines(row: &OrderRow) -> OrderStatus {
    let to_customer = |sub_order: &&SubOrderRow| sub_order.parent.is_none();
    let mut shipments = row.sub_orders.iter().filter(to_customer).flat_map(|sub_order| &sub_order.shipments);
    if row.lines.iter().any(|line| line.cancelled + line.shipped < line.quantity.get()) {
        OrderStatus::Confirmed
    } else if shipments.any(|shipment| shipment.arrived_at.is_none()) {
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
