//! The clock: a free hold's own deadline and the grace have passed.

use super::{Item, event, tally::take, untold};
use crate::{Context, Decision};
use schemas::{Quantity, item::HoldExpired};

/// The holds whose time came first, if it has come, ordered by id; what is due later is due at once again.
///
/// One instant at a time: so no decision is larger than what was granted in a millisecond. Holds of orders and drops
/// have no deadline here: their owner has it.
#[must_use]
pub fn on_clock(item: &Item, cx: Context<'_>) -> Decision {
    let mut tally = item.tally;
    let instant = item.due().filter(|due| *due <= cx.now);
    let due = item.holds.deadlines().take_while(|(due, _)| Some(*due) == instant);
    let events = due.map(|(_, id)| {
        let hold = item.holds.get(id).expect("a deadline belongs to a hold");
        let kept = planted::bug!("expired-hold-kept");
        take(&mut tally.held, if kept { 0 } else { item.counted(hold.quantity) });
        let quantity = Quantity::new(hold.quantity).expect("a hold with a deadline was granted a quantity");
        event(HoldExpired { hold: id.clone(), quantity, stock: tally.levels() })
    });
    untold(events.collect(), Vec::new())
}
