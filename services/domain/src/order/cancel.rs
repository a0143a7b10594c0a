//! Cancels a checkout as a whole, or what has not shipped of a confirmed order.

use super::{
    Order, Phase,
    plan::{Plan, refuse},
    status::ended,
};
use crate::Decided;
use schemas::{
    CancellationId, Effect, ItemId, LineId, Quantity,
    item::{ItemCommand, Uncommit},
    order::{CancelOrder, LineQuantity, LinesCancelled, OrderCancelled, OrderRejection, ReholdFailed},
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
    let open = plan.order.all_open();
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
    let mut units = BTreeMap::<usize, u64>::new();
    for line in lines {
        let unknown = || OrderRejection::LineNotFound { line_id: line.line_id.clone() };
        *units.entry(order.line_index(&line.line_id).ok_or_else(unknown)?).or_default() += line.quantity.units();
    }
    let line_id = |index: usize| order.terms.as_ref().map(|terms| terms.lines[index].line_id.clone());
    let checked = units.into_iter().map(|(index, units)| {
        let (line_id, open) = (line_id(index).expect("it has the line"), order.open_units(index));
        if units > u64::from(open) {
            return Err(OrderRejection::NotThatManyOpen { line_id, open });
        }
        let quantity = u32::try_from(units).ok().and_then(|units| Quantity::new(units).ok());
        Ok(LineQuantity { line_id, quantity: quantity.expect("at most what was ordered") })
    });
    checked.collect()
}

impl Plan<'_> {
    /// Cancels open units of a confirmed order and gives them back at their items.
    pub(super) fn cancel_lines(
        &mut self,
        cancellation: CancellationId,
        effect: Option<Effect>,
        lines: Vec<LineQuantity>,
        reason: Option<String>,
    ) {
        let by_item = by_item(&self.order, &lines);
        self.record(LinesCancelled { effect: effect.clone(), lines, reason: reason.clone() });
        for (item, units) in by_item {
            let quantity = Quantity::new(units).expect("at most what was ordered of the item");
            let (cancellation, hold) = (cancellation.clone(), self.hold_id(&item));
            let uncommit = Uncommit { cancellation, hold, quantity, from: Vec::new(), into: None };
            if !planted::bug!("cancelled-units-kept") {
                self.send(item, ItemCommand::Uncommit(uncommit));
            }
        }
        let nothing_shipped = self.order.lines.iter().all(|line| line.shipped == 0);
        if nothing_shipped && self.order.all_open().is_empty() {
            self.record(OrderCancelled { effect, reason });
        }
    }
}

fn by_item(order: &Order, lines: &[LineQuantity]) -> BTreeMap<ItemId, u32> {
    let terms = order.terms.as_ref().expect("a confirmed order was placed");
    let item_of = |id: &LineId| {
        terms.lines.iter().find(|line| line.line_id == *id).expect("the line was looked up").item_id.clone()
    };
    let mut units = BTreeMap::new();
    for line in lines {
        *units.entry(item_of(&line.line_id)).or_default() += line.quantity.get();
    }
    units
}
