//! Splits what is due over warehouses, and asks the items to allocate.

use super::{
    Order,
    plan::{Plan, refuse},
};
use crate::Decided;
use schemas::{
    SubOrderId,
    item::{Allocate, ItemCommand},
    order::{OrderRejection, PlanShipments, PlannedSubOrder, SubOrdersPlanned},
};
use std::collections::BTreeMap;

pub(super) fn plan_shipments(mut plan: Plan<'_>, command: &PlanShipments) -> Decided {
    let planning = &plan.order.fulfilment.planning;
    let is_over = plan.order.lines.iter().all(|line| line.due == 0) || command.revision < planning.revision;
    if command.revision <= planning.revision && is_over && !planted::bug!("plan-of-old-revision-taken") {
        return plan.done();
    }
    let named = match fit(&plan.order, command) {
        Some(named) if command.revision <= planning.revision => named,
        Some(_) | None => return refuse(OrderRejection::PlanNotFitting),
    };

    // From here it succeeds.
    let due: Vec<u32> = plan.order.lines.iter().map(|line| line.due).collect();
    let rest: Vec<u32> = due.iter().zip(&named).map(|(due, named)| due - named).collect();
    let revision = planning.revision;
    let (effect, sub_orders) = (command.effect.clone(), command.sub_orders.clone());
    plan.record(SubOrdersPlanned { effect, revision, sub_orders, inputs: command.inputs.clone() });
    if rest.iter().any(|units| *units > 0) {
        plan.backorder(&due, &rest);
    }
    for sub_order in &command.sub_orders {
        plan.allocate(sub_order);
    }
    plan.done()
}

/// The units that it names of each line; none where it does not fit the order.
fn fit(order: &Order, command: &PlanShipments) -> Option<Vec<u32>> {
    let mut named: Vec<u32> = order.lines.iter().map(|_| 0).collect();
    // Whether a sub-order has a parent itself.
    let known = order.fulfilment.sub_orders.iter().map(|sub_order| (&sub_order.id, sub_order.parent.is_some()));
    let mut known: BTreeMap<&SubOrderId, bool> = known.collect();
    for sub_order in &command.sub_orders {
        if known.insert(&sub_order.sub_order_id, sub_order.parent.is_some()).is_some() {
            return None;
        }
        for line in &sub_order.lines {
            let index = order.line_index(&line.line_id)?;
            named[index] = named[index].checked_add(line.quantity.get())?;
        }
    }
    let mut parents = command.sub_orders.iter().filter_map(|sub_order| sub_order.parent.as_ref());
    let fits = parents.all(|parent| known.get(parent) == Some(&false))
        && order.lines.iter().zip(&named).all(|(line, named)| *named <= line.due);
    fits.then_some(named)
}

impl Plan<'_> {
    /// Asks each item of a sub-order once, for the sum of its lines.
    fn allocate(&mut self, sub_order: &PlannedSubOrder) {
        let units = sub_order
            .lines
            .iter()
            .map(|line| (self.order.line_index(&line.line_id).expect("the plan fits the order"), line.quantity.get()));
        for (item, quantity) in self.order.by_item(units.collect::<Vec<_>>()) {
            let hold = self.hold_id(&item);
            let (sub_order, location) = (sub_order.sub_order_id.clone(), sub_order.location.clone());
            self.send(item, ItemCommand::Allocate(Allocate { sub_order, hold, location, quantity }));
        }
    }
}
