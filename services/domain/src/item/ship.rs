//! Ship: units left.

use super::{
    Item, ItemDecided, access, already,
    commit_hold::{commit, find},
    effects::{EffectKey, Outcome, Recorded},
    event,
    holds::{Hold, Phase},
    short::{Shortage, deallocate_newest},
    taking::Taking,
    tally::{Buckets, Tally, signed, take},
    told, untold,
};
use crate::{Context, Decision};
use schemas::{
    Event, Quantity,
    item::{HoldId, HoldStatus, ItemRejection, ShipStock, StockCounted, StockShipped},
};

/// Records units that left, as a fact: where the record has too few of them, it is corrected first.
///
/// A free hold is committed, allocated and shipped at once.
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
    // From here it succeeds.
    let mut events = Vec::with_capacity(1);
    let mut tally = item.tally;
    if hold.phase == Phase::Active {
        let (committed, after) = commit(item, &c.hold, hold);
        events.push(event(committed));
        tally = after;
    }
    let mut buckets = item.buckets(&c.location);
    if buckets.sellable < quantity.units() {
        events.push(event(correct(c, quantity, &mut tally, &mut buckets)));
    }
    leave(item, c, hold, Leaving { quantity, tally, buckets }, &mut events);
    let left = open(hold) - quantity.get();
    Ok(answer(c, hold, hold.shipped + quantity.get(), left > 0, events))
}

/// The units that left, and the numbers before they did.
struct Leaving {
    quantity: Quantity,
    tally: Tally,
    buckets: Buckets,
}

/// Ordered units that have not left; of an active hold, which the shipment commits, all.
const fn open(hold: &Hold) -> u32 {
    match hold.phase {
        Phase::Active => hold.quantity,
        Phase::Committed | Phase::Released | Phase::Expired => hold.open(),
    }
}

fn check(hold: &Hold, c: &ShipStock) -> Result<Quantity, ItemRejection> {
    match (hold.phase, &c.hold) {
        (Phase::Released, _) => return Err(ItemRejection::HoldReleased),
        (Phase::Expired, _) => return Err(ItemRejection::HoldExpired),
        (Phase::Active, HoldId::Order { .. } | HoldId::Drop { .. }) => {
            return Err(ItemRejection::NotThatManyOpen { open: 0 });
        }
        (Phase::Active, HoldId::Free { .. }) | (Phase::Committed, _) => {}
    }
    let open = open(hold);
    if open == 0 && hold.shipped > 0 {
        return Err(ItemRejection::AlreadyShipped);
    }
    let asked = c.quantity.map_or(open, Quantity::get);
    match Quantity::new(asked) {
        Ok(quantity) if asked <= open => Ok(quantity),
        Ok(_) | Err(_) => Err(ItemRejection::NotThatManyOpen { open }),
    }
}

/// The count that must have been wrong.
fn correct(c: &ShipStock, quantity: Quantity, tally: &mut Tally, buckets: &mut Buckets) -> StockCounted {
    let missing = quantity.units() - buckets.sellable;
    buckets.sellable += missing;
    tally.sellable += missing;
    StockCounted {
        effect: c.effect.clone(),
        delta: signed(missing),
        reason: "more was shipped than was on record".to_owned(),
        shipment_of: Some(c.hold.clone()),
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    }
}

/// The shipment itself, and the allocations of others that it leaves without units.
fn leave(item: &Item, c: &ShipStock, hold: &Hold, leaving: Leaving, events: &mut Vec<Event>) {
    let Leaving { quantity, tally, buckets } = leaving;
    let named = c.sub_order.iter().map(|sub_order| (sub_order, quantity.get()));
    let mut taking = Taking::new(item, tally, hold, quantity.get(), named);
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
        committed: taking.committed,
        stock: taking.tally.levels(),
        places: std::iter::once(here.levels(&c.location)).chain(elsewhere).collect(),
    }));
    let after = Shortage { tally: taking.tally, buckets: here, location: &c.location };
    deallocate_newest(item, after, &taking.taken, events);
}

fn answer(c: &ShipStock, hold: &Hold, shipped: u32, more: bool, events: Vec<Event>) -> Decision {
    let status = if more { HoldStatus::Committed } else { HoldStatus::Shipped };
    match &c.hold {
        HoldId::Free { id, .. } => told(events, hold.reply(id, status, shipped)),
        HoldId::Order { .. } | HoldId::Drop { .. } => untold(events, Vec::new()),
    }
}

/// The same shipment once more.
fn again(item: &Item, c: &ShipStock, recorded: &Recorded) -> ItemDecided {
    let outcome = recorded.again(&c.effect, c.quantity.map_or(recorded.quantity, Quantity::units))?;
    let HoldId::Free { id, .. } = &c.hold else { return Ok(untold(Vec::new(), Vec::new())) };
    // The hold is kept as long: it is over with its last shipment, or later.
    let hold = find(item, &c.hold)?;
    let reply = match outcome {
        Outcome::Shipped(shipped, true) => hold.reply(id, HoldStatus::Committed, shipped),
        Outcome::Shipped(shipped, false) => hold.reply(id, HoldStatus::Shipped, shipped),
        Outcome::Catalog(_) | Outcome::Stock(..) | Outcome::Done => hold.reply_now(id),
    };
    Ok(already(reply))
}
