//! The right to write a shard on Kafka.

use super::{
    client::{self, Consuming, GOES, Isolation},
    intake::{Intake, Unreadable},
    owned::Owned,
    producer::Transactor,
    records::{self, Outgoing},
    shared::Shared,
    shelf::Shelf,
    writer::{Work, Writer},
};
use crate::{Batch, CommitOutcome, Consumed, Lease, LogError, Polled, Received};
use schemas::{ShardId, Topic};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// How soon a poll that waits sees that the lease is over.
const STEP: Duration = Duration::from_millis(25);
/// How long a poll that brought nothing waits to hear where the topics end.
const ANSWER: Duration = Duration::from_millis(100);
/// While there is always more, it is asked so often how far that goes.
const OFTEN: Duration = Duration::from_millis(20);
/// A poll that waits for less than this waits for the answer.
const SOON: Duration = Duration::from_millis(40);

/// A poll brings no more commands than so many: those are written while the next are decided. Measured: with 1,024 in flight
/// more are decided than with 256; with 32, fewer are where 64 are in flight, for they take two transactions.
const PIECE: usize = 64;

/// A question where the command topics end, and how far it has come.
enum Asked {
    Open(mpsc::Receiver<Option<Vec<u64>>>),
    Answered(Vec<u64>),
}

/// See the module.
pub(super) struct KafkaLease {
    shared: Arc<Shared>,
    shard: ShardId,
    epoch: u64,
    owned: Arc<Owned>,
    /// As it was when the lease was taken.
    consumed: Consumed,
    /// As it stands after all that was handed over.
    known: Consumed,
    seqs: [u64; Topic::EVENTS.len()],
    writer: Writer,
    /// Reads snapshots.
    snapshots: Option<Consuming>,
    intake: Option<Intake>,
    /// Asked by a poll, and not reached since.
    asked: Option<Asked>,
    /// When that was asked last.
    asked_at: Instant,
}

impl KafkaLease {
    /// The lease that `owned` says is the newest.
    pub(super) fn new(
        owned: Owned,
        epoch: u64,
        consumed: Consumed,
        seqs: [u64; Topic::EVENTS.len()],
        writing: (Transactor, Shelf),
    ) -> Result<Self, LogError> {
        let owned = Arc::new(owned);
        let (shared, shard) = (Arc::clone(owned.shared()), owned.shard());
        let writer = Writer::start(&owned, writing.0, shared.ends.group()?, writing.1, consumed)?;
        let (snapshots, intake, asked, asked_at) = (None, None, None, Instant::now());
        Ok(Self {
            shared,
            shard,
            epoch,
            owned,
            consumed,
            known: consumed,
            seqs,
            writer,
            snapshots,
            intake,
            asked,
            asked_at,
        })
    }

    /// Writes the record of the lease itself, with the positions: a later owner knows that this one had begun.
    pub(super) fn begin(&self) -> CommitOutcome {
        let records = vec![records::lease(self.shard, self.epoch, self.consumed)];
        self.writer.hand_over(Work { records, consumed: Some(self.consumed), replies: Vec::new() });
        self.writer.settle()
    }

    /// Why nothing more can be done with the lease, if that is so.
    fn alive(&self) -> Result<(), LogError> {
        match self.writer.failed() {
            Some(CommitOutcome::Aborted | CommitOutcome::Indefinite) => {
                Err(LogError::Unavailable("what was decided could not be written".to_owned()))
            }
            Some(_) => Err(LogError::Fenced),
            None if self.owned.is_lost() => Err(LogError::Fenced),
            None => Ok(()),
        }
    }

    /// A command that cannot be read goes to the dead letters, in the transaction that passes it.
    fn bury(&mut self, command: Unreadable) -> Result<(), LogError> {
        let Unreadable { source, letter } = command;
        tracing::error!(
            shard = self.shard.0,
            ?source,
            key = letter.key,
            "a command cannot be read; it is kept in the dead letters"
        );
        self.known.pass(source);
        let letter = Outgoing::plain(Topic::DeadLetters, self.shard.0, letter.key, Some(letter.value));
        self.writer.hand_over(Work { records: vec![letter], consumed: Some(self.known), replies: Vec::new() });
        self.writer.settle();
        self.alive()
    }

