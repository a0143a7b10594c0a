//! Allot and ReturnAllotment: units are lent to a drop, and come back.

use super::{
    Item, ItemDecided, already,
    effects::{EffectKey, Outcome, differs},
    event,
    tally::take,
    told,
};
use schemas::item::{Allot, AllotmentReturned, ItemRejection, ReturnAllotment, UnitsAllotted};

/// Lends units to a drop of the store that owns the item.
pub(super) fn allot(item: &Item, c: &Allot) -> ItemDecided {
    if let Some(before) = item.allotments.get(&c.allotment) {
        if before.quantity != c.quantity.get() || before.drop != c.drop {
            return Err(differs(u64::from(before.quantity), c.quantity.units()));
        }
        return Ok(already(before.granted.stock_reply()));
    }
    if c.store.is_some() && item.catalog.as_ref().is_some_and(|catalog| catalog.store != c.store) {
        return Err(ItemRejection::ItemOfAnotherStore);
    }
    item.check_stocked()?;
    item.check_available(c.quantity.get())?;
    // From here it succeeds.
    let mut tally = item.tally;
    tally.allotted += c.quantity.units();
    let allotted = UnitsAllotted {
        allotment: c.allotment.clone(),
        drop: c.drop.clone(),
        quantity: c.quantity,
        stock: tally.levels(),
    };
    Ok(told(vec![event(allotted)], Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}

/// Takes back units that a drop has not sold.
pub(super) fn return_allotment(item: &Item, c: &ReturnAllotment) -> ItemDecided {
    if let Some(recorded) = item.effects.get(&EffectKey::ReturnAllotment(c.effect.id.clone())) {
        return Ok(already(recorded.again(&c.effect, c.quantity.units())?.stock_reply()));
    }
    item.check_stocked()?;
    let allotment = item.allotments.get(&c.allotment).ok_or(ItemRejection::AllotmentNotFound)?;
    if allotment.units < c.quantity.units() {
        return Err(ItemRejection::AllotmentTooSmall { available: allotment.units });
    }
    // From here it succeeds.
    let mut tally = item.tally;
    take(&mut tally.allotted, c.quantity.units());
    let returned = AllotmentReturned {
        effect: c.effect.clone(),
        allotment: c.allotment.clone(),
        quantity: c.quantity,
        stock: tally.levels(),
    };
    Ok(told(vec![event(returned)], Outcome::Stock(tally.available(), tally.on_hand()).stock_reply()))
}
