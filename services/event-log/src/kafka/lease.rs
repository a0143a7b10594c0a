//! The right to write a shard on Kafka.

use super::{
    client::{self, Consuming, GOES, Isolation},
    gates::Gate,
    intake::{Intake, Unreadable},
    owned::Owned,
    producer::Transactor,
    records::{self, Outgoing},
    shared::Shared,
    shelf::Shelf,
    writer::{Work, Writer},
};
use crate::{Batch, CommitOutcome, Consumed, Lease, LogError, Polled, Received, shortcut::from_memory};
use schemas::{CommandEnvelope, ShardId, Topic};
use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    time::{Duration, Instant},
};

/// How soon a poll that waits sees that the lease is over.
const STEP: Duration = Duration::from_millis(25);
/// How long a poll that brought nothing waits to hear where the topics end.
const ANSWER: Duration = Duration::from_millis(100);
/// While there is always more, it is asked so often how far that goes.
const OFTEN: Duration = Duration::from_millis(20);
/// So long a poll waits for commands that wait until all is taken that went by the log.
const BRIEF: Duration = Duration::from_millis(1);
/// What a lease leaves behind is sent on in pieces of so many; the brokers may take so long to take it.
const LEFT: usize = 256;
const SEND_ON: Duration = Duration::from_secs(1);
/// A poll that waits for less than this waits for the answer.
const SOON: Duration = Duration::from_millis(40);

/// A poll brings no more commands than so many: those are written while the next are decided. Measured: with 1,024 in flight
/// more are decided than with 256; with 32, fewer are where 64 are in flight, for they take two transactions.
const PIECE: usize = 64;

/// After this no command of this process is on its way by the log any more: it was told so, or its thread has ended.
const LOST: Duration = Duration::from_secs(10);

/// A question where the command topics end.
struct Asked {
    answer: Answer,
    /// How many commands had come in memory when it was asked.
    come: u64,
}

/// How far the question has come.
enum Answer {
    Open(mpsc::Receiver<Option<Vec<u64>>>),
    Told(Vec<u64>),
}

