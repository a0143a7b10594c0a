//! What the records of one batch become.

use event_log::NewRecord;
use read_model::{
    Checkpoints, RowKey, RowWrite, Table,
    fold::{Fact, FedBy},
};
use schemas::{Envelope, Event, Position};

/// An event that was read and is next in its partition.
pub(super) struct ReadEvent {
    pub(super) position: Position,
    pub(super) envelope: Envelope,
    pub(super) event: Event,
    /// Whether it is for the views whose rows follow from one key.
    pub(super) keyed: bool,
    /// Whether it is for those whose rows follow from several.
    pub(super) mixed: bool,
}

impl ReadEvent {
    const fn fact(&self) -> Fact<'_> {
        Fact { position: self.position, envelope: &self.envelope, event: &self.event }
    }
}

/// What is written after the rows of a batch, in this order: nobody may see it without them.
#[derive(Debug, Default)]
pub struct After {
    /// Rows that say that the others are there.
    pub rows: Vec<RowWrite>,
    /// What became of redrives.
    pub records: Vec<NewRecord>,
}

impl After {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.records.is_empty()
    }
}

/// Events of one batch, in the order of their partitions.
#[derive(Default)]
pub struct Batch {
    pub(super) events: Vec<ReadEvent>,
    pub(super) checkpoints: Checkpoints,
    /// Rows that follow from no view.
    pub(super) rows: Vec<RowWrite>,
    pub(super) letters: Vec<NewRecord>,
    pub(super) after: After,
}

impl Batch {
    /// How many events are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether neither a row nor a checkpoint follows from it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let has_rows = !self.events.is_empty() || !self.rows.is_empty() || !self.checkpoints.is_empty();
        !has_rows && self.letters.is_empty() && self.after.is_empty()
    }

    /// Whether it is the last one of a pass over what is parked.
    #[must_use]
    pub fn ends_pass(&self) -> bool {
        !self.after.rows.is_empty()
    }

    /// The dead letters: to be published before anything is written, or a crash would lose them.
    pub fn take_letters(&mut self) -> Vec<NewRecord> {
        std::mem::take(&mut self.letters)
    }

    /// What is written once the rest is.
    pub fn take_after(&mut self) -> After {
        std::mem::take(&mut self.after)
    }

    /// What a view is to fold of it.
    pub(super) fn facts(&self) -> Facts<'_> {
        let of = |is_for: fn(&ReadEvent) -> bool| self.events.iter().filter(move |event| is_for(event));
        Facts {
            keyed: of(|event| event.keyed).map(ReadEvent::fact).collect(),
            mixed: of(|event| event.mixed).map(ReadEvent::fact).collect(),
        }
    }
}

/// The facts of a batch, by who folds them.
pub(super) struct Facts<'e> {
    keyed: Vec<Fact<'e>>,
    mixed: Vec<Fact<'e>>,
}

impl<'e> Facts<'e> {
    pub(super) fn of(&self, view: FedBy) -> &[Fact<'e>] {
        match view {
            FedBy::OneKey => &self.keyed,
            FedBy::ManyKeys(_) => &self.mixed,
        }
    }
}

/// Rows of one view that are needed to fold a batch.
pub struct Needed {
    pub(super) view: usize,
    pub(super) is_more: bool,
    /// Their table.
    pub table: Table,
    /// Their keys.
    pub keys: Vec<RowKey>,
}
