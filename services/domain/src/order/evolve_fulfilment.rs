//! What has happened to sub-orders, shipments and returns becomes state. A broken invariant is a bug, so it panics.

use super::{
    Order, Phase,
    fulfilment::{Deallocation, Part, Return, Returned, Shipment, Shipped, SubOrder, Way},
};
use schemas::{
    Effect, ItemId, LineId, SubOrderId, Timestamp,
    order::{
        AllocationRefused, DueLine, ForwardReceived, LineQuantity, OrderEvent, PlannedSubOrder, ReturnReceived,
        ReturnRequested, ShipmentForwarded, ShipmentShipped, ShipmentsDelivered, SubOrderAllocated,
        SubOrderDeallocated, SubOrderLine, SubOrdersPlanned,
    },
};

/// Applies an event of this kind; `returns_until` is the end of the return window if it begins now.
pub(super) fn evolve(order: &mut Order, event: &OrderEvent, returns_until: Timestamp) {
    match event {
        OrderEvent::ShipmentsDue(event) => {
            due(order, event.revision, &event.lines);
            let planning = &mut order.fulfilment.planning;
            (planning.backordered, planning.refusals) = (false, event.refusals);
        }
        OrderEvent::ShipmentsBackordered(event) => {
            due(order, event.revision, &event.lines);
            let allocating = order.fulfilment.is_allocating();
            let planning = &mut order.fulfilment.planning;
            planning.backordered = true;
            // What a plan left over says nothing of the round that it began.
            planning.refusals = if allocating { planning.refusals } else { 0 };
        }
        OrderEvent::SubOrdersPlanned(event) => planned(order, event),
        OrderEvent::SubOrderAllocated(event) => allocated(order, event),
        OrderEvent::AllocationRefused(event) => refused(order, event),
        OrderEvent::SubOrderDeallocated(event) => deallocated(order, event),
        OrderEvent::ShipmentShipped(event) => shipped(order, event, returns_until),
        OrderEvent::ShipmentForwarded(event) => forwarded(order, event),
        OrderEvent::ForwardReceived(event) => received(order, event),
        OrderEvent::ShipmentsDelivered(event) => delivered(order, event, returns_until),
        OrderEvent::ReturnRequested(event) => return_requested(order, event),
        OrderEvent::ReturnReceived(event) => return_received(order, event),
        OrderEvent::ReturnWindowClosed(_) => {
            assert!(!order.is_open(), "what is open may still be shipped and returned");
            assert!(!order.fulfilment.window_closed, "the window is closed once");
            order.fulfilment.window_closed = true;
        }
        other => unreachable!("{other:?} is not of sub-orders"),
    }
}

/// What is due is this, and no more.
fn due(order: &mut Order, revision: u32, lines: &[DueLine]) {
    assert_eq!(order.phase, Phase::Confirmed, "only what is confirmed is shipped");
    assert_eq!(revision, order.fulfilment.planning.revision + 1, "revisions are dense");
    order.fulfilment.planning.revision = revision;
    order.lines.iter_mut().for_each(|line| line.due = 0);
    for line in lines {
        let index = index(order, &line.line_id);
        assert_eq!(*order.item_of(index), line.item_id, "a line keeps its item");
        order.lines[index].due = line.quantity.get();
    }
    let free = order.free_units();
    assert!(order.lines.iter().zip(&free).all(|(line, free)| line.due <= *free), "what is due has no sub-order");
    if !order.fulfilment.is_allocating() {
        assert!(order.lines.iter().zip(&free).all(|(line, free)| line.due == *free), "all without a sub-order is due");
        order.fulfilment.planning.setback = false;
    }
}

fn planned(order: &mut Order, event: &SubOrdersPlanned) {
    assert_eq!(event.revision, order.fulfilment.planning.revision, "a plan is of what is due");
    if !order.fulfilment.is_allocating() {
        order.fulfilment.planning.setback = false;
    }
    let first = order.fulfilment.sub_orders.len();
    for sub_order in &event.sub_orders {
        assert!(order.fulfilment.sub_order(&sub_order.sub_order_id).is_none(), "a sub-order's id is used once");
        let sub_order = new_sub_order(order, sub_order);
        order.fulfilment.sub_orders.push(sub_order);
    }
    // A parent may stand after its children.
    for (place, sub_order) in event.sub_orders.iter().enumerate() {
        let parent = sub_order.parent.as_ref().map(|parent| place_of(order, parent));
        order.fulfilment.sub_orders[first + place].parent = parent;
    }
    for part in order.fulfilment.sub_orders[first..].iter().flat_map(|sub_order| &sub_order.parts) {
        let due = &mut order.lines[part.line].due;
        *due = due.checked_sub(part.planned).expect("only what is due is planned");
    }
    // The plan has used the revision up: what it left over is told by the next event.
    order.lines.iter_mut().for_each(|line| line.due = 0);
}

