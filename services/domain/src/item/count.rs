//! Count: the sellable units of a location are what was found.

use super::{
    Item, ItemDecided, access, already,
    effects::{EffectKey, Outcome},
    event,
    short::{Shortage, record_shortage},
    tally::{MAX_PER_LOCATION, signed, take},
    told,
};
use crate::Context;
use schemas::item::{CountStock, ItemRejection, StockCounted};

/// Sets the sellable units of a location; what is then promised and not there is given up.
pub(super) fn count(item: &Item, c: &CountStock, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    if let Some(recorded) = item.effects.get(&EffectKey::Count(c.effect.id.clone())) {
        return Ok(already(recorded.again(&c.effect, c.counted)?.stock_reply()));
    }
    item.check_stocked()?;
    let mut buckets = item.buckets(&c.location);
    let current = buckets.sellable;
    if c.expected.is_some_and(|expected| expected != current) && !planted::bug!("stale-count-accepted") {
        return Err(ItemRejection::StaleCount { current });
    }
    // In this order, so that no count however large overflows.
    if c.counted > MAX_PER_LOCATION || c.counted + buckets.damaged + buckets.quality_control > MAX_PER_LOCATION {
        return Err(ItemRejection::StockTooLarge);
    }
    item.check_location(&c.location)?;
    // From here it succeeds.
    let mut tally = item.tally;
    take(&mut tally.sellable, current);
    tally.sellable += c.counted;
    buckets.sellable = c.counted;
    let counted = StockCounted {
        effect: c.effect.clone(),
        delta: signed(c.counted) - signed(current),
        reason: c.reason.clone(),
        shipment_of: None,
        feed: None,
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    };
    let mut events = vec![event(counted)];
    record_shortage(item, Shortage { tally, buckets, location: &c.location }, &mut events);
    Ok(told(events, Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}
