//! Transfer: sellable units leave for another location.

use super::{
    Item, ItemDecided, access, already,
    effects::Outcome,
    tally::MAX_PER_LOCATION,
    told,
    transfers::{Cause, Leaving, dispatch},
};
use crate::Context;
use schemas::item::{ItemRejection, TransferStock};

/// Sends units that no sub-order has to another location; what is then promised and not there to sell is on record.
pub(super) fn transfer(item: &Item, c: &TransferStock, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    if let Some(outcome) = item.moved_before(&c.effect, c.quantity)? {
        return Ok(already(outcome.stock_reply()));
    }
    item.check_stocked()?;
    let here = item.check_location_has(&c.location, c.quantity)?;
    if c.location == c.to_location {
        return Err(ItemRejection::SameLocation);
    }
    let there = item.buckets(&c.to_location);
    if there.on_hand() + there.incoming + c.quantity.units() > MAX_PER_LOCATION {
        return Err(ItemRejection::StockTooLarge);
    }
    item.check_location(&c.to_location)?;
    // From here it succeeds.
    let (from, to) = (&c.location, &c.to_location);
    let leaving = Leaving { effect: &c.effect, from, to, quantity: c.quantity, tally: item.tally, here };
    let mut events = Vec::with_capacity(1);
    let tally = dispatch(item, leaving, Cause::Move(&c.reason, &c.reference), &mut events);
    Ok(told(events, Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}
