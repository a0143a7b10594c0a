//! What the tests of sub-orders, shipments and returns share.

use super::*;
use schemas::{
    LocationId, ReturnId, ShipmentId, SubOrderId,
    cart::{CartCommand, CartOutcome},
    item::{Bucket, ItemRejection},
};

pub(super) fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

pub(super) fn sub(id: &str) -> SubOrderId {
    SubOrderId::parse(id).expect("an id")
}

pub(super) fn shipment_id(id: &str) -> ShipmentId {
    ShipmentId::parse(id).expect("an id")
}

pub(super) fn return_id(id: &str) -> ReturnId {
    ReturnId::parse(id).expect("an id")
}

pub(super) fn warehouse(at: &str) -> Caller {
    Caller { location: Some(location(at)), ..caller(Role::Warehouse, at) }
}

pub(super) fn operator() -> Caller {
    caller(Role::Operator, "olga")
}

pub(super) fn units(lines: &[(&str, u32)]) -> Vec<LineQuantity> {
    lines.iter().map(|(id, units)| line_quantity(id, *units)).collect()
}

/// A part for a location.
pub(super) fn part(id: &str, at: &str, lines: &[(&str, u32)]) -> PlannedSubOrder {
    PlannedSubOrder {
        sub_order_id: sub(id),
        parent: None,
        location: location(at),
        lines: units(lines),
        arrival_at: None,
    }
}

/// A part that ships to another part's warehouse.
pub(super) fn child(id: &str, at: &str, parent: &str, lines: &[(&str, u32)]) -> PlannedSubOrder {
    PlannedSubOrder { parent: Some(sub(parent)), ..part(id, at, lines) }
}

/// Why an item does not allocate.
pub(super) fn too_few() -> ItemRejection {
    ItemRejection::InsufficientAtLocation { location: location("w1"), asked: 3, available: 1 }
}

impl World {
    /// Three and two units of tea and one cup, 60.00, confirmed and due.
    pub fn due() -> Self {
        let lines = vec![line("l1", "tea", 3), line("l2", "tea", 2), line("l3", "cup", 1)];
        let mut world = Self::placed(lines).granted();
        world.pay("p1", 6_000);
        world.submit("s1").expect("it is paid");
        world
    }

    /// All of it at one warehouse, allocated as `a`.
    pub fn at_one() -> Self {
        let mut world = Self::due();
        world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 2), ("l3", 1)])]).expect("it fits");
        world.allocated("a", "tea");
        world.allocated("a", "cup");
        world
    }

    /// Tea as `a` at w1 (l1), and `b` at w2 (l2 and the cup), both allocated.
    pub fn at_two() -> Self {
        let mut world = Self::due();
        let parts = vec![part("a", "w1", &[("l1", 3)]), part("b", "w2", &[("l2", 2), ("l3", 1)])];
        world.plan("n1", 1, parts).expect("it fits");
        for (of, item_id) in [("a", "tea"), ("b", "tea"), ("b", "cup")] {
            world.allocated(of, item_id);
        }
        world
    }

    /// As [`Self::at_two`], but `b` goes to w1, which ships on.
    pub fn joined() -> Self {
        let mut world = Self::due();
        let parts = vec![child("b", "w2", "a", &[("l2", 2), ("l3", 1)]), part("a", "w1", &[("l1", 3)])];
        world.plan("n1", 1, parts).expect("it fits");
        for (of, item_id) in [("a", "tea"), ("b", "tea"), ("b", "cup")] {
            world.allocated(of, item_id);
        }
        world
    }

    pub fn plan(&mut self, id: &str, revision: u32, sub_orders: Vec<PlannedSubOrder>) -> Decided {
        let command = PlanShipments { effect: effect(id, 1), revision, sub_orders, inputs: PlanInputs::default() };
        self.by(&Caller::engine(), OrderCommand::PlanShipments(command))
    }

    pub fn allocation(&mut self, of: &str, item_id: &str, refusal: Option<ItemRejection>) -> Decision {
        let command = AllocationAnswered { sub_order: sub(of), item_id: item(item_id), refusal };
        self.by(&Caller::engine(), OrderCommand::AllocationAnswered(command)).expect("an answer is never refused")
    }

    pub fn allocated(&mut self, of: &str, item_id: &str) -> Decision {
        self.allocation(of, item_id, None)
    }

    pub fn give_up(&mut self, cause: &str, of: &str, item_id: &str, units: u32) -> Decision {
        let command = ItemDeallocated {
            cause: CommandId::parse(cause).expect("an id"),
            sub_order: sub(of),
            item_id: item(item_id),
            quantity: Quantity::new(units).expect("in range"),
        };
        self.by(&Caller::engine(), OrderCommand::ItemDeallocated(command)).expect("a fact is never refused")
    }

    pub fn ship(&mut self, by: &Caller, id: &str, of: Option<&str>, lines: Option<&[(&str, u32)]>) -> Decided {
        let command = ShipSubOrder { effect: effect(id, 1), sub_order: of.map(sub), lines: lines.map(units) };
        self.by(by, OrderCommand::Ship(command))
    }

    pub fn arrive(&mut self, by: &Caller, id: &str, shipment: &str) -> Decided {
        let command = ReceiveShipment { effect: effect(id, 1), shipment: shipment_id(shipment) };
        self.by(by, OrderCommand::ReceiveShipment(command))
    }

    pub fn deliver(&mut self, by: &Caller, id: &str, shipments: Option<&[&str]>) -> Decided {
        let shipments = shipments.map(|shipments| shipments.iter().map(|id| shipment_id(id)).collect());
        self.by(by, OrderCommand::Deliver(DeliverShipments { effect: effect(id, 1), shipments }))
    }

    pub fn announce(&mut self, id: &str, lines: &[(&str, u32)]) -> Decided {
        let command = RequestReturn {
            effect: effect(id, 1),
            return_id: return_id(id),
            lines: units(lines),
            reason: "too small".to_owned(),
            metadata: schemas::Metadata::default(),
        };
        self.by(&alice(), OrderCommand::RequestReturn(command))
    }

    pub fn come_back(&mut self, by: &Caller, id: &str, of: &str, lines: Option<&[(&str, u32)]>) -> Decided {
        let command = ReceiveReturn {
            effect: effect(id, 1),
            return_id: return_id(of),
            location: location("w1"),
            condition: Bucket::Sellable,
            lines: lines.map(units),
        };
        self.by(by, OrderCommand::ReceiveReturn(command))
    }

    /// What was said last of what is due: the event's short name, the revision, units by line.
    pub fn said(&self) -> (&'static str, u32, Vec<(String, u32)>) {
        let lines = |lines: &[DueLine]| {
            lines.iter().map(|line| (line.line_id.to_string(), line.quantity.get())).collect::<Vec<_>>()
        };
        let said = self.events.iter().rev().find_map(|event| match event {
            OrderEvent::ShipmentsDue(event) => Some(("due", event.revision, lines(&event.lines))),
            OrderEvent::ShipmentsBackordered(event) => Some(("backordered", event.revision, lines(&event.lines))),
            _ => None,
        });
        said.expect("something was said")
    }
}

