//! What a shopper is told while they look. Each notification counts, not only the newest: a few are kept, and who is too
//! slow for these is told that some were missed.

use read_model::views::inbox::InboxRow;
use schemas::{Timestamp, shopper::ShopperNotified};
use std::collections::VecDeque;

/// Notifications that are kept for who is slow.
const KEPT: usize = 32;

/// The inbox of a shopper who looks at it.
#[derive(Debug, Default)]
pub(super) struct InboxNow {
    newest: VecDeque<InboxRow>,
    /// The seq of the newest that is not kept any more.
    lost: u64,
}

impl InboxNow {
    /// Takes an event; whether there is anything for the inbox in it.
    pub fn apply(&mut self, seq: u64, told_at: Timestamp, event: &ShopperNotified) -> bool {
        if !event.channels.in_app {
            return false;
        }
        if self.newest.len() == KEPT
            && let Some(oldest) = self.newest.pop_front()
        {
            self.lost = oldest.seq;
        }
        self.newest.push_back(InboxRow { seq, told_at, notification: event.notification.clone() });
        true
    }

    /// What came after a seq, and whether some of it was lost.
    pub fn after(&self, seq: u64) -> (Vec<InboxRow>, bool) {
        (self.newest.iter().filter(|row| row.seq > seq).cloned().collect(), self.lost > seq)
    }

    /// The seq of the newest.
    pub fn newest(&self) -> u64 {
        self.newest.back().map_or(self.lost, |row| row.seq)
    }
}
