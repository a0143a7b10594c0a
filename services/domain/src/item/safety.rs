//! SetSafety: units that are kept back from sale.

use super::{Item, ItemDecided, access, event, short::record_shortfall, told};
use crate::Context;
use schemas::item::{ItemReply, SafetySet, SetSafety};

/// Sets the units that are kept back.
///
/// More than is free leaves ATS below zero, which is never without a shortfall on record.
pub(super) fn set_safety(item: &Item, c: &SetSafety, cx: Context<'_>) -> ItemDecided {
    access::stock(item, cx.caller)?;
    item.check_stocked()?;
    // From here it succeeds.
    let mut tally = item.tally;
    tally.safety = u64::from(c.quantity);
    let mut events = Vec::new();
    if tally != item.tally {
        let previous = u32::try_from(item.tally.safety).expect("safety was set by a u32");
        events.push(event(SafetySet { quantity: c.quantity, previous, stock: tally.levels() }));
        record_shortfall(tally, &mut events);
    }
    Ok(told(events, ItemReply::Safety { quantity: c.quantity, available: tally.available() }))
}
