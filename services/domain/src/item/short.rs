//! What a count, a move or a shipment leaves short: allocations without units, and promises without stock.

use super::{
    Item, Slot, event,
    tally::{Buckets, Tally, take},
};
use crate::{Context, Decision};
use schemas::{
    Command, Event, LocationId, Quantity, SubOrderId,
    item::{HoldId, ItemEvent, ShortfallDetected, UnitsDeallocated},
    order::{ItemDeallocated, OrderCommand},
};
use std::collections::BTreeMap;

/// The numbers after the event that may have left something short.
#[derive(Clone, Copy)]
pub(super) struct Shortage<'a> {
    pub tally: Tally,
    pub buckets: Buckets,
    pub location: &'a LocationId,
}

/// Gives up the newest allocations that the location no longer covers, and records what is missing to sell.
pub(super) fn record_shortage(item: &Item, after: Shortage<'_>, events: &mut Vec<Event>) {
    let tally = deallocate_newest(item, after, &BTreeMap::new(), events);
    record_shortfall(tally, events);
}

/// As [`record_shortfall`], where this command is what took units away from sale.
pub(super) fn record_new_shortfall(item: &Item, after: Tally, events: &mut Vec<Event>) {
    if after.available() < item.tally.available() {
        record_shortfall(after, events);
    }
}

/// Tells the orders whose allocations a decision gives up: their units are to be planned again.
pub(super) fn tell_orders(item: &Item, decision: &mut Decision, cx: Context<'_>) {
    let Decision { events, sends, .. } = decision;
    for event in events {
        let Event::Item(ItemEvent::UnitsDeallocated(e)) = event else { continue };
        sends.extend(tell_order(item, &e.hold, &e.sub_order, e.quantity, cx));
    }
}

/// Tells an order that units of a sub-order have no place any more; a foreign system's own hold has none.
pub(super) fn tell_order(
    item: &Item,
    hold: &HoldId,
    sub_order: &SubOrderId,
    quantity: Quantity,
    cx: Context<'_>,
) -> Option<Command> {
    let order = item.order_of(hold)?;
    let (sub_order, item_id) = (sub_order.clone(), item.id.clone());
    let deallocated = ItemDeallocated { cause: cx.command_id.clone(), sub_order, item_id, quantity };
    Some(Command::Order { order, command: OrderCommand::ItemDeallocated(deallocated) })
}

/// Records that less is there than is promised.
pub(super) fn record_shortfall(tally: Tally, events: &mut Vec<Event>) {
    if tally.available() < 0 && !planted::bug!("shortfall-unrecorded") {
        events.push(event(ShortfallDetected { missing: tally.available().unsigned_abs(), stock: tally.levels() }));
    }
}

/// Deallocates the newest until what is allocated is there; `taken` units of an allocation, by its number, are gone
/// with an event of the same decision.
pub(super) fn deallocate_newest(
    item: &Item,
    after: Shortage<'_>,
    taken: &BTreeMap<u64, u32>,
    events: &mut Vec<Event>,
) -> Tally {
    let Shortage { mut tally, mut buckets, location } = after;
    let slots = item.places.get(location).into_iter().flat_map(|place| place.allocations.iter().rev());
    for (number, Slot { hold, sub_order, units }) in slots {
        if buckets.allocated <= buckets.sellable {
            break;
        }
        let open = units - taken.get(number).copied().unwrap_or(0);
        let excess = buckets.allocated - buckets.sellable;
        // The excess is no more than what is open, which fits.
        let given_up = u32::try_from(excess).unwrap_or(u32::MAX).min(open);
        let Ok(quantity) = Quantity::new(given_up) else { continue };
        take(&mut buckets.allocated, quantity.units());
        take(&mut tally.allocated, quantity.units());
        tally.committed += quantity.units();
        events.push(event(UnitsDeallocated {
            sub_order: sub_order.clone(),
            hold: hold.clone(),
            quantity,
            stock: tally.levels(),
            place: buckets.levels(location),
        }));
    }
    tally
}
