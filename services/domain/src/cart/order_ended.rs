//! An order that was placed from this cart has ended for it: what was bought leaves, or the lines are open again.

use super::{Cart, CheckoutState, silent, units};
use crate::Decision;
use schemas::cart::{CartLine, CartOutcome, CheckoutEnded, OrderEnded};

pub(super) fn order_ended(cart: &Cart, command: &OrderEnded) -> Decision {
    let Some(checkout) = cart.checkouts.get(&command.order_id).filter(|it| it.placed && !it.ended) else {
        return silent(Vec::new(), Vec::new());
    };
    let lines = match &command.outcome {
        CartOutcome::Confirmed if checkout.of_cart && !planted::bug!("checkout-ended-keeps-lines") => {
            left(cart, checkout)
        }
        CartOutcome::Confirmed | CartOutcome::Rejected { .. } | CartOutcome::Expired | CartOutcome::Cancelled => {
            cart.lines.values().cloned().collect()
        }
    };
    let ended = CheckoutEnded { order_id: command.order_id.clone(), outcome: command.outcome.clone(), lines };
    silent(vec![ended.into()], Vec::new())
}

/// The lines without what was ordered: a merge that was under way may have brought more.
fn left(cart: &Cart, checkout: &CheckoutState) -> Vec<CartLine> {
    let ordered = |line: &CartLine| -> u64 {
        let lines = checkout.lines.iter().filter(|ordered| ordered.item_id == line.item_id);
        lines.map(|ordered| ordered.quantity.units()).sum()
    };
    let rest = cart.lines.values().filter_map(|line| {
        let quantity = units(line.quantity.units().saturating_sub(ordered(line)))?;
        Some(CartLine { quantity, ..line.clone() })
    });
    rest.collect()
}
