//! One partition: which record is next, and which keys of it are parked.
//!
//! A key whose event cannot be read is parked from that event on: it and all later ones of the key become dead letters, in
//! their order, and the other keys go on. Views whose rows follow from several keys stand still from the first such event on.

use super::{
    batch::ReadEvent,
    redrive::Pass,
    stop::{StopReason, Stopped, Unreadable},
};
use event_log::{LetterKind, NewDeadLetter, Record, dead_letter::About};
use read_model::{
    Checkpoint,
    views::parked::{Parked, ParkedState},
};
use schemas::{Envelope, Event, EventReadError, Position};
use std::collections::BTreeMap;

/// The most keys of a partition that are parked; with one more the partition stops.
pub const MOST_PARKED: usize = 1_000;

/// Reads the value of an event of that type.
pub type ReadValue = fn(&str, &[u8]) -> Result<Event, EventReadError>;

/// What all partitions of a topic have in common.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) read: ReadValue,
    /// Whether views are fed by several keys of it.
    pub(super) is_mixed: bool,
}

#[derive(Default)]
pub(super) struct Partition {
    pub(super) at: Checkpoint,
    pub(super) stopped: Option<Stopped>,
    /// Records of fenced owners that were passed over.
    pub(super) ignored: u64,
    /// By key.
    pub(super) parked: BTreeMap<String, Parked>,
    /// Where the views that are fed by several keys stand still.
    pub(super) mixed: Option<Parked>,
    pub(super) pass: Option<Pass>,
}

/// What a record is.
pub(super) enum Taken {
    /// Nothing: a fenced owner repeats itself.
    Nothing,
    /// An event to fold.
    Event(Box<ReadEvent>),
    /// One of a key that is parked; since now, if that changed anything.
    Parked { letter: NewDeadLetter, changed: Vec<Parked> },
}

/// An event before its value is read.
pub(super) struct Unread<'r> {
    pub(super) place: Position,
    pub(super) offset: u64,
    pub(super) envelope: &'r Envelope,
    pub(super) value: Option<&'r [u8]>,
}

impl Unread<'_> {
    pub(super) fn read(&self, read: ReadValue) -> Result<Event, Unreadable> {
        let value = self.value.ok_or(Unreadable::NoValue)?;
        if Event::aggregate(self.place.topic, &self.envelope.subject).is_none() {
            return Err(Unreadable::Subject(self.envelope.subject.clone()));
        }
        let event = read(&self.envelope.event_type, value)?;
        if event.topic() != self.place.topic {
            return Err(Unreadable::Misplaced(event.event_type()));
        }
        Ok(event)
    }

    fn letter(&self, code: &str, reason: &str) -> NewDeadLetter {
        let Position { topic, partition, .. } = self.place;
        let mut from = About::place(topic, partition, self.offset);
        from.insert("event".to_owned(), serde_json::to_value(self.envelope).expect("attributes are words and numbers"));
        let about = About { kind: LetterKind::Event, code: code.to_owned(), at: self.envelope.time, from };
        NewDeadLetter::new(&self.envelope.subject, reason, self.value.unwrap_or_default(), about.fields())
    }

    /// The key of it, or (`None`) the views of several keys, parked from it on.
    pub(super) fn parks(&self, key: Option<&str>, why: &str, letter: String) -> Parked {
        Parked {
            key: key.map(str::to_owned),
            first: self.place,
            offset: self.offset,
            reason: why.to_owned(),
            since: self.envelope.time,
            letter,
            state: ParkedState::Parked,
        }
    }
}

