//! Events that came before the row that they change was read.

/// Events of a row that is being read, with their seqs.
#[derive(Debug)]
pub(super) struct Later<E> {
    events: Vec<(u64, E)>,
    is_too_many: bool,
}

impl<E> Default for Later<E> {
    fn default() -> Self {
        Self { events: Vec::new(), is_too_many: false }
    }
}

impl<E> Later<E> {
    /// Keeps an event, `most` of them at most; beyond that the row must be read again.
    pub fn keep(&mut self, most: usize, seq: u64, event: E) {
        if self.events.len() >= most {
            self.events = Vec::new();
            self.is_too_many = true;
        }
        if !self.is_too_many {
            self.events.push((seq, event));
        }
    }

    /// The events after a seq, where all are here; none where some were lost, and keeping begins anew.
    pub fn after(&mut self, seq: u64) -> Option<impl Iterator<Item = (u64, E)> + use<E>> {
        let events = std::mem::take(&mut self.events);
        if std::mem::take(&mut self.is_too_many) {
            return None;
        }
        Some(events.into_iter().filter(move |(at, _)| *at > seq))
    }
}
