//! Allocate: ordered units are bound to a location.

use super::{Item, ItemDecided, effects::differs, event, tally::take, untold};
use schemas::{
    Command, Event,
    item::{Allocate, HoldId, ItemRejection, UnitsAllocated},
    order::{AllocationAnswered, OrderCommand},
};

/// Binds ordered units of an order or a drop claim to a location. A sub-order is allocated once.
///
/// An order is sent the answer, whatever it is, and again when it asks again.
pub(super) fn allocate(item: &Item, c: &Allocate) -> ItemDecided {
    let decided = bind(item, c);
    let Some(order) = item.order_of(&c.hold) else { return decided.map(|events| untold(events, Vec::new())) };
    let (events, refusal) = match decided {
        Ok(events) => (events, None),
        Err(refusal) => (Vec::new(), Some(refusal)),
    };
    let answered = AllocationAnswered { sub_order: c.sub_order.clone(), item_id: item.id.clone(), refusal };
    let send = Command::Order { order, command: OrderCommand::AllocationAnswered(answered) };
    Ok(untold(events, vec![send]))
}

fn bind(item: &Item, c: &Allocate) -> Result<Vec<Event>, ItemRejection> {
    let hold = item.holds.get(&c.hold);
    let before = hold.and_then(|hold| hold.allocation(&c.sub_order));
    // What another warehouse sent to the sub-order was not asked for, and stands in nobody's way but elsewhere.
    if let Some(before) = before.filter(|before| before.quantity > 0 || before.location != c.location) {
        if before.quantity == 0 {
            return Err(ItemRejection::ExistsWithDifferentContent);
        }
        if before.quantity != c.quantity.get() || before.location != c.location {
            return Err(differs(u64::from(before.quantity), c.quantity.units()));
        }
        return Ok(Vec::new());
    }
    item.check_stocked()?;
    let hold = match &c.hold {
        // A foreign system's hold is allocated by the shipment that it names.
        HoldId::Free { .. } => return Err(ItemRejection::HoldNotFound),
        HoldId::Order { .. } | HoldId::Drop { .. } => hold.ok_or(ItemRejection::HoldNotFound)?,
    };
    if hold.committed < c.quantity.get() {
        return Err(ItemRejection::NotThatManyOpen { open: hold.committed });
    }
    let mut buckets = item.check_location_has(&c.location, c.quantity)?;
    // From here it succeeds.
    let mut tally = item.tally;
    take(&mut tally.committed, c.quantity.units());
    tally.allocated += c.quantity.units();
    buckets.allocated += c.quantity.units();
    Ok(vec![event(UnitsAllocated {
        sub_order: c.sub_order.clone(),
        hold: c.hold.clone(),
        quantity: c.quantity,
        shipment: None,
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    })])
}
