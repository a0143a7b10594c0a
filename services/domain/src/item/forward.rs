//! Forward and ReceiveForward: ordered units go to another warehouse, which ships them on.

use super::{
    Item, event,
    holds::Phase,
    ship::correct,
    short::tell_order,
    taking::Taking,
    tally::take,
    transfers::{Arrived, Cause, Leaving, TransferKey, dispatch},
    untold,
};
use crate::{Context, Decision};
use schemas::{
    Quantity,
    item::{Forward, HoldId, ReceiveForward, UnitsAllocated},
};

/// Records ordered units that left for another warehouse.
///
/// Never refused: where the record has too few, it is corrected first, and what is not ordered any more goes as a plain
/// transfer does. A location sends nothing to itself.
pub(super) fn forward(item: &Item, c: &Forward) -> Decision {
    let key = TransferKey::of_hold(&c.hold, &c.effect.id);
    // A foreign system's hold leaves by its own shipments only.
    let is_free = matches!(c.hold, HoldId::Free { .. });
    let is_known = item.transfers.contains_key(&key);
    if is_known || is_free || item.check_stocked().is_err() || c.location == c.to_location {
        return untold(Vec::new(), Vec::new());
    }
    // From here it succeeds.
    let mut events = Vec::with_capacity(1);
    let (mut tally, mut here) = (item.tally, item.buckets(&c.location));
    if here.sellable < c.quantity.units() {
        events.push(event(correct((&c.effect, &c.hold, &c.location), c.quantity, &mut tally, &mut here)));
    }
    let hold = item.holds.get(&c.hold).filter(|hold| hold.phase == Phase::Committed);
    let taking = hold.map(|hold| {
        Taking::leaving(item, tally, (&c.hold, hold), c.quantity.get().min(hold.open()), Some(&c.sub_order))
    });
    let (from, to) = (&c.location, &c.to_location);
    let leaving = Leaving { effect: &c.effect, from, to, quantity: c.quantity, tally, here };
    let (hold, sub_order, to_sub_order) = (&c.hold, &c.sub_order, &c.to_sub_order);
    dispatch(item, leaving, Cause::Forward { hold, sub_order, to_sub_order, taking }, &mut events);
    untold(events, Vec::new())
}

/// Books all units of a forwarded shipment that are on the way; the ordered ones are allocated to the sub-order that
/// ships them on. Where that has its allocation elsewhere, they stay committed, and the order is told.
pub(super) fn receive_forward(item: &Item, c: &ReceiveForward, cx: Context<'_>) -> Decision {
    let key = TransferKey::of_hold(&c.hold, &c.shipment);
    let on_the_way =
        item.transfers.get(&key).and_then(|transfer| Some((transfer, Quantity::new(transfer.units).ok()?)));
    let Some((transfer, quantity)) = on_the_way else { return untold(Vec::new(), Vec::new()) };
    // From here it succeeds.
    let mut numbers = Arrived::before(item, transfer);
    let received = numbers.receive(&key, transfer, &c.effect, quantity);
    let ordered = Quantity::new(received.ordered);
    let mut events = vec![event(received)];
    let (Ok(quantity), Some((_, sub_order))) = (ordered, &transfer.sub_orders) else {
        return untold(events, Vec::new());
    };
    let before = item.holds.get(&c.hold).and_then(|hold| hold.allocation(sub_order));
    let mut sends = Vec::new();
    if before.is_none_or(|before| before.location == transfer.to) {
        let Arrived { tally, there } = &mut numbers;
        take(&mut tally.committed, quantity.units());
        tally.allocated += quantity.units();
        there.allocated += quantity.units();
        events.push(event(UnitsAllocated {
            sub_order: sub_order.clone(),
            hold: c.hold.clone(),
            quantity,
            shipment: Some(c.shipment.clone()),
            stock: tally.levels(),
            place: there.levels(&transfer.to),
        }));
    } else {
        sends.extend(tell_order(item, &c.hold, sub_order, quantity, cx));
    }
    untold(events, sends)
}
