//! A pass over a partition that has been read before: the parked keys of it are tried again, from their first event that could
//! not be read up to where the partition is, and with them the views that stand still.
//!
//! Whatever stays unreadable is parked again from there; all else goes on with the others. Rows come before the row that says
//! that a key is no longer parked: a crash in between repeats the pass, which changes nothing that was done.

use super::{
    batch::{After, Batch, ReadEvent},
    letters::Request,
    partition::{Partition, Rules, Unread},
};
use event_log::{
    Record,
    redrive::{DONE, Redrive},
};
use read_model::{
    Checkpoint, RowWrite,
    views::parked::{self, Parked, ParkedState},
};
use schemas::{Envelope, Position, Timestamp, Topic};
use std::collections::BTreeMap;

/// How long, by the time of events, a row says that a key was redriven. A projector that has not heard of the request yet goes on
/// without the key, and its checkpoint passes events of it; whoever starts there folds them by this row.
const REMEMBERED_MS: i64 = 86_400_000;

/// See the module.
pub(super) struct Pass {
    /// Where it reads on.
    pub(super) next: Checkpoint,
    /// The keys that are tried, each from its offset on.
    keys: BTreeMap<String, u64>,
    /// From where on the views of several keys are fed again.
    mixed: Option<u64>,
    /// Who asked for it.
    pub(super) requests: Vec<Request>,
    /// What is parked again.
    failed: Vec<Parked>,
    /// The time of the newest event that it has seen.
    time: Timestamp,
}

impl Partition {
    /// Begins a pass over all that is parked; whether there is anything.
    pub(super) fn begin_pass(&mut self, requests: Vec<Request>) -> bool {
        let is_behind = |parked: &&Parked| parked.offset < self.at.offset;
        let Some(first) = self.waiting().filter(is_behind).min_by_key(|parked| parked.offset) else { return false };
        let next = Checkpoint { seq: first.first.seq - 1, offset: first.offset, epoch: 0 };
        let keys = self.parked.iter().filter(|(_, parked)| is_behind(parked));
        let keys = keys.map(|(key, parked)| (key.clone(), parked.offset)).collect();
        let mixed = self.mixed.as_ref().filter(is_behind).map(|stop| stop.offset);
        self.pass = Some(Pass { next, keys, mixed, requests, failed: Vec::new(), time: Timestamp::default() });
        true
    }

    /// Begins one that nobody has to ask for.
    pub(super) fn begin_pass_of_redriven(&mut self) {
        let was_redriven = self.waiting().any(|parked| parked.state == ParkedState::Redriven);
        if was_redriven || self.parked.is_empty() {
            self.begin_pass(Vec::new());
        }
    }

    /// Reads a record of the pass.
    pub(super) fn read_again(&mut self, record: &Record, rules: Rules, batch: &mut Batch) {
        let Some(pass) = &mut self.pass else { return };
        if record.offset < pass.next.offset || record.offset >= self.at.offset {
            return;
        }
        pass.next.offset = record.offset + 1;
        // Whatever has no attributes, or repeats an event, was passed over when it was read first.
        let Some(envelope) = record.envelope.as_ref().filter(|envelope| envelope.seq > pass.next.seq) else { return };
        pass.next.seq = envelope.seq;
        pass.time = pass.time.max(envelope.time);
        let subject = envelope.subject.as_str();
        let keyed = pass.keys.get(subject).is_some_and(|from| record.offset >= *from);
        let mixed = pass.mixed.is_some_and(|from| record.offset >= from);
        if !keyed && !mixed {
            return;
        }
        let position = Position { topic: record.topic, partition: record.partition, seq: envelope.seq };
        let unread = Unread { place: position, offset: record.offset, envelope, value: record.value.as_deref() };
        match unread.read(rules.read) {
            Ok(event) => {
                let event = ReadEvent { position, envelope: Envelope::clone(envelope), event, keyed, mixed };
                if planted::bug!("redrive-out-of-order") {
                    batch.events.insert(0, event);
                } else {
                    batch.events.push(event);
                }
            }
            Err(why) => self.fail(&unread, &why.to_string(), keyed, mixed),
        }
    }

    /// Parks again what cannot be read on.
    fn fail(&mut self, unread: &Unread<'_>, why: &str, keyed: bool, mixed: bool) {
        let Some(pass) = &mut self.pass else { return };
        let subject = unread.envelope.subject.as_str();
        if keyed && let Some(parked) = self.parked.get_mut(subject) {
            *parked = unread.parks(Some(subject), why, std::mem::take(&mut parked.letter));
            pass.keys.remove(subject);
            pass.failed.push(parked.clone());
        }
        if mixed && let Some(stop) = &mut self.mixed {
            *stop = unread.parks(None, why, std::mem::take(&mut stop.letter));
            pass.mixed = None;
            pass.failed.push(stop.clone());
        }
    }

    /// Whether the pass has come to where the partition is.
    pub(super) fn has_passed(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.next.offset >= self.at.offset)
    }

    /// Ends the pass: what it read whole goes on with the others.
    pub(super) fn end_pass(&mut self, topic: Topic, partition: u32) -> Option<(After, Vec<Request>)> {
        let pass = self.pass.take()?;
        let mut after = After { rows: pass.failed.iter().map(Parked::row).collect(), records: Vec::new() };
        let mut settled: Vec<Parked> = pass.keys.keys().filter_map(|key| self.parked.remove(key)).collect();
        settled.extend(self.mixed.take_if(|_| pass.mixed.is_some()));
        after.rows.extend(settled.iter().map(|parked| self.settled(topic, partition, parked, pass.time)));
        if let Some(asked) = pass.requests.first() {
            let keys = settled
                .iter()
                .map(|parked| (parked, None))
                .chain(pass.failed.iter().map(|parked| (parked, Some(&parked.reason))));
            for (parked, why) in keys {
                let Some(key) = &parked.key else { continue };
                let of_it = pass.requests.iter().find(|request| request.redrive.of == parked.letter);
                let redrive = outcome(&of_it.unwrap_or(asked).redrive, parked, why);
                after.records.push(redrive.record(key));
            }
        }
        Some((after, pass.requests))
    }

    /// The row of what is no longer parked.
    fn settled(&self, topic: Topic, partition: u32, parked: &Parked, time: Timestamp) -> RowWrite {
        let seq = self.at.seq;
        let since = match parked.state {
            ParkedState::Parked => time,
            ParkedState::Redriven => parked.since,
        };
        if time.millis() - since.millis() > REMEMBERED_MS {
            return parked::forgotten(topic, partition, parked.key.as_deref(), seq);
        }
        let first = Position { topic, partition, seq: seq + 1 };
        Parked { first, offset: self.at.offset, since, state: ParkedState::Redriven, ..parked.clone() }.row()
    }
}

/// What became of a key whose redrive was asked for.
fn outcome(asked: &Redrive, parked: &Parked, why: Option<&String>) -> Redrive {
    let (outcome, detail) = match why {
        None => (DONE, None),
        Some(why) => ("still_parked", Some(format!("{} cannot be read: {why}", parked.first))),
    };
    Redrive { of: parked.letter.clone(), outcome: outcome.to_owned(), detail, ..asked.clone() }
}
