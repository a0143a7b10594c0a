//! What a caller of a cart is told.

use super::{Cart, checkout};
use schemas::{EffectId, Rejection, ReplyBody, cart::CartReply};

/// What a caller of a cart waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartWait {
    /// That the merge of this id has come to its end.
    Merged(EffectId),
    /// Nothing more: a newer checkout ended theirs before its order was placed.
    Withdrawn,
}

/// The answer to a wait, once there is one.
#[must_use]
pub fn answer(cart: &Cart, wait: &CartWait) -> Option<Result<ReplyBody, Rejection>> {
    match wait {
        CartWait::Merged(id) => (!cart.has_merge(id)).then(|| Ok(reply(cart))),
        CartWait::Withdrawn => Some(checkout::withdrawn()),
    }
}

/// The cart as it stands.
pub(super) fn reply(cart: &Cart) -> ReplyBody {
    ReplyBody::Cart(CartReply {
        shopper: cart.shopper.clone(),
        lines: cart.lines.values().cloned().collect(),
        locked_by: cart.locked_by().cloned(),
    })
}
