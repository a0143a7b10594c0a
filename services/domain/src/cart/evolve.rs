//! What has happened becomes state. A broken invariant is a bug, so it panics.

use super::{Cart, CheckoutState, MOST_MERGED};
use crate::Policy;
use schemas::{
    Effect, OrderId, Timestamp,
    cart::{CartEvent, CartLine, CheckoutBegun, CheckoutEnded},
};

/// Applies an event that happened at `time`. Never decides.
///
/// # Panics
/// If the event breaks an invariant: that is a bug, not a state of the world.
pub fn evolve(cart: &mut Cart, event: &CartEvent, time: Timestamp, policy: &Policy) {
    match event {
        CartEvent::CartLineSet(event) => {
            cart.lines.insert(event.line.item_id.clone(), event.line.clone());
            remember(cart, &event.effect, None, time);
        }
        CartEvent::CartLineRemoved(event) => {
            assert!(cart.lines.remove(&event.item_id).is_some(), "only a line that is there is removed");
            remember(cart, &event.effect, None, time);
        }
        CartEvent::CheckoutBegun(event) => begun(cart, event, time),
        CartEvent::CheckoutJoined(event) => {
            assert_eq!(cart.locked_by(), Some(&event.order_id), "what is joined is the checkout of the cart");
            remember(cart, &event.effect, Some(&event.order_id), time);
        }
        CartEvent::CheckoutPlaced(event) => {
            let checkout = cart.checkouts.get_mut(&event.order_id).expect("what is placed was begun");
            assert!(!checkout.placed && !checkout.ended, "an order is placed once, and not after its end");
            checkout.placed = true;
        }
        CartEvent::CheckoutEnded(event) => ended(cart, event),
        CartEvent::MergeBegun(event) => {
            assert!(!cart.has_merge(&event.effect.id), "a merge begins once");
            cart.merges.push(event.clone());
            remember(cart, &event.effect, None, time);
        }
        CartEvent::CartHandedOver(event) => {
            if !event.lines.is_empty() && !planted::bug!("merge-twice") {
                cart.lines.clear();
            }
            remember(cart, &event.effect, None, time);
        }
        CartEvent::CartMerged(event) => {
            assert!(cart.has_merge(&event.effect.id), "only what a merge asked for arrives");
            cart.merges.retain(|merge| merge.effect.id != event.effect.id);
            set_lines(cart, &event.lines);
        }
    }
    for order_id in cart.known.forget(time.plus_millis(-i64::from(policy.retention_seconds) * 1_000)) {
        unname(cart, &order_id);
    }
}

fn begun(cart: &mut Cart, event: &CheckoutBegun, time: Timestamp) {
    assert!(!event.lines.is_empty(), "nothing is not ordered");
    assert!(!event.of_cart || cart.locked_by().is_none(), "one checkout of the cart at a time");
    // An id that was forgotten may come again: its order still knows it.
    cart.checkouts.insert(event.order_id.clone(), CheckoutState::new(event));
    remember(cart, &event.effect, Some(&event.order_id), time);
}

fn ended(cart: &mut Cart, event: &CheckoutEnded) {
    let checkout = cart.checkouts.get_mut(&event.order_id).expect("what has ended was begun");
    assert!(!checkout.ended, "a checkout ends once");
    checkout.ended = true;
    let is_named = checkout.named_by > 0;
    if !is_named {
        cart.checkouts.remove(&event.order_id);
    }
    set_lines(cart, &event.lines);
}

fn set_lines(cart: &mut Cart, lines: &[CartLine]) {
    assert!(lines.len() <= MOST_MERGED, "a cart has no more lines than an order takes");
    cart.lines = lines.iter().map(|line| (line.item_id.clone(), line.clone())).collect();
    assert_eq!(cart.lines.len(), lines.len(), "a cart has one line of an item");
}

fn remember(cart: &mut Cart, effect: &Effect, order: Option<&OrderId>, time: Timestamp) {
    if let Some(before) = cart.known.insert(effect, order.cloned(), time) {
        unname(cart, &before);
    }
    if let Some(checkout) = order.and_then(|order| cart.checkouts.get_mut(order)) {
        checkout.named_by += 1;
    }
}

/// An id that named a checkout is known no longer; what has ended leaves with its last one.
fn unname(cart: &mut Cart, order_id: &OrderId) {
    let Some(checkout) = cart.checkouts.get_mut(order_id) else { return };
    checkout.named_by = checkout.named_by.saturating_sub(1);
    if checkout.ended && checkout.named_by == 0 {
        cart.checkouts.remove(order_id);
    }
}
