//! Allot and ReturnAllotment: units are lent to a drop, and come back.

use super::{
    Item, ItemDecided,
    effects::{EffectKey, differs},
    event,
    tally::take,
    untold,
};
use crate::Decision;
use schemas::{
    Command, Event, Money,
    drop::{AllotAnswered, AllotRefusal, DropCommand},
    item::{Allot, AllotmentReturned, AllotmentVoided, ItemRejection, ReturnAllotment, UnitsAllotted},
};

/// Lends units to a drop of the store that owns the item. The drop is sent the answer, whatever it is.
pub(super) fn allot(item: &Item, c: &Allot) -> ItemDecided {
    if let Some(before) = item.allotments.get(&c.allotment) {
        if before.quantity != c.quantity.get() || before.drop != c.drop {
            return Err(differs(u64::from(before.quantity), c.quantity.units()));
        }
        return Ok(answered(item, c, Vec::new(), None));
    }
    if let Err(refusal) = check(item, c) {
        return Ok(answered(item, c, Vec::new(), Some(refusal)));
    }
    // From here it succeeds.
    let mut tally = item.tally;
    tally.allotted += c.quantity.units();
    let allotted = UnitsAllotted {
        allotment: c.allotment.clone(),
        drop: c.drop.clone(),
        quantity: c.quantity,
        stock: tally.levels(),
    };
    Ok(answered(item, c, vec![event(allotted)], None))
}

fn check(item: &Item, c: &Allot) -> Result<(), AllotRefusal> {
    // The drop has given up waiting.
    if item.voided.contains(&c.allotment) {
        return Err(AllotRefusal::Unanswered);
    }
    if !item.listed || item.check_stocked().is_err() {
        return Err(AllotRefusal::ItemUnavailable);
    }
    if c.store.is_some() && item.catalog.as_ref().is_some_and(|catalog| catalog.store != c.store) {
        return Err(AllotRefusal::ItemOfAnotherStore);
    }
    if let (Some(asked), Some(currency)) = (c.currency, item.price.map(Money::currency))
        && asked != currency
    {
        return Err(AllotRefusal::WrongCurrency { currency });
    }
    let (asked, available) = (c.quantity.units(), item.tally.sellable_now());
    if asked > available {
        return Err(AllotRefusal::InsufficientStock { asked, available });
    }
    Ok(())
}

fn answered(item: &Item, c: &Allot, events: Vec<Event>, refusal: Option<AllotRefusal>) -> Decision {
    let answer = AllotAnswered { item_id: item.id.clone(), allotment: c.allotment.clone(), refusal };
    untold(events, vec![Command::Drop { drop: c.drop.clone(), command: DropCommand::AllotAnswered(answer) }])
}

/// Takes back units that a drop has not sold. What was not lent yet never will be.
pub(super) fn return_allotment(item: &Item, c: &ReturnAllotment) -> ItemDecided {
    if let Some(recorded) = item.effects.get(&EffectKey::ReturnAllotment(c.effect.id.clone())) {
        return recorded.again(&c.effect, c.quantity.units()).map(|_| untold(Vec::new(), Vec::new()));
    }
    let Some(allotment) = item.allotments.get(&c.allotment) else {
        let voided = AllotmentVoided { allotment: c.allotment.clone() };
        let is_void = item.voided.contains(&c.allotment);
        return Ok(untold(if is_void { Vec::new() } else { vec![event(voided)] }, Vec::new()));
    };
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
    Ok(untold(vec![event(returned)], Vec::new()))
}
