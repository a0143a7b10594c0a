//! The one rule for what is due: each change of the units that belong to no sub-order is one event, with all of them.

use super::{Order, Phase, plan::Plan};
use schemas::{
    ItemId,
    order::{ShipmentsBackordered, ShipmentsDue},
};
use std::collections::BTreeSet;

/// Rounds in a row that end with a refusal before the order waits for stock.
const MOST_REFUSALS: u32 = 3;

impl Plan<'_> {
    /// Says what is due, where that is another set than was said last.
    ///
    /// While items have not answered, what others refused waits for the last of them: one plan for all of it. Only what
    /// a cancellation took is told at once, or it would be planned.
    pub(super) fn settle_shipments(&mut self) {
        let order = &self.order;
        if order.phase != Phase::Confirmed || order.awaits_units() {
            return;
        }
        let said = || order.lines.iter().map(|line| line.due);
        let mut units = order.free_units();
        if order.fulfilment.is_allocating() {
            units = units.into_iter().zip(said()).map(|(free, said)| free.min(said)).collect();
        }
        if units.iter().copied().eq(said()) {
            return;
        }
        let planning = &order.fulfilment.planning;
        let (said, units) = (said().collect::<Vec<u32>>(), units);
        let more = units.iter().zip(&said).any(|(units, said)| units > said);
        let refusals = planning.refusals + u32::from(more && planning.setback);
        let waits = if more { refusals >= MOST_REFUSALS } else { planning.backordered };
        if waits || units.iter().all(|units| *units == 0) {
            self.backorder(&said, &units);
        } else {
            let (revision, lines, gone) = (planning.revision + 1, order.due_lines(&units), order.gone(&said, &units));
            self.record(ShipmentsDue { revision, lines, gone, refusals });
        }
    }

    /// These units wait for stock; those that were due before them are named by line, too.
    pub(super) fn backorder(&mut self, before: &[u32], units: &[u32]) {
        let revision = self.order.fulfilment.planning.revision + 1;
        let (lines, gone) = (self.order.due_lines(units), self.order.gone(before, units));
        self.record(ShipmentsBackordered { revision, lines, gone });
    }
}

impl Order {
    /// The items of which units were due, and are no longer.
    fn gone(&self, before: &[u32], now: &[u32]) -> Vec<ItemId> {
        let items = |units: &[u32]| -> BTreeSet<&ItemId> {
            let due = units.iter().enumerate().filter(|(_, units)| **units > 0);
            due.map(|(line, _)| self.item_of(line)).collect()
        };
        items(before).difference(&items(now)).map(|item| (*item).clone()).collect()
    }
}
