//! A forwarded shipment has come to the warehouse that ships it on.

use super::{
    fulfilment::{Shipment, Way, own_location},
    plan::{Plan, refuse},
};
use crate::Decided;
use schemas::{
    item::{ItemCommand, ReceiveForward},
    order::{ForwardReceived, OrderRejection, ReceiveShipment},
};

/// Also of an order that was cancelled meanwhile: what has come is free there.
pub(super) fn receive_shipment(mut plan: Plan<'_>, command: &ReceiveShipment) -> Decided {
    let only = own_location(plan.cx.caller);
    let sub_orders = &plan.order.fulfilment.sub_orders;
    let goes_to = |shipment: &Shipment| match shipment.way {
        Way::Customer { .. } => None,
        Way::Warehouse { parent, .. } => Some(&sub_orders[parent].location),
    };
    let shipment = plan.order.fulfilment.shipment(&command.shipment);
    let shipment = shipment.filter(|shipment| goes_to(shipment).is_some_and(|to| only.is_none_or(|only| only == to)));
    let Some(shipment) = shipment else { return refuse(OrderRejection::ShipmentNotFound) };
    if let Way::Warehouse { received: Some(effect), .. } = &shipment.way {
        let another = effect.id == command.effect.id && effect.digest != command.effect.digest;
        // What has come has come, under whichever id.
        return if another { refuse(OrderRejection::IdempotencyKeyReused) } else { plan.done() };
    }

    // From here it succeeds.
    let items = plan.order.by_item(shipment.parts.iter().map(|part| (part.line, part.units)));
    let lines = plan.order.line_quantities(shipment.parts.iter().map(|part| (part.line, part.open)));
    let sent = shipment.effect.id.clone();
    plan.record(ForwardReceived { effect: command.effect.clone(), shipment: command.shipment.clone(), lines });
    for (item, _) in items {
        let (effect, hold, shipment) = (command.effect.clone(), plan.hold_id(&item), sent.clone());
        plan.send(item, ItemCommand::ReceiveForward(ReceiveForward { effect, hold, shipment }));
    }
    plan.done()
}