fn new_sub_order(order: &Order, planned: &PlannedSubOrder) -> SubOrder {
    let mut parts = Vec::<Part>::new();
    for line in &planned.lines {
        part(&mut parts, index(order, &line.line_id)).planned += line.quantity.get();
    }
    SubOrder {
        id: planned.sub_order_id.clone(),
        parent: None,
        location: planned.location.clone(),
        arrival_at: planned.arrival_at,
        parts,
    }
}

/// The part of a line, which may be the first.
fn part(parts: &mut Vec<Part>, line: usize) -> &mut Part {
    let place = parts.iter().position(|part| part.line == line).unwrap_or_else(|| {
        parts.push(Part { line, planned: 0, allocated: 0 });
        parts.len() - 1
    });
    &mut parts[place]
}

fn allocated(order: &mut Order, event: &SubOrderAllocated) {
    let place = place_of(order, &event.sub_order);
    let lines = lines_of(order, &event.item_id);
    for part in order.fulfilment.sub_orders[place].parts.iter_mut().filter(|part| lines[part.line]) {
        part.allocated += std::mem::take(&mut part.planned);
    }
    let allocating = order.fulfilment.is_allocating();
    let planning = &mut order.fulfilment.planning;
    if !allocating && !planning.setback {
        planning.refusals = 0;
    }
}

fn refused(order: &mut Order, event: &AllocationRefused) {
    let place = place_of(order, &event.sub_order);
    for line in &event.lines {
        let index = index(order, &line.line_id);
        assert_eq!(*order.item_of(index), event.item_id, "an item answers for its own lines");
        let part = part(&mut order.fulfilment.sub_orders[place].parts, index);
        part.planned = part.planned.checked_sub(line.quantity.get()).expect("only what was asked for is refused");
    }
    order.fulfilment.planning.setback = true;
}

fn deallocated(order: &mut Order, event: &SubOrderDeallocated) {
    let place = place_of(order, &event.sub_order);
    take_allocated(order, place, &event.lines);
    order.fulfilment.planning.setback |= !event.lines.is_empty();
    order.fulfilment.deallocations.push(Deallocation {
        cause: event.cause.clone(),
        sub_order: event.sub_order.clone(),
        item: event.item_id.clone(),
    });
}

/// Units leave a sub-order that can be shipped.
fn take_allocated(order: &mut Order, place: usize, lines: &[LineQuantity]) -> Vec<(usize, u32)> {
    let taken = lines.iter().map(|line| {
        let (index, units) = (index(order, &line.line_id), line.quantity.get());
        let part = part(&mut order.fulfilment.sub_orders[place].parts, index);
        part.allocated = part.allocated.checked_sub(units).expect("only allocated units leave");
        (index, units)
    });
    taken.collect()
}

fn shipped(order: &mut Order, event: &ShipmentShipped, returns_until: Timestamp) {
    assert_eq!(order.phase, Phase::Confirmed, "only what is confirmed is shipped");
    let place = place_of(order, &event.sub_order);
    let units = take_allocated(order, place, &event.lines);
    for (line, units) in &units {
        assert!(*units <= order.open_units(*line), "cancelled and shipped are at most ordered");
        order.lines[*line].shipped += units;
    }
    let parts = units.into_iter().map(|(line, units)| Shipped { line, units, open: 0 }).collect();
    remember_shipment(order, &event.effect, place, parts, Way::Customer { delivered: false });
    order.fulfilment.returns_until = Some(returns_until);
}

fn forwarded(order: &mut Order, event: &ShipmentForwarded) {
    assert_eq!(order.phase, Phase::Confirmed, "only what is confirmed is shipped");
    let place = place_of(order, &event.sub_order);
    let parent = place_of(order, &event.parent);
    assert_eq!(order.fulfilment.sub_orders[place].parent, Some(parent), "it goes to its parent");
    let units = take_allocated(order, place, &event.lines);
    let parts = units.into_iter().map(|(line, units)| Shipped { line, units, open: units }).collect();
    remember_shipment(order, &event.effect, place, parts, Way::Warehouse { parent, received: None });
}

