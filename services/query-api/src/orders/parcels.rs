//! How sub-orders, shipments and returns are told.

use super::answer::LineUnitsAnswer;
use read_model::views::order::{
    OrderRow, ReceiptRow, ReturnPart, ReturnRow, ShipmentRow, SubOrderPart, SubOrderRow, SubOrderStatus,
};
use schemas::{
    EffectId, ItemId, LineId, LocationId, Metadata, ReturnId, ShipmentId, SubOrderId, Timestamp, item::Bucket,
};
use serde::Serialize;

/// The part of an order that one warehouse ships.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubOrder)]
pub(super) struct SubOrderAnswer {
    #[schema(value_type = String)]
    sub_order_id: SubOrderId,
    /// The sub-order to whose warehouse it ships, which ships on; without it, it ships to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    parent: Option<SubOrderId>,
    /// The warehouse.
    #[schema(value_type = String)]
    location: LocationId,
    /// `planned`, `allocated`, `forwarded`, `received`, `shipped`, `delivered` or `cancelled`.
    status: &'static str,
    /// When it should be with the customer, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    arrival_at: Option<Timestamp>,
    lines: Vec<SubOrderLineAnswer>,
    shipments: Vec<ShipmentAnswer>,
}

impl SubOrderAnswer {
    pub fn of(row: &OrderRow, sub_order: &SubOrderRow) -> Self {
        Self {
            sub_order_id: sub_order.sub_order_id.clone(),
            parent: sub_order.parent.clone(),
            location: sub_order.location.clone(),
            status: row.status_of(sub_order).as_str(),
            arrival_at: sub_order.arrival_at,
            lines: sub_order.lines.iter().map(|part| SubOrderLineAnswer::of(row, part)).collect(),
            shipments: sub_order.shipments.iter().map(ShipmentAnswer::of).collect(),
        }
    }

    /// Of a whole order.
    pub fn all(row: &OrderRow) -> Vec<Self> {
        row.sub_orders.iter().map(|sub_order| Self::of(row, sub_order)).collect()
    }
}

/// Units of one line in a sub-order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubOrderLine)]
struct SubOrderLineAnswer {
    #[schema(value_type = String)]
    line_id: LineId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// The item has not answered for these.
    planned: u32,
    /// These can be shipped.
    allocated: u32,
    /// These are on their way to the parent's warehouse.
    forwarded: u32,
    /// These left.
    shipped: u32,
}

impl SubOrderLineAnswer {
    fn of(row: &OrderRow, part: &SubOrderPart) -> Self {
        Self {
            line_id: part.line_id.clone(),
            item_id: row.item_of(&part.line_id).cloned(),
            planned: part.planned,
            allocated: part.allocated,
            forwarded: part.forwarded,
            shipped: part.shipped,
        }
    }
}

/// What left a warehouse.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Shipment)]
pub(super) struct ShipmentAnswer {
    #[schema(value_type = String)]
    shipment_id: ShipmentId,
    #[schema(value_type = String, format = DateTime)]
    shipped_at: Timestamp,
    lines: Vec<LineUnitsAnswer>,
    /// The warehouse that it goes to; without it, it goes to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    to_location: Option<LocationId>,
    /// When it was delivered, or received; null while it is on the way.
    #[schema(value_type = Option<String>, format = DateTime)]
    arrived_at: Option<Timestamp>,
}

impl ShipmentAnswer {
    pub fn of(shipment: &ShipmentRow) -> Self {
        let ShipmentRow { shipment_id, shipped_at, lines, to_location, arrived_at } = shipment.clone();
        let lines = lines.into_iter().map(LineUnitsAnswer::from).collect();
        Self { shipment_id, shipped_at, lines, to_location, arrived_at }
    }
}

/// Units that are, or were, on their way back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Return)]
pub(super) struct ReturnAnswer {
    #[schema(value_type = String)]
    return_id: ReturnId,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    reason: String,
    lines: Vec<ReturnLineAnswer>,
    receipts: Vec<ReceiptAnswer>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
}

impl From<ReturnRow> for ReturnAnswer {
    fn from(row: ReturnRow) -> Self {
        let ReturnRow { return_id, requested_at, reason, lines, receipts, metadata } = row;
        let lines = lines.into_iter().map(ReturnLineAnswer::from).collect();
        let receipts = receipts.into_iter().map(ReceiptAnswer::from).collect();
        Self { return_id, requested_at, reason, lines, receipts, metadata }
    }
}

/// Units of one line in a return.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReturnLine)]
struct ReturnLineAnswer {
    #[schema(value_type = String)]
    line_id: LineId,
    /// Announced.
    quantity: u32,
    /// Come back.
    received: u32,
}

impl From<ReturnPart> for ReturnLineAnswer {
    fn from(ReturnPart { line_id, quantity, received }: ReturnPart) -> Self {
        Self { line_id, quantity, received }
    }
}

/// Units of a return that have come back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReturnReceipt)]
struct ReceiptAnswer {
    #[schema(value_type = String)]
    receipt_id: EffectId,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    #[schema(value_type = String)]
    location: LocationId,
    /// `sellable`, `damaged` or `quality_control`.
    #[schema(value_type = String)]
    condition: Bucket,
    lines: Vec<LineUnitsAnswer>,
}

impl From<ReceiptRow> for ReceiptAnswer {
    fn from(row: ReceiptRow) -> Self {
        let ReceiptRow { receipt_id, received_at, location, condition, lines } = row;
        let lines = lines.into_iter().map(LineUnitsAnswer::from).collect();
        Self { receipt_id, received_at, location, condition, lines }
    }
}

/// A sub-order's status as a query names it.
pub(super) fn statuses(text: &str) -> Result<Vec<SubOrderStatus>, String> {
    let read = |word: &str| {
        SubOrderStatus::ALL.into_iter().find(|status| status.as_str() == word).ok_or_else(|| {
            let known: Vec<&str> = SubOrderStatus::ALL.iter().map(|status| status.as_str()).collect();
            format!("must be one or more of {}, separated by commas", known.join(", "))
        })
    };
    text.split(',').map(read).collect()
}
