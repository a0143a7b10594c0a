//! News for all followers of a store, chunk by chunk.

use super::{Core, Effect, Page};
use read_model::views::fan_outs::Cursor;
use schemas::StoreId;

/// Jobs for followers that are read at once: each has a chunk in memory.
const MOST_AT_ONCE: usize = 8;

/// How far a job for followers is.
#[derive(Debug)]
pub(super) struct FanOut {
    store: StoreId,
    has_begun: bool,
    /// Where it goes on behind the chunk that is being told; none behind the last one.
    next: Option<Cursor>,
    /// Chunks told.
    chunks: u64,
}

impl FanOut {
    /// That has not begun.
    pub fn of(store: StoreId) -> Self {
        Self { store, has_begun: false, next: None, chunks: 0 }
    }
}

impl Core {
    /// Begins with those whose turn it is. News of one drop wait for each other: nobody hears of its end before its begin.
    pub(super) fn begin_fan_outs(&mut self) {
        loop {
            let begun = self.jobs.values().filter(|job| job.fan_out.as_ref().is_some_and(|fan_out| fan_out.has_begun));
            let drops: Vec<_> = begun.map(|job| job.news.drop.clone()).collect();
            if drops.len() >= MOST_AT_ONCE {
                return;
            }
            let is_free = |id: &u64| self.jobs.get(id).is_some_and(|job| !drops.contains(&job.news.drop));
            let Some(at) = self.idle.iter().position(is_free) else { return };
            let Some(job) = self.idle.remove(at) else { return };
            if let Some(fan_out) = self.jobs.get_mut(&job).and_then(|job| job.fan_out.as_mut()) {
                fan_out.has_begun = true;
            }
            self.read_on(job, None);
        }
    }

    fn read_on(&mut self, id: u64, from: Option<Cursor>) {
        let Some(job) = self.jobs.get(&id) else { return };
        let Some(fan_out) = &job.fan_out else { return };
        self.effects.push(Effect::Page { job: id, event: job.event, store: fan_out.store.clone(), from });
    }

    /// Takes a chunk of followers.
    pub fn paged(&mut self, id: u64, page: Page, now_ms: u64) {
        let Some(fan_out) = self.jobs.get_mut(&id).and_then(|job| job.fan_out.as_mut()) else { return };
        fan_out.next = page.next;
        if page.followers.is_empty() {
            self.chunk_told(id);
            return;
        }
        self.tell_in_turn(id, page.followers);
        self.release(now_ms);
    }

    /// A chunk is told whole: its end is noted, and the next one is read.
    pub(super) fn chunk_told(&mut self, id: u64) {
        let end = self.setup.shards.get();
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let (event, Some(fan_out)) = (job.event, job.fan_out.as_mut()) else { return };
        fan_out.chunks += 1;
        let next = fan_out.next.take();
        let is_last = next.is_none();
        // The end is noted too: the checkpoint follows later, and a crash between the two must not tell a million again.
        let cursor = next.unwrap_or(Cursor { partition: end, after: None, chunks: fan_out.chunks });
        fan_out.chunks = cursor.chunks;
        self.effects.push(Effect::Keep { event, cursor: cursor.clone() });
        if is_last {
            self.close(id);
        } else {
            self.read_on(id, Some(cursor));
        }
    }
}
