//! Uncommit: ordered units come back by a cancellation.

use super::{Item, effects::EffectKey, event, short::record_new_shortfall, taking::Taking, untold};
use crate::Decision;
use schemas::item::{Uncommit, UnitsUncommitted};

/// Gives back ordered units. Never refused: what is not open any more is simply not there to be given back.
///
/// Into an allotment that is gone it goes nowhere else than back on sale.
pub(super) fn uncommit(item: &Item, c: &Uncommit) -> Decision {
    let nothing = untold(Vec::new(), Vec::new());
    if item.effects.get(&EffectKey::Uncommit(c.hold.clone(), c.cancellation.clone())).is_some() {
        return nothing;
    }
    let Some(hold) = item.holds.get(&c.hold) else { return nothing };
    let mut taking = Taking::given_up(item, (&c.hold, hold), c);
    let units = taking.units();
    if units == 0 {
        return nothing;
    }
    let into = c.into.clone().filter(|into| item.allotments.contains_key(into));
    if into.is_some() {
        taking.tally.allotted += item.counted(units);
    }
    let tally = taking.tally;
    let uncommitted = UnitsUncommitted {
        cancellation: c.cancellation.clone(),
        hold: c.hold.clone(),
        committed: taking.committed,
        allocated: taking.allocated,
        forwarded: taking.forwarded,
        into,
        stock: taking.tally.levels(),
        places: taking.places.iter().map(|(location, buckets)| buckets.levels(location)).collect(),
    };
    let mut events = vec![event(uncommitted)];
    // What is on the way is lent at once, and there to sell only when it arrives.
    record_new_shortfall(item, tally, &mut events);
    untold(events, Vec::new())
}
