//! Sets the quantity of an item, and the price that the shopper saw.

use super::{Cart, done, put_line, unlocked};
use crate::{Context, Decided};
use schemas::cart::{CartEvent, CartLine, CartLineRemoved, SetCartLine};

pub(super) fn set_line(cart: &Cart, command: &SetCartLine, cx: Context<'_>) -> Decided {
    if cart.again(&command.effect)?.is_some() {
        return Ok(done(cart, Vec::new(), cx));
    }
    unlocked(cart)?;
    let item_id = command.item_id.clone();
    if let Some(quantity) = command.quantity {
        let line = CartLine { item_id, quantity, expected_unit_price: command.expected_unit_price };
        return put_line(cart, &command.effect, line, command.available, cx);
    }

    // From here it succeeds.
    let removed = || CartEvent::from(CartLineRemoved { effect: command.effect.clone(), item_id: item_id.clone() });
    let events = if cart.lines.contains_key(&item_id) { vec![removed()] } else { Vec::new() };
    Ok(done(cart, events, cx))
}
