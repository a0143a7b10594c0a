//! The part of an order's row that tells of sub-orders, shipments and returns, and its fold.

use super::OrderRow;
use crate::fold::Fact;
use schemas::{
    EffectId, ItemId, LineId, LocationId, Metadata, ReturnId, ShipmentId, SubOrderId, Timestamp,
    item::Bucket,
    order::{
        DueLine, LineQuantity, OrderEvent, PlannedSubOrder, ReturnReceived, ShipmentForwarded, ShipmentShipped,
        SubOrderLine,
    },
};
use serde::{Deserialize, Serialize};

/// The part of an order that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderRow {
    /// Its id, unique in the order.
    pub sub_order_id: SubOrderId,
    /// The sub-order to whose warehouse it ships; else it ships to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SubOrderId>,
    /// The warehouse.
    pub location: LocationId,
    /// When it should be with the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival_at: Option<Timestamp>,
    /// What it has and had, by line.
    pub lines: Vec<SubOrderPart>,
    /// What left, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shipments: Vec<ShipmentRow>,
}

/// Units of one line in a sub-order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubOrderPart {
    /// The line.
    pub line_id: LineId,
    /// Planned here: the item has not answered.
    pub planned: u32,
    /// Allocated here, and not shipped.
    pub allocated: u32,
    /// On their way to the parent's warehouse, and still ordered.
    #[serde(default)]
    pub forwarded: u32,
    /// Units that left, for the customer or for the parent's warehouse.
    pub shipped: u32,
}

/// What left a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentRow {
    /// Its id, unique in the order.
    pub shipment_id: ShipmentId,
    /// When it was recorded.
    pub shipped_at: Timestamp,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// The warehouse that it goes to; else it goes to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_location: Option<LocationId>,
    /// When its arrival was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<Timestamp>,
}

/// Units that are, or were, on their way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRow {
    /// Its id.
    pub return_id: ReturnId,
    /// When it was announced.
    pub requested_at: Timestamp,
    /// Why.
    pub reason: String,
    /// What, by line.
    pub lines: Vec<ReturnPart>,
    /// What has come back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<ReceiptRow>,
    /// The caller's own pairs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Units of one line in a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnPart {
    /// The line.
    pub line_id: LineId,
    /// Units announced.
    pub quantity: u32,
    /// Units of them that have come back.
    pub received: u32,
}

/// Units of a return that have come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRow {
    /// Its id.
    pub receipt_id: EffectId,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// Where.
    pub location: LocationId,
    /// Into this bucket.
    pub condition: Bucket,
    /// What.
    pub lines: Vec<LineQuantity>,
}

/// How far a sub-order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubOrderStatus {
    /// Its items have not all answered, or what it ships on has not come.
    Planned,
    /// Units of it can be shipped.
    Allocated,
    /// All of it left for the parent's warehouse, and has not all come there.
    Forwarded,
    /// All of it has come to the parent's warehouse.
    Received,
    /// All of it left for the customer.
    Shipped,
    /// All of it is with the customer.
    Delivered,
    /// Nothing of it left, and nothing is in it any more.
    Cancelled,
}

impl SubOrderStatus {
    /// Every status, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Planned,
        Self::Allocated,
        Self::Forwarded,
        Self::Received,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// The status as JSON and queries name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Allocated => "allocated",
            Self::Forwarded => "forwarded",
            Self::Received => "received",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }
}

impl OrderRow {
    /// A sub-order.
    #[must_use]
    pub fn sub_order(&self, id: &SubOrderId) -> Option<&SubOrderRow> {
        self.sub_orders.iter().find(|sub_order| sub_order.sub_order_id == *id)
    }

    /// How far one of its sub-orders is.
    #[must_use]
    pub fn status_of(&self, sub_order: &SubOrderRow) -> SubOrderStatus {
        let any = |of: fn(&SubOrderPart) -> u32| sub_order.lines.iter().any(|part| of(part) > 0);
        let mut children =
            self.sub_orders.iter().filter(|child| child.parent.as_ref() == Some(&sub_order.sub_order_id));
        let comes = |part: &SubOrderPart| part.planned + part.allocated + part.forwarded > 0;
        if any(|part| part.allocated) {
            SubOrderStatus::Allocated
        } else if any(|part| part.planned) || children.any(|child| child.lines.iter().any(comes)) {
            SubOrderStatus::Planned
        } else if sub_order.shipments.is_empty() {
            SubOrderStatus::Cancelled
        } else {
            let arrived = sub_order.shipments.iter().all(|shipment| shipment.arrived_at.is_some());
            match (&sub_order.parent, arrived) {
                (Some(_), false) => SubOrderStatus::Forwarded,
                (Some(_), true) => SubOrderStatus::Received,
                (None, false) => SubOrderStatus::Shipped,
                (None, true) => SubOrderStatus::Delivered,
            }
        }
    }

