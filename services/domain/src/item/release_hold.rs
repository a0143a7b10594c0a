//! ReleaseHold: held units are free again.

use super::{
    Item, ItemDecided, access, already,
    commit_hold::find,
    event,
    holds::{Hold, Phase},
    tally::take,
    told, untold,
};
use crate::Context;
use schemas::item::{HoldId, HoldReleased, HoldStatus, ItemRejection, ReleaseHold};

/// Gives back what a hold reserves; of a free one also what is committed and has not left.
///
/// An order's release of what was never placed leaves a tombstone: the placing may still be on its way. A client's is
/// refused: its commands arrive in the order in which it sends them, and what it never released expires.
///
/// # Panics
/// If an order releases what it has committed: it gives ordered units back by a cancellation.
pub(super) fn release_hold(item: &Item, c: &ReleaseHold, cx: Context<'_>) -> ItemDecided {
    match &c.hold {
        HoldId::Free { id, .. } => {
            access::hold(&c.hold, cx.caller)?;
            access::stock(item, cx.caller)?;
            let hold = find(item, &c.hold)?;
            match hold.phase {
                Phase::Released | Phase::Expired if planted::bug!("release-twice") => {}
                Phase::Released | Phase::Expired => return Ok(already(item.hold_now(id, hold))),
                Phase::Committed if hold.open() == 0 => return Err(ItemRejection::AlreadyShipped),
                Phase::Committed | Phase::Active => {}
            }
            // From here it succeeds.
            let released = release(item, &c.hold, Some(hold));
            let reply = hold.reply(id, HoldStatus::Released, hold.shipped, item.shown(released.stock.available));
            Ok(told(vec![event(released)], reply))
        }
        HoldId::Order { .. } => {
            let hold = item.holds.get(&c.hold);
            match hold.map(|hold| hold.phase) {
                Some(Phase::Released | Phase::Expired) => Ok(untold(Vec::new(), Vec::new())),
                None | Some(Phase::Active) => Ok(untold(vec![event(release(item, &c.hold, hold))], Vec::new())),
                Some(Phase::Committed) => panic!("{:?} releases what it has committed", c.hold),
            }
        }
        HoldId::Drop { .. } => Err(ItemRejection::HoldNotFound),
    }
}

/// The release of a hold; without one, of nothing.
fn release(item: &Item, id: &HoldId, hold: Option<&Hold>) -> HoldReleased {
    let (held, committed) = match hold {
        None => (0, 0),
        Some(hold) if hold.phase == Phase::Active => (hold.quantity, 0),
        Some(hold) if hold.phase != Phase::Committed && planted::bug!("release-twice") => (hold.quantity, 0),
        Some(hold) => (0, hold.committed),
    };
    let mut tally = item.tally;
    take(&mut tally.held, item.counted(held));
    take(&mut tally.committed, item.counted(committed));
    HoldReleased { hold: id.clone(), held, committed, stock: tally.levels() }
}
