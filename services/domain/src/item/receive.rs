//! Receive: units that came in.

use super::{
    Item, ItemDecided, access, already,
    effects::{EffectKey, Outcome},
    event,
    tally::MAX_PER_LOCATION,
    told,
};
use crate::Context;
use schemas::item::{ItemRejection, ReceiveStock, StockReceived};

/// Books units that came in.
pub(super) fn receive(item: &Item, c: &ReceiveStock, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    let recorded = item.effects.get(&EffectKey::Receive(c.effect.id.clone()));
    if let Some(recorded) = recorded.filter(|_| !planted::bug!("receipt-twice")) {
        return Ok(already(recorded.again(&c.effect, c.quantity.units())?.stock_reply()));
    }
    item.check_stocked()?;
    let first = item.places.keys().next().filter(|_| planted::bug!("wrong-location"));
    let location = first.unwrap_or(&c.location);
    let mut buckets = item.buckets(location);
    if buckets.on_hand() + c.quantity.units() > MAX_PER_LOCATION {
        return Err(ItemRejection::StockTooLarge);
    }
    item.check_location(location)?;
    // From here it succeeds.
    let mut tally = item.tally;
    buckets.sellable += c.quantity.units();
    tally.sellable += c.quantity.units();
    let received = StockReceived {
        effect: c.effect.clone(),
        quantity: c.quantity,
        document: c.document.clone(),
        occurred_at: c.occurred_at,
        metadata: c.metadata.clone(),
        feed: None,
        stock: tally.levels(),
        place: buckets.levels(location),
    };
    Ok(told(vec![event(received)], Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}
