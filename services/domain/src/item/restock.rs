//! Restock: shipped units came back.

use super::{
    Item, ItemDecided, already,
    effects::{EffectKey, Outcome},
    event, told, untold,
};
use schemas::item::{HoldId, ItemRejection, Restock, StockRestocked};

/// Books shipped units that came back. The order, which asks for it, answers its own client.
///
/// A return that was announced in time may come when the hold is closed and forgotten. Then the order's word counts: it
/// keeps for ever what shipped, what was announced and each receipt, sends one command per receipt in the transaction that
/// records it, and nobody else restocks its holds. A repeat is known by the receipt's id, like that of every other effect:
/// so it is booked once, whether the hold is still here or not.
pub(super) fn restock(item: &Item, c: &Restock) -> ItemDecided {
    let by_client = matches!(c.hold, HoldId::Free { .. });
    if let Some(recorded) = item.effects.get(&EffectKey::Restock(c.hold.clone(), c.effect.id.clone())) {
        let outcome = recorded.again(&c.effect, c.quantity.units())?;
        return Ok(if by_client { already(outcome.stock_reply()) } else { untold(Vec::new(), Vec::new()) });
    }
    item.check_stocked()?;
    match (&c.hold, item.holds.get(&c.hold)) {
        (_, Some(hold)) => {
            let open = hold.shipped - hold.returned;
            if open < c.quantity.get() {
                return Err(ItemRejection::NotShipped { open });
            }
        }
        (HoldId::Free { .. }, None) => return Err(ItemRejection::HoldNotFound),
        (HoldId::Order { .. } | HoldId::Drop { .. }, None) if planted::bug!("late-return-refused") => {
            return Err(ItemRejection::HoldNotFound);
        }
        (HoldId::Order { .. } | HoldId::Drop { .. }, None) => {}
    }
    // From here it succeeds. What lies there is a fact: neither the number of locations nor of units refuses it.
    let mut tally = item.tally;
    let mut buckets = item.buckets(&c.location);
    *buckets.of(c.condition) += c.quantity.units();
    *tally.of_bucket(c.condition) += c.quantity.units();
    let restocked = event(StockRestocked {
        effect: c.effect.clone(),
        return_id: c.return_id.clone(),
        hold: c.hold.clone(),
        condition: c.condition,
        quantity: c.quantity,
        stock: tally.levels(),
        place: buckets.levels(&c.location),
    });
    Ok(if by_client {
        told(vec![restocked], Outcome::Stock(tally.available(), tally.on_hand()).stock_reply())
    } else {
        untold(vec![restocked], Vec::new())
    })
}
