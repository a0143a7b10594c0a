//! Wakes: an item has units again, and those who wait for it are planned.

use super::{Core, Effect, Listed};
use crate::{
    job::{Job, State, Ticket, Wake},
    look::Floor,
};
use read_model::views::backorders::BackorderRow;
use schemas::{ItemId, Topic};

/// Items whose lists are read at once.
const WAKES_AT_ONCE: usize = 64;

impl Core {
    /// Wakes who waits for an item; under which number its record is open, if it need be.
    pub(super) fn stir(&mut self, item: ItemId, ticket: Ticket) -> Option<u64> {
        if planted::bug!("backorder-never-woken") {
            return None;
        }
        let id = self.next;
        if let Some(wake) = self.by_item.get(&item).and_then(|open| self.wakes.get_mut(open)) {
            // What has not begun to read its list reads it after this; else it starts over once.
            let starts_over = (wake.is_listing || wake.after.is_some() || wake.waiting > 0) && wake.later.is_none();
            if starts_over {
                wake.later = Some((id, ticket));
                self.next += 1;
            }
            return starts_over.then_some(id);
        }
        self.next += 1;
        self.by_item.insert(item.clone(), id);
        self.rouse(id, Wake { item, ticket, later: None, is_listing: false, after: None, waiting: 0, is_last: false });
        Some(id)
    }

    fn rouse(&mut self, id: u64, wake: Wake) {
        self.wakes.insert(id, wake);
        self.pending.push_back(id);
    }

    /// Goes on with a wake whose page is done.
    pub(super) fn turn_page(&mut self, id: u64) {
        let Some(wake) = self.wakes.get_mut(&id) else { return };
        if wake.is_listing || wake.waiting > 0 {
            return;
        }
        if !wake.is_last {
            self.pending.push_back(id);
            return;
        }
        let Some(wake) = self.wakes.remove(&id) else { return };
        self.close_at(id, wake.ticket);
        match wake.later {
            Some((next, ticket)) => {
                self.by_item.insert(wake.item.clone(), next);
                let wake = Wake { ticket, later: None, after: None, is_last: false, ..wake };
                self.rouse(next, wake);
            }
            None => _ = self.by_item.remove(&wake.item),
        }
    }

    pub(super) fn begin_listing(&mut self) {
        if self.listing.is_some() || self.pending.is_empty() {
            return;
        }
        let mut floor = Floor::default();
        for ((topic, partition), frontier) in &self.frontiers {
            if *topic == Topic::OrdersEvents {
                floor.raise(*topic, *partition, frontier.reached().offset);
            }
        }
        let (mut listing, mut wanted) = (Vec::new(), Vec::new());
        while let Some(id) = self.pending.pop_front() {
            let Some(wake) = self.wakes.get_mut(&id) else { continue };
            wake.is_listing = true;
            wanted.push((wake.item.clone(), wake.after.clone()));
            listing.push(id);
            if listing.len() == WAKES_AT_ONCE {
                break;
            }
        }
        if !listing.is_empty() {
            self.effects.push(Effect::List { floor, wanted });
            self.listing = Some(listing);
        }
    }

    /// Takes the pages that were asked for, in that order.
    pub fn listed(&mut self, pages: Vec<Listed>, now_ms: u64) {
        for (id, page) in self.listing.take().unwrap_or_default().into_iter().zip(pages) {
            for row in page.rows {
                self.found(id, row, now_ms);
            }
            if let Some(wake) = self.wakes.get_mut(&id) {
                wake.is_listing = false;
                wake.is_last |= page.next.is_none();
                wake.after = page.next;
            }
            self.turn_page(id);
        }
    }

    /// Plans an order that a wake has found, or joins where that is under way.
    fn found(&mut self, wake: u64, row: BackorderRow, now_ms: u64) {
        let known = self.by_order.get(&row.order_id).copied();
        let revision = known.and_then(|id| self.jobs.get(&id)).map(|job| job.missing.revision);
        // A newer one has been heard of; it is looked at on its own.
        if revision.is_some_and(|revision| revision > row.revision) {
            return;
        }
        if let Some(wake) = self.wakes.get_mut(&wake) {
            wake.waiting += 1;
        }
        match known.and_then(|id| self.jobs.get_mut(&id)) {
            Some(job) if job.missing.revision == row.revision => {
                job.wakes.push(wake);
                if let State::Looking { again } = &mut job.state {
                    *again = true;
                }
            }
            Some(_) | None => {
                self.leave(&row.order_id, u32::MAX);
                self.begin(Job::of_row(row, wake), now_ms);
            }
        }
    }
}