/// As (line, units), of what was said.
pub(super) fn of(lines: &[(&str, u32)]) -> Vec<(String, u32)> {
    lines.iter().map(|(id, units)| ((*id).to_owned(), *units)).collect()
}

/// What others are asked, as text.
pub(super) fn in_words(command: &Command) -> String {
    match command {
        Command::Item { item, command: ItemCommand::Allocate(c) } => {
            format!("allocate {item} {} {}@{}", c.quantity, c.sub_order, c.location)
        }
        Command::Item { item, command: ItemCommand::Ship(c) } => {
            let units = c.quantity.expect("an order says how many");
            format!("ship {item} {units} {}@{}", c.sub_order.as_ref().expect("an order says which"), c.location)
        }
        Command::Item { item, command: ItemCommand::Forward(c) } => format!(
            "forward {item} {} {}@{} to {}@{}",
            c.quantity, c.sub_order, c.location, c.to_sub_order, c.to_location
        ),
        Command::Item { item, command: ItemCommand::ReceiveForward(c) } => format!("receive {item} {}", c.shipment),
        Command::Item { item, command: ItemCommand::Restock(c) } => {
            format!("restock {item} {} {}", c.quantity, c.location)
        }
        Command::Item { item, command: ItemCommand::CloseHold(_) } => format!("close {item}"),
        Command::Cart { shopper, command: CartCommand::OrderEnded(c) } => {
            let outcome = match &c.outcome {
                CartOutcome::Confirmed => "confirmed",
                CartOutcome::Rejected { .. } => "rejected",
                CartOutcome::Expired => "expired",
                CartOutcome::Cancelled => "cancelled",
            };
            format!("tell {shopper} {outcome}")
        }
        Command::Cart { shopper, command: CartCommand::Superseded(c) } => format!("answer {shopper} {}", c.by),
        other => panic!("an order does not ask for {other:?}"),
    }
}

/// The parts that a cancellation takes first, as (sub-order, units), item by item.
pub(super) fn taken(decision: &Decision) -> Vec<(String, Vec<(String, u32)>)> {
    let uncommits = decision.sends.iter().filter_map(|command| match command {
        Command::Item { item, command: ItemCommand::Uncommit(c) } => {
            let from = c.from.iter().map(|from| (from.sub_order.to_string(), from.quantity.get())).collect();
            Some((item.to_string(), from))
        }
        _ => None,
    });
    uncommits.collect()
}

/// The same of what is on the way, by shipment.
pub(super) fn taken_away(decision: &Decision) -> Vec<(String, Vec<(String, u32)>)> {
    let uncommits = decision.sends.iter().filter_map(|command| match command {
        Command::Item { item, command: ItemCommand::Uncommit(c) } => {
            let away = c.forwarded.iter().map(|away| (away.shipment.to_string(), away.quantity.get())).collect();
            Some((item.to_string(), away))
        }
        _ => None,
    });
    uncommits.collect()
}
