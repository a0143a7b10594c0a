//! Uncommit: ordered units come back by a cancellation.

use super::{Item, effects::EffectKey, event, taking::Taking, untold};
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
    let named = c.from.iter().map(|from| (&from.sub_order, from.quantity.get()));
    let mut taking = Taking::new(item, item.tally, hold, c.quantity.get().min(hold.open()), named);
    let units = taking.committed + taking.allocated.iter().map(|taken| taken.quantity.get()).sum::<u32>();
    if units == 0 {
        return nothing;
    }
    let into = c.into.clone().filter(|into| item.allotments.contains_key(into));
    if into.is_some() {
        taking.tally.allotted += item.counted(units);
    }
    let uncommitted = UnitsUncommitted {
        cancellation: c.cancellation.clone(),
        hold: c.hold.clone(),
        committed: taking.committed,
        allocated: taking.allocated,
        into,
        stock: taking.tally.levels(),
        places: taking.places.iter().map(|(location, buckets)| buckets.levels(location)).collect(),
    };
    untold(vec![event(uncommitted)], Vec::new())
}
