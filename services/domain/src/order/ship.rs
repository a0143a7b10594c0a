//! Allocated units left their warehouse: for the customer, or for the parent's warehouse.

use super::{
    Order,
    fulfilment::own_location,
    plan::{Plan, refuse},
    status::confirmed,
};
use crate::Decided;
use schemas::{
    LineId, LocationId, SubOrderId,
    item::{Forward, ItemCommand, ShipStock},
    order::{LineQuantity, OrderRejection, ShipSubOrder, ShipmentForwarded, ShipmentShipped},
};

/// The most shipments of an order: each is remembered, and a line may have a million units.
const MAX_SHIPMENTS: u32 = 1_000;

pub(super) fn ship(mut plan: Plan<'_>, command: &ShipSubOrder) -> Decided {
    if let Some(shipment) = plan.order.fulfilment.shipments.iter().find(|known| known.effect.id == command.effect.id) {
        let same = shipment.effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    if let Err(rejection) = confirmed(&plan.order) {
        return refuse(rejection);
    }
    let place = match chosen(&plan.order, own_location(plan.cx.caller), command.sub_order.as_ref()) {
        Ok(place) => place,
        Err(rejection) => return refuse(rejection),
    };
    let lines = match units(&plan.order, place, command.lines.as_deref()) {
        Ok(lines) => lines,
        Err(rejection) => return refuse(rejection),
    };
    if plan.order.fulfilment.shipments.len() >= MAX_SHIPMENTS as usize {
        return refuse(OrderRejection::TooManyShipments { limit: MAX_SHIPMENTS });
    }

    // From here it succeeds.
    plan.leave(place, command, &lines);
    if planted::bug!("hold-closed-early") && !plan.order.is_open() {
        plan.close_holds();
    }
    plan.done()
}

/// The sub-order that is shipped: the one that is named, or the only one that can ship.
fn chosen(order: &Order, only: Option<&LocationId>, named: Option<&SubOrderId>) -> Result<usize, OrderRejection> {
    let sub_orders = &order.fulfilment.sub_orders;
    let is_own = |place: &usize| only.is_none_or(|only| sub_orders[*place].location == *only);
    if let Some(named) = named {
        let place = order.fulfilment.sub_order(named).filter(is_own);
        return place.ok_or(OrderRejection::SubOrderNotFound);
    }
    let can_ship = |place: &usize| sub_orders[*place].parts.iter().any(|part| part.allocated > 0);
    let mut places = (0..sub_orders.len()).filter(is_own).filter(can_ship);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err(OrderRejection::NothingToShip),
        (Some(_), Some(_)) => Err(OrderRejection::SubOrderRequired),
    }
}

/// The units that leave, by line: those that are named, or all that are allocated.
fn units(order: &Order, place: usize, lines: Option<&[LineQuantity]>) -> Result<Vec<(usize, u32)>, OrderRejection> {
    let parts = &order.fulfilment.sub_orders[place].parts;
    let allocated = |line: usize| parts.iter().filter(|part| part.line == line).map(|part| part.allocated).sum();
    let refusal = |line_id: LineId, allocated| OrderRejection::NotThatManyAllocated { line_id, allocated };
    let units: Vec<(usize, u32)> = match lines {
        Some(lines) => order.named_units(lines, allocated, refusal)?.into_iter().collect(),
        None => parts.iter().filter(|part| part.allocated > 0).map(|part| (part.line, part.allocated)).collect(),
    };
    if units.is_empty() { Err(OrderRejection::NothingToShip) } else { Ok(units) }
}

impl Plan<'_> {
    /// Records the shipment, and tells each item what left.
    fn leave(&mut self, place: usize, command: &ShipSubOrder, units: &[(usize, u32)]) {
        let sub_order = self.order.fulfilment.sub_orders[place].clone();
        let parent = sub_order.parent.map(|parent| self.order.fulfilment.sub_orders[parent].clone());
        let lines = self.order.line_quantities(units.iter().copied());
        let (effect, location) = (command.effect.clone(), sub_order.location);
        for (item, quantity) in self.order.by_item(units.iter().copied()) {
            let hold = self.hold_id(&item);
            let command = match &parent {
                None => ItemCommand::Ship(ShipStock {
                    effect: effect.clone(),
                    hold,
                    sub_order: Some(sub_order.id.clone()),
                    location: location.clone(),
                    quantity: Some(quantity),
                }),
                Some(parent) => ItemCommand::Forward(Forward {
                    effect: effect.clone(),
                    hold,
                    sub_order: sub_order.id.clone(),
                    to_sub_order: parent.id.clone(),
                    location: location.clone(),
                    to_location: parent.location.clone(),
                    quantity,
                }),
            };
            self.send(item, command);
        }
        let (sub_order, arrival_at) = (sub_order.id, sub_order.arrival_at);
        match parent {
            None => self.record(ShipmentShipped { effect, sub_order, location, lines, arrival_at }),
            Some(parent) => self.record(ShipmentForwarded {
                effect,
                sub_order,
                parent: parent.id,
                location,
                to_location: parent.location,
                lines,
            }),
        }
    }
}
