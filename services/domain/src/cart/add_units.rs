//! Adds units of an item to what the cart has of it.

use super::{Cart, done, put_line, refuse, units, unlocked};
use crate::{Context, Decided};
use schemas::cart::{AddUnits, CartLine, CartRejection};

pub(super) fn add_units(cart: &Cart, command: &AddUnits, cx: Context<'_>) -> Decided {
    if cart.again(&command.effect)?.is_some() {
        return Ok(done(cart, Vec::new(), cx));
    }
    unlocked(cart)?;
    let (item_id, before) = (command.item_id.clone(), cart.lines.get(&command.item_id));
    let sum = before.map_or(0, |line| line.quantity.units()) + command.quantity.units();
    let Some(quantity) = units(sum) else { return refuse(CartRejection::ItemQuantityTooLarge { item_id }) };
    let line = CartLine { item_id, quantity, expected_unit_price: before.and_then(|line| line.expected_unit_price) };
    put_line(cart, &command.effect, line, command.available, cx)
}
