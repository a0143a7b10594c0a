//! Takes units of an item out; all of them where there are fewer. Never checked against stock.

use super::{Cart, done, units, unlocked};
use crate::{Context, Decided};
use schemas::cart::{CartEvent, CartLine, CartLineRemoved, CartLineSet, RemoveUnits};

pub(super) fn remove_units(cart: &Cart, command: &RemoveUnits, cx: Context<'_>) -> Decided {
    if cart.again(&command.effect)?.is_some() {
        return Ok(done(cart, Vec::new(), cx));
    }
    unlocked(cart)?;

    // From here it succeeds.
    let Some(before) = cart.lines.get(&command.item_id) else { return Ok(done(cart, Vec::new(), cx)) };
    let effect = command.effect.clone();
    let event = match units(before.quantity.units().saturating_sub(command.quantity.units())) {
        Some(quantity) => CartEvent::from(CartLineSet { effect, line: CartLine { quantity, ..before.clone() } }),
        None => CartEvent::from(CartLineRemoved { effect, item_id: command.item_id.clone() }),
    };
    Ok(done(cart, vec![event], cx))
}
