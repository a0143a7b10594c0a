//! CommitHold: held units are ordered.

use super::{
    Item, ItemDecided, access, already, event,
    holds::{Hold, Phase},
    tally::take,
    told, untold,
};
use crate::Context;
use schemas::{
    Quantity,
    item::{CommitHold, HoldCommitted, HoldId, HoldStatus, ItemRejection},
};

/// Orders the units of a hold. From here a free one has no deadline.
///
/// # Panics
/// If an order commits what it does not hold. It commits only what was granted to it and what it has not released, and
/// nobody else gives back an order's hold: such a command is a bug, and must not be refused where nobody would hear it.
pub(super) fn commit_hold(item: &Item, c: &CommitHold, cx: Context<'_>) -> ItemDecided {
    match &c.hold {
        HoldId::Free { id, .. } => {
            access::hold(&c.hold, cx.caller)?;
            access::stock(item, cx.caller)?;
            let hold = find(item, &c.hold)?;
            match hold.phase {
                Phase::Committed => return Ok(already(item.hold_now(id, hold))),
                Phase::Released => return Err(ItemRejection::HoldReleased),
                Phase::Expired => return Err(ItemRejection::HoldExpired),
                Phase::Active => {}
            }
            // From here it succeeds.
            let committed = commit(item, &c.hold, hold);
            let reply = hold.reply(id, HoldStatus::Committed, 0, item.shown(committed.stock.available));
            Ok(told(vec![event(committed)], reply))
        }
        HoldId::Order { .. } => {
            let hold = item.holds.get(&c.hold).unwrap_or_else(|| panic!("{:?} commits what was not granted", c.hold));
            match hold.phase {
                Phase::Committed => Ok(untold(Vec::new(), Vec::new())),
                Phase::Active => Ok(untold(vec![event(commit(item, &c.hold, hold))], Vec::new())),
                Phase::Released | Phase::Expired => panic!("{:?} commits what was given back", c.hold),
            }
        }
        // A drop's units come to the item committed.
        HoldId::Drop { .. } => find(item, &c.hold).map(|_| untold(Vec::new(), Vec::new())),
    }
}

/// A client's hold.
pub(super) fn find<'a>(item: &'a Item, id: &HoldId) -> Result<&'a Hold, ItemRejection> {
    if item.catalog.is_none() {
        return Err(ItemRejection::ItemNotFound);
    }
    item.holds.get(id).ok_or(ItemRejection::HoldNotFound)
}

/// The commit of an active hold.
fn commit(item: &Item, id: &HoldId, hold: &Hold) -> HoldCommitted {
    let mut tally = item.tally;
    take(&mut tally.held, item.counted(hold.quantity));
    tally.committed += item.counted(hold.quantity);
    let quantity = Quantity::new(hold.quantity).expect("an active hold was granted a quantity");
    HoldCommitted { hold: id.clone(), quantity, stock: tally.levels() }
}
