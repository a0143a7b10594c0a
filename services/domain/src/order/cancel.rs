//! Cancels a checkout as a whole, or what has not shipped of a confirmed order; a store that sells lines of it, of those.

use super::{
    Order, Phase,
    fulfilment::Part,
    plan::{Plan, refuse},
    seller::own_part,
    status::ended,
};
use crate::Decided;
use schemas::{
    CancellationId, Effect, ItemId, LineId, Quantity,
    item::{ForwardedQuantity, SubOrderQuantity, Uncommit},
    order::{CancelOrder, LineQuantity, LinesCancelled, OrderCancelled, OrderRejection, ReholdFailed, SubOrderLine},
};
use std::collections::BTreeMap;

/// The most parts that are cancelled one by one: each is remembered, and a line may have a million units.
const MAX_CANCELLATIONS: u32 = 1_000;

pub(super) fn cancel(mut plan: Plan<'_>, command: &CancelOrder) -> Decided {
    if let Some(effect) = plan.order.cancellations.iter().find(|effect| effect.id == command.effect.id) {
        let same = effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    match plan.order.phase {
        Phase::Cancelled if command.lines.is_none() => return plan.done(),
        Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
            return refuse(ended(&plan.order).unwrap_or(OrderRejection::OrderNotFound));
        }
        Phase::Holding | Phase::AwaitingPayment | Phase::Reholding | Phase::Confirmed => {}
    }
    let mut open = plan.order.all_open();
    if let Some(store) = plan.order.seller(plan.cx.caller)
        && let Err(rejection) = own_part(&plan.order, store, command, &mut open)
    {
        return refuse(rejection);
    }
    if open.is_empty() {
        return refuse(OrderRejection::AlreadyShipped);
    }
    let lines = match command.lines.as_deref().map(|lines| wanted(&plan.order, lines)) {
        None => open,
        Some(Ok(lines)) => lines,
        Some(Err(rejection)) => return refuse(rejection),
    };
    if plan.order.phase != Phase::Confirmed && command.lines.is_some() {
        return refuse(OrderRejection::CancelAsAWhole);
    }
    if command.lines.is_some() && plan.order.cancellations.len() >= MAX_CANCELLATIONS as usize {
        return refuse(OrderRejection::TooManyCancellations { limit: MAX_CANCELLATIONS });
    }

    // From here it succeeds.
    let effect = Some(command.effect.clone());
    match plan.order.phase {
        Phase::Reholding => {
            plan.record(ReholdFailed { attempt: plan.order.attempt, refusals: Vec::new(), effect });
            plan.release_holds();
        }
        Phase::Confirmed if lines.is_empty() => {}
        Phase::Confirmed => {
            let cancellation = CancellationId::parse(command.effect.id.as_str()).expect("ids follow one rule");
            plan.cancel_lines(cancellation, effect, lines, command.reason.clone());
        }
        Phase::New | Phase::Holding | Phase::AwaitingPayment | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
            plan.record(OrderCancelled { effect, reason: command.reason.clone() });
            plan.release_holds();
        }
    }
    plan.done()
}

/// The units named, summed by line; refused where the order has no such line, or fewer open units.
fn wanted(order: &Order, lines: &[LineQuantity]) -> Result<Vec<LineQuantity>, OrderRejection> {
    let open = |line: usize| {
        let shipped = if planted::bug!("cancel-after-ship") { order.lines[line].shipped } else { 0 };
        order.open_units(line) + shipped
    };
    let refusal = |line_id: LineId, open| OrderRejection::NotThatManyOpen { line_id, open };
    Ok(order.line_quantities(order.named_units(lines, open, refusal)?))
}

/// What sub-orders lose of the units that are cancelled.
#[derive(Default)]
struct Lost {
    /// By sub-order and line, as the event names it.
    lines: Vec<SubOrderLine>,
    /// What has not left, by item.
    here: BTreeMap<ItemId, Vec<SubOrderQuantity>>,
    /// What is on its way to another warehouse, by item.
    away: BTreeMap<ItemId, Vec<ForwardedQuantity>>,
}

/// What belongs to no sub-order is cancelled first, then what has not left, of the newest sub-order first, then what is on
/// its way to another warehouse, of the newest shipment first.
fn lost(order: &Order, lines: &[LineQuantity]) -> Lost {
    let (free, fulfilment) = (order.free_units(), &order.fulfilment);
    let mut lost = Lost::default();
    for line in lines {
        let index = order.line_index(&line.line_id).expect("the line was looked up");
        let mut left = line.quantity.get().saturating_sub(free[index]);
        let mut units = vec![0; fulfilment.sub_orders.len()];
        let mut take = |place: usize, open: u32| {
            let taken = left.min(open);
            left -= taken;
            units[place] += taken;
            Quantity::new(taken).ok()
        };
        for (place, sub_order) in fulfilment.sub_orders.iter().enumerate().rev() {
            let open = sub_order.parts.iter().filter(|part| part.line == index).map(Part::open).sum();
            if let Some(quantity) = take(place, open) {
                let part = SubOrderQuantity { sub_order: sub_order.id.clone(), quantity };
                lost.here.entry(order.item_of(index).clone()).or_default().push(part);
            }
        }
        for shipment in fulfilment.shipments.iter().rev() {
            let open = shipment.parts.iter().filter(|part| part.line == index).map(|part| part.open).sum();
            if let Some(quantity) = take(shipment.sub_order, open) {
                let part = ForwardedQuantity { shipment: shipment.effect.id.clone(), quantity };
                lost.away.entry(order.item_of(index).clone()).or_default().push(part);
            }
        }
        let of = |(place, units): (usize, &u32)| {
            let (quantity, sub_order) = (Quantity::new(*units).ok()?, fulfilment.sub_orders[place].id.clone());
            Some(SubOrderLine { sub_order, line_id: line.line_id.clone(), quantity })
        };
        lost.lines.extend(units.iter().enumerate().rev().filter_map(of));
    }
    lost
}

impl Plan<'_> {
    /// Cancels open units of a confirmed order and gives them back at their items, or their drop.
    pub(super) fn cancel_lines(
        &mut self,
        cancellation: CancellationId,
        effect: Option<Effect>,
        lines: Vec<LineQuantity>,
        reason: Option<String>,
    ) {
        let named = lines.iter().map(|line| (self.order.line_index(&line.line_id), line.quantity.get()));
        let named = named.map(|(line, units)| (line.expect("the line was looked up"), units));
        let items = self.order.by_item(named.collect::<Vec<_>>());
        let mut lost = lost(&self.order, &lines);
        for (item, quantity) in items {
            let (cancellation, hold) = (cancellation.clone(), self.hold_id(&item));
            let from = lost.here.remove(&item).unwrap_or_default();
            let forwarded = lost.away.remove(&item).unwrap_or_default();
            let uncommit = Uncommit { cancellation, hold, quantity, from, forwarded, into: None };
            if !planted::bug!("cancelled-units-kept") {
                self.uncommit(item, uncommit);
            }
        }
        self.record(LinesCancelled { effect: effect.clone(), lines, sub_orders: lost.lines, reason: reason.clone() });
        self.settle_shipments();
        if !self.order.is_open() && self.order.lines.iter().all(|line| line.shipped == 0) {
            self.record(OrderCancelled { effect, reason });
        }
    }
}
