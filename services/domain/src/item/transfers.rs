//! Units on their way between two locations: what an item remembers of them, and how they leave and arrive.
//!
//! A transfer that has a hold attached was forwarded for its order: `ordered` of its units are still the hold's. An order
//! that gives units up on the way takes from that number only, and the rest arrives as anybody's.

use super::{
    Item,
    effects::Recorded,
    event,
    short::{Shortage, deallocate_newest, record_new_shortfall},
    taking::Taking,
    tally::{Buckets, Tally, take},
};
use schemas::{
    Effect, EffectId, Event, LocationId, Quantity, SubOrderId, Timestamp,
    item::{ForwardedUnits, HoldId, StockDispatched, TransferReceived},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a transfer is known by: a shipment's id is unique among those of its hold only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct TransferKey {
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    #[serde(rename = "i")]
    pub id: EffectId,
}

impl TransferKey {
    /// Of a move between two locations.
    pub fn of_move(id: &EffectId) -> Self {
        Self { hold: None, id: id.clone() }
    }

    /// Of units that were forwarded.
    pub fn of_hold(hold: &HoldId, shipment: &EffectId) -> Self {
        Self { hold: Some(hold.clone()), id: shipment.clone() }
    }
}

/// Units that left for another location, until all have arrived or are written off, and for as long as ids are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub to: LocationId,
    /// Units on the way.
    pub units: u32,
    /// Units of them that are ordered.
    pub ordered: u32,
    /// Of forwarded units: the sub-order that was shipped, and the one that ships on.
    pub sub_orders: Option<(SubOrderId, SubOrderId)>,
    /// The dispatch.
    pub recorded: Recorded,
    /// Since when nothing of it is on the way.
    pub over: Option<Timestamp>,
}

/// Units that leave for another location, and the numbers before they do.
pub(super) struct Leaving<'a> {
    pub effect: &'a Effect,
    pub from: &'a LocationId,
    pub to: &'a LocationId,
    pub quantity: Quantity,
    pub tally: Tally,
    /// What lies where they leave.
    pub here: Buckets,
}

/// Why units leave.
pub(super) enum Cause<'a> {
    /// A move: its reason and reference.
    Move(&'a str, &'a str),
    /// A shipment to another warehouse: whose units it takes, as far as they are ordered.
    Forward { hold: &'a HoldId, sub_order: &'a SubOrderId, to_sub_order: &'a SubOrderId, taking: Option<Taking<'a>> },
}

/// The dispatch, the allocations of others that it leaves without units, and what is missing to sell; the totals after.
pub(super) fn dispatch(item: &Item, leaving: Leaving<'_>, cause: Cause<'_>, events: &mut Vec<Event>) -> Tally {
    let Leaving { effect, from, to, quantity, mut tally, mut here } = leaving;
    let (mut there, mut elsewhere, mut taken, mut ordered) = (item.buckets(to), Vec::new(), BTreeMap::new(), 0);
    let (mut reason, mut reference, mut forward) = (None, None, None);
    match cause {
        Cause::Move(why, document) => (reason, reference) = (Some(why.to_owned()), Some(document.to_owned())),
        Cause::Forward { hold, sub_order, to_sub_order, taking } => {
            let mut units = ForwardedUnits {
                hold: hold.clone(),
                sub_order: sub_order.clone(),
                to_sub_order: to_sub_order.clone(),
                allocated: Vec::new(),
                committed: 0,
                forwarded: Vec::new(),
            };
            if let Some(mut taking) = taking {
                ordered = taking.units();
                tally = taking.tally;
                // Its sellable units are those of a record that may have been corrected.
                if let Some(left) = taking.places.remove(from) {
                    (here.allocated, here.forwarded) = (left.allocated, left.forwarded);
                }
                there = taking.places.remove(to).unwrap_or(there);
                elsewhere = taking.places.iter().map(|(location, buckets)| buckets.levels(location)).collect();
                taken = taking.taken;
                (units.allocated, units.committed, units.forwarded) =
                    (taking.allocated, taking.committed, taking.forwarded);
            }
            forward = Some(units);
        }
    }
    take(&mut here.sellable, quantity.units());
    take(&mut tally.sellable, quantity.units());
    there.incoming += quantity.units();
    there.forwarded += u64::from(ordered);
    tally.incoming += quantity.units();
    events.push(event(StockDispatched {
        effect: effect.clone(),
        quantity,
        reason,
        reference,
        forward,
        stock: tally.levels(),
        places: [here.levels(from), there.levels(to)].into_iter().chain(elsewhere).collect(),
    }));
    let tally = deallocate_newest(item, Shortage { tally, buckets: here, location: from }, &taken, events);
    record_new_shortfall(item, tally, events);
    tally
}

/// The numbers of the item, and of the location where a transfer arrives.
pub(super) struct Arrived {
    pub tally: Tally,
    pub there: Buckets,
}

impl Arrived {
    /// Before anything of it does.
    pub fn before(item: &Item, transfer: &Transfer) -> Self {
        Self { tally: item.tally, there: item.buckets(&transfer.to) }
    }

    /// The arrival of some units: the ordered ones first, which are committed from then on.
    pub fn receive(
        &mut self,
        key: &TransferKey,
        transfer: &Transfer,
        effect: &Effect,
        quantity: Quantity,
    ) -> TransferReceived {
        let ordered = quantity.get().min(transfer.ordered);
        let Self { tally, there } = self;
        take(&mut there.incoming, quantity.units());
        take(&mut there.forwarded, u64::from(ordered));
        there.sellable += quantity.units();
        take(&mut tally.incoming, quantity.units());
        tally.sellable += quantity.units();
        tally.committed += u64::from(ordered);
        TransferReceived {
            effect: effect.clone(),
            transfer: key.id.clone(),
            quantity,
            hold: key.hold.clone(),
            ordered,
            stock: tally.levels(),
            place: there.levels(&transfer.to),
        }
    }
}
