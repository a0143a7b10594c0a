//! The part of an order's state that says which warehouse ships what, what is on its way and what comes back.
//!
//! Of each physical line of a confirmed order: units of no sub-order + open units of sub-orders + cancelled + shipped =
//! ordered. Units of no sub-order are *due*: to be planned, or backordered.

use super::Order;
use schemas::{
    Caller, CommandId, Effect, ItemId, LocationId, Quantity, ReturnId, Role, ShipmentId, SubOrderId, Timestamp,
    order::{DueLine, LineQuantity, OrderRejection},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sub-orders, shipments and returns. All lists only grow: a place in one is as good as an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fulfilment {
    pub(super) planning: Planning,
    pub(super) sub_orders: Vec<SubOrder>,
    pub(super) shipments: Vec<Shipment>,
    pub(super) deliveries: Vec<Effect>,
    pub(super) deallocations: Vec<Deallocation>,
    pub(super) returns: Vec<Return>,
    pub(super) receipts: Vec<Effect>,
    /// The end of the return window as far as is known: it moves with each shipment and delivery.
    pub(super) returns_until: Option<Timestamp>,
    pub(super) window_closed: bool,
}

/// How far the planning is. What is due is kept by line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Planning {
    /// Of the newest event that said what is due; zero before the first.
    pub(super) revision: u32,
    pub(super) backordered: bool,
    /// Rounds in a row in which a warehouse refused, or gave up, what was planned.
    pub(super) refusals: u32,
    /// This round has a refusal.
    pub(super) setback: bool,
}

/// The part of an order that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubOrder {
    pub(super) id: SubOrderId,
    /// The place of the sub-order to whose warehouse it ships.
    pub(super) parent: Option<usize>,
    pub(super) location: LocationId,
    pub(super) arrival_at: Option<Timestamp>,
    pub(super) parts: Vec<Part>,
}

/// What a sub-order has of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) line: usize,
    /// The item was asked for these, and has not answered.
    pub(super) planned: u32,
    /// These can be shipped.
    pub(super) allocated: u32,
}

impl Part {
    pub(super) const fn open(&self) -> u32 {
        self.planned + self.allocated
    }
}

/// What left a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipment {
    pub(super) effect: Effect,
    /// The place of the sub-order.
    pub(super) sub_order: usize,
    pub(super) parts: Vec<Shipped>,
    pub(super) way: Way,
}

/// Units of a line in a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipped {
    pub(super) line: usize,
    pub(super) units: u32,
    /// On the way to another warehouse and still ordered.
    pub(super) open: u32,
}

/// Where a shipment goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "to")]
pub(super) enum Way {
    Customer { delivered: bool },
    Warehouse { parent: usize, received: Option<Effect> },
}

/// Units that an item gave up; told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deallocation {
    pub(super) cause: CommandId,
    pub(super) sub_order: SubOrderId,
    pub(super) item: ItemId,
}

/// Units that were announced to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Return {
    pub(super) id: ReturnId,
    pub(super) effect: Effect,
    pub(super) parts: Vec<Returned>,
}

/// Units of a line in a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Returned {
    pub(super) line: usize,
    pub(super) requested: u32,
    pub(super) received: u32,
}

impl Shipment {
    /// Its id is its effect's.
    pub(super) fn is(&self, id: &ShipmentId) -> bool {
        self.effect.id.as_str() == id.as_str()
    }

    /// Whether it is on the way to the customer.
    pub(super) const fn is_undelivered(&self) -> bool {
        matches!(self.way, Way::Customer { delivered: false })
    }
}

impl Fulfilment {
    /// The place of a sub-order.
    pub(super) fn sub_order(&self, id: &SubOrderId) -> Option<usize> {
        self.sub_orders.iter().position(|sub_order| sub_order.id == *id)
    }

    pub(super) fn shipment(&self, id: &ShipmentId) -> Option<&Shipment> {
        self.shipments.iter().find(|shipment| shipment.is(id))
    }

    /// From where a shipment left.
    pub(super) fn origin(&self, shipment: &Shipment) -> &LocationId {
        &self.sub_orders[shipment.sub_order].location
    }

    /// Whether a warehouse has, or had, a part of the order.
    pub(super) fn concerns(&self, location: &LocationId) -> bool {
        self.sub_orders.iter().any(|sub_order| sub_order.location == *location)
    }