impl Partition {
    /// Moves past a record.
    pub(super) fn take(&mut self, record: &Record, rules: Rules) -> Result<Taken, StopReason> {
        let envelope = record.envelope.as_ref().ok_or(StopReason::NoEvent)?;
        let Some(next) = self.next(record.offset, envelope)? else { return Ok(Taken::Nothing) };
        let place = Position { topic: record.topic, partition: record.partition, seq: envelope.seq };
        let unread = Unread { place, offset: record.offset, envelope, value: record.value.as_deref() };
        // What came before that event is its key's as ever: it is folded again after a crash.
        let parked = self.parked.get(&envelope.subject).filter(|parked| record.offset >= parked.offset);
        if let Some(parked) = parked.filter(|_| !planted::bug!("parked-key-folded")) {
            let is_first = record.offset == parked.offset;
            let code = if is_first { "unreadable_event" } else { "behind_parked" };
            let behind = format!("an earlier event of its key ({}) cannot be read", parked.first);
            let (why, of) = (if is_first { parked.reason.clone() } else { behind }, parked.letter.clone());
            let letter = unread.letter(code, &why);
            self.at = next;
            let changed = self.stand_still(&unread, &why, of, rules).into_iter().collect();
            return Ok(Taken::Parked { letter, changed });
        }
        match unread.read(rules.read) {
            Ok(event) => {
                self.at = next;
                let mixed = self.mixed.as_ref().is_none_or(|stop| record.offset < stop.offset);
                let (position, envelope) = (place, envelope.clone());
                Ok(Taken::Event(Box::new(ReadEvent { position, envelope, event, keyed: true, mixed })))
            }
            Err(why) if self.parked.len() >= MOST_PARKED => Err(StopReason::TooManyParked { most: MOST_PARKED, why }),
            Err(why) => {
                self.at = next;
                Ok(self.park(&unread, &why.to_string(), rules))
            }
        }
    }

    fn park(&mut self, unread: &Unread<'_>, why: &str, rules: Rules) -> Taken {
        let letter = unread.letter("unreadable_event", why);
        let key = unread.envelope.subject.clone();
        let parked = unread.parks(Some(&key), why, letter.id());
        self.parked.insert(key, parked.clone());
        let mut changed = vec![parked];
        changed.extend(self.stand_still(unread, why, letter.id(), rules));
        Taken::Parked { letter, changed }
    }

    /// Lets the views of several keys stand still from an event on that is parked, where they went on up to here.
    fn stand_still(&mut self, unread: &Unread<'_>, why: &str, letter: String, rules: Rules) -> Option<Parked> {
        let goes_on = self.mixed.as_ref().is_none_or(|stop| unread.offset < stop.offset);
        if !rules.is_mixed || !goes_on {
            return None;
        }
        self.mixed = Some(unread.parks(None, why, letter));
        self.mixed.clone()
    }

    /// Where the partition is after an event; `None` where a fenced owner repeats one.
    fn next(&mut self, offset: u64, envelope: &Envelope) -> Result<Option<Checkpoint>, StopReason> {
        let Checkpoint { seq: newest, epoch: newest_epoch, .. } = self.at;
        let (found, epoch) = (envelope.seq, envelope.epoch);
        if found <= newest {
            if epoch >= newest_epoch && !planted::bug!("fold-without-epoch") {
                return Err(StopReason::Repeated { found, epoch, newest, newest_epoch });
            }
            self.at.offset = offset + 1;
            self.ignored += 1;
            return Ok(None);
        }
        if found > newest + 1 && !planted::bug!("fold-without-seq") {
            return Err(StopReason::Gap { newest, found });
        }
        if epoch < newest_epoch {
            return Err(StopReason::EpochFell { epoch, newest_epoch });
        }
        Ok(Some(Checkpoint { seq: found, offset: offset + 1, epoch }))
    }

    /// Takes up what the store knows to be parked, or to have been redriven by a projector that had not come as far as this.
    pub(super) fn adopt(&mut self, parked: Parked) {
        if parked.state == ParkedState::Redriven && parked.offset >= self.at.offset {
            return;
        }
        match &parked.key {
            Some(key) => _ = self.parked.entry(key.clone()).or_insert(parked),
            None => _ = self.mixed.get_or_insert(parked),
        }
    }

    /// Whether events of a key, or of the views of several keys, have been passed over that a pass would fold.
    pub(super) fn is_behind(&self, key: &str) -> bool {
        self.parked.get(key).into_iter().chain(&self.mixed).any(|parked| parked.offset < self.at.offset)
    }

    /// What is parked: keys, and the views that stand still.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Parked> {
        self.parked.values().chain(&self.mixed)
    }
}
