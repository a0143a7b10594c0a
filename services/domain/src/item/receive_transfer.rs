//! ReceiveTransfer: units of a transfer arrive, or are written off.

use super::{
    Item, ItemDecided, access, already,
    effects::{EffectKey, Outcome},
    event,
    tally::take,
    told,
    transfers::{Arrived, TransferKey},
};
use crate::Context;
use schemas::{
    Quantity,
    item::{ItemRejection, ReceiveTransfer, TransferLost},
};

/// Books units that arrived, and those that never will; no more than are on the way.
pub(super) fn receive_transfer(item: &Item, c: &ReceiveTransfer, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    let key = TransferKey::of_move(&c.transfer);
    let transfer = item.transfers.get(&key);
    if let Some(transfer) = transfer {
        access::arrival(&transfer.to, cx.caller)?;
    }
    if let Some(recorded) = item.effects.get(&EffectKey::ReceiveTransfer(key.clone(), c.effect.id.clone())) {
        let quantity = c.quantity.map_or(recorded.quantity, u64::from);
        return Ok(already(recorded.again(&c.effect, quantity)?.stock_reply()));
    }
    item.check_stocked()?;
    let transfer = transfer.ok_or(ItemRejection::TransferNotFound)?;
    let short = ItemRejection::NotThatManyOnTheWay { on_the_way: transfer.units };
    let Some(rest) = transfer.units.checked_sub(c.lost) else { return Err(short) };
    let arrived = c.quantity.unwrap_or(rest);
    if arrived > rest || transfer.units == 0 {
        return Err(short);
    }
    // From here it succeeds.
    let mut numbers = Arrived::before(item, transfer);
    let mut events = Vec::with_capacity(2);
    if let Ok(quantity) = Quantity::new(arrived) {
        events.push(event(numbers.receive(&key, transfer, &c.effect, quantity)));
    }
    if let Ok(quantity) = Quantity::new(c.lost) {
        take(&mut numbers.there.incoming, quantity.units());
        take(&mut numbers.tally.incoming, quantity.units());
        events.push(event(TransferLost {
            effect: c.effect.clone(),
            transfer: c.transfer.clone(),
            quantity,
            stock: numbers.tally.levels(),
            place: numbers.there.levels(&transfer.to),
        }));
    }
    Ok(told(events, Outcome::Stock(numbers.tally.available(), numbers.tally.on_hand()).stock_reply()))
}
