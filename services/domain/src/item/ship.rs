//! Ship: units left.

use super::{
    Item, ItemDecided, access, already,
    commit_hold::find,
    effects::{EffectKey, Recorded},
    event,
    holds::{Hold, Phase},
    short::{Shortage, deallocate_newest, record_new_shortfall},
    taking::Taking,
    tally::{Buckets, Tally, signed, take},
    told, untold,
};
use crate::Context;
use schemas::{
    Effect, Event, LocationId, Quantity,
    item::{HoldId, HoldStatus, ItemRejection, ShipStock, StockCounted, StockShipped},
};

/// Records units that left.
///
/// A free hold is allocated and shipped at once, and refused where an allocation would be: so what is available to sell
/// stays as it is. What left of an order is a fact: it was allocated at a place before, and where the record has too
/// few, it is corrected first.
pub(super) fn ship(item: &Item, c: &ShipStock, cx: Context<'_>) -> ItemDecided {
    if let HoldId::Free { .. } = &c.hold {
        access::hold(&c.hold, cx.caller)?;
        access::stock(item, cx.caller)?;
    }
    if let Some(recorded) = item.effects.get(&EffectKey::Ship(c.hold.clone(), c.effect.id.clone())) {
        return again(item, c, recorded);
    }
    item.check_stocked()?;
    let hold = find(item, &c.hold)?;
    let quantity = check(hold, c)?;
    let mut buckets = match &c.hold {
        // Counting in what is missing would leave the units on sale at the place that they really left: sold twice.
        HoldId::Free { .. } => item.check_location_has(&c.location, quantity)?,
        HoldId::Order { .. } | HoldId::Drop { .. } => item.buckets(&c.location),
    };
    // From here it succeeds.
    let mut events = Vec::with_capacity(1);
    let mut tally = item.tally;
    if buckets.sellable < quantity.units() {
        events.push(event(correct((&c.effect, &c.hold, &c.location), quantity, &mut tally, &mut buckets)));
    }
    let available = leave(item, c, hold, Leaving { quantity, tally, buckets }, &mut events);
    let HoldId::Free { id, .. } = &c.hold else { return Ok(untold(events, Vec::new())) };
    let status = if hold.open() > quantity.get() { HoldStatus::Committed } else { HoldStatus::Shipped };
    Ok(told(events, hold.reply(id, status, hold.shipped + quantity.get(), item.shown(available))))
}

/// The units that left, and the numbers before they did.
struct Leaving {
    quantity: Quantity,
    tally: Tally,
    buckets: Buckets,
}

/// Only ordered units leave: were it to commit by itself, a part that left would order the rest for ever.
fn check(hold: &Hold, c: &ShipStock) -> Result<Quantity, ItemRejection> {
    match hold.phase {
        Phase::Released => return Err(ItemRejection::HoldReleased),
        Phase::Expired => return Err(ItemRejection::HoldExpired),
        Phase::Active => return Err(ItemRejection::HoldNotCommitted),
        Phase::Committed => {}
    }
    let open = hold.open();
    if open == 0 && hold.shipped > 0 {
        return Err(ItemRejection::AlreadyShipped);
    }
    let asked = c.quantity.map_or(open, Quantity::get);
    match Quantity::new(asked) {
        Ok(quantity) if asked <= open || planted::bug!("ship-beyond-order") => Ok(quantity),
        Ok(_) | Err(_) => Err(ItemRejection::NotThatManyOpen { open }),
    }
}

/// The count that must have been wrong.
pub(super) fn correct(
    (effect, hold, location): (&Effect, &HoldId, &LocationId),
    quantity: Quantity,
    tally: &mut Tally,
    buckets: &mut Buckets,
) -> StockCounted {
    let missing = quantity.units() - buckets.sellable;
    buckets.sellable += missing;
    tally.sellable += missing;
    StockCounted {
        effect: effect.clone(),
        delta: signed(missing),
        reason: "more was shipped than was on record".to_owned(),
        shipment_of: Some(hold.clone()),
        feed: None,
        stock: tally.levels(),
        place: buckets.levels(location),
    }
}

/// The shipment itself, and the allocations of others that it leaves without units; what is available after it.
fn leave(item: &Item, c: &ShipStock, hold: &Hold, leaving: Leaving, events: &mut Vec<Event>) -> i64 {
    let Leaving { quantity, tally, buckets } = leaving;
    let mut taking = Taking::leaving(item, tally, (&c.hold, hold), quantity.get(), c.sub_order.as_ref());
    // Its allocated units as the taking left them, its sellable ones as the correction did.
    let mut here = taking.places.remove(&c.location).unwrap_or(buckets);
    here.sellable = buckets.sellable;
    take(&mut here.sellable, quantity.units());
    take(&mut taking.tally.sellable, quantity.units());
    let elsewhere = taking.places.iter().map(|(location, buckets)| buckets.levels(location));
    events.push(event(StockShipped {
        effect: c.effect.clone(),
        hold: c.hold.clone(),
        sub_order: c.sub_order.clone(),
        quantity,
        allocated: taking.allocated,
        forwarded: taking.forwarded,
        committed: taking.committed,
        stock: taking.tally.levels(),
        places: std::iter::once(here.levels(&c.location)).chain(elsewhere).collect(),
    }));
    let after = Shortage { tally: taking.tally, buckets: here, location: &c.location };
    let tally = deallocate_newest(item, after, &taking.taken, events);
    // Units that are on their way in fact left from here: those that come are for sale when they do.
    record_new_shortfall(item, tally, events);
    tally.available()
}

/// The same shipment once more.
fn again(item: &Item, c: &ShipStock, recorded: &Recorded) -> ItemDecided {
    recorded.again(&c.effect, c.quantity.map_or(recorded.quantity, Quantity::units))?;
    let HoldId::Free { id, .. } = &c.hold else { return Ok(untold(Vec::new(), Vec::new())) };
    // The hold is kept as long: it is over with its last shipment, or later.
    Ok(already(item.hold_now(id, find(item, &c.hold)?)))
}
