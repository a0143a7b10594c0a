//! Shipments are with the customer.

use super::{
    fulfilment::{Shipment, Way, own_location},
    plan::{Plan, refuse},
    status::confirmed,
};
use crate::Decided;
use schemas::{
    ShipmentId,
    order::{DeliverShipments, OrderRejection, ShipmentsDelivered},
};

pub(super) fn deliver(mut plan: Plan<'_>, command: &DeliverShipments) -> Decided {
    let fulfilment = &plan.order.fulfilment;
    if let Some(effect) = fulfilment.deliveries.iter().find(|effect| effect.id == command.effect.id) {
        let same = effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    if let Err(rejection) = confirmed(&plan.order) {
        return refuse(rejection);
    }
    let only = own_location(plan.cx.caller);
    let is_own = |shipment: &&Shipment| {
        matches!(shipment.way, Way::Customer { .. }) && only.is_none_or(|only| fulfilment.origin(shipment) == only)
    };
    let own: Vec<&Shipment> = fulfilment.shipments.iter().filter(is_own).collect();
    if let Some(named) = &command.shipments
        && !named.iter().all(|id| own.iter().any(|shipment| shipment.is(id)))
    {
        return refuse(OrderRejection::ShipmentNotFound);
    }
    if own.is_empty() {
        return refuse(OrderRejection::NothingToDeliver);
    }

    // From here it succeeds. What is delivered is delivered, under whichever id.
    let is_named =
        |shipment: &&&Shipment| command.shipments.as_ref().is_none_or(|named| named.iter().any(|id| shipment.is(id)));
    let news = own.iter().filter(|shipment| shipment.is_undelivered()).filter(is_named);
    let id = |shipment: &&Shipment| ShipmentId::parse(shipment.effect.id.as_str()).expect("ids follow one rule");
    let shipments: Vec<ShipmentId> = news.map(id).collect();
    if !shipments.is_empty() {
        plan.record(ShipmentsDelivered { effect: command.effect.clone(), shipments });
    }
    plan.done()
}
