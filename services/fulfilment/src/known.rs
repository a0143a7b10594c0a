//! What a round of plans is made from.

use domain::fulfilment::origin;
use schemas::{
    ItemId, LineId, LocationId, OrderId,
    order::{Address, DueLine, Offer, PlanInputs, PlannedSubOrder},
    warehouse::WarehouseFacts,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The most offers of one plan: it is recorded with them. Of more, each item keeps its largest.
const MOST_OFFERS: usize = 5_000;

/// What the views say, and what the round has planned away of it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Units that could be shipped, by item and location.
    pub stock: HashMap<ItemId, BTreeMap<LocationId, u64>>,
    /// The warehouses.
    pub warehouses: BTreeMap<LocationId, WarehouseFacts>,
    /// Where orders go, as far as it can be read.
    pub addresses: HashMap<OrderId, Address>,
}

impl Known {
    /// What the plan of an order is made from.
    pub fn inputs(&self, order: &OrderId, lines: &[DueLine], consolidate: bool) -> PlanInputs {
        let items: BTreeSet<&ItemId> = lines.iter().map(|line| &line.item_id).collect();
        let most = (MOST_OFFERS / items.len().max(1)).max(1);
        let mut offers = Vec::new();
        for item in items {
            let places = self.stock.get(item).into_iter().flatten().filter(|(_, units)| **units > 0);
            let of_item = |(location, &units): (&LocationId, &u64)| Offer {
                item_id: item.clone(),
                location: location.clone(),
                units,
            };
            let mut of_item: Vec<Offer> = places.map(of_item).collect();
            // Stable: of equals the first by id stay.
            of_item.sort_by_key(|offer| std::cmp::Reverse(offer.units));
            of_item.truncate(most);
            offers.extend(of_item);
        }
        offers.sort();
        let locations: BTreeSet<&LocationId> = offers.iter().map(|offer| &offer.location).collect();
        let to = self.addresses.get(order);
        let origin = |location: &&LocationId| origin(location, self.warehouses.get(*location), to);
        let origins = locations.iter().map(origin).collect();
        PlanInputs { lines: lines.to_vec(), offers, origins, consolidate }
    }

    /// Takes away what a plan ships: the next one of the round must not count on it.
    pub fn take(&mut self, lines: &[DueLine], planned: &[PlannedSubOrder]) {
        let items: HashMap<&LineId, &ItemId> = lines.iter().map(|line| (&line.line_id, &line.item_id)).collect();
        for part in planned {
            for line in &part.lines {
                let place = items.get(&line.line_id).and_then(|item| self.stock.get_mut(*item));
                if let Some(units) = place.and_then(|places| places.get_mut(&part.location)) {
                    *units = units.saturating_sub(u64::from(line.quantity.get()));
                }
            }
        }
    }
}
