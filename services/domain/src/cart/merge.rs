//! Merges the cart of a guest into this one: the guest's cart is asked for its lines.

use super::{Cart, CartWait, done, refuse, unlocked};
use crate::{Answer, Context, Decided, Decision, Wait};
use schemas::{
    Command, Event,
    cart::{CartCommand, CartEvent, CartRejection, HandOverCart, MergeBegun, MergeCart},
};

pub(super) fn merge(cart: &Cart, command: &MergeCart, cx: Context<'_>) -> Decided {
    let wait = || Answer::Later(Wait::Cart(CartWait::Merged(command.effect.id.clone())));
    if cart.again(&command.effect)?.is_some() {
        let under_way = cart.has_merge(&command.effect.id);
        let waits = || Decision { events: Vec::new(), sends: Vec::new(), answer: wait() };
        return Ok(if under_way { waits() } else { done(cart, Vec::new(), cx) });
    }
    unlocked(cart)?;
    if command.guest == cart.shopper {
        return refuse(CartRejection::OwnCart);
    }

    // From here it succeeds.
    let begun = MergeBegun { effect: command.effect.clone(), guest: command.guest.clone() };
    let ask = CartCommand::HandOver(HandOverCart { effect: command.effect.clone(), to: cart.shopper.clone() });
    let sends = vec![Command::Cart { shopper: command.guest.clone(), command: ask }];
    Ok(Decision { events: vec![Event::Cart(CartEvent::from(begun))], sends, answer: wait() })
}
