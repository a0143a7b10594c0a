//! Allocate: ordered units are bound to a location.

use super::{Item, ItemDecided, effects::differs, event, tally::take, untold};
use schemas::item::{Allocate, HoldId, ItemRejection, UnitsAllocated};

/// Binds ordered units of an order or a drop claim to a location. A sub-order is allocated once.
pub(super) fn allocate(item: &Item, c: &Allocate) -> ItemDecided {
    let hold = item.holds.get(&c.hold);
    if let Some(before) = hold.and_then(|hold| hold.allocation(&c.sub_order)) {
        if before.quantity != c.quantity.get() || before.location != c.location {
            return Err(differs(u64::from(before.quantity), c.quantity.units()));
        }
        return Ok(untold(Vec::new(), Vec::new()));
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
    let allocated = UnitsAllocated {
        sub_order: c.sub_order.clone(),
        hold: c.hold.clone(),
        quantity: c.quantity,
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    };
    Ok(untold(vec![event(allocated)], Vec::new()))
}