    /// When all that is ordered will be with the customer; `None` where that is not known, or where nothing is shipped.
    #[must_use]
    pub fn arrival_at(&self) -> Option<Timestamp> {
        let ways: Vec<(Option<Timestamp>, Option<Timestamp>)> = self
            .sub_orders
            .iter()
            .filter_map(|sub_order| match self.status_of(sub_order) {
                SubOrderStatus::Planned
                | SubOrderStatus::Allocated
                | SubOrderStatus::Forwarded
                | SubOrderStatus::Shipped => Some((sub_order.arrival_at, None)),
                SubOrderStatus::Delivered => {
                    Some((None, sub_order.shipments.iter().filter_map(|shipment| shipment.arrived_at).max()))
                }
                SubOrderStatus::Received | SubOrderStatus::Cancelled => None,
            })
            .collect();
        let waits = !self.due.is_empty() || ways.iter().any(|way| matches!(way, (None, None)));
        let to_come = ways.iter().filter_map(|(to_come, _)| *to_come).max();
        if waits { None } else { to_come.or_else(|| ways.iter().filter_map(|(_, come)| *come).max()) }
    }

    /// The item of a line.
    #[must_use]
    pub fn item_of(&self, line: &LineId) -> Option<&ItemId> {
        self.line(line).map(|line| &line.item_id)
    }
}

/// Applies an event of this kind.
pub(super) fn apply(row: &mut OrderRow, event: &OrderEvent, fact: &Fact<'_>) {
    let time = fact.envelope.time;
    match event {
        OrderEvent::ShipmentsDue(e) => due(row, &e.lines, false),
        OrderEvent::ShipmentsBackordered(e) => due(row, &e.lines, true),
        OrderEvent::SubOrdersPlanned(e) => {
            row.sub_orders.extend(e.sub_orders.iter().map(planned));
            due(row, &[], false);
        }
        OrderEvent::SubOrderAllocated(e) => {
            let of_item: Vec<LineId> =
                row.lines.iter().filter(|line| line.item_id == e.item_id).map(|line| line.line_id.clone()).collect();
            let parts = parts(row, &e.sub_order).filter(|part| of_item.contains(&part.line_id));
            parts.for_each(|part| part.allocated += std::mem::take(&mut part.planned));
        }
        OrderEvent::AllocationRefused(e) => each(row, &e.sub_order, &e.lines, |part, units| part.planned -= units),
        OrderEvent::SubOrderDeallocated(e) => each(row, &e.sub_order, &e.lines, |part, units| part.allocated -= units),
        OrderEvent::ShipmentShipped(e) => shipped(row, e, time),
        OrderEvent::ShipmentForwarded(e) => forwarded(row, e, time),
        OrderEvent::ForwardReceived(e) => received(row, &e.shipment, &e.lines, time),
        OrderEvent::ShipmentsDelivered(e) => {
            let shipments = row.sub_orders.iter_mut().flat_map(|sub_order| &mut sub_order.shipments);
            let delivered = shipments.filter(|shipment| e.shipments.contains(&shipment.shipment_id));
            delivered.for_each(|shipment| shipment.arrived_at = Some(time));
        }
        OrderEvent::ReturnRequested(e) => row.returns.push(ReturnRow {
            return_id: e.return_id.clone(),
            requested_at: time,
            reason: e.reason.clone(),
            lines: e.lines.iter().map(announced).collect(),
            receipts: Vec::new(),
            metadata: e.metadata.clone(),
        }),
        OrderEvent::ReturnReceived(e) => returned(row, e, time),
        OrderEvent::ReturnWindowClosed(_) => row.return_window_closed = true,
        other => unreachable!("{other:?} is not of sub-orders"),
    }
}

/// What belongs to no sub-order.
fn due(row: &mut OrderRow, lines: &[DueLine], backordered: bool) {
    let line = |line: &DueLine| LineQuantity { line_id: line.line_id.clone(), quantity: line.quantity };
    row.due = lines.iter().map(line).collect();
    row.backordered = backordered && !lines.is_empty();
}

fn planned(sub_order: &PlannedSubOrder) -> SubOrderRow {
    let mut lines = Vec::new();
    for line in &sub_order.lines {
        part(&mut lines, &line.line_id).planned += line.quantity.get();
    }
    SubOrderRow {
        sub_order_id: sub_order.sub_order_id.clone(),
        parent: sub_order.parent.clone(),
        location: sub_order.location.clone(),
        arrival_at: sub_order.arrival_at,
        lines,
        shipments: Vec::new(),
    }
}