/// Whether commands of this process are taken in memory.
enum Opening {
    /// Some may be on their way by the log, since then.
    Waits(Instant),
    /// None is: once the log has been taken as far as it goes now, they are.
    Settled,
    Open,
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
    opening: Opening,
    /// What came in memory since a batch was handed over.
    given: Vec<Arc<CommandEnvelope>>,
    /// What came in memory and was surely not written.
    unwritten: Vec<Arc<CommandEnvelope>>,
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
        let writer = Writer::start(&owned, writing.0, shared.ends.group()?, writing.1)?;
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
            opening: Opening::Waits(asked_at),
            given: Vec::new(),
            unwritten: Vec::new(),
        })
    }

    /// Writes the record of the lease itself, with the positions: a later owner knows that this one had begun.
    pub(super) fn begin(&self) -> CommitOutcome {
        let records = vec![records::lease(self.shard, self.epoch, self.consumed)];
        self.writer.hand_over(Work { records, consumed: Some(self.consumed), ..Work::default() });
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
        self.writer.hand_over(Work { records: vec![letter], consumed: Some(self.known), ..Work::default() });
        self.writer.settle();
        self.alive()
    }

    fn gate(&self) -> &Arc<Gate> {
        self.shared.gates.of(self.shard)
    }

    const fn is_open(&self) -> bool {
        matches!(self.opening, Opening::Open)
    }

    /// Sees whether all that this process sent by the log has reached it.
    fn settle(&mut self) {
        let Opening::Waits(since) = self.opening else { return };
        if !self.gate().is_settled() {
            if since.elapsed() < LOST {
                return;
            }
            self.gate().forget_sent();
        }
        // Asked anew: all of it stands before the answer.
        (self.opening, self.asked) = (Opening::Settled, None);
    }

    /// Takes commands: what is there, or what comes within `wait`.
    fn take(&mut self, max: usize, wait: Duration) -> Result<Vec<Received>, LogError> {
        let until = Instant::now() + wait;
        let mut commands = self.take_now(max)?;
        // Asked after this poll began: what stood there then stands before the answer.
        if self.asked.is_none()
            && (commands.is_empty() || self.asked_at.elapsed() > OFTEN)
            && let Some(intake) = &self.intake
        {
            let come = self.gate().come();
            let is_urgent = !commands.is_empty() || wait < SOON || !self.is_open();
            let answer = self.shared.ends.ask(intake.places(), is_urgent);
            (self.asked, self.asked_at) = (Some(Asked { answer: Answer::Open(answer), come }), Instant::now());
        }
        while commands.is_empty() && !self.shared.is_closing() {
            let now = Instant::now();
            let is_open = self.intake.as_ref().is_some_and(Intake::is_open);
            if now >= until || !is_open || self.owned.is_lost() || self.writer.failed().is_some() {
                break;
            }
            let is_held = self.gate().is_held(self.epoch);
            self.gate().wait(self.epoch, until.min(now + if is_held { BRIEF } else { STEP }));
            commands = self.take_now(max)?;
            if is_held {
                // What keeps them is looked at by each poll.
                break;
            }
        }
        Ok(commands)
    }

    /// Takes commands that are there: from the log at most half of them if some wait in memory.
    fn take_now(&mut self, max: usize) -> Result<Vec<Received>, LogError> {
        let mut commands = Vec::new();
        let gate = self.shared.gates.of(self.shard);
        let of_log = if gate.is_ready(self.epoch) { max.div_ceil(2) } else { max };
        if let Some(intake) = &mut self.intake {
            intake.take(&mut commands, of_log)?;
        }
        gate.take(self.epoch, &mut commands, max);
        self.given.extend(from_memory(&commands));
        Ok(commands)
    }

    /// Whether all that stood there when it was last asked has been taken.
    fn is_drained(&mut self, wait: Duration) -> bool {
        let (Some(Asked { answer, come }), Some(intake)) = (self.asked.take(), &self.intake) else { return false };
        let ends = match answer {
            Answer::Told(ends) => ends,
            Answer::Open(answer) => match answer.recv_timeout(wait) {
                Ok(Some(ends)) => ends,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.asked = Some(Asked { answer: Answer::Open(answer), come });
                    return false;
                }
                // The brokers did not say.
                Ok(None) | Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            },
        };
        // Not as far as internal commands go: another shard's transaction may hold those up.
        if matches!(self.opening, Opening::Settled) && intake.has_reached_clients(&ends) {
            self.gate().open(self.epoch);
            self.opening = Opening::Open;
        }
        let is_drained = intake.has_reached(&ends) && self.gate().has_taken(come);
        self.asked = (!is_drained).then_some(Asked { answer: Answer::Told(ends), come });
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
        self.opening = Opening::Waits(Instant::now());
        self.gate().begin(self.epoch);
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
        self.settle();
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
        let mut given = std::mem::take(&mut self.given);
        let failed = self.owned.is_lost().then_some(CommitOutcome::Fenced).or_else(|| self.writer.failed());
        if let Some(failed) = failed {
            self.unwritten.append(&mut given);
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
        // Answers wait for a transaction, and be it of positions that have not moved: who is not the owner any more answers
        // nobody, also of what came in memory. And the brokers forget what nobody has told them for a week.
        let is_bare = records.is_empty() && !(batch.replies.is_empty() && given.is_empty());
        let moved = (saves || is_bare || consumed != self.known).then_some(consumed);
        let outcome = self.writer.hand_over(Work { records, consumed: moved, replies: batch.replies, given });
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

impl Drop for KafkaLease {
    /// What came in memory is for the next owner if it was not taken, or if the lease still has the shard and no transaction of
    /// it was begun, or that is known to be aborted. The rest is unknown to its clients: it may have taken effect, or the next
    /// owner's clock may be past what it was in time for.
    fn drop(&mut self) {
        // One more than there are: until all is sent, no lease may think so.
        let sending = self.gate().count(1);
        let mut left = self.writer.end();
        left.append(&mut self.unwritten);
        left.append(&mut self.given);
        if self.owned.is_lost() || self.writer.failed() == Some(CommitOutcome::Fenced) {
            left.clear();
        }
        let count = self.gate().count(left.len());
        let until = Instant::now() + SEND_ON;
        let mut lost = self.shared.send_on(left, &count, until);
        loop {
            let (left, count) = self.gate().leave(self.epoch, LEFT);
            if left.is_empty() {
                break;
            }
            lost += self.shared.send_on(left, &count, until);
        }
        sending.fetch_sub(1, Ordering::AcqRel);
        if lost > 0 {
            let shard = self.shard.0;
            tracing::warn!(shard, lost, "commands were not sent on: their clients do not hear of them, and ask again");
        }
    }
}
