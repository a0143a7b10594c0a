//! What a store sees and changes of somebody's order of its items: its own lines, as if nothing else were in it.

use super::{Order, Phase, answer, plan::Plan, status::confirmed};
use schemas::{
    Caller, LineId, Rejection, Role, StoreId,
    order::{CancelOrder, LineQuantity, OrderRejection, OrderReply, OrderStatus, subtotal},
};
use std::collections::BTreeSet;

impl Order {
    /// The store that a caller sells lines of it for, where it is not theirs as a whole.
    pub(super) fn seller<'c>(&self, caller: &'c Caller) -> Option<&'c StoreId> {
        let store = caller.store.as_ref().filter(|_| caller.role == Role::Store && !self.is_open_to(caller))?;
        self.lines.iter().any(|line| line.store.as_ref() == Some(store)).then_some(store)
    }

    /// The lines that a store sells.
    fn lines_of(&self, store: &StoreId) -> BTreeSet<&LineId> {
        let ordered = self.terms.iter().flat_map(|terms| &terms.lines);
        let own = ordered.zip(&self.lines).filter(|(_, line)| line.store.as_ref() == Some(store));
        own.map(|(ordered, _)| &ordered.line_id).collect()
    }
}

/// Passes who may cancel of an order: whose it is, who acts for the shop, and a store that sells lines of it.
pub(super) fn owned_or_sold(plan: Plan<'_>) -> Result<Plan<'_>, Rejection> {
    let (order, caller) = (&plan.order, plan.cx.caller);
    if order.phase == Phase::New || !(order.is_open_to(caller) || order.seller(caller).is_some()) {
        return Err(Rejection::Order(OrderRejection::OrderNotFound));
    }
    Ok(plan)
}

/// What a store may cancel of what is open: of its own lines, of an order that is bought. Another's line is answered as one
/// that does not exist.
pub(super) fn own_part(
    order: &Order,
    store: &StoreId,
    command: &CancelOrder,
    open: &mut Vec<LineQuantity>,
) -> Result<(), OrderRejection> {
    confirmed(order)?;
    if planted::bug!("sellers-cancel-all") {
        return Ok(());
    }
    let own = order.lines_of(store);
    open.retain(|line| own.contains(&line.line_id));
    let mut named = command.lines.iter().flatten().map(|line| &line.line_id);
    match named.find(|line| !own.contains(line)).filter(|_| !open.is_empty()) {
        Some(line_id) => Err(OrderRejection::LineNotFound { line_id: line_id.clone() }),
        None => Ok(()),
    }
}

/// The order as a caller is told of it.
pub(super) fn reply_to(order: &Order, caller: &Caller) -> OrderReply {
    let reply = answer::reply(order);
    match order.seller(caller) {
        Some(store) => of_store(order, store, reply),
        None => reply,
    }
}

fn of_store(order: &Order, store: &StoreId, reply: OrderReply) -> OrderReply {
    // Spelled out, so that of a new field somebody decides whether a store may know it.
    let OrderReply {
        order_id,
        status: _,
        ordered_at,
        mut lines,
        mut adjustments,
        total: _,
        expires_at,
        payments: _,
        payment_id: _,
        created,
        metadata: _,
    } = reply;
    lines.retain(|line| line.store.as_ref() == Some(store));
    let own = order.lines_of(store);
    adjustments.retain(|adjustment| adjustment.line_id.as_ref().is_some_and(|id| own.contains(id)));
    OrderReply {
        order_id,
        status: status_of(order, store),
        ordered_at,
        total: subtotal(&lines, &adjustments),
        lines,
        adjustments,
        expires_at,
        payments: Vec::new(),
        payment_id: None,
        created,
        metadata: schemas::Metadata::default(),
    }
}

/// How far the store's lines are; of an order that has ended, without what became of its money.
fn status_of(order: &Order, store: &StoreId) -> OrderStatus {
    match order.phase {
        Phase::New | Phase::Expired => OrderStatus::Expired,
        Phase::Holding | Phase::Reholding => OrderStatus::Holding,
        Phase::AwaitingPayment => OrderStatus::AwaitingPayment,
        Phase::Confirmed => of_lines(order, store),
        Phase::Rejected => OrderStatus::Rejected,
        Phase::Cancelled => OrderStatus::Cancelled,
    }
}

fn of_lines(order: &Order, store: &StoreId) -> OrderStatus {
    let is_own = |line: usize| order.lines[line].store.as_ref() == Some(store);
    let own = || (0..order.lines.len()).filter(|line| is_own(*line));
    let undelivered = order.fulfilment.shipments.iter().filter(|shipment| shipment.is_undelivered());
    if own().any(|line| order.open_units(line) > 0) {
        OrderStatus::Confirmed
    } else if own().all(|line| order.lines[line].shipped == 0) {
        OrderStatus::Cancelled
    } else if undelivered.flat_map(|shipment| &shipment.parts).any(|part| is_own(part.line)) {
        OrderStatus::Shipped
    } else {
        OrderStatus::Delivered
    }
}
