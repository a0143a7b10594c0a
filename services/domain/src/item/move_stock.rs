//! Move: units of a location change their bucket.

use super::{
    Item, ItemDecided, access, already,
    effects::Outcome,
    event,
    short::{Shortage, record_shortage},
    tally::take,
    told,
};
use crate::Context;
use schemas::item::{ItemRejection, MoveStock, StockMoved};

/// Moves units from one bucket to another; what is then promised and not sellable is given up.
pub(super) fn move_stock(item: &Item, c: &MoveStock, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    if let Some(outcome) = item.moved_before(&c.effect, c.quantity)? {
        return Ok(already(outcome.stock_reply()));
    }
    item.check_stocked()?;
    let mut buckets = item.buckets(&c.location);
    let available = *buckets.of(c.from);
    if available < c.quantity.units() {
        return Err(ItemRejection::BucketTooSmall { asked: c.quantity.get(), available });
    }
    if c.from == c.to {
        return Err(ItemRejection::SameBucket);
    }
    // From here it succeeds.
    let mut tally = item.tally;
    take(buckets.of(c.from), c.quantity.units());
    *buckets.of(c.to) += c.quantity.units();
    take(tally.of_bucket(c.from), c.quantity.units());
    *tally.of_bucket(c.to) += c.quantity.units();
    let moved = StockMoved {
        effect: c.effect.clone(),
        from: c.from,
        to: c.to,
        quantity: c.quantity,
        reason: c.reason.clone(),
        reference: c.reference.clone(),
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    };
    let mut events = vec![event(moved)];
    record_shortage(item, Shortage { tally, buckets, location: &c.location }, &mut events);
    Ok(told(events, Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}