fn part<'p>(parts: &'p mut Vec<SubOrderPart>, line: &LineId) -> &'p mut SubOrderPart {
    let at = parts.iter().position(|part| part.line_id == *line).unwrap_or_else(|| {
        parts.push(SubOrderPart { line_id: line.clone(), planned: 0, allocated: 0, forwarded: 0, shipped: 0 });
        parts.len() - 1
    });
    &mut parts[at]
}

fn parts<'r>(row: &'r mut OrderRow, id: &SubOrderId) -> impl Iterator<Item = &'r mut SubOrderPart> {
    let sub_orders = row.sub_orders.iter_mut().filter(move |sub_order| sub_order.sub_order_id == *id);
    sub_orders.flat_map(|sub_order| &mut sub_order.lines)
}

/// Does something with the units of each line in a sub-order.
fn each(row: &mut OrderRow, id: &SubOrderId, lines: &[LineQuantity], change: impl Fn(&mut SubOrderPart, u32)) {
    if let Some(sub_order) = row.sub_orders.iter_mut().find(|sub_order| sub_order.sub_order_id == *id) {
        for line in lines {
            change(part(&mut sub_order.lines, &line.line_id), line.quantity.get());
        }
    }
}

fn shipped(row: &mut OrderRow, event: &ShipmentShipped, time: Timestamp) {
    each(row, &event.sub_order, &event.lines, |part, units| {
        part.allocated -= units;
        part.shipped += units;
    });
    for shipped in &event.lines {
        if let Some(line) = row.lines.iter_mut().find(|line| line.line_id == shipped.line_id) {
            line.shipped += shipped.quantity.get();
        }
    }
    leave(row, &event.sub_order, event.effect.id.as_str(), &event.lines, time, None);
}

fn forwarded(row: &mut OrderRow, event: &ShipmentForwarded, time: Timestamp) {
    each(row, &event.sub_order, &event.lines, |part, units| {
        part.allocated -= units;
        part.forwarded += units;
        part.shipped += units;
    });
    let to = Some(event.to_location.clone());
    leave(row, &event.sub_order, event.effect.id.as_str(), &event.lines, time, to);
}

fn leave(
    row: &mut OrderRow,
    id: &SubOrderId,
    shipment: &str,
    lines: &[LineQuantity],
    time: Timestamp,
    to: Option<LocationId>,
) {
    if let Some(sub_order) = row.sub_orders.iter_mut().find(|sub_order| sub_order.sub_order_id == *id) {
        sub_order.shipments.push(ShipmentRow {
            shipment_id: ShipmentId::parse(shipment).expect("ids follow one rule"),
            shipped_at: time,
            lines: lines.to_vec(),
            to_location: to,
            arrived_at: None,
        });
    }
}

fn received(row: &mut OrderRow, id: &ShipmentId, lines: &[LineQuantity], time: Timestamp) {
    let has = |sub_order: &&mut SubOrderRow| sub_order.shipments.iter().any(|shipment| shipment.shipment_id == *id);
    let Some(child) = row.sub_orders.iter_mut().find(has) else { return };
    let shipments = child.shipments.iter_mut().filter(|shipment| shipment.shipment_id == *id);
    shipments.for_each(|shipment| shipment.arrived_at = Some(time));
    for line in lines {
        part(&mut child.lines, &line.line_id).forwarded -= line.quantity.get();
    }
    if let Some(parent) = child.parent.clone() {
        each(row, &parent, lines, |part, units| part.allocated += units);
    }
}

/// Cancelled units leave a sub-order in the order in which the order itself takes them.
pub(super) fn cancelled(row: &mut OrderRow, taken: &SubOrderLine) {
    let mut left = taken.quantity.get();
    for part in parts(row, &taken.sub_order).filter(|part| part.line_id == taken.line_id) {
        for units in [&mut part.allocated, &mut part.planned, &mut part.forwarded] {
            let taken = left.min(*units);
            *units -= taken;
            left -= taken;
        }
    }
}

fn announced(line: &LineQuantity) -> ReturnPart {
    ReturnPart { line_id: line.line_id.clone(), quantity: line.quantity.get(), received: 0 }
}

fn returned(row: &mut OrderRow, event: &ReturnReceived, time: Timestamp) {
    for back in &event.lines {
        if let Some(line) = row.lines.iter_mut().find(|line| line.line_id == back.line_id) {
            line.returned += back.quantity.get();
        }
    }
    let Some(known) = row.returns.iter_mut().find(|known| known.return_id == event.return_id) else { return };
    for back in &event.lines {
        let parts = known.lines.iter_mut().filter(|part| part.line_id == back.line_id);
        parts.for_each(|part| part.received += back.quantity.get());
    }
    known.receipts.push(ReceiptRow {
        receipt_id: event.effect.id.clone(),
        received_at: time,
        location: event.location.clone(),
        condition: event.condition,
        lines: event.lines.clone(),
    });
}