    /// Whether an item has not answered an allocation.
    pub(super) fn is_allocating(&self) -> bool {
        self.sub_orders.iter().flat_map(|sub_order| &sub_order.parts).any(|part| part.planned > 0)
    }
}

impl Order {
    /// Units of each line that belong to no sub-order.
    pub(super) fn free_units(&self) -> Vec<u32> {
        let mut free: Vec<u32> = (0..self.lines.len()).map(|line| self.open_units(line)).collect();
        let mut take = |line: usize, units: u32| {
            free[line] = free[line].checked_sub(units).expect("sub-orders have at most what is open");
        };
        for part in self.fulfilment.sub_orders.iter().flat_map(|sub_order| &sub_order.parts) {
            take(part.line, part.open());
        }
        for part in self.fulfilment.shipments.iter().flat_map(|shipment| &shipment.parts) {
            take(part.line, part.open);
        }
        free
    }

    /// Units by line as events name them; lines without any are left out.
    pub(super) fn due_lines(&self, units: &[u32]) -> Vec<DueLine> {
        let terms = self.terms.as_ref().expect("a confirmed order was placed");
        let due = terms.lines.iter().zip(units).filter_map(|(line, units)| {
            let quantity = Quantity::new(*units).ok()?;
            Some(DueLine { line_id: line.line_id.clone(), item_id: line.item_id.clone(), quantity })
        });
        due.collect()
    }

    /// Units by line as commands and events name them; lines without any are left out.
    pub(super) fn line_quantities(&self, units: impl IntoIterator<Item = (usize, u32)>) -> Vec<LineQuantity> {
        let terms = self.terms.as_ref().expect("a confirmed order was placed");
        let lines = units.into_iter().filter_map(|(line, units)| {
            let quantity = Quantity::new(units).ok()?;
            Some(LineQuantity { line_id: terms.lines[line].line_id.clone(), quantity })
        });
        lines.collect()
    }

    pub(super) fn item_of(&self, line: usize) -> &ItemId {
        &self.terms.as_ref().expect("a confirmed order was placed").lines[line].item_id
    }

    /// Units summed by item, ordered by it.
    pub(super) fn by_item(&self, units: impl IntoIterator<Item = (usize, u32)>) -> Vec<(ItemId, Quantity)> {
        let mut sums = BTreeMap::<&ItemId, u32>::new();
        for (line, units) in units {
            *sums.entry(self.item_of(line)).or_default() += units;
        }
        let quantity = |units| Quantity::new(units).expect("at most what was ordered of the item");
        sums.into_iter().filter(|(_, units)| *units > 0).map(|(item, units)| (item.clone(), quantity(units))).collect()
    }

    /// The units that a command names, summed by line; refused where the order has no such line, or `most` says fewer.
    pub(super) fn named_units(
        &self,
        lines: &[LineQuantity],
        most: impl Fn(usize) -> u32,
        refusal: impl Fn(schemas::LineId, u32) -> OrderRejection,
    ) -> Result<BTreeMap<usize, u32>, OrderRejection> {
        let mut sums = BTreeMap::<usize, u64>::new();
        for line in lines {
            let unknown = || OrderRejection::LineNotFound { line_id: line.line_id.clone() };
            *sums.entry(self.line_index(&line.line_id).ok_or_else(unknown)?).or_default() += line.quantity.units();
        }
        let terms = self.terms.as_ref().expect("it has the lines");
        let checked = sums.into_iter().map(|(line, units)| {
            let most = most(line);
            match u32::try_from(units) {
                Ok(units) if units <= most => Ok((line, units)),
                Ok(_) | Err(_) => Err(refusal(terms.lines[line].line_id.clone(), most)),
            }
        });
        checked.collect()
    }

    /// Whether any unit is neither cancelled nor shipped.
    pub(super) fn is_open(&self) -> bool {
        (0..self.lines.len()).any(|line| self.open_units(line) > 0)
    }
}

/// The only location that a caller acts for; none where it acts for all.
pub(super) fn own_location(caller: &Caller) -> Option<&LocationId> {
    caller.location.as_ref().filter(|_| caller.role == Role::Warehouse)
}