    /// Takes commands: what is there, or what comes within `wait`.
    fn take(&mut self, max: usize, wait: Duration) -> Result<Vec<Received>, LogError> {
        let mut commands = Vec::new();
        let until = Instant::now() + wait;
        let Some(intake) = &mut self.intake else { return Ok(commands) };
        intake.take(&mut commands, max, Duration::ZERO)?;
        // Asked after this poll began: what stood there then stands before the answer.
        if self.asked.is_none() && (commands.is_empty() || self.asked_at.elapsed() > OFTEN) {
            let asked = self.shared.ends.ask(intake.places(), !commands.is_empty() || wait < SOON);
            (self.asked, self.asked_at) = (Some(Asked::Open(asked)), Instant::now());
        }
        while commands.is_empty() && intake.is_open() && !self.shared.is_closing() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { break };
            intake.take(&mut commands, max, left.min(STEP))?;
            if self.owned.is_lost() || self.writer.failed().is_some() {
                break;
            }
        }
        Ok(commands)
    }

    /// Whether all that stood there when it was last asked has been taken.
    fn is_drained(&mut self, wait: Duration) -> bool {
        let (Some(asked), Some(intake)) = (self.asked.take(), &self.intake) else { return false };
        let ends = match asked {
            Asked::Answered(ends) => ends,
            Asked::Open(answer) => match answer.recv_timeout(wait) {
                Ok(Some(ends)) => ends,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.asked = Some(Asked::Open(answer));
                    return false;
                }
                // The brokers did not say.
                Ok(None) | Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            },
        };
        let is_drained = intake.has_reached(&ends);
        self.asked = (!is_drained).then_some(Asked::Answered(ends));
        is_drained
    }

    fn check(&self, batch: &Batch) -> [u64; Topic::EVENTS.len()] {
        let mut seqs = self.seqs;
        for event in &batch.events {
            let index = Topic::EVENTS.iter().position(|topic| *topic == event.topic);
            let last = &mut seqs[index.expect("events stand in events topics")];
            assert_eq!(event.envelope.seq, *last + 1, "seqs of {}/{} are dense", event.topic, self.shard.0);
            assert_eq!(event.envelope.epoch, self.epoch, "an event carries its lease's epoch");
            *last += 1;
        }
        seqs
    }
}

impl Lease for KafkaLease {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn consumed(&self) -> Consumed {
        self.consumed
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        self.alive()?;
        self.intake = None;
        self.asked = None;
        self.intake = Some(Intake::start(&self.shared, self.shard, consumed)?);
        Ok(())
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError> {
        if self.owned.is_lost() {
            return Ok(Polled { closed: true, ..Polled::default() });
        }
        self.alive()?;
        if self.intake.is_none() {
            return Ok(Polled { closed: self.shared.is_closing(), ..Polled::default() });
        }
        while let Some(command) = self.intake.as_mut().and_then(|intake| intake.unreadable(self.known)) {
            self.bury(command)?;
        }
        let is_carried = self.asked.is_some();
        let commands = self.take(max.min(PIECE), wait)?;
        if self.owned.is_lost() {
            return Ok(Polled { closed: true, ..Polled::default() });
        }
        let drained = self.is_drained(if commands.is_empty() { ANSWER } else { Duration::ZERO });
        let closed = self.shared.is_closing() && drained && commands.is_empty();
        Ok(Polled { commands, drained, is_carried, closed })
    }

    fn commit(&mut self, batch: Batch) -> CommitOutcome {
        match self.hand_over(batch) {
            CommitOutcome::Committed => self.writer.settle(),
            failed => failed,
        }
    }

    fn hand_over(&mut self, mut batch: Batch) -> CommitOutcome {
        if self.owned.is_lost() {
            return CommitOutcome::Fenced;
        }
        if let Some(failed) = self.writer.failed() {
            return failed;
        }
        let seqs = self.check(&batch);
        let consumed = self.known.later(batch.consumed);
        let saves = !batch.snapshots.is_empty();
        let mut records = records::encode(&self.shared.topics, self.shard, &self.shared.source, &mut batch);
        if saves {
            // Stands in where the group's positions are forgotten, whatever becomes of the checkpoint.
            records.insert(0, records::lease(self.shard, self.epoch, consumed));
        }
        let moved = (consumed != self.known).then_some(consumed);
        let outcome = self.writer.hand_over(Work { records, consumed: moved, replies: batch.replies });
        if outcome == CommitOutcome::Committed {
            (self.seqs, self.known) = (seqs, consumed);
        }
        outcome
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.writer.settle();
        self.alive()?;
        if self.snapshots.is_none() {
            let Shared { config, health, .. } = &*self.shared;
            self.snapshots =
                Some(client::consumer(config, health, &client::readers(config), Isolation::Committed, GOES)?);
        }
        let consumer = self.snapshots.as_ref().expect("made above");
        self.writer.shelf().lock().read(consumer, &self.shared.topics, self.shard, key)
    }

    fn is_durable(&self) -> bool {
        self.writer.is_idle()
    }
}
