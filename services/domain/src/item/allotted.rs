//! CommitAllotted: units lent to a drop are ordered.

use super::{Item, ItemDecided, effects::differs, event, tally::take, untold};
use schemas::{
    Command,
    item::{AllottedCommitted, CommitAllotted, HoldId, ItemRejection},
    order::{DropUnitsCommitted, OrderCommand},
};

/// Orders units of an allotment, under a hold of their own from now on. Their order is told, and again when it is asked
/// again: only then are they planned.
pub(super) fn commit_allotted(item: &Item, c: &CommitAllotted) -> ItemDecided {
    let tell = || {
        let command = OrderCommand::DropUnitsCommitted(DropUnitsCommitted { item_id: item.id.clone() });
        c.order_id.iter().map(|order| Command::Order { order: order.clone(), command: command.clone() }).collect()
    };
    if let Some(hold) = item.holds.get(&c.hold) {
        if hold.quantity != c.quantity.get() {
            return Err(differs(u64::from(hold.quantity), c.quantity.units()));
        }
        return Ok(untold(Vec::new(), tell()));
    }
    item.check_stocked()?;
    match &c.hold {
        HoldId::Drop { .. } => {}
        // Those are granted from what is available.
        HoldId::Free { .. } | HoldId::Order { .. } => return Err(ItemRejection::HoldNotFound),
    }
    let allotment = item.allotments.get(&c.allotment).ok_or(ItemRejection::AllotmentNotFound)?;
    if allotment.units < c.quantity.units() {
        return Err(ItemRejection::AllotmentTooSmall { available: allotment.units });
    }
    // From here it succeeds.
    let mut tally = item.tally;
    take(&mut tally.allotted, c.quantity.units());
    tally.committed += c.quantity.units();
    let committed = AllottedCommitted {
        allotment: c.allotment.clone(),
        hold: c.hold.clone(),
        quantity: c.quantity,
        order_id: c.order_id.clone(),
        stock: tally.levels(),
    };
    Ok(untold(vec![event(committed)], tell()))
}
