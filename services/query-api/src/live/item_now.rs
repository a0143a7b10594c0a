//! What is available of an item, as events tell it. Every event that changes stock carries the levels after it, so that
//! it does not matter which of them were in the row that it began with.

use read_model::views::{item::ItemRow, stock};
use schemas::item::{ItemEvent, ItemKind};

/// What everybody is told of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nobody has listed it.
    Unknown,
    /// Units that can be bought; `None` for a digital item.
    Available(Option<u64>),
}

/// An item that is watched.
#[derive(Debug, Default)]
pub(super) struct ItemNow {
    kind: Option<ItemKind>,
    is_priced: bool,
    available: i64,
    /// Of the event that `available` is from.
    levels_seq: u64,
    seq: u64,
    is_known: bool,
}

impl ItemNow {
    /// Takes an event; whether what is shown has changed.
    pub fn apply(&mut self, seq: u64, event: &ItemEvent) -> bool {
        let before = self.shown();
        if let ItemEvent::ItemListed(listed) = event {
            self.kind = Some(listed.catalog.kind);
        }
        self.is_priced |= matches!(event, ItemEvent::PriceChanged(_));
        if let Some(levels) = stock::levels(event) {
            self.levels(seq, levels.available);
        }
        self.seq = self.seq.max(seq);
        before != self.shown()
    }

    /// Takes the row of the view, which covers all that was read before the item was watched.
    pub fn begin(&mut self, row: Option<&ItemRow>) {
        self.is_known = true;
        let Some(row) = row else { return };
        self.kind = row.catalog.as_ref().map(|catalog| catalog.kind).or(self.kind);
        self.is_priced |= row.price.is_some();
        self.levels(row.seq, row.available);
        self.seq = self.seq.max(row.seq);
    }

    fn levels(&mut self, seq: u64, available: i64) {
        if seq > self.levels_seq {
            (self.available, self.levels_seq) = (available, seq);
        }
    }

    /// What everybody is told.
    pub fn shown(&self) -> Shown {
        match self.kind.filter(|_| self.is_priced) {
            None => Shown::Unknown,
            Some(kind) => Shown::Available(crate::items::available(kind, self.available)),
        }
    }

    /// The seq of the newest event in it.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether the row has been read.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }
}
