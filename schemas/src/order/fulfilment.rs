//! Sub-orders: how a confirmed order is split over warehouses, allocated, shipped, delivered and returned.

use super::LineQuantity;
use crate::{
    effect::Effect,
    ids::{CommandId, ItemId, LineId, LocationId, ReturnId, ShipmentId, SubOrderId},
    item::{Bucket, ItemRejection},
    quantity::Quantity,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Units of a line that belong to no sub-order yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueLine {
    /// The line.
    pub line_id: LineId,
    /// Its item.
    pub item_id: ItemId,
    /// Units.
    pub quantity: Quantity,
}

/// The part of an order that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSubOrder {
    /// Unique in the order, and never used again.
    pub sub_order_id: SubOrderId,
    /// The sub-order to whose warehouse it ships, which ships on to the customer; else it ships to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SubOrderId>,
    /// The warehouse.
    pub location: LocationId,
    /// What it ships of its own stock; of a parent that only ships on, nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineQuantity>,
    /// When it should be with the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival_at: Option<Timestamp>,
}

/// Units of an item that a location could ship when a plan was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Which.
    pub item_id: ItemId,
    /// Where.
    pub location: LocationId,
    /// Sellable and not allocated.
    pub units: u64,
}

/// What a plan knew of a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Which.
    pub location: LocationId,
    /// Lower ships first; none where it is no known warehouse, which ships last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Great-circle distance to the address, where both are known: in steps, so that nobody finds the address by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_km: Option<u32>,
    /// Whether it stands in the country of the address, where both are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_country: Option<bool>,
}

/// All that a plan was made from: who has it makes the same plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanInputs {
    /// What was to be planned.
    pub lines: Vec<DueLine>,
    /// What could be shipped from where.
    pub offers: Vec<Offer>,
    /// The locations of the offers.
    pub origins: Vec<Origin>,
    /// Whether several parcels are to be joined at one warehouse, which ships on.
    #[serde(default)]
    pub consolidate: bool,
}

/// Splits what is due over warehouses. What no sub-order names is backordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanShipments {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Of the event that asked for it; a plan of an older one changes nothing.
    pub revision: u32,
    /// The parts.
    pub sub_orders: Vec<PlannedSubOrder>,
    /// What it was made from.
    pub inputs: PlanInputs,
}

/// An item's answer to an allocation. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllocationAnswered {
    /// For which sub-order.
    pub sub_order: SubOrderId,
    /// Which item.
    pub item_id: ItemId,
    /// Why not; none where it is allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ItemRejection>,
}

/// An item gave up units that it had allocated: a count, a move or a shipment left too few. Internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemDeallocated {
    /// The command that left too few: with item and sub-order it is told once.
    pub cause: CommandId,
    /// Of which sub-order.
    pub sub_order: SubOrderId,
    /// Which item.
    pub item_id: ItemId,
    /// Units.
    pub quantity: Quantity,
}

/// Records that allocated units of a sub-order left its warehouse: for the customer, or for the parent's warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipSubOrder {
    /// Its id is the shipment's.
    pub effect: Effect,
    /// Which; may be left out where only one of the caller's location can ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_order: Option<SubOrderId>,
    /// What of it; without it all that is allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineQuantity>>,
}

/// Records that a shipment from another warehouse has come, to be shipped on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveShipment {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub shipment: ShipmentId,
}

/// Records that shipments are with the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliverShipments {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which; without it all of the caller's location that are on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipments: Option<Vec<ShipmentId>>,
}

/// Announces that shipped units will be sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestReturn {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The return.
    pub return_id: ReturnId,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// Why.
    pub reason: String,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "crate::metadata::Metadata::is_empty")]
    pub metadata: crate::metadata::Metadata,
}

/// Records that units of a return have come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveReturn {
    /// Its id is the receipt's.
    pub effect: Effect,
    /// Of which return.
    pub return_id: ReturnId,
    /// Where.
    pub location: LocationId,
    /// Into this bucket.
    pub condition: Bucket,
    /// What; without it all that is still expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineQuantity>>,
}

/// Ordered units are to be split over warehouses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentsDue {
    /// Rises by one with each of these events and of [`ShipmentsBackordered`].
    pub revision: u32,
    /// All units that belong to no sub-order.
    pub lines: Vec<DueLine>,
    /// Items of the set before that are not in it any more: what lists orders by item drops them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ItemId>,
    /// How often in a row a warehouse refused, or gave up, what was planned.
    pub refusals: u32,
}

/// Units that no warehouse has: they are planned when stock comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentsBackordered {
    /// Rises by one with each of these events and of [`ShipmentsDue`].
    pub revision: u32,
    /// All units that belong to no sub-order; empty where none is left.
    pub lines: Vec<DueLine>,
    /// Items of the set before that are not in it any more: what lists orders by item drops them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ItemId>,
}

/// What was due is split over warehouses, which are asked to allocate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrdersPlanned {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Of the event that asked for it.
    pub revision: u32,
    /// The parts.
    pub sub_orders: Vec<PlannedSubOrder>,
    /// What it was made from.
    pub inputs: PlanInputs,
}

/// An item has bound a sub-order's units to its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderAllocated {
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// The item.
    pub item_id: ItemId,
}

/// An item could not bind a sub-order's units: they belong to no sub-order again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllocationRefused {
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// The item.
    pub item_id: ItemId,
    /// Why.
    pub refusal: ItemRejection,
    /// What leaves the sub-order.
    pub lines: Vec<LineQuantity>,
}

/// An item gave up units of a sub-order: they belong to no sub-order again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderDeallocated {
    /// The command that left too few.
    pub cause: CommandId,
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// The item.
    pub item_id: ItemId,
    /// What leaves the sub-order.
    pub lines: Vec<LineQuantity>,
}

/// Units of one line of one sub-order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderLine {
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// The line.
    pub line_id: LineId,
    /// Units.
    pub quantity: Quantity,
}

/// Units left a warehouse for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentShipped {
    /// Its id is the shipment's.
    pub effect: Effect,
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// From where.
    pub location: LocationId,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// When it should be with the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival_at: Option<Timestamp>,
}

/// Units left a warehouse for another, which ships on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentForwarded {
    /// Its id is the shipment's.
    pub effect: Effect,
    /// The sub-order.
    pub sub_order: SubOrderId,
    /// The parent, to whose warehouse it goes.
    pub parent: SubOrderId,
    /// From where.
    pub location: LocationId,
    /// To where.
    pub to_location: LocationId,
    /// What.
    pub lines: Vec<LineQuantity>,
}

/// A forwarded shipment has come: its units belong to the parent now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardReceived {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The shipment.
    pub shipment: ShipmentId,
    /// What of it is still ordered, and joins the parent.
    pub lines: Vec<LineQuantity>,
}

/// Shipments are with the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentsDelivered {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub shipments: Vec<ShipmentId>,
}

/// Shipped units are announced to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRequested {
    /// Deduplicates the request.
    pub effect: Effect,
    /// The return.
    pub return_id: ReturnId,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// Why.
    pub reason: String,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "crate::metadata::Metadata::is_empty")]
    pub metadata: crate::metadata::Metadata,
}

/// Units of a return have come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnReceived {
    /// Its id is the receipt's.
    pub effect: Effect,
    /// The return.
    pub return_id: ReturnId,
    /// Where.
    pub location: LocationId,
    /// Into this bucket.
    pub condition: Bucket,
    /// What.
    pub lines: Vec<LineQuantity>,
}

/// The time in which returns may be announced is over: nothing more is expected of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnWindowClosed {}
