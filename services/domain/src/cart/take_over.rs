//! The lines of a guest's cart arrive, and are added to those of the same item.

use super::{Cart, MOST_MERGED, silent};
use crate::Decision;
use schemas::{
    Quantity,
    cart::{CartLine, CartMerged, TakeOverCart},
};

pub(super) fn take_over(cart: &Cart, command: &TakeOverCart) -> Decision {
    if !cart.has_merge(&command.effect.id) {
        return silent(Vec::new(), Vec::new());
    }
    let merged = CartMerged {
        effect: command.effect.clone(),
        guest: command.guest.clone(),
        lines: merged(cart, &command.lines),
    };
    silent(vec![merged.into()], Vec::new())
}

/// The sum by item, as far as a line and a cart can hold it. The shopper's own word of the price counts before the guest's.
fn merged(cart: &Cart, guests: &[CartLine]) -> Vec<CartLine> {
    let mut lines = cart.lines.clone();
    for guest in guests {
        if let Some(line) = lines.get_mut(&guest.item_id) {
            let sum = line.quantity.get().saturating_add(guest.quantity.get()).min(Quantity::MAX);
            line.quantity = Quantity::new(sum).expect("two quantities, capped, are one");
            line.expected_unit_price = line.expected_unit_price.or(guest.expected_unit_price);
        } else if lines.len() < MOST_MERGED {
            lines.insert(guest.item_id.clone(), guest.clone());
        }
    }
    lines.into_values().collect()
}
