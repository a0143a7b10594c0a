//! A guest's cart gives its lines away, once; nothing while a checkout locks them.

use super::{Cart, silent};
use crate::Decision;
use schemas::{
    Command,
    cart::{CartCommand, CartHandedOver, HandOverCart, TakeOverCart},
};

pub(super) fn hand_over(cart: &Cart, command: &HandOverCart) -> Decision {
    let HandOverCart { effect, to } = command.clone();
    // Whatever it gave under this id is on its way already.
    let was_asked = cart.again(&effect).is_ok_and(|known| known.is_some());
    let keeps = was_asked || cart.locked_by().is_some();
    let lines: Vec<_> = if keeps { Vec::new() } else { cart.lines.values().cloned().collect() };
    let take = TakeOverCart { effect: effect.clone(), guest: cart.shopper.clone(), lines: lines.clone() };
    let handed_over = || vec![CartHandedOver { effect, to: to.clone(), lines }.into()];
    let events = if was_asked { Vec::new() } else { handed_over() };
    silent(events, vec![Command::Cart { shopper: to, command: CartCommand::TakeOver(take) }])
}
