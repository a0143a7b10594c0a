//! The topic of dead letters: what the views show of them, and the requests to redrive that the projector is to obey.

use super::batch::Batch;
use event_log::{
    DeadLetter, LetterKind, Record,
    redrive::{DONE, REQUESTED, Redrive},
};
use read_model::{
    Checkpoint,
    views::dead_letters::{LetterRow, RedriveRow, letter_rows, redrive_row},
};
use schemas::Topic;
use serde_json::Value;

/// A request to redrive a parked key.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Where it stands in its partition of the dead letters.
    pub(super) offset: u64,
    pub(super) partition: u32,
    pub(super) redrive: Redrive,
    /// Whether somebody has told what came of it.
    pub(super) is_answered: bool,
}

/// A partition of the dead letters.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The next offset.
    pub(super) read: u64,
    /// Requests that are not obeyed yet.
    pub(super) pending: Vec<Request>,
    /// Places of requests that a pass has taken up: until it ends they are read again after a crash.
    pub(super) under_way: Vec<u64>,
}

impl Letters {
    pub(super) fn at(checkpoint: Checkpoint) -> Self {
        Self { read: checkpoint.offset, ..Self::default() }
    }

    /// Moves past a record.
    pub(super) fn take(&mut self, record: &Record, batch: &mut Batch) {
        if record.offset < self.read {
            return;
        }
        self.read = record.offset + 1;
        if let Some(letter) = DeadLetter::read(record) {
            match Redrive::read(&letter) {
                Some(redrive) => self.redriven(redrive, record, batch),
                None => batch.rows.extend(row(&letter, record).iter().flat_map(letter_rows)),
            }
        }
        batch.checkpoints.insert((Topic::DeadLetters, record.partition), self.checkpoint());
    }

    fn redriven(&mut self, redrive: Redrive, record: &Record, batch: &mut Batch) {
        let Redrive { of, request, by, at, outcome, detail, .. } = redrive.clone();
        let row = RedriveRow { request, by, at, outcome, detail };
        batch.rows.push(redrive_row(&of, &row, record.offset));
        if redrive.outcome == REQUESTED && redrive.target.is_some() {
            let (offset, partition) = (record.offset, record.partition);
            self.pending.push(Request { offset, partition, redrive, is_answered: false });
        } else {
            let is_it = |asked: &Redrive| (&asked.request, &asked.of) == (&redrive.request, &redrive.of);
            let answered = self.pending.iter_mut().filter(|request| is_it(&request.redrive));
            answered.for_each(|request| request.is_answered = true);
        }
    }

    /// Where reading goes on after a crash: before what was asked and is not done.
    fn checkpoint(&self) -> Checkpoint {
        let open = self.pending.iter().map(|request| request.offset).chain(self.under_way.iter().copied());
        let offset = open.min().unwrap_or(self.read).min(self.read);
        Checkpoint { seq: offset, offset, epoch: 0 }
    }
}

/// The row of a letter. What stands behind a parked event makes none: the first of them speaks for all.
fn row(letter: &DeadLetter, record: &Record) -> Option<LetterRow> {
    let code = letter.text("code").map(str::to_owned);
    if letter.kind == LetterKind::Event && code.as_deref() == Some("behind_parked") {
        return None;
    }
    let mut from = letter.fields.get("from").cloned().unwrap_or(Value::Null);
    if let Some(from) = from.as_object_mut() {
        // They may be long; whoever looks at the letter reads it whole.
        from.remove("headers");
        from.remove("event");
    }
    Some(LetterRow {
        id: letter.id(),
        partition: record.partition,
        offset: record.offset,
        key: letter.key.clone(),
        kind: letter.kind.as_str().to_owned(),
        code,
        reason: letter.text("reason").unwrap_or_default().to_owned(),
        at: letter.at(),
        from,
    })
}

/// That nothing of what was asked for is parked.
pub(super) fn nothing_parked(asked: &Redrive) -> Redrive {
    Redrive { outcome: DONE.to_owned(), detail: Some("it is not parked".to_owned()), ..asked.clone() }
}
