//! An older order has made way, or goes on because it is being paid: the next is asked, or the newer order is placed.
//!
//! The answer walks through the older orders in turn, so that nothing need be kept between two of them, and each request
//! that asks for a checkout ends with one question to its order, which answers it.

use super::{Cart, CartWait, checkout::supersede, silent};
use crate::{Answer, Decision, Wait};
use schemas::cart::{CheckoutPlaced, Superseded};

pub(super) fn superseded(cart: &Cart, command: &Superseded) -> Decision {
    let by = &command.by;
    let Some(checkout) = cart.checkouts.get(by) else { return silent(Vec::new(), Vec::new()) };
    if checkout.is_withdrawn() {
        let answer = Answer::Later(Wait::Cart(CartWait::Withdrawn));
        return Decision { events: Vec::new(), sends: Vec::new(), answer };
    }
    if checkout.placed {
        return silent(Vec::new(), vec![cart.place(by, checkout)]);
    }
    let mut rest = checkout.supersedes.iter().skip_while(|older| **older != command.order_id);
    match (rest.next(), rest.next()) {
        (Some(_), Some(next)) => silent(Vec::new(), vec![supersede(next, by)]),
        (Some(_), None) => {
            let placed = CheckoutPlaced { order_id: by.clone() };
            silent(vec![placed.into()], vec![cart.place(by, checkout)])
        }
        // It was never asked for this checkout.
        (None, _) => silent(Vec::new(), Vec::new()),
    }
}
