//! Shipments of an order: what left a warehouse, what came to the one that ships on, and what is with the customer.

use crate::{
    CommandState,
    answer::{self, OrderAnswer},
    asker::{Asker, effect_id},
    cancel::{CancelLine, read_line_quantity},
    lines::MAX_LINES,
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, OptionalBody, PathIds, Problem, ProblemDocument,
    fields::{id, list, object},
    openapi::IdSchema,
};
use schemas::{
    Caller, Command, EffectId, OrderId, ReplyBody, Role, ShipmentId, SubOrderId,
    order::{DeliverShipments, LineQuantity, OrderCommand, ReceiveShipment, ShipSubOrder},
};
use utoipa::ToSchema;

/// The most shipments that one call names.
const MAX_SHIPMENTS: usize = 1_000;

/// What left a warehouse.
#[derive(Debug, ToSchema)]
#[schema(as = NewShipment, rename_all = "camelCase")]
pub(crate) struct ShipmentBody {
    /// The shipment, unique in the order.
    #[schema(value_type = IdSchema)]
    shipment_id: ShipmentId,
    /// The part of the order; may be left out where only one of the caller's location can ship.
    #[schema(value_type = Option<IdSchema>)]
    sub_order_id: Option<SubOrderId>,
    /// What of it; without it all that is allocated.
    #[schema(value_type = Option<Vec<CancelLine>>, min_items = 1)]
    lines: Option<Vec<LineQuantity>>,
}

impl FromFields for ShipmentBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let shipment_id = fields.get("shipmentId", id(ShipmentId::parse));
        let sub_order_id = fields.opt("subOrderId", id(SubOrderId::parse));
        let lines = fields.opt("lines", list(1..=MAX_LINES, object(read_line_quantity)));
        Some(Self { shipment_id: shipment_id?, sub_order_id, lines })
    }
}

/// Records allocated units that left: for the customer, or for the warehouse of the sub-order's parent, which ships on.
///
/// A warehouse ships what is at its own location; an order that has no part there is not found. 409 `nothing_to_ship`,
/// `not_that_many_allocated` with `allocated`; 422 `sub_order_required` where several parts can ship.
#[utoipa::path(post, path = "/v1/orders/{orderId}/shipments", tag = "Fulfilment", operation_id = "shipOrder", request_body = ShipmentBody,
    params(("orderId" = String, Path)),
    responses((status = 201, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn ship(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    mut asker: Asker,
    body: JsonBody<ShipmentBody>,
) -> Result<Response, Problem> {
    roles::parcels(&asker.caller)?;
    let own = Some(effect_id(body.content.shipment_id.as_str()));
    let effect = asker.effect(&state, own, &here(&asker.caller, &format!("ship {order}")), &body)?;
    let ShipmentBody { shipment_id: _, sub_order_id, lines } = body.content;
    let command = OrderCommand::Ship(ShipSubOrder { effect, sub_order: sub_order_id, lines });
    answer_order(&state, asker, order, command).await
}

/// That a forwarded shipment has come.
#[derive(Debug, ToSchema)]
#[schema(as = ShipmentArrival, rename_all = "camelCase")]
pub(crate) struct ArrivalBody {
    /// The receipt; without it one is derived from the idempotency key.
    #[schema(value_type = Option<IdSchema>)]
    receipt_id: Option<EffectId>,
}

impl FromFields for ArrivalBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { receipt_id: fields.opt("receiptId", id(EffectId::parse)) })
    }
}

/// Records that a shipment from another warehouse has come, to be shipped on: its units belong to the parent from then.
///
/// 404 `shipment_not_found` for one that goes to the customer, or to another warehouse than the caller's.
#[utoipa::path(post, path = "/v1/orders/{orderId}/shipments/{shipmentId}/receive", tag = "Fulfilment", operation_id = "receiveShipment",
    request_body = Option<ArrivalBody>,
    params(("orderId" = String, Path), ("shipmentId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn receive(
    State(state): State<CommandState>,
    PathIds((order, shipment)): PathIds<(OrderId, ShipmentId)>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<ArrivalBody>,
) -> Result<Response, Problem> {
    roles::parcels(&asker.caller)?;
    let operation = here(&asker.caller, &format!("receive shipment {order} {shipment}"));
    let effect = asker.effect(&state, body.content.receipt_id.clone(), &operation, &body)?;
    let command = OrderCommand::ReceiveShipment(ReceiveShipment { effect, shipment });
    answer_order(&state, asker, order, command).await
}

/// What is with the customer.
#[derive(Debug, ToSchema)]
#[schema(as = Delivery, rename_all = "camelCase")]
pub(crate) struct DeliveryBody {
    /// The delivery; without it one is derived from the idempotency key.
    #[schema(value_type = Option<IdSchema>)]
    delivery_id: Option<EffectId>,
    /// Which shipments; without it all of the caller's location that are on the way.
    #[schema(value_type = Option<Vec<IdSchema>>, min_items = 1)]
    shipment_ids: Option<Vec<ShipmentId>>,
}

impl FromFields for DeliveryBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let delivery_id = fields.opt("deliveryId", id(EffectId::parse));
        let shipment_ids = fields.opt("shipmentIds", list(1..=MAX_SHIPMENTS, id(ShipmentId::parse)));
        Some(Self { delivery_id, shipment_ids })
    }
}

/// Records that shipments are with the customer.
///
/// A warehouse delivers what left its own location. 409 `nothing_to_deliver`; 404 `shipment_not_found`.
#[utoipa::path(post, path = "/v1/orders/{orderId}/deliveries", tag = "Fulfilment", operation_id = "deliverOrder",
    request_body = Option<DeliveryBody>,
    params(("orderId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = OrderAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn deliver(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<DeliveryBody>,
) -> Result<Response, Problem> {
    roles::parcels(&asker.caller)?;
    let operation = here(&asker.caller, &format!("deliver {order}"));
    let effect = asker.effect(&state, body.content.delivery_id.clone(), &operation, &body)?;
    let command = OrderCommand::Deliver(DeliverShipments { effect, shipments: body.content.shipment_ids });
    answer_order(&state, asker, order, command).await
}

/// An operation with the location that it is of: two warehouses that choose one id for their part of an order do not ask
/// for the same.
pub(crate) fn here(caller: &Caller, operation: &str) -> String {
    match caller.location.as_ref().filter(|_| caller.role == Role::Warehouse) {
        Some(location) => format!("{operation} at {location}"),
        None => operation.to_owned(),
    }
}

/// The order after a command that made something.
async fn answer_order(
    state: &CommandState,
    asker: Asker,
    order: OrderId,
    command: OrderCommand,
) -> Result<Response, Problem> {
    let (location, role) = (answer::order_url(&order), asker.caller.role);
    let render = |reply: ReplyBody| {
        answer::order(reply).map(|order| (StatusCode::CREATED, Json(OrderAnswer::told_to(role, order))))
    };
    state.answer(asker, Command::Order { order, command }, || location, render).await
}