fn remember_shipment(order: &mut Order, effect: &Effect, sub_order: usize, parts: Vec<Shipped>, way: Way) {
    let shipments = &mut order.fulfilment.shipments;
    assert!(shipments.iter().all(|known| known.effect.id != effect.id), "a shipment leaves once");
    shipments.push(Shipment { effect: effect.clone(), sub_order, parts, way });
}

fn received(order: &mut Order, event: &ForwardReceived) {
    let came = event.lines.iter().map(|line| (index(order, &line.line_id), line.quantity.get()));
    let came: Vec<(usize, u32)> = came.collect();
    let shipment = order.fulfilment.shipments.iter_mut().find(|known| known.is(&event.shipment));
    let shipment = shipment.expect("the shipment is known");
    let Way::Warehouse { parent, received: received @ None } = &mut shipment.way else {
        panic!("what goes to a warehouse arrives there once")
    };
    *received = Some(event.effect.clone());
    let open = shipment.parts.iter().filter(|part| part.open > 0).map(|part| (part.line, part.open));
    assert!(open.eq(came.iter().copied()), "what is still ordered joins the parent");
    shipment.parts.iter_mut().for_each(|part| part.open = 0);
    let parts = &mut order.fulfilment.sub_orders[*parent].parts;
    for (line, units) in came {
        part(parts, line).allocated += units;
    }
}

fn delivered(order: &mut Order, event: &ShipmentsDelivered, returns_until: Timestamp) {
    for id in &event.shipments {
        let shipment = order.fulfilment.shipments.iter_mut().find(|known| known.is(id));
        let shipment = shipment.expect("the shipment is known");
        assert!(shipment.is_undelivered(), "what goes to the customer is delivered once");
        shipment.way = Way::Customer { delivered: true };
    }
    order.fulfilment.deliveries.push(event.effect.clone());
    order.fulfilment.returns_until = Some(returns_until);
}

fn return_requested(order: &mut Order, event: &ReturnRequested) {
    assert!(!order.fulfilment.window_closed, "the time for returns is over");
    let parts = event.lines.iter().map(|line| {
        let (line, requested) = (index(order, &line.line_id), line.quantity.get());
        order.lines[line].requested += requested;
        assert!(order.lines[line].requested <= order.lines[line].shipped, "only what was shipped comes back");
        Returned { line, requested, received: 0 }
    });
    let (parts, id, effect) = (parts.collect(), event.return_id.clone(), event.effect.clone());
    order.fulfilment.returns.push(Return { id, effect, parts });
}

fn return_received(order: &mut Order, event: &ReturnReceived) {
    for line in &event.lines {
        let (index, units) = (index(order, &line.line_id), line.quantity.get());
        let announced = order.fulfilment.returns.iter_mut().find(|known| known.id == event.return_id);
        let announced = announced.expect("the return is known");
        let part = announced.parts.iter_mut().find(|part| part.line == index).expect("it was announced");
        part.received += units;
        assert!(part.received <= part.requested, "at most what was announced comes back");
        order.lines[index].returned += units;
        assert!(order.lines[index].returned <= order.lines[index].shipped, "at most what was shipped comes back");
    }
    order.fulfilment.receipts.push(event.effect.clone());
}

/// Cancelled units leave a sub-order: what can be shipped first, then what its item has not answered for, then what is
/// on its way to the parent, the newest shipment first.
pub(super) fn leave_sub_order(order: &mut Order, taken: &SubOrderLine) {
    let (place, line) = (place_of(order, &taken.sub_order), index(order, &taken.line_id));
    let mut left = taken.quantity.get();
    let mut take = |units: &mut u32| {
        let taken = left.min(*units);
        *units -= taken;
        left -= taken;
    };
    for part in order.fulfilment.sub_orders[place].parts.iter_mut().filter(|part| part.line == line) {
        take(&mut part.allocated);
        take(&mut part.planned);
    }
    for shipment in order.fulfilment.shipments.iter_mut().rev().filter(|shipment| shipment.sub_order == place) {
        shipment.parts.iter_mut().filter(|part| part.line == line).for_each(|part| take(&mut part.open));
    }
    assert_eq!(left, 0, "a sub-order loses what it has");
}

fn index(order: &Order, line: &LineId) -> usize {
    order.line_index(line).expect("the order has the line")
}

fn place_of(order: &Order, sub_order: &SubOrderId) -> usize {
    order.fulfilment.sub_order(sub_order).expect("the sub-order is known")
}

/// Which lines are of an item.
fn lines_of(order: &Order, item: &ItemId) -> Vec<bool> {
    (0..order.lines.len()).map(|line| order.item_of(line) == item).collect()
}
