//! Rounds: orders that are planned together, from one look at the views.

use super::{Core, Effect, PAGE};
use crate::{job::State, known::Known, look::Floor};
use domain::fulfilment::{plan, with_arrivals};
use schemas::{Timestamp, Topic};
use std::collections::BTreeSet;

/// Items from which on a round takes no further order: their stock is read at once.
const MOST_ITEMS: usize = 2_000;

impl Core {
    pub(super) fn begin_round(&mut self) {
        if self.round.is_some() || self.ready.is_empty() {
            return;
        }
        let (mut round, mut items, mut orders) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut places = BTreeSet::new();
        while let Some(id) = self.ready.pop_front() {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            job.state = State::Looking { again: false };
            items.extend(job.missing.lines.iter().map(|line| line.item_id.clone()));
            orders.push(job.order.clone());
            // Its address stands before what is due.
            places.insert((Topic::OrdersEvents, job.position.partition));
            round.push(id);
            if round.len() == PAGE || items.len() >= MOST_ITEMS {
                break;
            }
        }
        if round.is_empty() {
            return;
        }
        places.extend(items.iter().map(|item| (Topic::InventoryEvents, self.setup.shards.of_key(item.as_str()).0)));
        places.extend(self.setup.shards.all().map(|shard| (Topic::WarehousesEvents, shard.0)));
        let mut floor = Floor::default();
        places.into_iter().for_each(|place| floor.raise(place.0, place.1, self.reached(place)));
        self.effects.push(Effect::Look { floor, items: items.into_iter().collect(), orders });
        self.round = Some(round);
    }

    /// Takes what the round is made from, and makes its plans.
    pub fn looked(&mut self, mut known: Known, now: Timestamp, now_ms: u64) {
        for id in self.round.take().unwrap_or_default() {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            let again = matches!(job.state, State::Looking { again: true });
            let inputs = known.inputs(&job.order, &job.missing.lines, self.setup.consolidate);
            let planned = plan(&inputs, |at| job.sub_order_id(at));
            if planned.is_empty() && job.missing.is_backorder {
                if again {
                    job.state = State::Ready;
                    self.ready.push_back(id);
                } else {
                    self.close(id, true);
                }
                continue;
            }
            known.take(&inputs.lines, &planned);
            let planned = with_arrivals(now, &inputs, planned);
            job.state = State::Submitting(Box::new(job.plan(planned, inputs)));
            self.submit(id, now_ms);
        }
    }
}
