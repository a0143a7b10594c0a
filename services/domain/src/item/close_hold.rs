//! CloseHold: nothing of a hold is waited for any more.

use super::{
    Item, event,
    holds::{Age, Phase},
    untold,
};
use crate::Decision;
use schemas::item::{CloseHold, HoldClosed, HoldId};

/// Has a hold end with its last open unit, and not with the last that comes back. Never refused: one that is over, or
/// unknown, is closed.
///
/// Its order closes it when nothing of it is open. What a drop's order has cancelled comes by way of the drop, and may
/// come after this: until then the hold stays. A foreign system's own is over when all of it has left, and nobody closes
/// it.
///
/// # Panics
/// If its units are not ordered yet: an order closes what it has committed, so such a command is a bug.
pub(super) fn close_hold(item: &Item, c: &CloseHold) -> Decision {
    let nothing = untold(Vec::new(), Vec::new());
    let Some(hold) = item.holds.get(&c.hold) else { return nothing };
    if matches!(hold.age, Age::Over(_)) || hold.closed || matches!(c.hold, HoldId::Free { .. }) {
        return nothing;
    }
    assert_eq!(hold.phase, Phase::Committed, "{:?} is closed before it is ordered", c.hold);
    untold(vec![event(HoldClosed { hold: c.hold.clone() })], Vec::new())
}
